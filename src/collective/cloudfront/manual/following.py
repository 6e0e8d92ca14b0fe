"""How far a purge is that a person has asked for, by what the outbox knows: without Plone.

``since`` is when it was asked for, in Unix seconds.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.items import is_wildcard


#: More ready items of a distribution are not looked at; urgent ones come first.
_MOST = 10_000
#: So many invalidations are looked at.
_LATEST = 300


def refused(
    outbox: Outbox, distribution: str, items: Collection[str], since: float
) -> Quarantined | None:
    """Return one of the items that CloudFront has refused since then, or None."""
    for each in outbox.quarantined(_MOST, [distribution]):
        if each.item in items and each.quarantined >= since:
            return each
    return None


def is_open(
    outbox: Outbox, distribution: str, items: Collection[str], since: float
) -> bool:
    """Say whether something of a distribution is not yet completed that reaches one of
    the items.
    """
    ready = (each.item for each in outbox.pending(distribution, _MOST))
    if _reach(ready, items):
        return True
    frozen = (item for batch in outbox.frozen(distribution) for item in batch.items)
    if _reach(frozen, items):
        return True
    running = (
        item
        for settled in outbox.in_progress(distribution)
        if settled.accepted >= since
        for item in settled.items
    )
    return _reach(running, items)


def is_accepted(
    outbox: Outbox, distribution: str, items: Iterable[str], since: float
) -> bool:
    """Say whether CloudFront has accepted since then what reaches each of the items.

    What Plone has just handed over is in memory for a moment, and then nothing is open.
    """
    accepted = [
        item
        for settled in outbox.history(_LATEST, [distribution])
        if settled.accepted >= since
        for item in settled.items
    ]
    return all(_reach(accepted, [item]) for item in items)


def _reach(found: Iterable[str], items: Collection[str]) -> bool:
    return any(
        each in items
        or (is_wildcard(each) and any(covers(each, item) for item in items))
        for each in found
    )
