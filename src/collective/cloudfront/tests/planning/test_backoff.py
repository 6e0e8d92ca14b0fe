"""Specification: delays grow, within bounds."""

from collective.cloudfront.planning.backoff import delay
from hypothesis import given
from hypothesis import strategies as st


attempts = st.integers(0, 10_000)
first = st.floats(0.1, 100.0)
jitter = st.floats(0.0, 1.0)


@given(attempts, first, st.floats(100.0, 10_000.0), jitter)
def test_a_delay_is_neither_too_short_nor_too_long(attempts, first, longest, jitter):
    assert first / 2 <= delay(attempts, first, longest, jitter) <= longest


@given(attempts, first, st.floats(100.0, 10_000.0), jitter)
def test_a_delay_does_not_shrink(attempts, first, longest, jitter):
    now = delay(attempts, first, longest, jitter)
    assert delay(attempts + 1, first, longest, jitter) >= now


def test_a_delay_doubles():
    assert [delay(n, 1.0, 60.0, 1.0) for n in range(7)] == [1, 2, 4, 8, 16, 32, 60]
