"""Bringing what was written to the disk while Plone goes on committing."""

from collections.abc import Callable
from concurrent.futures import Future

import threading


#: Editors who save now and then start no thread for each save.
IDLE_SECONDS = 60.0


class Synchroniser:
    """Synchronises a storage in a thread of its own, which is started when needed and ends
    after ``IDLE_SECONDS`` without work.

    Who asks while it works shares the next synchronisation with others.
    """

    def __init__(self, synchronise: Callable[[], None]):
        """``synchronise`` returns when all that was written is on the disk."""
        self._synchronise = synchronise
        self._changed = threading.Condition()
        self._asked: Future[None] | None = None
        self._is_running = False

    def begin(self) -> "Future[None]":
        """Synchronise all that is written now; the result is None, or an error.

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
                self._synchronise()
            except Exception as error:
                asked.set_exception(error)
            else:
                asked.set_result(None)
