"""The next batch: which pending items go out together.

The law, held by ``tests/planning/test_cover.py``: every pending item is either
sent, reached by a wildcard that is sent, or stays pending; and no batch is larger
than its allowance.
"""

from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.planning.items import wildcards_of
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many items the quotas let out now, of each kind."""

    exact: int
    wildcards: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes out, how many of each kind, and whether quota kept exact paths or tags, or
    wildcards, back.
    """

    items: tuple[str, ...]
    throttled: bool
    wildcards_throttled: bool = False
    size: Allowance = Allowance(0, 0)


def covers(wildcard: str, item: str) -> bool:
    """Say whether ``wildcard`` reaches everything that ``item`` reaches."""
    return item.startswith("/") and item.startswith(wildcard[:-1])


def count_items(items: Sequence[str]) -> "Allowance":
    """Return how many of ``items`` there are of each kind that quotas know."""
    wildcards = len(wildcards_of(items))
    return Allowance(exact=len(items) - wildcards, wildcards=wildcards)


def broadest(wildcards: Iterable[str]) -> tuple[str, ...]:
    """Return the wildcards that no other of them covers, sorted."""
    kept: list[str] = []
    # Sorted by prefix, a wildcard directly follows the broadest one covering it.
    for wildcard in sorted(set(wildcards), key=_prefix):
        if not (kept and covers(kept[-1], wildcard)):
            kept.append(wildcard)
    return tuple(kept)


def next_batch(pending: Sequence[str], allowance: Allowance) -> Plan:
    """Choose the next batch out of ``pending``, which comes oldest first.

    An exact path under a pending wildcard is not sent itself: its wildcard will reach
    it, now or in a later batch. But where quota holds ``/page*`` back, ``/page`` goes
    ahead: wildcards are scarce, and it is what most visitors ask for. The same input
    gives the same plan.
    """
    found = wildcards_of(pending)
    wildcards, is_wild = broadest(found), frozenset(found)
    order = {item: rank for rank, item in enumerate(dict.fromkeys(pending))}
    chosen = sorted(wildcards, key=order.__getitem__)[: allowance.wildcards]
    sent = broadest(chosen)
    exact = [
        item
        for item in order
        if item not in is_wild
        and not _covered(sent, item)
        and (f"{item}*" in order or not _covered(wildcards, item))
    ]
    let_out = exact[: allowance.exact]
    return Plan(
        items=(*chosen, *let_out),
        throttled=len(exact) > allowance.exact,
        wildcards_throttled=len(wildcards) > len(chosen),
        size=Allowance(exact=len(let_out), wildcards=len(chosen)),
    )


def urgent_first(pending: Sequence[str], urgent: Iterable[str]) -> list[str]:
    """Return ``pending`` with those wildcards first that will reach urgent items.

    Exact paths wait for the wildcards above them, urgent ones included.
    """
    wildcards = broadest(wildcards_of(pending))
    carriers = {_carrier(wildcards, item) for item in urgent}
    return sorted(pending, key=lambda item: item not in carriers)


def uncovered(items: Iterable[str], wildcards: Sequence[str]) -> list[str]:
    """Return the exact paths and tags that none of the ``broadest`` wildcards covers,
    in their order.
    """
    items = list(items)
    is_wild = frozenset(wildcards_of(items))
    return [
        item for item in items if item not in is_wild and not _covered(wildcards, item)
    ]


def _covered(wildcards: Sequence[str], item: str) -> bool:
    return _carrier(wildcards, item) is not None


def _carrier(wildcards: Sequence[str], item: str) -> str | None:
    """Return which of the ``broadest`` wildcards covers ``item``."""
    # Sorted, and none a prefix of another: only the last one that is not after the
    # item can be its prefix.
    position = bisect_right(wildcards, item, key=_prefix)
    if position > 0 and covers(wildcards[position - 1], item):
        return wildcards[position - 1]
    return None


def _prefix(wildcard: str) -> str:
    return wildcard[:-1]
