"""The SQLite file: its format, its versions, and what is done when it is damaged."""

from datetime import datetime
from datetime import timezone
from pathlib import Path

import json
import sqlite3


#: Raise this with every change of the tables, and add how to get there from the
#: version before to ``_UPGRADES``.
FORMAT = 1

# Marks the file as ours ("CFob"): somebody else's database is never touched.
_APPLICATION_ID = 0x43466F62

_TABLES = """
    CREATE TABLE prepared (
        token TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        since REAL NOT NULL,
        entries TEXT NOT NULL
    ) WITHOUT ROWID;

    -- stamp: the count of releases so far. A wildcard settles what it covers, but
    -- only up to the stamp at which it was frozen.
    CREATE TABLE ready (
        distribution TEXT NOT NULL,
        item TEXT NOT NULL,
        wildcard INTEGER NOT NULL,
        since REAL NOT NULL,
        stamp INTEGER NOT NULL,
        PRIMARY KEY (distribution, item)
    ) WITHOUT ROWID;
    CREATE INDEX ready_by_age ON ready (distribution, wildcard, since, item);

    CREATE TABLE batch (
        position INTEGER PRIMARY KEY,
        reference TEXT NOT NULL UNIQUE,
        distribution TEXT NOT NULL,
        items TEXT NOT NULL,
        since REAL NOT NULL,
        frozen REAL NOT NULL,
        stamp INTEGER NOT NULL,
        refusals INTEGER NOT NULL DEFAULT 0
    );

    CREATE TABLE settled (
        reference TEXT PRIMARY KEY,
        invalidation TEXT NOT NULL,
        distribution TEXT NOT NULL,
        items TEXT NOT NULL,
        since REAL NOT NULL,
        accepted REAL NOT NULL,
        completed REAL,
        status TEXT NOT NULL
    );
    CREATE INDEX settled_by_age ON settled (accepted);
    CREATE INDEX settled_in_progress ON settled (distribution)
        WHERE completed IS NULL;

    CREATE TABLE refused (
        distribution TEXT NOT NULL,
        item TEXT NOT NULL,
        reason TEXT NOT NULL,
        since REAL NOT NULL,
        refused REAL NOT NULL,
        PRIMARY KEY (distribution, item)
    ) WITHOUT ROWID;

    CREATE TABLE distribution (
        id TEXT PRIMARY KEY,
        owner TEXT,
        owned_until REAL,
        exact REAL,
        wildcards REAL,
        paced REAL,
        shrink REAL,
        reason TEXT,
        advice TEXT,
        paused INTEGER NOT NULL DEFAULT 0,
        wait_since REAL,
        wait_until REAL,
        attempts INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;

    CREATE TABLE calls (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        tokens REAL NOT NULL,
        updated REAL NOT NULL
    );

    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
        WITHOUT ROWID;
"""

_UPGRADES: dict[int, str] = {}

# SQLite's words for a file that will not get well by itself.
_DAMAGE = ("malformed", "not a database", "no such table", "Could not decode to UTF-8")


class DamagedFile(Exception):
    """The file is no outbox of a format that we can read."""


class ForeignFile(Exception):
    """The file is another program's database, and not to be touched."""


def ensure_schema(db: sqlite3.Connection) -> None:
    """Bring the file behind ``db`` to the current format, creating it if empty.

    Raises ``DamagedFile`` for a newer format, ``ForeignFile`` for a database that
    is not ours, and ``sqlite3.DatabaseError`` where SQLite finds damage.
    """
    if _format(db) == FORMAT:
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
    found = _format(db)
    if found > FORMAT:
        raise DamagedFile(f"its format {found} is newer than {FORMAT}")
    if found == 0:
        _run(db, _TABLES)
    for version in range(max(found, 1), FORMAT):
        _run(db, _UPGRADES[version])
    db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {FORMAT}")


def _format(db: sqlite3.Connection) -> int:
    """Return the format of our file, or 0 for an empty one."""
    # In this order, because another process may be creating the tables: its mark
    # comes with them.
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (found,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION_ID and (tables or found or application):
        raise ForeignFile(
            "it is another program's database; choose another file for the outbox"
        )
    return found


def _run(db: sqlite3.Connection, script: str) -> None:
    # Not executescript(), which would commit the transaction we are in.
    for statement in script.split(";"):
        if statement.strip():
            db.execute(statement)


def is_damage(error: sqlite3.Error) -> bool:
    """Tell a damaged file from one that is locked, full or unreadable now.

    By SQLite's wording, because ``sqlite_errorcode`` is new in Python 3.11.
    """
    text = str(error)
    return any(words in text for words in _DAMAGE)


def set_aside(path: Path, now: float) -> Path:
    """Rename a damaged file, with its log, and return its new path."""
    moment = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.name}.damaged-{moment}")
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside


def was_set_aside(path: Path, inode: int) -> bool:
    """Say whether the file that was at ``path`` is one of those set aside."""
    aside = path.parent.glob(f"{path.name}.damaged-*")
    return any(each.stat().st_ino == inode for each in aside)


def salvage(db: sqlite3.Connection) -> tuple[list[tuple[str, str, float]], bool]:
    """Read what is left in a damaged file.

    Returns ``(distribution, item, since)`` of every readable item that was not
    settled, and whether anything could not be read.
    """
    found: list[tuple[str, str, float]] = []
    lost = False
    readers = (
        ("SELECT entries, since FROM prepared", _from_prepared),
        ("SELECT distribution, item, since FROM ready", lambda row: [row]),
        ("SELECT distribution, items, since FROM batch", _from_batch),
    )
    db.text_factory = lambda data: data.decode("utf-8", "replace")
    for query, read in readers:
        try:
            for row in db.execute(query):
                try:
                    found.extend(map(_require_item, read(row)))
                except (ValueError, TypeError):
                    lost = True  # reported by the caller, with the file's name
        except sqlite3.Error:
            lost = True
    return found, lost


def _require_item(row: tuple) -> tuple[str, str, float]:
    # Where a page is missing, SQLite may find rows of nulls instead.
    distribution, item, since = row
    if not (
        isinstance(distribution, str)
        and isinstance(item, str)
        and isinstance(since, (int, float))
        and item.startswith(("/", "#"))
        and item.isascii()
    ):
        raise ValueError(f"{row!r} is not an item")
    return distribution, item, since


def _from_prepared(row: tuple) -> list[tuple[str, str, float]]:
    entries, since = row
    return [(distribution, item, since) for distribution, item in json.loads(entries)]


def _from_batch(row: tuple) -> list[tuple[str, str, float]]:
    distribution, items, since = row
    return [(distribution, item, since) for item in json.loads(items)]
