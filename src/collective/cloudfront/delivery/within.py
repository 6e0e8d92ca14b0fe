"""Asking something that may hang: whoever asks waits for a limited time.

::

    ask ──► is one under way? ─no─► a thread ──► the answer, for all who wait for it
                  │yes                              │
                  └───────── wait for it ───────────┴─► too late: ``Late``

However many ask, and however long it hangs, there is one thread.
"""

from collections.abc import Callable
from collective.cloudfront.delivery.calls import Call
from typing import Generic
from typing import TypeVar

import os
import threading


T = TypeVar("T")


class Late(Exception):
    """There is no answer yet."""


class Within(Generic[T]):
    """Does a ``job`` in a thread, for all who ask for its result meanwhile."""

    def __init__(self, name: str, job: Callable[[], T]):
        """``name`` is that of the thread."""
        self._name = name
        self._job = job
        self._lock = threading.Lock()
        self._call: Call[T] | None = None
        self._process = os.getpid()

    def ask(self, seconds: float) -> T:
        """Return what the job returns, or raise what it raises; raises ``Late`` after
        so many seconds.
        """
        call = self._under_way()
        if not call.wait(seconds):
            raise Late()
        return call.result()

    def _under_way(self) -> Call[T]:
        if self._process != os.getpid():
            # A thread of the parent is not in its child.
            self._process, self._call = os.getpid(), None
            self._lock = threading.Lock()
        with self._lock:
            if self._call is None or self._call.has_ended:
                call = Call(self._job)
                thread = threading.Thread(target=call.run, name=self._name, daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    # There are too many threads, or the interpreter ends.
                    raise Late() from error
                self._call = call
            return self._call
