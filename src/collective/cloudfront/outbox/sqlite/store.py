"""A store in one SQLite file: several threads and processes, no server.

The file is in WAL mode, so readers never wait for the writer. A write leaves its pages
in the operating system's memory: killing the process loses nothing, a power cut does.
What must survive that is synchronised to the disk, see ``synchronise``: ``prepare``,
because Plone commits next, and ``freeze``, because CloudFront is called next. Losing any
other write in a power cut only repeats what is idempotent.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.sql import SqlTransaction
from collective.cloudfront.outbox.sqlite import connections
from collective.cloudfront.outbox.sqlite.connections import Connection
from collective.cloudfront.outbox.sqlite.damage import DamagedFile
from collective.cloudfront.outbox.sqlite.damage import ForeignFile
from collective.cloudfront.outbox.sqlite.damage import is_damage
from collective.cloudfront.outbox.sqlite.damage import salvage
from collective.cloudfront.outbox.sqlite.damage import set_aside
from collective.cloudfront.outbox.sqlite.damage import was_set_aside
from collective.cloudfront.outbox.sqlite.schema import ensure_schema
from collective.cloudfront.outbox.sqlite.synchronise import synchronise
from collective.cloudfront.outbox.sqlite.synchronise import synchronise_names
from collective.cloudfront.outbox.sqlite.synchronise import Synchroniser
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.values import Entry
from contextlib import closing
from contextlib import contextmanager
from pathlib import Path

import json
import logging
import os
import sqlite3
import threading


logger = logging.getLogger("collective.cloudfront")

#: How long an editor's save may wait for another writer, in seconds.
SAVE_PATIENCE = 0.25
#: How long the courier may wait for another writer, in seconds.
COURIER_PATIENCE = 5.0

#: Entries and their age (Unix seconds).
Saved = Sequence[tuple[Entry, float]]


class SqliteStore:
    """See ``store.Store``."""

    def __init__(
        self,
        path: Path,
        restore: Callable[[Saved], None],
        on_damage: Callable[[str], None],
        clock: Callable[[], float],
    ):
        """``restore`` takes what was saved from a damaged file; ``clock`` returns Unix
        seconds.
        """
        self.path = path
        self._restore = restore
        self._on_damage = on_damage
        self._clock = clock
        self._local = threading.local()
        self._repair = threading.RLock()
        self._synchroniser = os.getpid(), Synchroniser(self._log)

    def __repr__(self) -> str:
        return str(self.path)

    @property
    def _log(self) -> Path:
        return Path(f"{self.path}-wal")

    @contextmanager
    def read(self, patience: float = COURIER_PATIENCE) -> Iterator[SqlTransaction]:
        """See ``store.Store``."""
        with self._storage_errors():
            db = self._take(patience)
            try:
                yield SqlTransaction(db.execute)
            finally:
                db.users.pop()
                db.lock.release()

    @contextmanager
    def write(
        self, durable: bool = False, patient: bool = True
    ) -> Iterator[SqlTransaction]:
        """See ``store.Store``."""
        with self._storage_errors():
            db = self._take(COURIER_PATIENCE if patient else SAVE_PATIENCE)
            try:
                db.execute("BEGIN IMMEDIATE")
                yield SqlTransaction(db.execute)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            finally:
                db.users.pop()
                db.lock.release()
            if durable:
                synchronise(self._log)

    def synchronise(self) -> Callable[[], None]:
        """See ``store.Store``."""
        begun = self._synchroniser_here().begin()

        def wait() -> None:
            with self._storage_errors():
                begun.result()

        return wait

    def _synchroniser_here(self) -> Synchroniser:
        pid, synchroniser = self._synchroniser
        if pid != os.getpid():  # forked: its thread stayed behind
            synchroniser = Synchroniser(self._log)
            self._synchroniser = os.getpid(), synchroniser
        return synchroniser

    def tidy(self) -> None:
        """Empty the log into the file."""
        # Not patiently: while it waits for a reader, nobody can write.
        with self._storage_errors():
            db = self._take(0.0)
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                db.users.pop()
                db.lock.release()

    def close(self) -> None:
        """See ``store.Store``."""
        db = getattr(self._local, "db", None)
        self._local.db = None
        if db is not None:
            try:
                db.close()
            except sqlite3.Error as error:
                logger.warning("Closing the outbox %s: %s", self.path, error)

    def forked(self) -> None:
        """See ``store.Store``."""
        self._local = threading.local()
        self._repair = threading.RLock()

    # --- connections ------------------------------------------------------------------

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except (DamagedFile, json.JSONDecodeError) as error:
            reason = error.args[0] if isinstance(error, DamagedFile) else str(error)
            self._start_anew(reason)
            raise OutboxUnavailable(
                message("outbox_set_aside", path=str(self.path), error=reason)
            ) from error
        except sqlite3.Error as error:
            if is_damage(error):
                self._start_anew(str(error))
            else:
                # The disk may be back to normal; an old connection may not.
                self.close()
            raise OutboxUnavailable(f"{self.path}: {error}") from error
        except ForeignFile as error:
            raise OutboxUnavailable(
                message("outbox_foreign", path=str(self.path))
            ) from error
        except OSError as error:
            raise OutboxUnavailable(f"{self.path}: {error}") from error

    def _take(self, patience: float) -> Connection:
        """Return the connection of this thread; no fork closes it until its lock is
        released.
        """
        while True:
            db = self._connection()
            db.lock.acquire()
            if db.is_usable:
                break
            db.lock.release()
        db.users.append(threading.get_ident())
        if self._local.patience != patience:
            db.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
            self._local.patience = patience
        return db

    def _connection(self) -> Connection:
        local = self._local
        db = getattr(local, "db", None)
        if db is not None and not db.is_usable:
            local.db = db = None  # we were forked, or have forked
        if db is not None and local.identity != self._identity():
            if self._is_deleted():
                raise DamagedFile(message("outbox_deleted"))
            self.close()  # set aside by another process
            db = None
        if db is None:
            db = self._connect()
        return db

    def _identity(self) -> tuple[int, int]:
        try:
            return os.getpid(), os.stat(self.path).st_ino
        except FileNotFoundError:
            return os.getpid(), 0

    def _is_deleted(self) -> bool:
        """Say whether the file that this thread has open is gone, without a trace."""
        pid, inode = self._local.identity
        return self._identity() == (pid, 0) and not was_set_aside(self.path, inode)

    def _connect(self) -> Connection:
        with self._repair, connections.opening:
            # Of what we are about to open, should it turn out to be damaged.
            self._local.identity = self._identity()
            db = sqlite3.connect(
                self.path,
                timeout=SAVE_PATIENCE,
                isolation_level=None,
                check_same_thread=False,
                factory=Connection,
            )
            try:
                ensure_schema(db)
                synchronise_names(self.path.parent)
                # Only checkpoints are synchronised by SQLite itself.
                db.execute("PRAGMA synchronous = NORMAL")
                # The courier checkpoints when idle, so that no save has to.
                db.execute("PRAGMA wal_autocheckpoint = 20000")
            except BaseException:
                db.close()
                raise
            self._local.db = db
            self._local.patience = SAVE_PATIENCE
            self._local.identity = self._identity()
        return db

    # --- damage -----------------------------------------------------------------------

    def _start_anew(self, reason: object) -> None:
        """Set the damaged file aside, and save what can be read out of it."""
        with self._repair:
            try:
                replaced = self._replace_file()
            except (OSError, sqlite3.Error) as error:
                raise OutboxUnavailable(
                    message(
                        "outbox_damaged",
                        path=str(self.path),
                        reason=reason,
                        error=str(error),
                    )
                ) from error
            if replaced is None:
                return  # another thread or process has done it already
            aside, saved, lost = replaced
        logger.error(
            "The outbox %s is damaged (%s). It was set aside as %s; %d items could "
            "be saved from it%s. Purging goes on with a new outbox, and every "
            "distribution is purged whole once, because more may have waited in it. "
            "Check the disk; the file may be deleted.",
            self.path,
            reason,
            aside,
            saved,
            ", and some could not be read" if lost else "",
        )
        try:
            self._on_damage(str(aside))
        except Exception:
            logger.exception("What was to follow the damage of %s failed.", self.path)

    def _replace_file(self) -> tuple[Path, int, bool] | None:
        deleted = getattr(self._local, "db", None) is not None and self._is_deleted()
        if not deleted and self._local.identity != self._identity():
            self.close()
            return None
        if deleted:
            # What is open can still be read, although it has no name any more.
            entries, lost = salvage(self._local.db)
        self.close()
        aside = set_aside(self.path, self._clock())
        if not deleted:
            with closing(sqlite3.connect(aside)) as db:
                entries, lost = salvage(db)
        if entries:
            try:
                self._restore(entries)
            except OutboxUnavailable as error:
                logger.error("Items saved from %s are lost again: %s", aside, error)
                return aside, 0, True
        return aside, len(entries), lost
