"""What is done when the SQLite file is damaged: what can be read in it is saved."""

from collective.cloudfront.outbox.rows import unpack_entries
from collective.cloudfront.outbox.values import Entry
from datetime import datetime
from datetime import timezone
from pathlib import Path

import json
import sqlite3


# SQLite's words for a file that will not get well by itself.
_DAMAGE = ("malformed", "not a database", "no such table", "Could not decode to UTF-8")


class DamagedFile(Exception):
    """The file is no outbox of a format that we can read."""


class ForeignFile(Exception):
    """The file is another program's database, and not to be touched."""


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
