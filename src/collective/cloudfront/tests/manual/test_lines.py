"""Specification: what a person types, line by line."""

from collective.cloudfront.manual.lines import items_of
from collective.cloudfront.manual.lines import MAX_LINES
from collective.cloudfront.manual.lines import Problem
from collective.cloudfront.manual.lines import read_lines
from collective.cloudfront.manual.lines import read_paths
from collective.cloudfront.planning.items import MAX_PATH_LENGTH
from hypothesis import given
from hypothesis import strategies as st

import pytest


HOSTS = {"www.example.com", "example.com:8080"}


def item(line: str) -> str:
    (read,) = read_lines(line, HOSTS)
    assert read.problem is None, read
    return read.item


def problem(line: str) -> Problem | None:
    (read,) = read_lines(line, HOSTS)
    assert not read.item
    return read.problem


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/", "/"),
        ("/news", "/news"),
        ("  /news/  ", "/news/"),
        ("/news*", "/news*"),
        ("/*", "/*"),
        ("/news?b_start:int=20", "/news?b_start:int=20"),
        ("/news#top", "/news"),
        ("/übersicht 2026", "/%C3%BCbersicht%202026"),
        ("https://www.example.com/news", "/news"),
        ("http://WWW.example.com", "/"),
        ("https://example.com:8080/a?b=c#d", "/a?b=c"),
        ("//www.example.com/a", "/a"),
        ("https://user:secret@www.example.com/a", "/a"),
    ],
)
def test_a_line_is_a_path_or_a_url(line, expected):
    assert item(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("news", Problem.NO_PATH),
        ("www.example.com/news", Problem.NO_PATH),
        ("ftp://www.example.com/news", Problem.SCHEME),
        ("javascript:alert(1)", Problem.SCHEME),
        ("https://elsewhere.org/news", Problem.OTHER_HOST),
        ("https://www.example.com:8080/news", Problem.OTHER_HOST),
        ("http://[::1", Problem.NO_PATH),
        ("/a*b", Problem.WILDCARD),
        ("/a**", Problem.WILDCARD),
        ("/*/a", Problem.WILDCARD),
        ("/a\tb", Problem.CONTROL),
        ("https://www.example.com/a\tb", Problem.CONTROL),
    ],
)
def test_a_line_that_is_neither_has_a_problem(line, expected):
    assert problem(line) == expected


def test_any_host_is_the_site_s_where_none_is_known():
    (line,) = read_lines("https://elsewhere.org/news")
    assert line.item == "/news"


def test_lines_are_numbered_as_they_were_typed():
    lines = read_lines("/a\n\n  \nb\n/a")
    assert [(line.number, line.item) for line in lines] == [
        (1, "/a"),
        (4, ""),
        (5, "/a"),
    ]
    assert items_of(lines) == ("/a",)


def test_too_many_lines_are_one_problem():
    lines = read_lines("\n".join(["/a"] * (MAX_LINES + 5)))
    assert len(lines) == MAX_LINES + 1
    assert lines[-1].problem is Problem.TOO_MANY
    assert lines[-1].number == MAX_LINES + 1


def test_each_path_of_a_program_is_one():
    lines = read_paths(["/a", " /b ", "", "/c\n/d", "https://example.com/a\nb"])
    assert [(line.number, line.item, line.problem) for line in lines] == [
        (1, "/a", None),
        (2, "/b", None),
        (3, "", Problem.NO_PATH),
        (4, "", Problem.CONTROL),
        (5, "", Problem.CONTROL),
    ]
    assert len(read_paths(["/a"] * (MAX_LINES + 5))) == MAX_LINES + 1


@given(st.text())
def test_every_text_is_read_into_items_that_cloudfront_takes(text):
    for line in read_lines(text):
        assert bool(line.item) != bool(line.problem)
        if line.item:
            assert line.item.startswith("/")
            assert line.item.isascii()
            assert line.item.isprintable()
            assert len(line.item) <= MAX_PATH_LENGTH
            assert "*" not in line.item[:-1]
