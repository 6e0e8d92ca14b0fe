"""Files that other processes have left: of another version, beside the outbox, or of
an earlier container.

A process that finds an outbox of a newer format works with a file of its own,
``outbox.sqlite.format-5``: it cannot read the other one, and what it keeps in memory
would be lost if it were killed. When nobody uses that file any more, a process that knows
the format of the outbox takes everything over: slice by slice, and a row is removed only
after it is in the outbox, so it may be killed at any moment.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.sql import SqlTransaction
from collective.cloudfront.outbox.sqlite.connections import Connection
from collective.cloudfront.outbox.sqlite.damage import ForeignFile
from collective.cloudfront.outbox.sqlite.damage import is_busy
from collective.cloudfront.outbox.sqlite.damage import NewerFile
from collective.cloudfront.outbox.sqlite.damage import TABLES
from collective.cloudfront.outbox.sqlite.schema import ensure_schema
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import Table
from collective.cloudfront.outbox.store import Transaction
from contextlib import AbstractContextManager
from contextlib import closing
from pathlib import Path
from typing import Any

import logging
import re
import sqlite3


logger = logging.getLogger("collective.cloudfront")

#: So many rows are taken over in one transaction.
SLICE = 500

#: Writes rows of a table of another outbox.
TakeOver = Callable[[Transaction, Table, list[Any]], None]


def of_format(path: Path, number: int) -> Path:
    """Return the file of processes that know only this format."""
    return path.with_name(f"{path.name}.format-{number}")


def beside(path: Path, newest: int) -> Iterator[Path]:
    """Return the files beside ``path`` that have formats up to ``newest``."""
    pattern = re.compile(re.escape(path.name) + r"\.format-(\d+)")
    for each in sorted(path.parent.glob(f"{path.name}.format-*")):
        match = pattern.fullmatch(each.name)
        if match and int(match[1]) <= newest:
            yield each


def adopt(
    path: Path,
    write: Callable[[], AbstractContextManager[Transaction]],
    take_over: TakeOver,
) -> int:
    """Take over what is in the outbox at ``path``, if nobody uses it, and delete it.
    Returns how many rows.

    What cannot be read stays where it is. Raises ``OutboxUnavailable`` if ``write`` does.
    """
    try:
        count = _move_all(path, write, take_over)
    except (ForeignFile, NewerFile, OSError, sqlite3.Error, ValueError) as error:
        _log_once(path, error)
        return 0
    if count is None:
        return 0
    logger.info(
        "Took over %s that another process left in %s.", counted(count, "row"), path
    )
    return count


def _move_all(
    path: Path,
    write: Callable[[], AbstractContextManager[Transaction]],
    take_over: TakeOver,
) -> int | None:
    connection = sqlite3.connect(
        # It may have been deleted in the meantime: then it is not made again.
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        factory=Connection,
    )
    # No fork takes it along.
    with connection.lock, closing(connection) as db:
        try:
            # Fails while another connection is open: its process lives.
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("BEGIN EXCLUSIVE")
            db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if is_busy(error):
                return None
            raise
        ensure_schema(db)
        count = 0
        for table in TABLES:
            count += _move(db, table, write, take_over)
        # Its log goes first, for that of a new file would have the same name.
        db.execute("PRAGMA journal_mode = DELETE").fetchall()
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
        path.unlink()
    return count


#: What could not be taken over, and why: said once.
_logged: set[tuple[str, str]] = set()


def _log_once(path: Path, error: Exception) -> None:
    known = str(path), str(error)
    if known not in _logged:
        _logged.add(known)
        logger.warning(
            "The outbox that another process left in %s cannot be taken over: %s. If "
            "items may have been waiting in it, use “Purge all”. Then delete it.",
            path,
            error or type(error).__name__,
        )


def _move(
    db: sqlite3.Connection,
    table: Table,
    write: Callable[[], AbstractContextManager[Transaction]],
    take_over: TakeOver,
) -> int:
    count = 0
    other = SqlTransaction(db.execute)
    while True:
        (rows,) = other.read(Scan(table, limit=SLICE))
        if not rows:
            return count
        with write() as ours:
            take_over(ours, table, rows)
        db.execute("BEGIN IMMEDIATE")
        other.take(table, list(map(table.key_of, rows)))
        db.execute("COMMIT")
        count += len(rows)
