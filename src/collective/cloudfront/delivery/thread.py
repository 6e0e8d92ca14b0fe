"""The thread that a courier works in."""

from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.sending import LONGEST_IDLE

import logging
import threading


logger = logging.getLogger("collective.cloudfront")


class CourierThread:
    """Runs a courier in a daemon thread, started when there is work."""

    def __init__(self, courier: Courier):
        self.courier = courier
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Say that there is work; starts the thread if need be. Never blocks long."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._wake.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="cloudfront-courier", daemon=True
                )
                self._thread.start()

    def hurry(self) -> None:
        """Say that there is urgent work: it waits for no window either."""
        self._hurry.set()
        self.wake()

    def stop(self, timeout: float = 15.0) -> None:
        """Finish the call in flight and end the thread.

        Waits at most ``timeout`` seconds; whatever is unfinished then stays in the
        outbox for the next start.
        """
        with self._lock:
            self._stopping.set()
            self._wake.set()
            self._hurry.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        delay = 0.0
        while not self._stopping.is_set():
            if delay >= LONGEST_IDLE:
                self._wake.wait(delay)
            else:
                # A window is running. What joins it needs no round of its own, which
                # would take processor time from the very saves that cause it.
                self._hurry.wait(delay)
            self._wake.clear()
            self._hurry.clear()
            if self._stopping.is_set():
                break
            delay = self._round()
        self.courier.stop()
        self.courier.outbox.close()

    def _round(self) -> float:
        try:
            return max(0.0, self.courier.round())
        except Exception:
            # The thread must outlive any bug, or purging would end unnoticed.
            logger.exception("A round of the courier failed; trying again.")
            return 5.0
