"""Moving everything from one outbox to another, of the same engine or another one.

::

    source: first rows of a table ──► target, durable ──► removed from the source ──┐
                 ▲                                                                  │
                 └──────────────────── until the table is empty ◄───────────────────┘

It may be stopped anywhere, also by a power cut, and done again: rows that are in the target
and not yet removed from the source are recognised, so that nothing is counted twice. Nobody
may use the source meanwhile.
"""

from collections.abc import Iterable
from collective.cloudfront.outbox.ledger import SLICE
from collective.cloudfront.outbox.memory import OF_DISTRIBUTION
from collective.cloudfront.outbox.memory import Session
from collective.cloudfront.outbox.runs import OF_RUN
from collective.cloudfront.outbox.store import BILL
from collective.cloudfront.outbox.store import COUNTER
from collective.cloudfront.outbox.store import INTERVAL
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import LATELY
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import MemoryRow
from collective.cloudfront.outbox.store import PREPARED
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Table
from collective.cloudfront.outbox.stored import StoredOutbox
from contextlib import suppress
from hashlib import sha256
from typing import Any

import json
import math


#: What is to be sent comes first, and what is remembered last: if moving is stopped, the
#: outbox with the rest knows most.
TABLES = (
    READY,
    INVALIDATION,
    PREPARED,
    SCHEDULED,
    INTERVAL,
    QUARANTINE,
    REQUEST,
    BILL,
    COUNTER,
    LATELY,
    MEMORY,
)
#: The source remembers under this name where everything is now.
MOVED = "moved"
#: The target remembers what came last under this name, and the source's.
_MOVING = "moving:"
#: Who uses the source; see ``delivery.presence``. It is not moved.
_USERS = f"{OF_RUN}users"


def is_claimed(outbox: StoredOutbox) -> bool:
    """Say whether a courier that may be alive works on a distribution."""
    poll = outbox.poll((), 1, math.inf)
    return any(each.is_claimed for each in poll.backlogs)


def move(source: StoredOutbox, target: StoredOutbox, place: str) -> dict[str, int]:
    """Move everything; returns how many rows of each table. ``place`` is what people call
    the target. Raises ``OutboxUnavailable``: then a part is moved, and nothing is lost.
    """
    name = _MOVING + sha256(repr(source).encode()).hexdigest()[:16]
    moved = {table.name: _move_table(source, target, table, name) for table in TABLES}
    with target.together() as session:
        session.rows.take(MEMORY, [(name,)])
    if any(moved.values()):
        _mark(source, place)
    return moved


def moved_to(outbox: StoredOutbox) -> str:
    """Return where everything was moved, or ""."""
    stored = outbox.run(MOVED)
    return stored if isinstance(stored, str) else ""


def _mark(source: StoredOutbox, place: str) -> None:
    with source.together():
        if source.claim_run(MOVED, 1.0):
            source.keep_run(MOVED, place, 0)


def _move_table(
    source: StoredOutbox, target: StoredOutbox, table: Table, name: str
) -> int:
    count = 0
    while rows := _first_rows(source, table):
        with target.together(durable=True) as session:
            _bring(target, session, table, rows, name)
        with source.store.write() as writing:
            writing.take(table, list(map(table.key_of, rows)))
        count += len(rows)
    return count


def _first_rows(source: StoredOutbox, table: Table) -> list[Any]:
    with source.store.read() as reading:
        (rows,) = reading.read(Scan(table, order=table.key, limit=SLICE))
    # What says where everything is stays.
    return [row for row in rows if table != MEMORY or row.name != OF_RUN + MOVED]


def _bring(
    target: StoredOutbox, session: Session, table: Table, rows: list[Any], name: str
) -> None:
    digest = sha256(json.dumps([table.name, rows]).encode()).hexdigest()
    if session.recall(name) == digest:
        return  # we were stopped before they were removed from the source
    if table == MEMORY:
        _remember(session, rows)
    else:
        target.take_over(session.rows, table, rows)
    session.keep(name, digest)


def _remember(session: Session, rows: Iterable[MemoryRow]) -> None:
    """Remember what the target does not know. Nobody claims anything there."""
    for row in rows:
        if row.name == _USERS or row.name.startswith(_MOVING):
            continue
        value = None
        with suppress(ValueError):
            value = json.loads(row.value)
        if isinstance(value, dict) and row.name.startswith((OF_DISTRIBUTION, OF_RUN)):
            value.pop("claim", None)
        if value is not None and session.recall(row.name) is None:
            session.keep(row.name, value)
