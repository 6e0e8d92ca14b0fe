"""From formats 1 to 4 of the SQLite file to the current one: nothing in it is lost."""

from collections.abc import Callable
from collective.cloudfront.outbox.memory import CALLS
from collective.cloudfront.outbox.memory import Memo
from collective.cloudfront.outbox.memory import memo_as_json
from collective.cloudfront.outbox.memory import OF_DISTRIBUTION
from collective.cloudfront.outbox.rows import pack_message
from collective.cloudfront.outbox.sqlite.sentences import recognised
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Pace

import json
import sqlite3


#: Tables of which each older format has none, some or all columns.
_SAME = (
    "prepared",
    "ready",
    "scheduled",
    "coalesced",
    "refused",
    "action",
    "billed",
    "counter",
)


def carry_over(db: sqlite3.Connection, create: Callable[[], None]) -> None:
    """Let ``create`` make the current tables, and fill them from older ones."""
    tables = _names(db, "table")
    for index in _names(db, "index"):
        db.execute(f"DROP INDEX {index}")
    for table in tables:
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    create()
    for table in filter(tables.__contains__, _SAME):
        columns = ", ".join(_columns(db, f"old_{table}") & _columns(db, table))
        db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM old_{table}")
    _invalidations(db)
    _memory(db)
    _reasons(db)
    for table in tables:
        db.execute(f"DROP TABLE old_{table}")


def _names(db: sqlite3.Connection, kind: str) -> list[str]:
    found = db.execute(
        "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL "
        "AND name NOT LIKE 'sqlite_%'",
        (kind,),
    )
    return [name for (name,) in found.fetchall()]


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA table_info({table})").fetchall()}


def _invalidations(db: sqlite3.Connection) -> None:
    """What was frozen, and what was settled, are states of the same row now."""
    # Causes: since format 3. What is urgent: since format 2.
    settled, batch = _columns(db, "old_settled"), _columns(db, "old_batch")
    db.execute(
        "INSERT INTO invalidation (reference, distribution, state, items, since, "
        "frozen, invalidation, accepted, completed, status, causes) "
        "SELECT reference, distribution, CASE WHEN completed IS NULL THEN 1 ELSE 2 END, "
        "items, since, accepted, invalidation, accepted, completed, status, "
        f"{'causes' if 'causes' in settled else repr('')} "
        "FROM old_settled ORDER BY accepted, rowid"
    )
    db.execute(
        "INSERT INTO invalidation (reference, distribution, state, items, since, "
        "frozen, refusals, urgent, item_causes) "
        "SELECT reference, distribution, 0, items, since, frozen, refusals, "
        f"{'urgent' if 'urgent' in batch else repr('[]')}, "
        f"{'causes' if 'causes' in batch else repr('')} "
        "FROM old_batch ORDER BY position"
    )


def _memory(db: sqlite3.Connection) -> None:
    distributions = db.execute(
        "SELECT id, exact, wildcards, paced, shrink, reason, advice, paused, "
        "wait_since, wait_until, attempts FROM old_distribution"
    )
    found = {}
    for row in distributions.fetchall():
        identifier, exact, wildcards, paced, shrink, reason, *waiting = row
        pace = None
        if paced is not None:
            pace = Pace(Bucket(exact, paced), Bucket(wildcards, paced), shrink)
        memo = Memo(pace=pace, waiting=_waiting(identifier, reason, *waiting))
        found[OF_DISTRIBUTION + identifier] = memo_as_json(memo)
    for tokens, updated in db.execute("SELECT tokens, updated FROM old_calls"):
        found[CALLS] = [tokens, updated]
    db.executemany(
        "INSERT INTO memory (name, value, version) VALUES (?, ?, 1)",
        [(name, json.dumps(value)) for name, value in found.items()],
    )


def _waiting(
    distribution: str,
    reason: str | None,
    advice: str | None,
    paused: int,
    since: float | None,
    until: float | None,
    attempts: int,
) -> Waiting | None:
    if reason is None:
        return None
    return Waiting(
        distribution=distribution,
        reason=recognised(reason),
        advice=recognised(advice or ""),
        paused=bool(paused),
        since=since or 0.0,
        until=until or 0.0,
        attempts=attempts,
    )


def _reasons(db: sqlite3.Connection) -> None:
    reasons = db.execute("SELECT DISTINCT reason FROM refused").fetchall()
    db.executemany(
        "UPDATE refused SET reason = ? WHERE reason = ?",
        [(pack_message(recognised(reason)), reason) for (reason,) in reasons],
    )
