"""How far CloudFront is with the invalidations in progress: bars for a template."""

from collections.abc import Iterable
from collective.cloudfront.outbox.contract import Settled
from dataclasses import dataclass
from statistics import median


#: Seconds, as long as none of ours was completed; CloudFront says "under 25 s" for 95
#: of 100.
USUAL = 10.0
#: Per cent; it is not done before CloudFront says so.
_MOST = 95


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
