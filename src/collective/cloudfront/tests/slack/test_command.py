"""Specification: what people type behind /cdn-purge, and what is said of the rest."""

from collective.cloudfront.slack.answers import not_understood
from collective.cloudfront.slack.command import Command
from collective.cloudfront.slack.command import Kind
from collective.cloudfront.slack.command import moment
from collective.cloudfront.slack.command import NoMoment
from collective.cloudfront.slack.command import NotUnderstood
from collective.cloudfront.slack.command import Problem
from collective.cloudfront.slack.command import read
from datetime import datetime
from datetime import timezone
from hypothesis import given
from hypothesis import strategies as st
from zoneinfo import ZoneInfo

import pytest


URL = "https://www.example.com/news"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Command(Kind.HELP)),
        ("  help ", Command(Kind.HELP)),
        ("status", Command(Kind.STATUS)),
        ("Status", Command(Kind.STATUS)),
        ("all", Command(Kind.ALL)),
        ("all at 03:00", Command(Kind.ALL, at="03:00")),
        ("/news", Command(Kind.PAGES, ("/news",))),
        ("/news /news", Command(Kind.PAGES, ("/news",))),
        ("/a /b below", Command(Kind.PAGES, ("/a", "/b"), below=True)),
        (f"{URL} below", Command(Kind.PAGES, (URL,), below=True)),
        (f"{URL} at 3:00", Command(Kind.PAGES, (URL,), at="3:00")),
        (
            "/news below at 2026-12-24 18:00",
            Command(Kind.PAGES, ("/news",), True, "2026-12-24T18:00"),
        ),
        (
            "/at at 2026-12-24T18:00+01:00",
            Command(Kind.PAGES, ("/at",), at="2026-12-24T18:00+01:00"),
        ),
        ("tag 9f3a #77c1", Command(Kind.TAGS, ("9f3a", "77c1"))),
        # As Slack writes links, and what has a meaning in them
        (f"<{URL}>", Command(Kind.PAGES, (URL,))),
        (f"<{URL}|example.com/news> below", Command(Kind.PAGES, (URL,), below=True)),
        ("/search?a=1&amp;b=2", Command(Kind.PAGES, ("/search?a=1&b=2",))),
        ("/news\u00a0below", Command(Kind.PAGES, ("/news",), below=True)),
    ],
)
def test_a_command_is_understood(text, command):
    assert read(text) == command


@pytest.mark.parametrize(
    ("text", "problem", "word"),
    [
        ("news", Problem.UNKNOWN_WORD, "news"),
        ("/news and /about", Problem.UNKNOWN_WORD, "and"),
        ("/news below /about", Problem.UNKNOWN_WORD, "below"),
        ("below", Problem.NO_PAGE, ""),
        ("tag", Problem.NO_TAG, ""),
        ("tag a,b", Problem.BAD_TAG, "a,b"),
        ("tag ä", Problem.BAD_TAG, "ä"),
        ("all /news", Problem.NOTHING_ELSE, "all"),
        ("all everything", Problem.NOTHING_ELSE, "all"),
        ("status now", Problem.NOTHING_ELSE, "status"),
        ("status at 03:00", Problem.NOTHING_ELSE, "status"),
        ("/news at", Problem.NO_TIME, ""),
        ("/news at three", Problem.NO_TIME, "three"),
        ("/news at 03:00 sharp please", Problem.NO_TIME, "03:00 sharp please"),
        (" ".join(f"/{n}" for n in range(51)), Problem.TOO_MANY, ""),
    ],
)
def test_what_is_not_understood_is_said(text, problem, word):
    with pytest.raises(NotUnderstood) as caught:
        read(text)
    assert (caught.value.problem, caught.value.word) == (problem, word)
    assert "Nothing was purged." in not_understood(caught.value)


def test_what_was_typed_has_no_meaning_in_the_answer():
    with pytest.raises(NotUnderstood) as caught:
        read("<!channel>`*x*")
    assert "`&lt;!channel&gt;'*x*`" in not_understood(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_command_or_is_not_understood(text):
    try:
        read(text)
    except NotUnderstood as error:
        assert not_understood(error)


BERLIN = ZoneInfo("Europe/Berlin")


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("at", "now", "expected"),
    [
        ("03:00", "2026-11-30T02:59+01:00", "2026-11-30T03:00+01:00"),
        ("03:00", "2026-11-30T03:00+01:00", "2026-12-01T03:00+01:00"),
        ("3:05", "2026-11-30T23:00+01:00", "2026-12-01T03:05+01:00"),
        # Clocks are changed in between
        ("03:00", "2026-10-24T12:00+02:00", "2026-10-25T03:00+01:00"),
        ("03:00", "2026-03-28T12:00+01:00", "2026-03-29T03:00+02:00"),
        ("2026-12-24T18:00", "2026-11-30T12:00+01:00", "2026-12-24T18:00+01:00"),
        ("2026-12-24T18:00Z", "2026-11-30T12:00+01:00", "2026-12-24T18:00+00:00"),
    ],
)
def test_a_time_is_the_next_one_in_the_time_zone_of_the_site(at, now, expected):
    assert moment(at, seconds(now), BERLIN) == seconds(expected)


@pytest.mark.parametrize("at", ["24:00", "03:60", "2026-02-30T03:00", "99:99"])
def test_what_is_no_time_is_refused(at):
    with pytest.raises(NoMoment):
        moment(at, 1.8e9, timezone.utc)
