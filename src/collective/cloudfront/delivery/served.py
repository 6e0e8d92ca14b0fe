"""Whether somebody serves a distribution for which no site of this process is enabled.

Several Zopes, each with a database of its own, may share an outbox. What waits for the
sites of another one is no trouble, as long as its courier comes by.
"""

from collections.abc import Iterator
from collective.cloudfront.outbox.poll import Backlog


#: After so long (seconds) without a sign of another courier, nobody serves a distribution.
#: The longest window is 60 s, and Zopes take their time to start.
UNSERVED_AFTER = 300.0
#: No courier waits longer before it tries again (seconds).
_LONGEST_WAIT = 15 * 60.0


def is_served(backlog: Backlog, now: float) -> bool:
    """Say whether another courier works on a distribution, or has done so lately, or is
    not yet to be expected; ``now`` in Unix seconds.
    """
    if backlog.is_claimed:
        return True
    # What is further away is a wrong clock's
    return any(
        now - UNSERVED_AFTER <= sign <= now + _LONGEST_WAIT for sign in _signs(backlog)
    )


def _signs(backlog: Backlog) -> Iterator[float]:
    """Yield when something of a backlog began to wait, was sent, or is to be tried."""
    waiting, pace = backlog.memo.waiting, backlog.memo.pace
    oldest = backlog.work.oldest
    if oldest is not None:
        yield oldest
    if waiting is not None:
        yield waiting.until
    if pace is not None:
        yield max(pace.exact.updated, pace.wildcards.updated)
    yield from (batch.frozen for batch in backlog.frozen)
    yield from (settled.accepted for settled in backlog.in_progress)
