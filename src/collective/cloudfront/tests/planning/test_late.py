"""Specification: no answer that comes too late stays at the edge."""

from collective.cloudfront.planning import late
from collective.cloudfront.planning.late import Again
from collective.cloudfront.planning.late import Answer
from collective.cloudfront.planning.late import Lately
from collective.cloudfront.planning.late import Purge
from collective.cloudfront.planning.late import purged_again
from collective.cloudfront.tests.planning.edge import Change
from collective.cloudfront.tests.planning.edge import run
from collective.cloudfront.tests.planning.edge import TRANSIT
from collective.cloudfront.tests.planning.edge import Visit
from hypothesis import given
from hypothesis import strategies as st

import pytest


E1, E2 = "E1", "E2"
NOW = 1_800_000_000.0


@pytest.fixture
def clock():
    class Clock:
        now = NOW

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def lately(clock):
    lately = Lately(clock)
    lately.transit = 10.0
    return lately


def answer(*keys, snapshot=7, ended=NOW):
    return Answer(keys, snapshot, NOW - 1, ended)


def is_late(lately, path="/a", query="", tags=("tag",), snapshot=7, begun=NOW - 1):
    return lately.is_late(path, query, tags, begun, snapshot)


def purge(*items, transaction=8, at=NOW, token=""):
    return Purge({E1: items}, at, transaction, frozenset([token] if token else []))


def twice(item, due):
    return [Again(E1, item, 0.0), Again(E1, item, due)]


# --- what is late -----------------------------------------------------------------


@pytest.mark.parametrize("item", ["/a", "/*", "/a*", "#tag"])
def test_an_answer_of_an_older_snapshot_than_what_purged_it_is_late(lately, item):
    lately.learn([purge(item)])
    assert is_late(lately)


@pytest.mark.parametrize("item", ["/b", "/a/*", "#other"])
def test_what_another_purge_reaches_is_not_late(lately, item):
    lately.learn([purge(item)])
    assert not is_late(lately)


def test_an_answer_that_shows_what_was_committed_is_not_late(lately):
    lately.learn([purge("/a", transaction=7)])
    assert not is_late(lately, "/a")


@pytest.mark.parametrize(
    ("begun", "late"), [(NOW - 1, True), (NOW, True), (NOW + 1, False)]
)
def test_a_purge_without_a_transaction_counts_by_the_clock(lately, begun, late):
    lately.learn([purge("/a", transaction=0)])
    assert is_late(lately, "/a", snapshot=99, begun=begun) == late


@pytest.mark.parametrize(("begun", "late"), [(NOW + 5, True), (NOW + 11, False)])
def test_where_no_snapshot_is_known_some_lag_is_allowed_for(lately, begun, late):
    lately.learn([purge("/a")])
    assert is_late(lately, "/a", snapshot=None, begun=begun) == late


def test_the_whole_url_counts_and_the_one_without_its_query_string(lately):
    lately.learn([purge("/a")])
    assert is_late(lately, query="x=1")
    lately.learn([purge("/b?x=%C3%A4")])
    assert is_late(lately, "/b", "x=\u00e4")
    assert not is_late(lately, "/b", "x=2")


def test_what_is_older_than_what_was_forgotten_may_not_be_stored(lately, clock):
    lately.learn([purge("/a")])
    clock.now += late.REMEMBER_SECONDS + 1
    lately.learn([])
    assert is_late(lately, "/b", snapshot=7)
    assert not is_late(lately, "/a", snapshot=8)


def test_what_cannot_be_remembered_may_not_be_stored(lately, monkeypatch):
    monkeypatch.setattr(late, "MOST_ANSWERS", 2)
    assert [is_late(lately, "/a") for _ in range(3)] == [False, False, True]


def test_many_purges_are_forgotten_and_what_is_older_is_late(lately, monkeypatch):
    monkeypatch.setattr(late, "MOST_PURGES", 2)
    for number in range(5):
        lately.learn([purge(f"/{number}", transaction=number + 1)])
    assert is_late(lately, "/x", snapshot=2)
    assert not is_late(lately, "/x", snapshot=3)


