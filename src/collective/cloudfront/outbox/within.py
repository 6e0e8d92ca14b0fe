"""Asking an outbox that may hang: whoever asks waits for a limited time.

::

    ask ──► is one under way? ─no─► a thread ──► the answer, for all who wait for it
                  │yes                              │
                  └───────── wait for it ───────────┴─► too late: ``Late``

However many ask, and however long it hangs, there is one thread.
"""

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
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
        self._answer: Future[T] | None = None
        self._process = os.getpid()

    def ask(self, seconds: float) -> T:
        """Return what the job returns, or raise what it raises; raises ``Late`` after
        so many seconds.
        """
        answer = self._under_way()
        try:
            return answer.result(seconds)
        except NotDone as error:
            if answer.done():
                # It is the job's own.
                raise
            raise Late() from error

    def _under_way(self) -> "Future[T]":
        if self._process != os.getpid():
            # A thread of the parent is not in its child.
            self._process, self._answer = os.getpid(), None
            self._lock = threading.Lock()
        with self._lock:
            if self._answer is None or self._answer.done():
                answer: Future[T] = Future()
                thread = threading.Thread(
                    target=self._run, args=(answer,), name=self._name, daemon=True
                )
                try:
                    thread.start()
                except RuntimeError as error:
                    # There are too many threads, or the interpreter ends.
                    raise Late() from error
                self._answer = answer
            return self._answer

    def _run(self, answer: "Future[T]") -> None:
        try:
            answer.set_result(self._job())
        except BaseException as error:
            # It is raised again where the result is asked for.
            answer.set_exception(error)
