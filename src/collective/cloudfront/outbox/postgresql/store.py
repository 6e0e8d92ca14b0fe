"""A store in a schema of a PostgreSQL database: any number of processes and machines.

Writers hold an advisory lock until they have committed. Their statements go to the
server in a pipeline: it is waited for only when something is read, and at the end.

A commit that is not durable is not waited for on the server's disk: the end of a process
loses nothing, a crash of the server the last half second. What must survive that is
synchronised, see ``sqlite.store``: ``freeze`` by its own commit, ``prepare`` by
``synchronise`` while Plone goes on. Where the server's standby has to confirm a commit,
this does, too.

A failed statement ends its connection only if that is broken, or if its server takes no
writes any more, because a standby has taken over: the next connection finds that.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.postgresql.address import Address
from collective.cloudfront.outbox.postgresql.connections import close
from collective.cloudfront.outbox.postgresql.connections import connect
from collective.cloudfront.outbox.postgresql.connections import Connection
from collective.cloudfront.outbox.postgresql.connections import Connections
from collective.cloudfront.outbox.postgresql.connections import Exhausted
from collective.cloudfront.outbox.postgresql.listening import channel
from collective.cloudfront.outbox.postgresql.listening import Listener
from collective.cloudfront.outbox.postgresql.schema import ensure_schema
from collective.cloudfront.outbox.postgresql.schema import FORMAT
from collective.cloudfront.outbox.postgresql.schema import NewerFormat
from collective.cloudfront.outbox.postgresql.schema import TABLES
from collective.cloudfront.outbox.postgresql.texts import escaped
from collective.cloudfront.outbox.postgresql.texts import unescaped
from collective.cloudfront.outbox.sql import SqlTransaction
from collective.cloudfront.outbox.store import Key
from collective.cloudfront.outbox.store import OutboxBusy
from collective.cloudfront.outbox.store import OutboxForbidden
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import Table
from collective.cloudfront.outbox.synchroniser import Synchroniser
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import count
from psycopg import errors
from psycopg.pq import TransactionStatus
from typing import Any

import psycopg
import re
import time


#: How long an editor's save may wait for another writer, and for a connection or an
#: answer, in seconds.
SAVE_PATIENCE = 0.25
SAVE_DEADLINE = 1.0
#: … a courier, or who reads.
COURIER_PATIENCE = 5.0
COURIER_DEADLINE = 20.0
READ_DEADLINE = 10.0
#: Whoever has the lock and does nothing for so long (seconds) loses it: the machine may be
#: gone, or the process stopped, and all others wait.
IDLE_PATIENCE = 15.0

#: Advisory locks of ours begin with this ("CFob").
_LOCKS = 0x43466F62
#: Only somebody else is in the way: nothing is wrong.
_BUSY = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    Exhausted,
)
#: The server is another one, or not ours any more: what is open leads to it.
_MOVED = (
    errors.ReadOnlySqlTransaction,
    errors.UndefinedTable,
    errors.InvalidSchemaName,
)
_BEGIN = """SELECT set_config('lock_timeout', $1, true),
    CASE WHEN $2 THEN '' ELSE set_config('synchronous_commit', 'off', true) END,
    CASE WHEN $2 AND current_setting('synchronous_commit') = 'off'
        THEN set_config('synchronous_commit', 'on', true) ELSE '' END,
    set_config('idle_in_transaction_session_timeout', $5, true),
    pg_advisory_xact_lock($3::int, $4::int)"""
# The commit of what writes something to the log waits for all that is before it.
_FLUSH = """SELECT CASE WHEN current_setting('synchronous_commit') = 'off'
        THEN set_config('synchronous_commit', 'on', true) ELSE '' END,
    pg_logical_emit_message(true, 'cloudfront', '')"""


class PostgresqlStore:
    """See ``store.Store``."""

    def __init__(self, address: Address):
        self.address = address
        self._begin_afresh()

    def _begin_afresh(self) -> None:
        self._connections = Connections(self._connect)
        self._synchroniser = Synchroniser(self._flush)
        self._listener = Listener(self._connect, self.address.schema)

    def __repr__(self) -> str:
        return repr(self.address)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """See ``store.Store``."""
        with self._connection(COURIER_PATIENCE, READ_DEADLINE) as connection:
            yield self._transaction(connection)

    @contextmanager
    def write(
        self, durable: bool = False, patient: bool = True
    ) -> Iterator[SqlTransaction]:
        """See ``store.Store``."""
        patience = COURIER_PATIENCE if patient else SAVE_PATIENCE
        deadline = COURIER_DEADLINE if patient else SAVE_DEADLINE
        wait, idle = (f"{round(s * 1000)}ms" for s in (patience, IDLE_PATIENCE))
        with (
            self._connection(
                COURIER_PATIENCE if patient else deadline, deadline, not patient
            ) as connection,
            connection.pipeline() as pipeline,
        ):
            connection.execute("BEGIN")
            connection.execute(_BEGIN, [wait, durable, _LOCKS, self._lock, idle])
            transaction = self._transaction(connection, pipeline.sync)
            yield transaction
            if transaction.has_made_ready:
                who = [channel(self.address.schema), self._listener.owner]
                connection.execute("SELECT pg_notify($1, $2)", who)
            connection.execute("COMMIT")

    def synchronise(self) -> Callable[[], None]:
        """See ``store.Store``."""
        begun = self._synchroniser.begin()

        def wait() -> None:
            try:
                begun.result(SAVE_DEADLINE)
            except futures.TimeoutError:
                raise self._unavailable("the server's disk takes too long") from None

        return wait

    def _flush(self) -> None:
        with self._connection(COURIER_PATIENCE, COURIER_DEADLINE) as connection:
            connection.execute(_FLUSH)

    def adopt(self) -> int:
        """See ``store.Store``: nothing stands beside a schema."""
        return 0

    def concerns(self) -> list[Message]:
        """See ``store.Store``."""
        return []

    def join(self, owner: str, wake: Callable[[], None]) -> None:
        """See ``store.Store``. Behind PgBouncer nobody can listen, or hold a lock."""
        if not self.address.pooled:
            self._listener.join(owner, wake)

    def leave(self, owner: str) -> None:
        """See ``store.Store``."""
        self._listener.leave(owner)

    def has_ended(self, owner: str) -> bool:
        """See ``store.Store``."""
        return self._listener.has_ended(owner)

    def tidy(self) -> None:
        """See ``store.Store``: the server's autovacuum does."""

    def close(self) -> None:
        """See ``store.Store``. Other threads go on with what they have taken."""
        self._connections.close_idle()

    def forked(self) -> None:
        """See ``store.Store``."""
        # What the parent has open is never closed here: psycopg looks whose it is.
        self._begin_afresh()

    # --- connections ------------------------------------------------------------------

    @property
    def _lock(self) -> int:
        return _number(self.address.schema)

    def _connect(self) -> Connection:
        connection = connect(self.address.conninfo, self.address.pooled)
        try:
            connection.deadline = time.monotonic() + COURIER_DEADLINE
            ensure_schema(connection, self.address.schema, _number("tables"))
        except BaseException:
            close(connection)
            raise
        return connection

    @contextmanager
    def _connection(
        self, patience: float, deadline: float, at_once: bool = False
    ) -> Iterator[Connection]:
        with self._server_errors():
            connections = self._connections
            connection = connections.take(patience, at_once)
            try:
                connection.deadline = time.monotonic() + deadline
                yield connection
            except BaseException as error:
                _roll_back(connection)
                if isinstance(error, _MOVED):
                    close(connection)
                    connections.close_idle()
                if connection.lost is not None:
                    raise connection.lost from error
                raise
            finally:
                connections.give_back(connection)

    @contextmanager
    def _server_errors(self) -> Iterator[None]:
        try:
            yield
        except NewerFormat as error:
            newer, place = error.args[0], repr(self)
            raise OutboxUnavailable(
                message("outbox_update", place=place, found=newer, known=FORMAT)
            ) from error
        except psycopg.Error as error:
            raise self._unavailable(_reason(error), _kind_of(error)) from error

    def _unavailable(
        self, reason: str, kind: type[OutboxUnavailable] = OutboxUnavailable
    ) -> OutboxUnavailable:
        return kind(plain(f"{self!r}: {reason}"))

    def _transaction(
        self, connection: Connection, wait: Callable[[], None] = lambda: None
    ) -> "_Transaction":
        schema = self.address.schema

        def execute(sql: str, values: Sequence[Any]) -> _Found:
            translated = _translated(sql, schema)
            try:
                return _Found(connection.execute(translated, values), wait)
            except (psycopg.DataError, UnicodeEncodeError):
                # Nothing was sent, if it is for a text.
                possible = escaped(values)
                if possible == list(values):
                    raise
                return _Found(connection.execute(translated, possible), wait)

        return _Transaction(execute)


