from collective.cloudfront.outbox.clocks import Ahead
from hypothesis import given
from hypothesis import strategies as st


LONGEST = 60.0
seconds = st.floats(0, 1e9, allow_nan=False)
steps = st.lists(st.floats(0, 100), max_size=30)


def test_an_honest_end_is_believed():
    ahead = Ahead()
    assert not ahead.is_over("a", 160.0, 100.0, LONGEST)
    assert not ahead.is_over("a", 160.0, 159.9, LONGEST)
    assert ahead.is_over("a", 160.0, 160.0, LONGEST)


def test_an_end_in_ten_years_is_believed_for_the_longest_time_that_is_honest():
    ahead = Ahead()
    assert not ahead.is_over("a", 3e8, 100.0, LONGEST)
    assert not ahead.is_over("a", 3e8, 159.0, LONGEST)
    assert ahead.is_over("a", 3e8, 160.0, LONGEST)


def test_who_renews_it_is_alive():
    """Its clock is an hour ahead of ours."""
    ahead = Ahead()
    for now in range(0, 600, 50):
        assert not ahead.is_over("a", now + 3660.0, float(now), LONGEST)


def test_a_clock_that_is_set_back_again_begins_anew():
    ahead = Ahead()
    assert not ahead.is_over("a", 3e8, 1e6, LONGEST)
    assert not ahead.is_over("a", 3e8, 100.0, LONGEST)
    assert ahead.is_over("a", 3e8, 160.0, LONGEST)


def test_many_are_watched_and_memory_is_bounded():
    ahead = Ahead()
    for number in range(10_000):
        ahead.is_over(f"{number}", 3e8, 0.0, LONGEST)
    assert len(ahead._seen) == 1_000
    assert ahead.is_over("9999", 3e8, 60.0, LONGEST)


@given(end=seconds, begin=seconds, steps=steps)
def test_the_law(end, begin, steps):
    ahead, now = Ahead(), begin
    for step in [0.0, *steps]:
        now += step
        over = ahead.is_over("a", end, now, LONGEST)
        honest = end <= begin + LONGEST
        assert over == (now >= (end if honest else begin + LONGEST))
