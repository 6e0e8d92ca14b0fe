"""Who lives, and what is new: one connection of a process that only listens.

::

    join ──► lock "I live" ──► joined, in a table ──► LISTEN ──► wake ◄── NOTIFY
                                                         │
                    has_ended(other)? ──► its lock: free for a while ──► ended

The lock is the session's: when a process ends, however that happens, the server frees
it. A lock may also be free because a connection was lost, or because the server started
again or a standby has taken over; then its owner has it back in a moment. So an owner has
ended when nobody has held its lock for longer than that, and whoever looks has had a
connection for longer than it takes all others to connect again.

``join`` and ``has_ended`` ask no server: a thread does.
"""

from collections.abc import Callable
from collective.cloudfront.outbox.postgresql.connections import close
from collective.cloudfront.outbox.postgresql.connections import Connection
from collective.cloudfront.outbox.postgresql.connections import readable

import logging
import os
import psycopg
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: A lock has to be free for so long (seconds) before its owner has ended …
FREE_FOR = 2.0
#: … and whoever looks has to be connected for so long: others need ``RETRY_LAST``, and the
#: time of an attempt that fails.
CONNECTED_FOR = 10.0
#: Whoever was asked for is looked up so often (seconds), until nobody has asked for long.
LOOK_EVERY = 1.0
ASKED_FOR = 60.0
#: Without anything to do, the server is asked so often (seconds) whether it is there.
ASK_AGAIN = 30.0
#: After the connection is lost, the next one is tried so soon; later less and less often.
RETRY_FIRST, RETRY_LAST = 0.1, 2.0
#: A statement may take so long, in seconds.
_DEADLINE = 5.0

# The server finds out within seconds when this machine is gone.
_WATCH = """SELECT set_config('tcp_keepalives_idle', '5', false),
    set_config('tcp_keepalives_interval', '2', false),
    set_config('tcp_keepalives_count', '3', false),
    set_config('tcp_user_timeout', '10000', false)"""
# Shared: the server may not have noticed yet that an earlier connection of ours is gone.
_LOCK = "SELECT pg_advisory_lock_shared(hashtextextended($1, 0))"
_JOIN = """INSERT INTO "{schema}".owner VALUES ($1, now())
    ON CONFLICT (name) DO UPDATE SET joined = excluded.joined, ended = NULL"""
_LEAVE = 'UPDATE "{schema}".owner SET ended = now() WHERE name = $1'
# All who are asked for: whether they left, and whether somebody holds their locks.
_LOOK = """SELECT name, ended IS NOT NULL, EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
            AND database = (
                SELECT oid FROM pg_database WHERE datname = current_database()
            )
            AND classid::bigint << 32 | objid::bigint
                = hashtextextended($2 || name, 0)
    )
    FROM "{schema}".owner WHERE name = ANY($1)"""
# Nobody asks for them any more: what they have claimed is over.
_FORGET = """DELETE FROM "{schema}".owner
    WHERE joined < now() - interval '30 days' OR ended < now() - interval '1 day'"""


def channel(schema: str) -> str:
    """Return the name by which processes wake each other."""
    return f"cloudfront_{schema}"


