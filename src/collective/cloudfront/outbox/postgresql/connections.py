"""Connections of one process to the server: kept, shared by its threads, and bounded.

A save must not wait for a server that does not answer. So connections are opened in a
thread of their own, one at a time, and whoever needs one waits for it as long as they
may. A failure is remembered for a moment, in which others fail at once. Each statement
has a deadline, because a network that is cut tells nobody.

psycopg's own pool does not say why there is no connection, and waits longer each time it
could not connect.
"""

from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from psycopg import Connection as PsycopgConnection
from psycopg import OperationalError
from psycopg import RawCursor
from psycopg.pq import TransactionStatus
from typing import Any

import os
import psycopg
import selectors
import threading
import time


#: After a failure nobody tries to connect for this long, in seconds.
RETRY_AFTER = 1.0
#: Connections that were not needed for this long (seconds) are closed.
IDLE_SECONDS = 120.0
#: So many connections a process opens at most.
MOST = 10
#: How often a wait looks whether its time is over, in seconds.
_TICK = 0.1


class Exhausted(OperationalError):
    """All connections are in use."""


class TimeIsOver(OperationalError):
    """The server has not answered in time."""


class Connection(PsycopgConnection[Any]):
    """A connection of this process, whose waits end at ``deadline`` (monotonic)."""

    deadline = float("inf")
    #: When it was last used (monotonic).
    used = 0.0
    #: Why it can be used no more, if we have ended it.
    lost: OperationalError | None = None

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.pid = os.getpid()

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """See psycopg's."""
        if self.pid != os.getpid():
            raise OperationalError("the connection belongs to the parent process")
        options["interval"] = _TICK
        try:
            return super().wait(_until(gen, self._time_is_over), **options)
        except TimeIsOver as error:
            self.lost = self.lost or error
            # Whatever it answers later is not for the next statement.
            self.pgconn.finish()
            raise

    def _time_is_over(self) -> bool:
        return time.monotonic() > self.deadline

    @property
    def is_alive(self) -> bool:
        """Whether nothing has happened to it while nobody used it. Asks no server."""
        if self.closed or self.pid != os.getpid():
            return False
        # An idle server is silent, but when it ends the connection.
        return not readable([self.fileno()], 0)


def _until(
    gen: Generator[Any, Any, Any], is_over: Callable[[], bool]
) -> Generator[Any, Any, Any]:
    """Go through a generator of psycopg's; raise an error when time is over."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and is_over():
                raise TimeIsOver("the server does not answer")
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


def connect(conninfo: str, pooled: bool) -> Connection:
    """Return a new connection, without a transaction."""
    connection = Connection.connect(
        conninfo,
        autocommit=True,
        cursor_factory=RawCursor,
        # PgBouncer gives the next transaction to another session.
        prepare_threshold=None if pooled else 3,
    )
    connection.prepared_max = 300
    # Whatever the size of a number: each type more is another statement to prepare.
    connection.adapters.register_dumper(int, psycopg.types.numeric.Int8Dumper)
    return connection


class Connections:
    """See the module. ``open`` returns a new connection, or raises psycopg's errors."""

    def __init__(self, open: Callable[[], Connection]):
        self._open = open
        self._changed = threading.Condition()
        self._idle: list[Connection] = []
        self._count = 0
        self._is_opening = False
        self._opening_since = 0.0
        self._error: Exception | None = None
        self._failed_at = float("-inf")

    def take(self, patience: float, at_once: bool) -> Connection:
        """Return a connection that nobody else uses; wait ``patience`` seconds for it.

        With ``at_once`` a failure of a moment ago is raised again, and nobody waits for a
        connection that is being opened for long.
        """
        deadline = time.monotonic() + patience
        with self._changed:
            asked = time.monotonic()
            while True:
                connection = self._take_idle()
                if connection is not None:
                    return connection
                since = asked - RETRY_AFTER if at_once else asked
                if self._error is not None and self._failed_at >= since:
                    # Several threads raise it, and each has a traceback of its own.
                    raise self._error.with_traceback(None)
                if at_once and self._is_slow_to_open(asked):
                    raise TimeIsOver("the server does not answer")
                if not self._is_opening and self._count < MOST:
                    self._begin_to_open()
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if not self._is_opening:
                raise Exhausted("all connections are in use")
            error = TimeIsOver("the server does not answer")
            self._note(error)
            raise error

    def give_back(self, connection: Connection) -> None:
        """Return what was taken; it is closed unless it can be used again."""
        connection.deadline = float("inf")
        connection.used = time.monotonic()
        is_idle = not connection.closed and (
            connection.info.transaction_status == TransactionStatus.IDLE
        )
        if not is_idle:
            close(connection)
        with self._changed:
            if is_idle:
                self._idle.append(connection)
            else:
                self._count -= 1
            self._changed.notify()

    def close_idle(self) -> None:
        """Close what nobody uses."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for each in idle:
            close(each)

    def _take_idle(self) -> Connection | None:
        old = time.monotonic() - IDLE_SECONDS
        while self._idle and self._idle[0].used < old:
            close(self._idle.pop(0))
            self._count -= 1
        while self._idle:
            connection = self._idle.pop()
            if connection.is_alive:
                return connection
            close(connection)
            self._count -= 1
        return None

    def _begin_to_open(self) -> None:
        thread = threading.Thread(
            target=self._open_one, name="cloudfront-connect", daemon=True
        )
        thread.start()
        self._is_opening = True
        self._opening_since = time.monotonic()
        self._count += 1

    def _is_slow_to_open(self, now: float) -> bool:
        return self._is_opening and now - self._opening_since > RETRY_AFTER

    def _open_one(self) -> None:
        connection, failure = None, None
        try:
            connection = self._open()
        except Exception as error:
            failure = error
        with self._changed:
            self._is_opening = False
            if connection is not None:
                connection.used = time.monotonic()
                self._idle.append(connection)
                self._error = None
            else:
                self._count -= 1
                self._note(failure)
            self._changed.notify_all()

    def _note(self, error: Exception | None) -> None:
        self._error, self._failed_at = error, time.monotonic()


# select() takes no numbers above 1024.
_Selector: Any = getattr(selectors, "PollSelector", selectors.SelectSelector)


def readable(descriptors: Iterable[int], timeout: float) -> list[int]:
    """Return those of some sockets and pipes from which something can be read; wait for
    one for ``timeout`` seconds.
    """
    with _Selector() as selector:
        for each in descriptors:
            selector.register(each, selectors.EVENT_READ)
        return [key.fd for key, _ in selector.select(timeout)]


def close(connection: Connection) -> None:
    """Close a connection, whatever state it is in."""
    try:
        connection.close()
    except psycopg.Error:
        pass  # that is what was wanted
