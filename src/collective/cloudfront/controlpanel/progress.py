"""How far CloudFront is: with the invalidations in progress, and with one purge."""

from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.values import Settled
from dataclasses import dataclass
from enum import Enum
from statistics import median


#: Seconds, as long as none of ours was completed; CloudFront says "under 25 s" for 95
#: of 100.
USUAL = 10.0
#: Per cent; it is not done before CloudFront says so.
_MOST = 95
#: Seconds from a person's click to the end of the commit, at most.
_COMMITTED_AFTER = 5.0
_MOST_QUARANTINED = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """An invalidation in progress: for how many seconds, and about how far."""

    invalidation: str
    items: int
    seconds: int
    percent: int


def in_progress(history: Iterable[Settled], now: float) -> list[Progress]:
    """Return those in progress, the oldest first.

    ``history`` is newest first; how long the others in it took is what is expected.
    """
    history = list(history)
    usual = _usual(history)
    return [
        _progress(settled, usual, now)
        for settled in reversed(history)
        if settled.completed is None
    ]


def _usual(history: Iterable[Settled]) -> float:
    took = [
        settled.completed - settled.accepted
        for settled in history
        if settled.completed is not None
    ]
    return max(1.0, median(took)) if took else USUAL


def _progress(settled: Settled, usual: float, now: float) -> Progress:
    seconds = max(0.0, now - settled.accepted)
    return Progress(
        invalidation=settled.invalidation,
        items=len(settled.items),
        seconds=int(seconds),
        percent=min(_MOST, int(100 * seconds / usual)),
    )


class Stage(Enum):
    """How far a purge is that a person has caused."""

    WAITING = "waiting"
    IN_MEMORY = "in memory"
    PAUSED = "paused"
    QUARANTINED = "quarantined"
    IN_PROGRESS = "in progress"
    FRESH = "fresh"


def stage(
    outbox: Outbox, distributions: Collection[str], items: Collection[str], then: float
) -> Stage:
    """Return how far everything is that was purged at ``then`` (Unix seconds).

    ``items`` are those that must not be in quarantine. Raises ``OutboxUnavailable``.
    """
    then += _COMMITTED_AFTER
    # What is accepted meanwhile goes from the first to the second: it is not missed.
    work = [each for each in outbox.work() if each.distribution in distributions]
    accepted = [
        settled
        for distribution in distributions
        for settled in outbox.in_progress(distribution)
    ]
    if any(each.oldest is not None and each.oldest <= then for each in work):
        paused = any(each.waiting is not None and each.waiting.paused for each in work)
        return Stage.PAUSED if paused else Stage.WAITING
    if any(settled.since <= then for settled in accepted):
        return Stage.IN_PROGRESS
    quarantined = outbox.quarantined(_MOST_QUARANTINED, distributions)
    if any(each.item in items for each in quarantined):
        return Stage.QUARANTINED
    return Stage.FRESH
