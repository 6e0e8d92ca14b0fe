"""A store in one SQLite file: several threads and processes, no server.

The file is in WAL mode, so readers never wait for the writer. A write leaves its pages
in the operating system's memory: killing the process loses nothing, a power cut does.
What must survive that is synchronised to the disk, see ``synchronise``: ``prepare``,
because Plone commits next, and ``freeze``, because CloudFront is called next. Losing any
other write in a power cut only repeats what is idempotent.

A writer that holds the lock makes sure that it has the file which is in its place: see
``replacement`` for a damaged file, and ``siblings`` for that of a newer version.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.sql import SqlTransaction
from collective.cloudfront.outbox.sqlite import schema
from collective.cloudfront.outbox.sqlite.damage import find_senseless
from collective.cloudfront.outbox.sqlite.damage import ForeignFile
from collective.cloudfront.outbox.sqlite.damage import is_busy
from collective.cloudfront.outbox.sqlite.damage import is_damage
from collective.cloudfront.outbox.sqlite.damage import NewerFile
from collective.cloudfront.outbox.sqlite.damage import salvage
from collective.cloudfront.outbox.sqlite.place import file_system_of
from collective.cloudfront.outbox.sqlite.place import MEMORY
from collective.cloudfront.outbox.sqlite.place import NETWORK
from collective.cloudfront.outbox.sqlite.replacement import alone
from collective.cloudfront.outbox.sqlite.replacement import build
from collective.cloudfront.outbox.sqlite.replacement import finish
from collective.cloudfront.outbox.sqlite.replacement import repaired
from collective.cloudfront.outbox.sqlite.replacement import was_set_aside
from collective.cloudfront.outbox.sqlite.schema import ensure_schema
from collective.cloudfront.outbox.sqlite.schema import format_of
from collective.cloudfront.outbox.sqlite.siblings import adopt
from collective.cloudfront.outbox.sqlite.siblings import of_format
from collective.cloudfront.outbox.sqlite.siblings import TakeOver
from collective.cloudfront.outbox.sqlite.synchronise import synchronise
from collective.cloudfront.outbox.sqlite.synchronise import synchronise_names
from collective.cloudfront.outbox.sqlite.synchronise import Synchroniser
from collective.cloudfront.outbox.store import OutboxBusy
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.store import Saved
from collective.cloudfront.outbox.store import Transaction
from contextlib import closing
from contextlib import contextmanager
from pathlib import Path

import logging
import os
import sqlite3
import threading


logger = logging.getLogger("collective.cloudfront")

#: How long an editor's save may wait for another writer, in seconds.
SAVE_PATIENCE = 0.25
#: How long the courier may wait for another writer, in seconds.
COURIER_PATIENCE = 5.0

#: Who has which file open: the process, and the inodes of the file, of its log, and of
#: the log's index.
Identity = tuple[int, int, int, int]


class SqliteStore:
    """See ``store.Store``."""

    def __init__(
        self,
        path: Path,
        restore: Callable[[Transaction, Saved], bool],
        take_over: TakeOver,
        on_damage: Callable[[str], None],
        clock: Callable[[], float],
    ):
        """``restore`` writes what was saved from a file into the one in its place, and
        returns False if that was done before; ``take_over`` writes rows of another file into this one; ``clock`` returns Unix seconds.
        """
        #: The file in use: not the one asked for, if that belongs to a newer version.
        self.path = path
        self._name = str(path)
        self._restore = restore
        self._take_over = take_over
        self._on_damage = on_damage
        self._clock = clock
        self._asked_for = path
        self._local = threading.local()
        # Held by the thread that opens or repairs the file
        self._opening = threading.RLock()
        # Read out of files that are gone, and not yet in the one in their place
        self._rescued: list[tuple[Saved, Message]] = []
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
            yield SqlTransaction(self._connection(patience).execute)

    @contextmanager
    def write(
        self, durable: bool = False, patient: bool = True
    ) -> Iterator[SqlTransaction]:
        """See ``store.Store``."""
        with self._storage_errors():
            db = self._begin(COURIER_PATIENCE if patient else SAVE_PATIENCE)
            try:
                yield SqlTransaction(db.execute)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
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
        """Empty the log into the file, and take over what other versions have left."""
        self.adopt()
        # Not patiently: while it waits for a reader, nobody can write.
        with self._storage_errors():
            db = self._connection(0.0)
            # The first does nearly all of it, and makes no writer wait.
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def adopt(self) -> int:
        """See ``store.Store``."""
        with self._storage_errors():
            self._connection(COURIER_PATIENCE)
            if self.path != self._asked_for:
                return 0  # that is for the version which has the file
            return adopt(self.path, schema.FORMAT, self.write, self._take_over)

    def concerns(self) -> list[Message]:
        """See ``store.Store``."""
        path = str(self.path)
        found = []
        if self.path != self._asked_for:
            asked_for = str(self._asked_for)
            found.append(message("outbox_beside", path=asked_for, used=path))
        kind = file_system_of(self.path.parent)
        if kind in NETWORK:
            found.append(message("outbox_network", path=path, kind=kind))
        if kind in MEMORY:
            found.append(message("outbox_in_memory", path=path, kind=kind))
        return found

    def close(self) -> None:
        """See ``store.Store``."""
        db = getattr(self._local, "db", None)
        self._local.db = None
        if db is not None:
            try:
                db.close()
            except sqlite3.Error as error:
                logger.warning("Closing the outbox %s: %s", self.path, error)

    # --- connections ------------------------------------------------------------------

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if is_damage(error):
                self._replace(str(error))
            else:
                # The disk may be back to normal; an old connection may not.
                self.close()
            kind = OutboxBusy if is_busy(error) else OutboxUnavailable
            raise kind(f"{self.path}: {error}") from error
        except ForeignFile as error:
            raise OutboxUnavailable(
                message("outbox_foreign", path=str(self.path))
            ) from error
        except OSError as error:
            raise OutboxUnavailable(f"{self.path}: {error}") from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # A bug of ours, or a row that holds nonsense.
            reason = self._senseless()
            if reason is None:
                raise
            self._replace(reason)
            raise self._set_aside(reason) from None

    def _set_aside(self, reason: Message) -> OutboxUnavailable:
        return OutboxUnavailable(
            message("outbox_set_aside", path=str(self.path), error=reason)
        )

    def _senseless(self) -> Message | None:
        db = getattr(self._local, "db", None)
        try:
            table = find_senseless(db) if db is not None else None
        except sqlite3.Error as error:
            return plain(str(error)) if is_damage(error) else None
        return message("outbox_senseless", table=table.name) if table else None

    def _begin(self, patience: float) -> sqlite3.Connection:
        """Return a connection that holds the lock of the file which is in its place."""
        if self._rescued:
            self._bring_back()
        db = self._connection(patience, is_sure=False)
        db.execute("BEGIN IMMEDIATE")
        while self._local.identity != self._identity():
            # It was replaced, now or while we waited.
            db.execute("ROLLBACK")
            db = self._connection(patience)
            db.execute("BEGIN IMMEDIATE")
        return db

    def _connection(self, patience: float, is_sure: bool = True) -> sqlite3.Connection:
        """Return the connection of this thread: to the file in its place, if the caller
        does not make that sure when it has the lock.
        """
        local = self._local
        db = getattr(local, "db", None)
        if db is not None and (
            local.identity != self._identity()
            if is_sure
            else local.identity[0] != os.getpid()
        ):
            lost = self._why_lost()
            if lost:
                self._go_on_without(lost)
            self.close()  # set aside by another process, or we were forked
            db = None
        if db is None:
            db = self._connect(patience)
        if local.patience != patience:
            db.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
            local.patience = patience
        return db

    def _identity(self) -> Identity:
        name = self._name
        try:
            return (
                os.getpid(),
                os.stat(name).st_ino,
                os.stat(name + "-wal").st_ino,
                os.stat(name + "-shm").st_ino,
            )
        except FileNotFoundError:
            found = [_inode(name + suffix) for suffix in ("", "-wal", "-shm")]
            return os.getpid(), found[0], found[1], found[2]

    def _why_lost(self) -> Message:
        """Say why the file that this thread has open is not in its place any more; no
        message if another process has set it aside, or this is another process.
        """
        process, file, *_ = self._local.identity
        now = _inode(self._name)
        if process != os.getpid() or (file != now and was_set_aside(self.path, file)):
            return NOTHING
        if file == now:
            return message("outbox_log_gone")
        return message("outbox_replaced" if now else "outbox_deleted")

    def _connect(self, patience: float) -> sqlite3.Connection:
        if not self._opening.acquire(timeout=max(patience, SAVE_PATIENCE)):
            raise OutboxBusy(f"{self.path}: locked, it is being repaired")
        try:
            return self._open(patience)
        except NewerFile as error:
            self._step_aside(error.args[0])
            return self._open(patience)
        finally:
            self._opening.release()

    def _open(self, patience: float) -> sqlite3.Connection:
        if not self.path.exists() or repaired(self.path).exists():
            with alone(self.path, patience):
                if repaired(self.path).exists():
                    finish(self.path, self._clock())
                return self._open_file()
        return self._open_file()

    def _open_file(self) -> sqlite3.Connection:
        # Of what we are about to open, should it turn out to be damaged.
        self._local.identity = self._identity()
        db = sqlite3.connect(self.path, timeout=SAVE_PATIENCE, isolation_level=None)
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
        opened = self._identity()
        if opened[1] != (self._local.identity[1] or opened[1]) or not opened[1]:
            db.close()
            raise OutboxBusy(f"{self.path}: locked, it is being replaced")
        self._local.db = db
        self._local.patience = SAVE_PATIENCE
        self._local.identity = opened
        return db

    def _step_aside(self, newer: int) -> None:
        """Work with a file of our own, which a newer version takes over later."""
        if self.path != self._asked_for:
            raise OutboxUnavailable(
                message("outbox_newer", found=newer, known=schema.FORMAT)
            )
        self.path = of_format(self._asked_for, schema.FORMAT)
        self._name = str(self.path)
        self._synchroniser = os.getpid(), Synchroniser(self._log)
        logger.error(
            "The outbox %s has format %d, which is newer than %d: a newer version of "
            "collective.cloudfront uses it. Update this process, too. Until then it "
            "keeps and sends what it has to purge in %s, and the newer version takes "
            "over what is left there. Nothing is lost.",
            self._asked_for,
            newer,
            schema.FORMAT,
            self.path,
        )

    # --- damage -----------------------------------------------------------------------

    def _replace(self, reason: object) -> None:
        """Put a new file, with what can be read, in the place of the damaged one."""
        with self._opening:
            try:
                with alone(self.path, COURIER_PATIENCE):
                    replaced = self._replace_file(reason)
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
            "The outbox %s is damaged (%s). It was set aside as %s%s. Purging goes on "
            "with a new outbox, and every distribution is purged whole once, because "
            "more may have waited in it. Check the disk; the file may be deleted.",
            self.path,
            reason,
            aside,
            "; some of it could not be read" if saved.lost else "",
        )
        self._notify(str(aside))

    def _replace_file(self, reason: object) -> tuple[Path, Saved] | None:
        if repaired(self.path).exists():
            # Its process was killed; the file in its place is still the damaged one.
            finish(self.path, self._clock())
        if self._local.identity[:2] != self._identity()[:2]:
            self.close()
            return None
        self.close()
        with closing(
            sqlite3.connect(self.path, timeout=COURIER_PATIENCE, isolation_level=None)
        ) as db:
            _require_readable(db)
            _lock_if_possible(db)
            saved = salvage(db)
            saved.trouble = f"damaged {self._local.identity[1]} {self._clock()}"
            build(self.path, lambda new: self._fill(new, saved))
            return finish(self.path, self._clock()), saved

    def _fill(self, db: sqlite3.Connection, saved: Saved) -> None:
        ensure_schema(db)
        db.execute("BEGIN IMMEDIATE")
        self._restore(SqlTransaction(db.execute), saved)
        db.execute("COMMIT")

    def _go_on_without(self, reason: Message) -> None:
        """Bring what this thread still has open into the file that is in its place
        now, or into a new one.
        """
        with self._opening:
            db, identity = self._local.db, self._local.identity
            if db is None:
                return
            saved = salvage(db)  # it can be read, although it has no name any more
            saved.trouble = f"lost {identity[1:]}"
            self._rescued.append((saved, reason))
            self.close()
            self._bring_back()

    def _bring_back(self) -> None:
        with self._opening:
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
        with alone(self.path, COURIER_PATIENCE):
            if not self.path.exists():
                # A log that was left would be taken for that of the new file.
                build(self.path, ensure_schema)
                finish(self.path, self._clock())
        with self.write(durable=True) as rows:
            if not self._restore(rows, saved):
                return  # another thread or process has done it already
        logger.error(
            "The outbox %s is not the file any more that this process had open (%s). "
            "What waited in it is carried over or purged whole, and every distribution "
            "is purged whole once. Stop all Zope processes before you replace or "
            "delete an outbox.",
            self.path,
            reason,
        )
        self._notify(str(self.path))

    def _notify(self, path: str) -> None:
        try:
            self._on_damage(path)
        except Exception:
            logger.exception("What was to follow the damage of %s failed.", self.path)


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


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