class Listener:
    """See the module. ``connect`` returns a new connection, or raises psycopg's errors."""

    def __init__(self, connect: Callable[[], Connection], schema: str):
        self._connect = connect
        self._schema = schema
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._wake: Callable[[], None] = lambda: None
        self._ended: frozenset[str] = frozenset()
        # When others were asked for, and since when their locks are free (monotonic)
        self._asked: dict[str, float] = {}
        self._free_since: dict[str, float] = {}
        self._connected_since = 0.0
        # One end is written to when there is something to do.
        self._poke_out, self._poke_in = os.pipe()
        os.set_blocking(self._poke_in, False)
        os.set_blocking(self._poke_out, False)
        #: Who has joined; empty if nobody has.
        self.owner = ""

    def __del__(self) -> None:
        os.close(self._poke_out)
        os.close(self._poke_in)

    def join(self, owner: str, wake: Callable[[], None]) -> None:
        """See ``store.Store``."""
        with self._lock:
            self.owner, self._wake = owner, wake
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(
                    target=self._run, name="cloudfront-listen", daemon=True
                )
                self._thread.start()

    def leave(self, owner: str) -> None:
        """See ``store.Store``."""
        with self._lock:
            thread = self._thread if owner == self.owner else None
            if thread is None:
                return
            self._thread = None
            self._stopping.set()
            self._poke()
        if thread is not threading.current_thread():
            thread.join(_DEADLINE)

    def has_ended(self, owner: str) -> bool:
        """See ``store.Store``. False until the thread has found out."""
        with self._lock:
            is_new = owner not in self._asked
            self._asked[owner] = time.monotonic()
        if is_new:
            self._poke()
        return owner in self._ended

    def _poke(self) -> None:
        try:
            os.write(self._poke_in, b"!")
        except BlockingIOError:
            pass  # enough for once

    # --- in the thread ----------------------------------------------------------------

    def _run(self) -> None:
        delay = RETRY_FIRST
        while not self._stopping.is_set():
            connection = None
            try:
                connection = self._connect()
                self._begin(connection)
                self._connected_since = time.monotonic()
                delay = RETRY_FIRST
                # Others may have made something ready before.
                self._wake()
                while not self._stopping.is_set():
                    self._look_around(connection)
                self._statement(connection, _LEAVE, [self.owner])
            except Exception as error:
                # The next use of the outbox says it loudly.
                logger.debug("Listening to %s: %s", self._schema, error)
                self._free_since.clear()
                self._stopping.wait(delay)
                delay = min(2 * delay, RETRY_LAST)
            finally:
                if connection is not None:
                    close(connection)

    def _begin(self, connection: Connection) -> None:
        self._statement(connection, _WATCH, [])
        self._statement(connection, _LOCK, [f"{self._schema}{self.owner}"])
        self._statement(connection, _JOIN, [self.owner])
        self._statement(connection, _FORGET, [])
        self._statement(connection, f'LISTEN "{channel(self._schema)}"', [])

    def _look_around(self, connection: Connection) -> None:
        asked = self._still_asked()
        timeout = LOOK_EVERY if asked else ASK_AGAIN
        is_news = readable([connection.fileno(), self._poke_out], timeout)
        if self._poke_out in is_news:
            os.read(self._poke_out, 1000)
        connection.deadline = time.monotonic() + _DEADLINE
        payloads = [each.payload for each in connection.notifies(timeout=0)]
        if any(payload != self.owner for payload in payloads):
            self._wake()
        asked = self._still_asked()
        if asked:
            self._look_for(connection, asked)
        elif not is_news:
            self._statement(connection, "SELECT 1", [])

    def _still_asked(self) -> list[str]:
        old = time.monotonic() - ASKED_FOR
        with self._lock:
            self._asked = {each: at for each, at in self._asked.items() if at > old}
            return list(self._asked)

    def _look_for(self, connection: Connection, asked: list[str]) -> None:
        found = self._statement(connection, _LOOK, [asked, self._schema]).fetchall()
        now = time.monotonic()
        ended = {name for name, has_left, _ in found if has_left}
        free = {name for name, has_left, is_held in found if not is_held}
        self._free_since = {name: self._free_since.get(name, now) for name in free}
        if now - self._connected_since >= CONNECTED_FOR:
            since = self._free_since.items()
            ended |= {name for name, at in since if now - at >= FREE_FOR}
        news = ended - self._ended
        self._ended = frozenset(ended)
        if news:
            self._wake()

    def _statement(
        self, connection: Connection, sql: str, values: list[object]
    ) -> "psycopg.Cursor[object]":
        connection.deadline = time.monotonic() + _DEADLINE
        return connection.execute(sql.format(schema=self._schema), values)
