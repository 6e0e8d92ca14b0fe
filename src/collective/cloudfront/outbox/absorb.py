"""What a wildcard reaches needs no item of its own."""

from collections.abc import Iterable
from collective.cloudfront.outbox.rows import waits_since
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import ReadyRow
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Transaction


#: So many ready items a wildcard absorbs when it is frozen; see ``contract.Queue``.
MOST_ABSORBED = 1000


def covered(
    rows: Transaction, distribution: str, wildcards: Iterable[str], most: int
) -> list[ReadyRow]:
    """Return the first of the ready items that each wildcard covers."""
    scans = []
    for wildcard in wildcards:
        since, below = _range_of(wildcard)
        equal = {"distribution": distribution}
        scans.append(Scan(READY, equal, ("item",), since, below, most))
    return [row for some in rows.read(*scans) for row in some]


def absorb(
    rows: Transaction,
    distribution: str,
    taken: dict[str, list[ReadyRow]],
    coalesced: bool,
) -> None:
    """Let the wildcards among what was taken absorb the ready items below them, and
    all of it what is coalesced and scheduled. ``taken`` grows: what was absorbed stands
    behind what absorbs it.
    """
    wildcards = [item for item, rows_of in taken.items() if rows_of[0].wildcard]
    if wildcards:
        ready = covered(rows, distribution, wildcards, MOST_ABSORBED)
        for row in rows.take(READY, list(map(READY.key_of, ready))):
            taken[_carrier(wildcards, row.item)].append(row)
    if not coalesced:
        return
    equal = {"coalesced": 1, "distribution": distribution}
    scans = [Scan(SCHEDULED, {**equal, "item": tuple(taken)})]
    for wildcard in wildcards:
        scans.append(Scan(SCHEDULED, equal, ("item",), *_range_of(wildcard)))
    found = {SCHEDULED.key_of(row) for some in rows.read(*scans) for row in some}
    for held in rows.take(SCHEDULED, found) if found else ():
        carrier = held.item if held.item in taken else _carrier(wildcards, held.item)
        first = taken[carrier][0]
        since, causes = waits_since(held), held.causes
        taken[carrier].append(first._replace(since=since, causes=causes))


def _range_of(wildcard: str) -> tuple[str, str]:
    """Return the bounds of the items that a wildcard covers.

    Items are ASCII, so the upper one is above every item with the prefix.
    """
    prefix = wildcard[:-1]
    return prefix, prefix + "\x7f"


def _carrier(wildcards: Iterable[str], item: str) -> str:
    return next(each for each in wildcards if item.startswith(each[:-1]))
