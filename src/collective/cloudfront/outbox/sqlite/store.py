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
from collective.cloudfront.outbox.sqlite import connections
from collective.cloudfront.outbox.sqlite import schema
from collective.cloudfront.outbox.sqlite.connections import Connection
from collective.cloudfront.outbox.sqlite.damage import find_senseless
from collective.cloudfront.outbox.sqlite.damage import ForeignFile
from collective.cloudfront.outbox.sqlite.damage import is_busy
from collective.cloudfront.outbox.sqlite.damage import is_damage
from collective.cloudfront.outbox.sqlite.damage import NewerFile
from collective.cloudfront.outbox.sqlite.mending import Identity
from collective.cloudfront.outbox.sqlite.mending import Mending
from collective.cloudfront.outbox.sqlite.place import CONTAINER
from collective.cloudfront.outbox.sqlite.place import file_system_of
from collective.cloudfront.outbox.sqlite.place import MEMORY
from collective.cloudfront.outbox.sqlite.place import NETWORK
from collective.cloudfront.outbox.sqlite.replacement import alone
from collective.cloudfront.outbox.sqlite.replacement import finish
from collective.cloudfront.outbox.sqlite.replacement import repaired
from collective.cloudfront.outbox.sqlite.replacement import was_set_aside
from collective.cloudfront.outbox.sqlite.schema import ensure_schema
from collective.cloudfront.outbox.sqlite.siblings import adopt
from collective.cloudfront.outbox.sqlite.siblings import beside
from collective.cloudfront.outbox.sqlite.siblings import of_format
from collective.cloudfront.outbox.sqlite.siblings import TakeOver
from collective.cloudfront.outbox.sqlite.synchronise import synchronise
from collective.cloudfront.outbox.sqlite.synchronise import synchronise_names
from collective.cloudfront.outbox.store import OutboxBusy
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.store import Saved
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.synchroniser import Synchroniser
from contextlib import contextmanager
from functools import partial
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


