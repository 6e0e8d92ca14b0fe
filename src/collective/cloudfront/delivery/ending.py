"""How a process ends: a signal that would end it at once lets it finish first.

::

    SIGTERM ──► handler ──► returns at once; what it interrupted goes on
                   │
                   └─► a thread: finish, for so long at most ──► the signal again
                                                                      │
             who handled it before us, or the system  ◄── handler ◄───┘

The handler takes no lock and writes no log: the main thread, which it interrupts, may
hold any lock. Where the earlier handler does not end the process, work goes on.
"""

from collections.abc import Callable
from collections.abc import Iterable
from types import FrameType
from typing import Any

import _thread
import logging
import os
import signal
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: How long to wait for the main thread to handle a signal before it is sent again, in
#: seconds. Python loses one that comes just before the thread begins to wait for a lock.
AGAIN_SECONDS = 1.0

#: What ends a process without running Python's exit handlers. SIGINT does run them, in a
#: Zope.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Ending:
    """Has a process finish before a signal ends it."""

    def __init__(
        self,
        finish: Callable[[], None],
        unfinished: Callable[[], None],
        resume: Callable[[], None],
        most: Callable[[], float],
    ):
        """``finish`` may take ``most()`` seconds; ``unfinished`` is called if it takes
        longer, and ``resume`` if the process goes on all the same. All are called in
        threads of their own.
        """
        self._finish = finish
        self._unfinished = unfinished
        self._resume = resume
        self._most = most
        self._earlier: dict[int, Any] = {}
        # In which process: a child inherits them, and is not ending.
        self._is_ending_in = 0
        self._is_finished_in = 0
        # How many threads are forking, and what came meanwhile: threads started then
        # would be taken for the parent's.
        self._forking = 0
        self._came: int | None = None

    def before_fork(self) -> None:
        """Note that a thread is about to fork: signals wait until it has."""
        self._forking += 1

    def after_fork(self) -> None:
        """Note, in the parent or in the child, that a thread has forked."""
        self._forking -= 1
        self._raise_again()

    def after_fork_in_child(self) -> None:
        """Note that this is a child, in which no other thread forks."""
        self._forking = 0
        self._raise_again()

    def _raise_again(self) -> None:
        number, self._came = self._came, None
        if number is not None:
            os.kill(os.getpid(), number)

    def watch(self, signals: Iterable[signal.Signals] = SIGNALS) -> None:
        """Handle ``signals`` from now on, if this is the main thread.

        Not those that are ignored, or that somebody handles outside of Python.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        if not hasattr(signal, "pthread_kill"):  # pragma: no cover - Windows
            return
        for number in signals:
            earlier = signal.getsignal(number)
            if earlier not in (None, signal.SIG_IGN, self._handle):
                self._earlier[number] = earlier
                signal.signal(number, self._handle)

    def unwatch(self) -> None:
        """Give the signals back to who handled them before us."""
        for number, earlier in self._earlier.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, earlier)
        self._earlier = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._forking > 0:
            self._came = number
        elif self._is_finished_in == os.getpid():
            self._pass_on(number, frame)
        elif self._is_ending_in != os.getpid():
            self._is_ending_in = os.getpid()
            try:
                # Not threading.Thread: its start() takes locks.
                _thread.start_new_thread(self._end, (number,))
            except RuntimeError:
                self._pass_on(number, frame)

    def _end(self, number: int) -> None:
        try:
            self._finish_in_time(signal.Signals(number).name)
        except Exception:
            logger.exception("This process could not shut down properly.")
        finally:
            self._is_finished_in = os.getpid()
            self._send_to_main_thread(number)

    def _send_to_main_thread(self, number: int) -> None:
        main = threading.main_thread().ident
        while main is not None and self._is_finished_in == os.getpid():
            signal.pthread_kill(main, number)
            time.sleep(AGAIN_SECONDS)

    def _finish_in_time(self, name: str) -> None:
        logger.info("Received %s. This process is shutting down.", name)
        thread = threading.Thread(target=self._finish, name="cloudfront-end")
        thread.daemon = True
        thread.start()
        thread.join(self._most())
        if thread.is_alive():
            self._unfinished()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._is_finished_in = 0
        earlier = self._earlier.get(number, signal.SIG_DFL)
        try:
            if callable(earlier):
                earlier(number, frame)
            else:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
                # We are still here: this is process 1 of a container.
                signal.signal(number, self._handle)
        finally:
            self._is_ending_in = 0
            _thread.start_new_thread(self._go_on, (number,))

    def _go_on(self, number: int) -> None:
        self._resume()
        logger.info(
            "%s has not ended this process at once. It continues purging until "
            "it ends.",
            signal.Signals(number).name,
        )