# --- what is purged again -------------------------------------------------------------


def test_an_answer_on_its_way_is_purged_again_when_it_has_arrived(lately):
    assert not is_late(lately, "/a")
    assert lately.learn([purge("/a*")]) == twice("/a", NOW + 10)


def test_a_late_answer_is_purged_too_for_a_minimum_ttl_overrules_what_it_says(lately):
    lately.note(purge("/a*"))
    assert is_late(lately)
    assert lately.learn([]) == twice("/a", NOW + 10)
    assert lately.learn([]) == []


def test_what_was_sent_before_the_commit_is_not_purged_at_once_again(lately, clock):
    assert not is_late(lately)
    clock.now += 2
    assert lately.learn([purge("/a*", at=NOW + 1)]) == [Again(E1, "/a", NOW + 10)]


def test_what_arrived_long_ago_is_not(lately, clock):
    assert not is_late(lately, "/a")
    clock.now += 11
    lately.learn([])
    assert lately.learn([purge("/a*")]) == []


def test_what_is_noted_is_known_at_once_and_learnt_later(lately):
    assert not is_late(lately, "/a")
    lately.note(purge("/a", token="t"))
    assert is_late(lately, "/a")
    assert lately.learn([purge("/a", token="t")])


def test_of_many_answers_what_reached_them_is_purged_again():
    many = [answer(f"/{number}", "#tag", ended=NOW + number) for number in range(9)]
    assert purged_again(purge("#tag"), many, 10) == twice("#tag", NOW + 18)


def test_each_distribution_gets_its_own():
    both = Purge({E1: ["/a"], E2: ["/x/a"]}, NOW, 8)
    assert purged_again(both, [answer("/a")], 10) == twice("/a", NOW + 10)


def test_what_is_urgent_is_purged_a_second_time(lately):
    both = Purge({E1: ["/a"], E2: ["/x/a"]}, NOW, 8)
    assert lately.second(both) == [
        Again(E1, "/a", NOW + 10),
        Again(E2, "/x/a", NOW + 10),
    ]
    is_late(lately, begun=NOW - 30)
    assert lately.second(both)[0].due == NOW + 30, "as long as the slowest one took"
    lately.transit = 0.0
    assert lately.second(both) == []


# --- the law --------------------------------------------------------------------------

_TIME = st.floats(0, 30, allow_nan=False)
_PAGES = st.sampled_from(["/a", "/a/b", "/c"])
_CHANGES = st.builds(
    Change, at=_TIME, zope=st.integers(0, 2), page=_PAGES, delivery=st.floats(0, 5)
)
_VISITS = st.builds(
    Visit,
    begun=_TIME,
    zope=st.integers(0, 2),
    page=_PAGES,
    lag=st.floats(0, 20),
    takes=st.floats(0, 15),
    transit=st.floats(0, TRANSIT),
)


@given(st.lists(_CHANGES, max_size=6), st.lists(_VISITS, max_size=10), st.floats(0, 3))
def test_once_all_is_quiet_the_edge_holds_nothing_old(changes, visits, polls):
    assert run(changes, visits, polls) == []


def test_the_law_fails_without_the_rule(monkeypatch):
    changes = [Change(at=1, zope=0, page="/a", delivery=0.1)]
    slow = Visit(begun=0, zope=0, page="/a", lag=0, takes=5, transit=0.1)
    lagging = Visit(begun=3, zope=1, page="/a", lag=3, takes=0, transit=0.1)
    on_its_way = Visit(begun=0, zope=1, page="/a", lag=0, takes=0.9, transit=3)
    for visit in (slow, lagging, on_its_way):
        assert run(changes, [visit], 1.0) == []
    monkeypatch.setattr(Purge, "is_newer_than", lambda purge, answer: False)
    for visit in (slow, lagging, on_its_way):
        assert run(changes, [visit], 1.0) == ["/a"]
