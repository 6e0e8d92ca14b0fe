"""Backoff: how long to wait before the next attempt.

The laws, held by ``tests/planning/test_backoff.py``: a delay is never longer than the
longest one, never shorter than half of the first, and does not shrink from one attempt
to the next when the jitter is the same.
"""

#: More attempts than these double no further: the number would overflow.
_MOST_DOUBLED = 16


def delay(attempts: int, first: float, longest: float, jitter: float) -> float:
    """Return a delay in seconds that doubles with every attempt so far.

    ``jitter`` is between 0 and 1: many processes shall not try at the same moment.
    """
    doubled = min(longest, first * 2 ** min(attempts, _MOST_DOUBLED))
    return doubled * (0.5 + jitter / 2)
