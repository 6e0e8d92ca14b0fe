"""Specification: an item that comes again and again is ready once per interval."""

from collective.cloudfront.planning.coalesce import due_again
from collective.cloudfront.planning.coalesce import is_due
from hypothesis import given
from hypothesis import strategies as st


seconds = st.floats(0.1, 1000.0)


@given(seconds, st.lists(st.floats(0.0, 500.0), max_size=50))
def test_between_two_moments_at_which_it_is_ready_the_interval_passes(every, steps):
    now, last, ready = 0.0, None, []
    for step in steps:
        now += step
        if due_again(every, last, now, urgent=False) is None:
            last = now
            ready.append(now)
    assert all(b >= a + every for a, b in zip(ready, ready[1:]))


@given(seconds, seconds, seconds)
def test_it_is_never_held_back_longer_than_its_interval(every, last, step):
    now = last + step
    due = due_again(every, last, now, urgent=False)
    assert due is None or now < due <= now + every


@given(seconds, st.one_of(st.none(), seconds), seconds)
def test_an_urgent_item_is_never_held_back(every, last, now):
    assert due_again(every, last, now, urgent=True) is None


@given(seconds, seconds, seconds)
def test_a_clock_set_back_holds_nothing_back(every, now, back):
    assert due_again(every, now + back, now, urgent=False) is None
    # What was scheduled before is further away than its interval is long.
    assert is_due(now + back + every, every, now)


@given(seconds, seconds, seconds)
def test_what_is_scheduled_is_due_when_its_time_has_come(every, due, now):
    if due <= now:
        assert is_due(due, every, now)
    elif due < now + every:
        assert not is_due(due, every, now)


def test_an_item_without_an_interval_is_ready_at_once():
    assert due_again(0.0, 5.0, 6.0, urgent=False) is None
