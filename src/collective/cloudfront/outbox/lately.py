"""What was purged lately, for all processes: see ``planning.late``."""

from collections.abc import Iterable
from collective.cloudfront.outbox.store import LATELY
from collective.cloudfront.outbox.store import LatelyRow
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.late import Again
from collective.cloudfront.planning.late import Purge
from collective.cloudfront.planning.late import REMEMBER_SECONDS

import json


_AGAIN = "again:"


def entry_again(again: Again) -> Entry:
    """Return the entry that purges something again; a later one takes its place."""
    return Entry(
        distribution=again.distribution,
        item=again.item,
        urgent=True,
        due=again.due,
        key=f"{_AGAIN}{again.item}",
        cause=Cause(code="again"),
    )


def is_again(key: str) -> bool:
    """Say whether what is scheduled under a key was purged before."""
    return key.startswith(_AGAIN)


def purge_of(
    tokens: Iterable[str], entries: Iterable[Entry], at: float, transaction: int = 0
) -> Purge | None:
    """Return what entries purge now; None if that is nothing. ``at``: Unix seconds."""
    items: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.item and entry.due <= at:
            items.setdefault(entry.distribution, {})[entry.item] = None
    if not items:
        return None
    found = {each: tuple(some) for each, some in items.items()}
    return Purge(found, at, transaction, frozenset(tokens))


def write_down(
    rows: Transaction,
    tokens: Iterable[str],
    entries: Iterable[Entry],
    at: float,
    transaction: int = 0,
) -> None:
    """Let other processes know what entries purge now; see ``purge_of``."""
    purge = purge_of(tokens, entries, at, transaction)
    if purge is not None:
        row = LatelyRow(
            number=None,
            tokens=json.dumps(sorted(purge.tokens)),
            at=purge.at,
            txn=purge.transaction,
            items=json.dumps(purge.items),
        )
        rows.put(LATELY, [row])


def since_scan(number: int) -> Scan:
    """Return the scan that finds what was purged after the one with a number."""
    return Scan(LATELY, order=("number",), since=number + 1)


def purges_of(rows: Iterable[LatelyRow]) -> tuple[Purge, ...]:
    """Return the purges in rows; raises ``ValueError`` if there is none in one."""
    return tuple(map(_purge_in, rows))


def _purge_in(row: LatelyRow) -> Purge:
    items, tokens = json.loads(row.items), json.loads(row.tokens)
    found = [*items.values(), tokens] if isinstance(items, dict) else [None]
    if not all(isinstance(each, list) for each in found):
        raise ValueError(f"{row!r} is no purge")
    return Purge(items, row.at, row.txn, frozenset(map(str, tokens)))


def forget_old(rows: Transaction, now: float, most: int) -> int:
    """Forget what was purged long ago: at most ``most``; returns how many that were."""
    (found,) = rows.read(Scan(LATELY, order=("number",), limit=most))
    old = [(row.number,) for row in found if not 0 <= now - row.at <= REMEMBER_SECONDS]
    rows.take(LATELY, old)
    return len(old)
