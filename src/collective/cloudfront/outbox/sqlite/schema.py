"""The SQLite file: its format, its versions, and what is done when it is damaged."""

from collections.abc import Iterable
from collective.cloudfront.outbox.causes import as_line
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.wording import say
from datetime import datetime
from datetime import timezone
from pathlib import Path

import json
import sqlite3


#: Raise this with every change of the tables, and add how to get there from the
#: version before to ``_UPGRADES``.
FORMAT = 4

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
        urgent INTEGER NOT NULL DEFAULT 0,
        causes TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (distribution, item)
    ) WITHOUT ROWID;
    CREATE INDEX ready_by_age
        ON ready (distribution, wildcard, urgent DESC, since, item);

    CREATE TABLE batch (
        position INTEGER PRIMARY KEY,
        reference TEXT NOT NULL UNIQUE,
        distribution TEXT NOT NULL,
        items TEXT NOT NULL,
        since REAL NOT NULL,
        frozen REAL NOT NULL,
        stamp INTEGER NOT NULL,
        refusals INTEGER NOT NULL DEFAULT 0,
        urgent TEXT NOT NULL DEFAULT '[]',
        causes TEXT NOT NULL DEFAULT ''
    );

    CREATE TABLE settled (
        reference TEXT PRIMARY KEY,
        invalidation TEXT NOT NULL,
        distribution TEXT NOT NULL,
        items TEXT NOT NULL,
        since REAL NOT NULL,
        accepted REAL NOT NULL,
        completed REAL,
        status TEXT NOT NULL,
        causes TEXT NOT NULL DEFAULT ''
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
        urgent INTEGER NOT NULL DEFAULT 0,
        causes TEXT NOT NULL DEFAULT '',
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

# New in format 2. coalesced: 1 for what came again within its interval, 0 for what
# has a date. In coalesced: when each such item last became ready.
_SCHEDULE = """
    CREATE TABLE scheduled (
        distribution TEXT NOT NULL,
        key TEXT NOT NULL,
        item TEXT NOT NULL,
        due REAL NOT NULL,
        coalesced INTEGER NOT NULL,
        every REAL NOT NULL,
        urgent INTEGER NOT NULL,
        stamp INTEGER NOT NULL,
        PRIMARY KEY (distribution, key, item, due, coalesced)
    ) WITHOUT ROWID;
    CREATE INDEX scheduled_by_due ON scheduled (due);
    CREATE INDEX scheduled_coalesced ON scheduled (distribution, item)
        WHERE coalesced = 1;

    CREATE TABLE coalesced (
        distribution TEXT NOT NULL,
        item TEXT NOT NULL,
        became_ready REAL NOT NULL,
        PRIMARY KEY (distribution, item)
    ) WITHOUT ROWID;

    -- day: as in 2026-11-21, UTC, by which AWS bills.
    CREATE TABLE billed (
        day TEXT NOT NULL,
        distribution TEXT NOT NULL,
        items INTEGER NOT NULL,
        PRIMARY KEY (day, distribution)
    ) WITHOUT ROWID;
"""

_TO_2 = (
    """
    ALTER TABLE ready ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
    DROP INDEX ready_by_age;
    CREATE INDEX ready_by_age
        ON ready (distribution, wildcard, urgent DESC, since, item);
    ALTER TABLE batch ADD COLUMN urgent TEXT NOT NULL DEFAULT '[]';
"""
    + _SCHEDULE
)

# New in format 3. causes, wherever they are, as in ``causes``.
_PEOPLE = """
    ALTER TABLE scheduled ADD COLUMN causes TEXT NOT NULL DEFAULT '';

    CREATE INDEX settled_of_distribution ON settled (distribution, accepted);

    -- items and distributions are JSON lists.
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
    CREATE INDEX action_by_time ON action (time);
"""

_TO_3 = (
    """
    ALTER TABLE ready ADD COLUMN causes TEXT NOT NULL DEFAULT '';
    ALTER TABLE batch ADD COLUMN causes TEXT NOT NULL DEFAULT '';
    ALTER TABLE settled ADD COLUMN causes TEXT NOT NULL DEFAULT '';
    ALTER TABLE refused ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE refused ADD COLUMN causes TEXT NOT NULL DEFAULT '';
"""
    + _PEOPLE
)

# New in format 4: what people look at is found without reading the rest.
_LOOKED_AT = """
    CREATE INDEX settled_by_invalidation ON settled (invalidation);
    CREATE INDEX refused_by_age ON refused (refused);
    CREATE INDEX action_by_due ON action (due) WHERE due IS NOT NULL;
"""

_UPGRADES: dict[int, str] = {1: _TO_2, 2: _TO_3, 3: _LOOKED_AT}

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
        raise DamagedFile(say("outbox_newer", found=found, known=FORMAT))
    if found == 0:
        _run(db, _TABLES + _SCHEDULE + _PEOPLE + _LOOKED_AT)
    for version in range(found or FORMAT, FORMAT):
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
        raise ForeignFile()
    return found


def _run(db: sqlite3.Connection, script: str) -> None:
    # Not executescript(), which would commit the transaction we are in.
    for statement in script.split(";"):
        if statement.strip():
            db.execute(statement)


def pack_entries(entries: Iterable[Entry]) -> str:
    """Return entries as they are kept while prepared: a JSON list of their fields.

    A text in it is the cause of those that follow, which most have in common.
    """
    packed: list[list | str] = []
    cause = ""
    for entry in entries:
        if entry.cause != cause:
            cause = entry.cause
            packed.append(as_line(cause))
        packed.append(_fields(entry))
    return json.dumps(packed)


def _fields(entry: Entry) -> list:
    fields = [entry.distribution, entry.item]
    if entry.urgent or entry.every or entry.due or entry.key:
        fields += [entry.urgent, entry.every, entry.due, entry.key]
    return fields  # most have no others, and a save waits for what is written


def unpack_entries(packed: str) -> list[Entry]:
    """Return what was packed."""
    found: list[Entry] = []
    cause = ""
    for each in json.loads(packed):
        if isinstance(each, str):
            cause = each
        else:
            found.append(Entry(*each, cause=cause))
    return found


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


def salvage(db: sqlite3.Connection) -> tuple[list[tuple[Entry, float]], bool]:
    """Read what is left in a damaged file.

    Returns every readable entry that was not settled, with its age (Unix seconds),
    and whether anything could not be read. What was scheduled keeps its date.
    """
    found: list[tuple[Entry, float]] = []
    lost = False
    # Only columns that every format has, as far as there are any.
    readers = (
        ("SELECT entries, since FROM prepared", _from_prepared),
        ("SELECT distribution, item, since FROM ready", _from_ready),
        ("SELECT distribution, items, since FROM batch", _from_batch),
        ("SELECT distribution, item, due, key, urgent FROM scheduled", _from_scheduled),
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


def _require_item(row: tuple[Entry, float]) -> tuple[Entry, float]:
    # Where a page is missing, SQLite may find rows of nulls instead.
    entry, since = row
    if not (
        isinstance(entry.distribution, str)
        and isinstance(entry.item, str)
        and isinstance(entry.key, str)
        and all(isinstance(each, (int, float)) for each in (since, *_numbers(entry)))
        and entry.item.startswith(("/", "#"))
        and entry.item.isascii()
    ):
        raise ValueError(f"{row!r} is not an item")
    return row


def _numbers(entry: Entry) -> tuple[float, ...]:
    return entry.urgent, entry.every, entry.due


def _from_prepared(row: tuple) -> list[tuple[Entry, float]]:
    entries, since = row
    # The others only cancel.
    return [(entry, since) for entry in unpack_entries(entries) if entry.item != ""]


def _from_ready(row: tuple) -> list[tuple[Entry, float]]:
    distribution, item, since = row
    return [(Entry(distribution, item), since)]


def _from_batch(row: tuple) -> list[tuple[Entry, float]]:
    distribution, items, since = row
    return [(Entry(distribution, item), since) for item in json.loads(items)]


def _from_scheduled(row: tuple) -> list[tuple[Entry, float]]:
    distribution, item, due, key, urgent = row
    return [(Entry(distribution, item, bool(urgent), 0.0, due, key), due)]
