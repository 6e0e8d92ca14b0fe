"""The SQLite file: its tables, its format, and how an older one becomes the current."""

from collective.cloudfront.outbox.sqlite.damage import ForeignFile
from collective.cloudfront.outbox.sqlite.damage import NewerFile
from collective.cloudfront.outbox.sqlite.upgrade import carry_over
from collective.cloudfront.outbox.store import ORDERS

import sqlite3


#: Raise this with every change of the tables, and say in ``_upgrade`` how to get there.
FORMAT = 6

# Marks the file as ours ("CFob"): somebody else's database is never touched.
_APPLICATION_ID = 0x43466F62

# See the rows in ``outbox.store``.
_TABLES = """
    CREATE TABLE prepared (
        token TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        since REAL NOT NULL,
        entries TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE ready (
        distribution TEXT NOT NULL,
        item TEXT NOT NULL,
        wildcard INTEGER NOT NULL,
        since REAL NOT NULL,
        stamp INTEGER NOT NULL DEFAULT 0,
        urgent INTEGER NOT NULL DEFAULT 0,
        causes TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (distribution, item)
    ) WITHOUT ROWID;

    CREATE TABLE scheduled (
        distribution TEXT NOT NULL,
        key TEXT NOT NULL,
        item TEXT NOT NULL,
        due REAL NOT NULL,
        coalesced INTEGER NOT NULL,
        every REAL NOT NULL,
        urgent INTEGER NOT NULL,
        stamp INTEGER NOT NULL DEFAULT 0,
        causes TEXT NOT NULL DEFAULT '',
        since REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (distribution, key, item, due, coalesced)
    ) WITHOUT ROWID;

    CREATE TABLE coalesced (
        distribution TEXT NOT NULL,
        item TEXT NOT NULL,
        became_ready REAL NOT NULL,
        PRIMARY KEY (distribution, item)
    ) WITHOUT ROWID;

    CREATE TABLE invalidation (
        position INTEGER PRIMARY KEY,
        reference TEXT NOT NULL UNIQUE,
        distribution TEXT NOT NULL,
        state INTEGER NOT NULL,
        items TEXT NOT NULL,
        since REAL NOT NULL,
        frozen REAL NOT NULL,
        refusals INTEGER NOT NULL DEFAULT 0,
        urgent TEXT NOT NULL DEFAULT '[]',
        item_causes TEXT NOT NULL DEFAULT '',
        invalidation TEXT NOT NULL DEFAULT '',
        accepted REAL,
        completed REAL,
        status TEXT NOT NULL DEFAULT '',
        causes TEXT NOT NULL DEFAULT ''
    );

    CREATE TABLE refused (
        distribution TEXT NOT NULL,
        item TEXT NOT NULL,
        reason TEXT NOT NULL,
        since REAL NOT NULL,
        refused REAL NOT NULL,
        urgent INTEGER NOT NULL DEFAULT 0,
        causes TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (distribution, item)
    ) WITHOUT ROWID;

    CREATE TABLE action (
        id TEXT PRIMARY KEY,
        time REAL NOT NULL,
        user TEXT NOT NULL,
        reason TEXT NOT NULL,
        items TEXT NOT NULL,
        distributions TEXT NOT NULL,
        due REAL,
        cancelled REAL
    );

    CREATE TABLE billed (
        day TEXT NOT NULL,
        distribution TEXT NOT NULL,
        items INTEGER NOT NULL,
        PRIMARY KEY (day, distribution)
    ) WITHOUT ROWID;

    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
        WITHOUT ROWID;

    CREATE TABLE memory (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        version INTEGER NOT NULL
    ) WITHOUT ROWID;
"""

# Since format 6.
_LATELY = """
    CREATE TABLE lately (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        tokens TEXT NOT NULL,
        at REAL NOT NULL,
        txn INTEGER NOT NULL,
        items TEXT NOT NULL
    );
"""

# A process of an older version may go on with the file after it was upgraded. What it
# prepares and releases is taken: that is why ``stamp``, which means nothing any more,
# is still there. It cannot send, since these are no tables; and where it takes the new
# format for damage, it finds here what was frozen.
_FOR_OLDER_VERSIONS = """
    CREATE VIEW batch AS
        SELECT position, reference, distribution, items, since, frozen, 0 AS stamp,
               refusals, urgent, item_causes AS causes
        FROM invalidation WHERE state = 0;
    CREATE VIEW settled AS
        SELECT reference, invalidation, distribution, items, since, accepted,
               completed, status, '' AS causes
        FROM invalidation WHERE state > 0;
    CREATE VIEW distribution AS
        SELECT substr(name, 14) AS id, NULL AS owner, NULL AS owned_until,
               NULL AS exact, NULL AS wildcards, NULL AS paced, NULL AS shrink,
               NULL AS reason, NULL AS advice, 0 AS paused, NULL AS wait_since,
               NULL AS wait_until, 0 AS attempts
        FROM memory WHERE name LIKE 'distribution:%';
    CREATE VIEW calls AS SELECT 1 AS id, 0.0 AS tokens, 0.0 AS updated WHERE 0;
"""


def ensure_schema(db: sqlite3.Connection) -> None:
    """Bring the file behind ``db`` to the current format, creating it if empty.

    Raises ``NewerFile`` for a newer format, ``ForeignFile`` for a database that
    is not ours, and ``sqlite3.DatabaseError`` where SQLite finds damage.
    """
    if _is_current(db):
        return
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN EXCLUSIVE")
    try:
        _upgrade(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _upgrade(db: sqlite3.Connection) -> None:
    # Read again under the lock: another process may have done it meanwhile.
    if _is_current(db):
        return
    found = format_of(db)
    tables = _TABLES + _LATELY + _indexes() + _FOR_OLDER_VERSIONS
    if found == 0:
        run(db, tables)
    elif found == 5:
        # Its other columns and tables are the same, also for processes that know only it
        added = "ALTER TABLE scheduled ADD COLUMN since REAL NOT NULL DEFAULT 0;"
        run(db, added + _LATELY)
    else:
        # Formats 1 to 4: what they have is a part of what later ones have.
        carry_over(db, lambda: run(db, tables))
    db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {FORMAT}")


def _is_current(db: sqlite3.Connection) -> bool:
    found = format_of(db)
    if found > FORMAT:
        raise NewerFile(found)
    return found == FORMAT


def _indexes() -> str:
    return "".join(
        f"CREATE INDEX {table.name}_by_{'_'.join(order).replace('-', '')} "
        f"ON {table.name} ({', '.join(map(_column, order))});"
        for table, orders in ORDERS.items()
        for order in orders
    )


def _column(name: str) -> str:
    return f"{name[1:]} DESC" if name.startswith("-") else name


def format_of(db: sqlite3.Connection) -> int:
    """Return the format of our file, or 0 for an empty one; raises ``ForeignFile``."""
    # In this order, because another process may be creating the tables: its mark
    # comes with them.
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (found,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION_ID and (tables or found or application):
        raise ForeignFile()
    return found


def run(db: sqlite3.Connection, script: str) -> None:
    """Run statements in the transaction that ``db`` is in."""
    # Not executescript(), which would commit it.
    for statement in script.split(";"):
        if statement.strip():
            db.execute(statement)
