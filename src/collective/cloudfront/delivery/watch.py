"""A daemon thread that looks at something every now and then, and when it is woken."""

from collections.abc import Callable

import logging
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: Ongoing trouble is logged this often (seconds).
LOG_EVERY = 3600.0


class Ended(Exception):
    """The process ends; what is unfinished goes on in another one."""


class Watch:
    """Calls ``look`` in a daemon thread, until it is stopped."""

    def __init__(
        self,
        name: str,
        look: Callable[[], object],
        every: float,
        trouble: str,
        first_after: float = 0.0,
        end: Callable[[], None] = lambda: None,
    ):
        """``every`` and ``first_after`` are seconds; ``trouble`` is what the log says if
        ``look`` raises; ``end`` is called in the thread when it ends.
        """
        self._name = name
        self._look = look
        self._every = every
        self._trouble = trouble
        self._first_after = first_after
        self._end = end
        self._is_started = False
        # Until then (monotonic seconds) an error is not logged again
        self._quiet_until = 0.0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._is_started = True
        self._ensure_thread()

    def wake(self) -> None:
        """Look at once, if started. Never blocks."""
        self._wake.set()
        if self._is_started:
            self._ensure_thread()

    def stop(self, timeout: float = 2.0) -> None:
        """End at the next ``rest``; waits at most ``timeout`` seconds."""
        with self._lock:
            self._stopping.set()
            self._wake.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def rest(self, seconds: float) -> None:
        """Sleep for so many seconds; raises ``Ended``."""
        if self._stopping.wait(seconds):
            raise Ended()

    def complain(self) -> None:
        """Log the current exception, but not each time."""
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + LOG_EVERY
            logger.exception(self._trouble)

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name=self._name, daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        self._stopping.wait(self._first_after)
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._look()
            except Ended:
                break
            except Exception:
                # The thread must outlive any bug: nobody would notice that it is gone.
                self.complain()
            self._wake.wait(self._every)
        self._end()