class SqliteStore(Mending):
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
        returns False if that was done before; ``take_over`` writes rows of another file
        into this one; ``clock`` returns Unix seconds.
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
        self._opening = threading.RLock()
        self._rescued = []
        self._synchroniser = os.getpid(), Synchroniser(partial(synchronise, self._log))

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
            db = self._locked(COURIER_PATIENCE if patient else SAVE_PATIENCE)
            try:
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
            synchroniser = Synchroniser(partial(synchronise, self._log))
            self._synchroniser = os.getpid(), synchroniser
        return synchroniser

    def tidy(self) -> None:
        """Empty the log into the file, and take over what other versions have left."""
        self.adopt()
        # Not patiently: while it waits for a reader, nobody can write.
        with self._storage_errors():
            db = self._take(0.0)
            try:
                # The first does nearly all of it, and makes no writer wait.
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                db.users.pop()
                db.lock.release()

    def adopt(self) -> int:
        """See ``store.Store``."""
        with self._storage_errors():
            self._connection(COURIER_PATIENCE)
            if self.path != self._asked_for:
                return 0  # that is for the version which has the file
            return sum(
                adopt(each, self.write, self._take_over)
                for each in beside(self.path, schema.FORMAT)
            )

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
        if kind in CONTAINER:
            found.append(message("outbox_in_container", path=path))
        if kind in MEMORY:
            found.append(message("outbox_in_memory", path=path, kind=kind))
        return found

    def join(self, owner: str, wake: Callable[[], None]) -> None:
        """See ``store.Store``: a file tells nobody."""

    def leave(self, owner: str) -> None:
        """See ``store.Store``."""

    def has_ended(self, owner: str) -> bool:
        """See ``store.Store``: a file does not know its processes."""
        return False

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
        self._opening = threading.RLock()
        self._rescued = []  # the parent brings it back

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
        if db is None:
            return None
        try:
            with db.lock:
                table = find_senseless(db)
        except sqlite3.Error as error:
            return plain(str(error)) if is_damage(error) else None
        return message("outbox_senseless", table=table.name) if table else None

    def _locked(self, patience: float) -> Connection:
        """Return a connection that is taken, and holds the lock of the file which is in
        its place.
        """
        if self._rescued:
            self._bring_back()
        is_sure = False
        while True:
            db = self._take(patience, is_sure)
            try:
                db.execute("BEGIN IMMEDIATE")
                if self._local.identity == self._identity():
                    return db
                # It was replaced, now or while we waited.
                db.execute("ROLLBACK")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                db.users.pop()
                db.lock.release()
                raise
            db.users.pop()
            db.lock.release()
            is_sure = True

    def _take(self, patience: float, is_sure: bool = True) -> Connection:
        """Return the connection of this thread; no fork closes it until its lock is
        released. It is to the file in its place, if the caller does not make that sure
        when it has the lock.
        """
        while True:
            db = self._connection(patience, is_sure)
            db.lock.acquire()
            if db.is_usable:
                break
            db.lock.release()
        db.users.append(threading.get_ident())
        if self._local.patience != patience:
            db.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
            self._local.patience = patience
        return db

    def _connection(self, patience: float, is_sure: bool = True) -> Connection:
        local = self._local
        db: Connection | None = getattr(local, "db", None)
        if db is None:
            return self._connect(patience)
        if not db.is_usable:
            # We have forked. Its log may be gone: whoever closes last empties it.
            is_lost = local.identity[0] != _inode(self._name)
        elif is_sure and local.identity != self._identity():
            is_lost = True
        else:
            return db
        lost = self._why_lost() if is_lost else NOTHING
        if lost:
            self._go_on_without(db, lost)
        self.close()  # also if another process has set it aside
        return self._connect(patience)

    def _identity(self) -> Identity:
        name = self._name
        try:
            return (
                os.stat(name).st_ino,
                os.stat(name + "-wal").st_ino,
                os.stat(name + "-shm").st_ino,
            )
        except FileNotFoundError:
            return _inode(name), _inode(name + "-wal"), _inode(name + "-shm")

    def _why_lost(self) -> Message:
        """Say why the file that this thread has open is not in its place any more; no
        message if another process has set it aside.
        """
        file, now = self._local.identity[0], _inode(self._name)
        if file != now and was_set_aside(self.path, file):
            return NOTHING
        if file == now:
            return message("outbox_log_gone")
        return message("outbox_replaced" if now else "outbox_deleted")

    def _connect(self, patience: float) -> Connection:
        if not self._opening.acquire(timeout=max(patience, SAVE_PATIENCE)):
            raise OutboxBusy(f"{self.path}: locked, it is being repaired")
        try:
            with connections.opening:
                try:
                    return self._open(patience)
                except NewerFile as error:
                    self._step_aside(error.args[0])
                    return self._open(patience)
        finally:
            self._opening.release()

    def _open(self, patience: float) -> Connection:
        if not self.path.exists() or repaired(self.path).exists():
            with alone(self.path, patience):
                if repaired(self.path).exists():
                    finish(self.path, self._clock())
                return self._open_file(patience)
        return self._open_file(patience)

    def _open_file(self, patience: float) -> Connection:
        # Of what we are about to open, should it turn out to be damaged.
        self._local.identity = self._identity()
        db = sqlite3.connect(
            self.path,
            timeout=patience,
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
        opened = self._identity()
        if opened[0] != (self._local.identity[0] or opened[0]) or not opened[0]:
            db.close()
            raise OutboxBusy(f"{self.path}: locked, it is being replaced")
        self._local.db = db
        self._local.patience = patience
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
        self._synchroniser = os.getpid(), Synchroniser(partial(synchronise, self._log))
        logger.error(
            "The outbox %s has format %d, which is newer than %d, because a "
            "newer version of collective.cloudfront uses it. Update this "
            "process, too. Until then, it uses the outbox %s, and the newer "
            "version takes over the items that remain there. Nothing is lost.",
            self._asked_for,
            newer,
            schema.FORMAT,
            self.path,
        )


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0
