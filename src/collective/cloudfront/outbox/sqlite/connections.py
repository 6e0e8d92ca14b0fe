"""Connections that no fork takes along.

SQLite keeps account of the locks that a process holds on a file. A child would inherit
the account without the locks; and if it closed a connection that was writing, it would
undo that in memory which it shares with its parent. So all connections are closed before
this process forks, and opened again when they are needed; whoever uses one is waited for.
What cannot be closed in time is never closed in the child.
"""

from typing import Any

import os
import sqlite3
import threading
import time
import weakref


#: A fork waits for users of connections so long at most, in seconds; the courier may
#: wait as long for another process.
FORK_PATIENCE = 6.0


class Connection(sqlite3.Connection):
    """A connection of this process.

    Who uses it holds its ``lock``, is among its ``users``, and looks before whether it
    ``is_usable``: it may have been closed, or left by a fork, meanwhile.
    """

    def __init__(self, *args: Any, **options: Any):
        """See ``sqlite3.connect``."""
        super().__init__(*args, **options)
        self.is_usable = True
        self.lock = threading.RLock()
        self.users: list[int] = []
        _open.add(weakref.ref(self, _open.discard))

    def close_unused(self, patience: float) -> bool:
        """Close it when nobody uses it; False if that takes too long, in seconds."""
        if threading.get_ident() in self.users:
            return False  # who forks is in the midst of a transaction
        if not self.lock.acquire(timeout=max(0.0, patience)):
            return False
        try:
            self.is_usable = False
            self.close()
        finally:
            self.lock.release()
        return True


_open: "set[weakref.ref[Connection]]" = set()
#: Held while a connection is opened, and during a fork.
opening = threading.RLock()
# Connections that a fork could not close: the child keeps them for ever.
_left: list[Connection] = []


def _before_fork() -> None:
    end = time.monotonic() + FORK_PATIENCE
    opening.acquire(timeout=FORK_PATIENCE)
    for reference in tuple(_open):
        connection = reference()
        if connection and not connection.close_unused(end - time.monotonic()):
            _left.append(connection)


def _after_fork_in_parent() -> None:
    _left.clear()
    try:
        opening.release()
    except RuntimeError:
        pass  # somebody opens a connection for very long: it was not acquired


def _after_fork_in_child() -> None:
    global opening
    opening = threading.RLock()
    for connection in _left:
        connection.is_usable = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
