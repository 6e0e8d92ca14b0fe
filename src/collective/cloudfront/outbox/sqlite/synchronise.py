"""Bringing SQLite's log to the disk while Plone goes on committing.

A write with ``synchronous = NORMAL`` leaves its pages in the operating system's
memory: killing the process loses nothing, a power cut does. What ``FULL`` adds is
one synchronisation of the log (https://www.sqlite.org/pragma.html#pragma_synchronous).
A disk takes one or several milliseconds for it, in which Plone's commit has other
work to do; so we ask for it ourselves, in a thread, and wait at the last moment.
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import os
import threading


#: Editors who save now and then start no thread for each save.
IDLE_SECONDS = 60.0

# Of a log only the content and the size matter, not the time of its last change.
_synchronise_content = getattr(os, "fdatasync", os.fsync)


class Synchroniser:
    """Synchronises a log in a thread of its own, which is started when needed and ends
    after ``IDLE_SECONDS`` without work.

    Who asks while it works shares the next synchronisation with others.
    """

    def __init__(self, log: Path):
        self._log = log
        self._changed = threading.Condition()
        self._asked: Future[None] | None = None
        self._is_running = False

    def begin(self) -> "Future[None]":
        """Synchronise all that is in the log now; the result is None, or ``OSError``.

        Raises ``RuntimeError`` if no thread can be started.
        """
        with self._changed:
            if not self._is_running:
                self._start()
            if self._asked is None:
                self._asked = Future()
                self._changed.notify()
            return self._asked

    def _start(self) -> None:
        thread = threading.Thread(
            target=self._run, name="cloudfront-synchronise", daemon=True
        )
        thread.start()
        self._is_running = True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked is not None, IDLE_SECONDS)
                asked, self._asked = self._asked, None
                if asked is None:
                    self._is_running = False
                    return
            try:
                synchronise(self._log)
            except OSError as error:
                asked.set_exception(error)
            else:
                asked.set_result(None)


def synchronise(log: Path) -> None:
    """Bring what is in ``log`` to the disk; raises ``OSError``."""
    _open_and(_synchronise_content, log, os.O_RDWR)


def synchronise_names(folder: Path) -> None:
    """Bring the names of new files in ``folder`` to the disk; raises ``OSError``."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _open_and(os.fsync, folder, os.O_RDONLY)


def _open_and(call: Callable[[int], None], path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        call(descriptor)
    finally:
        os.close(descriptor)
