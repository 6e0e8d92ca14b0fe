"""What is read out of a file that is damaged, deleted or replaced."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.outbox.store import BILL
from collective.cloudfront.outbox.store import COUNTER
from collective.cloudfront.outbox.store import INTERVAL
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import LATELY
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import PREPARED
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import Saved
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Table
from functools import lru_cache
from typing import Any
from typing import get_args
from typing import get_type_hints

import json
import math
import re
import sqlite3


# SQLite's words for a file that will not get well by itself.
_DAMAGE = ("malformed", "not a database", "no such table", "Could not decode to UTF-8")
# Another connection is writing: nothing is wrong with the disk.
_BUSY = ("locked", "busy")

#: The tables that are saved row by row. Of what is ready only the distributions are:
#: they are purged whole.
SAVED = (PREPARED, SCHEDULED, INVALIDATION, QUARANTINE, REQUEST, BILL, COUNTER)
#: All tables.
TABLES = (*SAVED, READY, INTERVAL, LATELY, MEMORY)

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Unix seconds after the year 9999 cannot be shown.
_LATEST = 253_402_300_799.0


class ForeignFile(Exception):
    """The file is another program's database, and not to be touched."""


class NewerFile(Exception):
    """The file is an outbox of a newer version; the argument is its format."""


def is_damage(error: sqlite3.Error) -> bool:
    """Tell a damaged file from one that is locked, full or unreadable now.

    By SQLite's wording, because ``sqlite_errorcode`` is new in Python 3.11.
    """
    text = str(error)
    return any(words in text for words in _DAMAGE)


def is_busy(error: sqlite3.Error) -> bool:
    """Say whether only somebody else is writing."""
    return any(words in str(error) for words in _BUSY)


def salvage(db: sqlite3.Connection) -> Saved:
    """Return what can be read in a file, of any format."""
    saved = Saved()
    factory, db.text_factory = db.text_factory, _decode
    try:
        for table in SAVED:
            for row in _read(db, table, saved):
                saved.rows.setdefault(table, []).append(row)
        for name in ("ready", "batch"):
            _note_waiting(db, name, saved)
    finally:
        db.text_factory = factory
    for table in (SCHEDULED, QUARANTINE):
        for row in saved.rows.get(table, ()):
            saved.waiting.setdefault(row.distribution, math.inf)  # not yet
    return saved


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _read(db: sqlite3.Connection, table: Table, saved: Saved) -> Iterator[Any]:
    """Yield the rows of a table that can be read and make sense."""
    try:
        found = {row[1] for row in db.execute(f"PRAGMA table_info({table.name})")}
        if not found:
            return  # an older format had no such table, or it cannot be read
        # What an older format did not have is empty.
        columns = [
            name if name in found else f"{_empty(table, name)!r}"
            for name in table.columns
        ]
        query = f"SELECT {', '.join(columns)} FROM {table.name}"
        for row in map(table.row._make, db.execute(query)):
            # Where a page is missing, SQLite may find rows of nulls instead.
            if makes_sense(table, row):
                yield row
            else:
                saved.lost = True
    except sqlite3.Error:
        saved.lost = True


def _note_waiting(db: sqlite3.Connection, name: str, saved: Saved) -> None:
    try:
        for distribution, since in db.execute(
            f"SELECT distribution, since FROM {name}"
        ):
            if not (is_identifier(distribution) and _is_moment(since)):
                saved.lost = True
                continue
            oldest = saved.waiting.get(distribution, math.inf)
            saved.waiting[distribution] = min(oldest, since)
    except sqlite3.Error:
        saved.lost = True


def find_senseless(db: sqlite3.Connection) -> Table | None:
    """Return a table that has a row with which nothing can be done; None if all is
    well.
    """
    for table in TABLES:
        query = f"SELECT {', '.join(table.columns)} FROM {table.name}"
        rows: Iterable[Any] = map(table.row._make, db.execute(query))
        if not all(makes_sense(table, row) for row in rows):
            return table
    return None


def makes_sense(table: Table, row: Any) -> bool:
    """Say whether a row holds values of the right kinds: no text instead of a number,
    no moment before 1970, and JSON that can be read.
    """
    for name, value, kinds in zip(table.columns, row, _kinds(table)):
        if not isinstance(value, kinds):
            return False
        if float in kinds and value is not None and not _is_moment(value):
            return False
        wanted = _JSON.get((table, name))
        if wanted is not None and not _is_json(value, wanted):
            return False
        if name == "distribution" and not is_identifier(value):
            return False
        if name == "item" and not is_item(value):
            return False
    return True


@lru_cache(maxsize=20)
def _kinds(table: Table) -> list[tuple[type, ...]]:
    """Return the types that each column of a table may have."""
    kinds = []
    for hint in get_type_hints(table.row).values():
        allowed = get_args(hint) or (hint,)
        kinds.append((*allowed, int) if float in allowed else allowed)
    return kinds


def _empty(table: Table, name: str) -> Any:
    kinds = _kinds(table)[table.columns.index(name)]
    return "[]" if (table, name) in _JSON else "" if str in kinds else 0


def _are_items(found: Any) -> bool:
    return isinstance(found, list) and all(map(is_item, found))


def _are_texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def _are_entries(found: Any) -> bool:
    """Say whether something is what ``rows.pack_entries`` packs."""
    return isinstance(found, list) and all(
        _is_entry(*each) if isinstance(each, list) else isinstance(each, (str, dict))
        for each in found
    )


def _is_entry(
    distribution: Any = None,
    item: Any = None,
    urgent: Any = False,
    every: Any = 0.0,
    due: Any = 0.0,
    key: Any = "",
    *more: Any,
) -> bool:
    return (
        is_identifier(distribution)
        and (item == "" or is_item(item))
        and isinstance(urgent, (int, bool))
        and _is_moment(every)
        and _is_moment(due)
        and isinstance(key, str)
        and not more
    )


def _are_purged(found: Any) -> bool:
    """Say whether something is what a distribution's id and items were written as."""
    return isinstance(found, dict) and all(
        is_identifier(each) and _are_items(items) for each, items in found.items()
    )


def _is_memory(found: Any) -> bool:
    return isinstance(found, (dict, list))


#: The columns that hold JSON, with what it is to be.
_JSON: dict[tuple[Table, str], Callable[[Any], bool]] = {
    (PREPARED, "entries"): _are_entries,
    (INVALIDATION, "items"): _are_items,
    (INVALIDATION, "urgent"): _are_texts,
    (REQUEST, "items"): _are_texts,
    (REQUEST, "distributions"): _are_texts,
    (LATELY, "tokens"): _are_texts,
    (LATELY, "items"): _are_purged,
    (MEMORY, "value"): _is_memory,
}


def _is_json(text: str, is_meant: Callable[[Any], bool]) -> bool:
    try:
        return is_meant(json.loads(text))
    except ValueError:
        return False


def _is_moment(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= _LATEST


def is_identifier(value: Any) -> bool:
    """Say whether a value can be the id of a distribution."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def is_item(value: Any) -> bool:
    """Say whether a value can be an item."""
    return isinstance(value, str) and value.startswith(("/", "#")) and value.isascii()
