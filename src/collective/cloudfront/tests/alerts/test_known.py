"""Which troubles people are told of, and when it is over: once each."""

from collective.cloudfront.alerts.known import AGAIN
from collective.cloudfront.alerts.known import as_json
from collective.cloudfront.alerts.known import from_json
from collective.cloudfront.alerts.known import News
from collective.cloudfront.alerts.known import SETTLED
from collective.cloudfront.alerts.known import step
from hypothesis import given
from hypothesis.strategies import floats
from hypothesis.strategies import lists
from hypothesis.strategies import sampled_from
from hypothesis.strategies import sets
from hypothesis.strategies import tuples

import json


PAUSED = "paused:E1"


class Watcher:
    """Looks again and again; remembers what was told, and when."""

    def __init__(self, now=1_000_000.0):
        self.now = now
        self.known = {}
        self.told = []

    def look(self, *found, after=30.0):
        self.now += after
        # As the outbox keeps it
        stored = json.loads(json.dumps(as_json(self.known)))
        done = step(from_json(stored), found, self.now)
        self.known = done.known
        self.told += [(self.now, "begun", key) for key in done.news.begun]
        self.told += [(self.now, "over", key) for key in done.news.over]
        return done.news

    def look_for(self, seconds, *found):
        end = self.now + seconds
        while self.now < end:
            self.look(*found)


def test_what_lasts_is_told_once():
    watcher = Watcher()
    watcher.look_for(86_400.0, PAUSED)
    assert [what for _, *what in watcher.told] == [["begun", PAUSED]]


def test_what_lasts_for_a_moment_is_not_told():
    watcher = Watcher()
    watcher.look(PAUSED)
    watcher.look_for(86_400.0)
    assert watcher.told == []
    assert watcher.known == {}


def test_when_it_is_over_that_is_told_once():
    watcher = Watcher()
    watcher.look_for(600.0, PAUSED)
    watcher.look_for(86_400.0)
    assert [what for _, *what in watcher.told] == [["begun", PAUSED], ["over", PAUSED]]
    assert watcher.known == {}


def test_what_is_away_for_a_moment_is_not_over():
    watcher = Watcher()
    for _ in range(10):
        watcher.look_for(300.0, PAUSED)
        watcher.look()
    assert [what for _, *what in watcher.told] == [["begun", PAUSED]]


def test_what_comes_again_is_told_again_but_not_soon():
    watcher = Watcher()
    for _ in range(6):
        watcher.look_for(300.0, PAUSED)
        watcher.look_for(300.0)
    assert [what for _, *what in watcher.told] == [["begun", PAUSED], ["over", PAUSED]]
    watcher.look_for(600.0, PAUSED)
    assert watcher.told[-1][1] == "begun"


def test_several_troubles_are_told_together():
    watcher = Watcher()
    watcher.look("a", "b")
    assert watcher.look("a", "b", after=SETTLED) == News(begun=("a", "b"))


def test_a_clock_that_was_ahead_keeps_nothing_from_being_told():
    watcher = Watcher(now=9_000_000.0)
    watcher.look_for(600.0, PAUSED)
    watcher.look_for(600.0)
    watcher.now = 1_000_000.0
    watcher.look_for(AGAIN + 600.0, PAUSED)
    assert watcher.told[-1][1] == "begun"


def test_what_makes_no_sense_was_never_there():
    for stored in (None, [], "x", {"a": None}, {"a": [1, 2]}, {"a": ["x", 0, 0, 0]}):
        assert from_json(stored) == {}


looks = lists(
    tuples(
        sets(sampled_from(["a", "b"])), floats(min_value=1.0, max_value=2 * SETTLED)
    ),
    max_size=200,
)


@given(looks)
def test_each_trouble_begins_and_is_over_in_turn_and_begins_seldom(looks):
    watcher = Watcher()
    for found, after in looks:
        watcher.look(*found, after=after)
    for key in "ab":
        told = [(when, what) for when, what, of in watcher.told if of == key]
        words = [what for _, what in told]
        assert words == (["begun", "over"] * len(words))[: len(words)]
        begun = [when for when, what in told if what == "begun"]
        assert all(b - a >= AGAIN for a, b in zip(begun, begun[1:]))


@given(looks)
def test_what_lasts_is_told_whatever_was_before(looks):
    watcher = Watcher()
    for found, after in looks:
        watcher.look(*found, after=after)
    watcher.look_for(AGAIN + 2 * SETTLED, "a")
    assert [what for _, what, key in watcher.told if key == "a"][-1] == "begun"
