"""Files as earlier versions made them, with something in each state."""

from contextlib import closing
from pathlib import Path

import json
import sqlite3


#: When everything happened in them (Unix seconds).
THEN = 1_700_000_000.0

#: The tables of format 4, as the version before format 5 made them.
_FORMAT_4 = """
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
    CREATE INDEX settled_by_invalidation ON settled (invalidation);
    CREATE INDEX refused_by_age ON refused (refused);
    CREATE INDEX action_by_due ON action (due) WHERE due IS NOT NULL;
"""

# What each format changed in the one before, backwards.
_TO_3 = """
    DROP INDEX settled_by_invalidation;
    DROP INDEX refused_by_age;
    DROP INDEX action_by_due;
    PRAGMA user_version = 3;
"""
_TO_2 = """
    DROP TABLE action;
    DROP INDEX settled_of_distribution;
    ALTER TABLE ready DROP COLUMN causes;
    ALTER TABLE batch DROP COLUMN causes;
    ALTER TABLE settled DROP COLUMN causes;
    ALTER TABLE scheduled DROP COLUMN causes;
    ALTER TABLE refused DROP COLUMN causes;
    ALTER TABLE refused DROP COLUMN urgent;
    PRAGMA user_version = 2;
"""
_TO_1 = """
    DROP TABLE scheduled; DROP TABLE coalesced; DROP TABLE billed;
    DROP INDEX ready_by_age;
    ALTER TABLE ready DROP COLUMN urgent;
    ALTER TABLE batch DROP COLUMN urgent;
    CREATE INDEX ready_by_age ON ready (distribution, wildcard, since, item);
    PRAGMA user_version = 1;
"""
_BACK = {4: "", 3: _TO_3, 2: _TO_3 + _TO_2, 1: _TO_3 + _TO_2 + _TO_1}
FORMATS = tuple(_BACK)

# Statements of the version that made format 4: what a save of it does.
PREPARE = (
    "INSERT OR REPLACE INTO prepared (token, owner, since, entries) VALUES (?, ?, ?, ?)"
)
DISCARD = "DELETE FROM prepared WHERE token = ?"
COUNT = (
    "INSERT INTO counter (name, value) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value"
)
ADD_READY = """
    INSERT INTO ready (distribution, item, wildcard, since, stamp, urgent, causes)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (distribution, item)
    DO UPDATE SET since = min(since, excluded.since), stamp = excluded.stamp,
                  urgent = max(urgent, excluded.urgent)
"""
SCHEDULE = """
    INSERT INTO scheduled
        (distribution, key, item, due, coalesced, every, urgent, stamp, causes)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_ROWS: dict[str, list[tuple]] = {
    "prepared": [
        (
            "t",
            "gone:1:0123456789ab",
            THEN,
            json.dumps(["jane: /p", ["E1", "/prepared"]]),
        )
    ],
    "ready": [
        ("E1", "/ready", 0, THEN, 3, 1, json.dumps(["jane: /a", "settings", 2])),
        ("E1", "/w/*", 1, THEN + 1, 4, 0, ""),
    ],
    "batch": [
        (
            *(1, "r2", "E1", json.dumps(["/f1", "/f2"]), THEN, THEN + 5, 4, 2),
            json.dumps(["/f2"]),
            json.dumps([[json.dumps(["joe: /f"]), 2]]),
        )
    ],
    "settled": [
        (
            *("r0", "I0", "E1", json.dumps(["/done"]), THEN, THEN + 1, THEN + 9),
            *("Completed", json.dumps(["jane: /done and 3 more", 4])),
        ),
        (
            *("r1", "I1", "E1", json.dumps(["/running"]), THEN, THEN + 2, None),
            *("InProgress", ""),
        ),
    ],
    "refused": [
        (
            *("E1", "/bad", "CloudFront refuses the call (InvalidArgument)"),
            *(THEN, THEN + 3, 1, json.dumps(["jane: undo"])),
        )
    ],
    "distribution": [
        (
            *("E1", "gone:1:0123456789ab", THEN + 60, 900.0, 14.0, THEN, 2.0),
            "The role cannot be assumed (There are no usable AWS credentials: no)",
            "Something that nobody knows.",
            *(1, THEN, THEN + 300, 3),
        ),
        *[("E2", *[None] * 8, 0, None, None, 0)],
    ],
    "calls": [(1, 4.5, THEN)],
    "counter": [("stamp", 4), ("in_doubt_released", 7)],
    "scheduled": [
        ("E1", "k", "/dated", THEN + 1e9, 0, 0.0, 1, 4, json.dumps(["jane: /d"])),
        ("E1", "", "/again", THEN + 1e9, 1, 2e9, 0, 4, ""),
    ],
    "coalesced": [("E1", "/again", THEN)],
    "billed": [("2023-11-14", "E1", 12)],
    "action": [
        ("a", THEN, "jane", "theme", json.dumps(["/*"]), json.dumps(["E1"]), None, None)
    ],
}


def make(path: Path, version: int) -> None:
    """Make a file of an older format."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_FORMAT_4)
        for table, rows in _ROWS.items():
            for row in rows:
                # Format 3 added a column behind those that there were
                names = [each[1] for each in db.execute(f"PRAGMA table_info({table})")]
                marks = ", ".join("?" * len(row))
                columns = ", ".join(names)
                db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)
        db.execute(f"PRAGMA application_id = {0x43466F62}")
        db.execute("PRAGMA user_version = 4")
        db.executescript(_BACK[version])
