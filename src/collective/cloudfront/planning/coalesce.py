"""Coalescing: an item that comes again and again is ready at most once per interval.

The laws, held by ``tests/planning/test_coalesce.py``: between two moments at which the
same item becomes ready, and is not urgent, at least the interval passes; nothing waits
longer than its interval; and a clock that is set back delays nothing.
"""


def due_again(
    every: float, became_ready: float | None, now: float, urgent: bool
) -> float | None:
    """Return when an item that comes at ``now`` is due, or None if it is ready at once.

    ``every`` is the interval in seconds, ``became_ready`` when the item was ready last.
    An urgent item is never held back. A last time in the future means that the clock
    was set back.
    """
    if urgent or every <= 0 or became_ready is None or became_ready > now:
        return None
    due = became_ready + every
    return due if now < due else None


def is_due(due: float, every: float, now: float) -> bool:
    """Say whether a coalesced item is due at ``now``; also if it is further away than its
    interval is long, after the clock was set back.
    """
    return due <= now or due - every > now