@dataclass(slots=True)
class _Transaction(SqlTransaction):
    """See ``sql``. It notes whether something was made ready."""

    has_made_ready: bool = False

    def add(self, table: Table, rows: Sequence[Any]) -> set[Key]:
        """See ``store.Transaction``."""
        self.has_made_ready |= table is READY
        return SqlTransaction.add(self, table, rows)

    def put(self, table: Table, rows: Sequence[Any]) -> None:
        """See ``store.Transaction``."""
        self.has_made_ready |= table is READY
        SqlTransaction.put(self, table, rows)


class _Found:
    """What a statement finds, if it is asked for."""

    def __init__(self, cursor: "psycopg.Cursor[Any]", wait: Callable[[], None]):
        self._cursor = cursor
        self._wait = wait

    def fetchall(self) -> list[Any]:
        """Return all rows; wait for them."""
        # Not only for this statement: in the midst of a pipeline, the server does not
        # count for how long we do nothing.
        self._wait()
        return unescaped(self._cursor.fetchall())


def _roll_back(connection: Connection) -> None:
    status = connection.info.transaction_status
    if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            close(connection)


_TABLE = re.compile(rf"\b(FROM|INTO|UPDATE) ({'|'.join(t.name for t in TABLES)})\b")


@lru_cache(maxsize=2000)
def _translated(sql: str, schema: str) -> str:
    """Return a statement of ``sql`` as PostgreSQL takes it: with a schema, and numbers at
    its values.
    """
    numbers = count(1)
    sql = _TABLE.sub(rf'\1 "{schema}".\2', sql)
    return re.sub(r"\?", lambda mark: f"${next(numbers)}", sql)


def _kind_of(error: psycopg.Error) -> type[OutboxUnavailable]:
    if isinstance(error, _BUSY):
        return OutboxBusy
    is_forbidden = isinstance(error, errors.InsufficientPrivilege)
    return OutboxForbidden if is_forbidden else OutboxUnavailable


def _number(name: str) -> int:
    """Return a number of 31 bits for a name."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big") >> 1


def _reason(error: psycopg.Error) -> str:
    """Return what the server or libpq says, in one line."""
    said = error.diag.message_primary or str(error) or type(error).__name__
    return " ".join(said.split())
