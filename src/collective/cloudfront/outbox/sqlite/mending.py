"""What a store does when its file is damaged, deleted or replaced."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.sql import SqlTransaction
from collective.cloudfront.outbox.sqlite import connections
from collective.cloudfront.outbox.sqlite import schema
from collective.cloudfront.outbox.sqlite.connections import Connection
from collective.cloudfront.outbox.sqlite.damage import ForeignFile
from collective.cloudfront.outbox.sqlite.damage import is_busy
from collective.cloudfront.outbox.sqlite.damage import NewerFile
from collective.cloudfront.outbox.sqlite.damage import salvage
from collective.cloudfront.outbox.sqlite.replacement import alone
from collective.cloudfront.outbox.sqlite.replacement import build
from collective.cloudfront.outbox.sqlite.replacement import finish
from collective.cloudfront.outbox.sqlite.replacement import repaired
from collective.cloudfront.outbox.sqlite.schema import ensure_schema
from collective.cloudfront.outbox.sqlite.schema import format_of
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.store import Saved
from collective.cloudfront.outbox.store import Transaction
from contextlib import AbstractContextManager
from contextlib import closing
from pathlib import Path

import logging
import sqlite3
import threading


logger = logging.getLogger("collective.cloudfront")

#: How long who mends may wait for another process, in seconds.
PATIENCE = 5.0

#: Which file somebody has open: the inodes of the file, of its log, and of the log's index.
Identity = tuple[int, int, int]


class Mending(ABC):
    """Another file in the place of one that is damaged, or gone.

    No fork happens meanwhile: ``connections.opening`` is held, after ``_opening``.
    """

    path: Path
    _clock: Callable[[], float]
    _restore: Callable[[Transaction, Saved], bool]
    _on_damage: Callable[[str], None]
    _local: threading.local
    # Held by the thread that opens or mends the file
    _opening: threading.RLock
    # Read out of files that are gone, and not yet in the one in their place
    _rescued: list[tuple[Saved, Message]]

    @abstractmethod
    def close(self) -> None:
        """See ``store.Store``."""

    @abstractmethod
    def write(
        self, durable: bool = False, patient: bool = True
    ) -> AbstractContextManager[SqlTransaction]:
        """See ``store.Store``."""

    @abstractmethod
    def _identity(self) -> Identity:
        """Return which file is in its place now."""

    def _replace(self, reason: object) -> None:
        """Put a new file, with what can be read, in the place of the damaged one."""
        with self._opening, connections.opening:
            try:
                with alone(self.path, PATIENCE):
                    replaced = self._replace_file()
            except NewerFile:
                self.close()
                return  # it is whole, but not for us: see _connect
            except (OSError, sqlite3.Error) as error:
                self.close()
                raise OutboxUnavailable(
                    message(
                        "outbox_damaged",
                        path=str(self.path),
                        reason=str(reason),
                        error=str(error),
                    )
                ) from error
        if replaced is None:
            return  # another thread or process has done it already
        aside, saved = replaced
        logger.error(
            "The outbox %s is damaged (%s). It was moved to %s%s. Purging "
            "continues with a new outbox, and everything in every distribution "
            "is purged once, because more items may have been waiting. Check "
            "the disk. You can delete the moved file.",
            self.path,
            reason,
            aside,
            "; some of it could not be read" if saved.lost else "",
        )
        self._notify(str(aside))

    def _replace_file(self) -> tuple[Path, Saved] | None:
        if repaired(self.path).exists():
            # Its process was killed; the file in its place is still the damaged one.
            finish(self.path, self._clock())
        if self._local.identity[0] != self._identity()[0]:
            self.close()
            return None
        self.close()
        with closing(
            sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        ) as db:
            _require_readable(db)
            _lock_if_possible(db)
            saved = salvage(db)
            saved.trouble = f"damaged {self._local.identity[0]} {self._clock()}"
            build(self.path, lambda new: self._fill(new, saved))
            return finish(self.path, self._clock()), saved

    def _fill(self, db: sqlite3.Connection, saved: Saved) -> None:
        ensure_schema(db)
        db.execute("BEGIN IMMEDIATE")
        self._restore(SqlTransaction(db.execute), saved)
        db.execute("COMMIT")

    def _go_on_without(self, db: Connection, reason: Message) -> None:
        """Bring what this thread still has open into the file that is in its place
        now, or into a new one.
        """
        with self._opening, connections.opening:
            if self._local.db is not db:
                return
            with db.lock:
                # It can be read, although it has no name any more, if no fork closed it.
                saved = salvage(db) if db.is_usable else Saved(lost=True)
            saved.trouble = f"lost {self._local.identity}"
            self._rescued.append((saved, reason))
            self.close()
            self._bring_back()

    def _bring_back(self) -> None:
        with self._opening, connections.opening:
            rescued, self._rescued = self._rescued, []
            try:
                while rescued:
                    self._bring_back_one(*rescued[0])
                    del rescued[0]
            except (OSError, sqlite3.Error) as error:
                raise OutboxUnavailable(f"{self.path}: {error}") from error
            finally:
                self._rescued[:0] = rescued

    def _bring_back_one(self, saved: Saved, reason: Message) -> None:
        with alone(self.path, PATIENCE):
            if not self.path.exists():
                # A log that was left would be taken for that of the new file.
                build(self.path, ensure_schema)
                finish(self.path, self._clock())
        with self.write(durable=True) as rows:
            if not self._restore(rows, saved):
                return  # another thread or process has done it already
        logger.error(
            "The outbox %s is no longer the file that this process had open "
            "(%s). Waiting items are carried over where possible, and "
            "everything in every distribution is purged once. Stop all Zope "
            "processes before you replace or delete an outbox.",
            self.path,
            reason,
        )
        self._notify(str(self.path))

    def _notify(self, path: str) -> None:
        try:
            self._on_damage(path)
        except Exception:
            logger.exception("Handling the damage of %s failed.", self.path)


def _require_readable(db: sqlite3.Connection) -> None:
    """Raise ``NewerFile`` for a file that a newer version has upgraded meanwhile."""
    try:
        found = format_of(db)
    except (sqlite3.Error, ForeignFile):
        return
    if found > schema.FORMAT:
        raise NewerFile(found)


def _lock_if_possible(db: sqlite3.Connection) -> None:
    """Keep others from writing into a damaged file, as far as that can be done."""
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if is_busy(error):
            raise
