"""The thread that a courier works in."""

from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.courier import STOP_SECONDS
from collective.cloudfront.delivery.handing_over import HandingOver
from collective.cloudfront.delivery.sending import LONGEST_IDLE

import logging
import math
import threading
import time


logger = logging.getLogger("collective.cloudfront")


#: How long an ending process goes on sending, unless CLOUDFRONT_DRAIN says otherwise,
#: in seconds.
DRAIN_SECONDS = 5.0


class CourierThread:
    """Runs a courier in a daemon thread, started when there is work; or what a Zope does
    instead where others deliver.
    """

    def __init__(self, courier: Courier | HandingOver):
        self.courier = courier
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        # Until when (monotonic seconds) it sends what is left, and then ends
        self._drain_until = math.inf

    @property
    def has_run(self) -> bool:
        """Whether there was work since this was made."""
        return self._thread is not None

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

    def drain(self, seconds: float) -> bool:
        """Send what is ready, whatever its window, and end the thread.

        Waits at most ``seconds``; whatever is unfinished then stays in the outbox, for
        other processes or the next start: claims are given up. Returns False if a call
        is still in flight.
        """
        with self._lock:
            thread = self._thread
            # A little earlier, so that it can give up its claims in time
            self._drain_until = time.monotonic() + 0.8 * seconds
            self.courier.is_draining = True
            self._wake.set()
            self._hurry.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        self.stop(0.0)
        if thread is None or not thread.is_alive():
            return True
        # It is about to end with the process, and would hold its claims till they end.
        self.courier.give_up_claims()
        self.courier.outbox.close()
        return False

    def resume(self) -> None:
        """Start again when there is work: the process goes on although it was to end."""
        with self._lock:
            self._drain_until = math.inf
            self.courier.is_draining = False
            self._stopping.clear()
        self.wake()

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
            # Before the round: what came in the midst of it is to be seen, too.
            is_draining = self.courier.is_draining
            delay = self._round()
            if is_draining:
                left = self._drain_until - time.monotonic()
                if self.courier.sendable_in > left or left <= 0:
                    break
                delay = min(delay, left)
        left = self._drain_until - time.monotonic()
        self.courier.stop(min(max(0.0, left), STOP_SECONDS))
        self.courier.outbox.close()

    def _round(self) -> float:
        try:
            return max(0.0, self.courier.round())
        except Exception:
            # The thread must outlive any bug, or purging would end unnoticed.
            logger.exception("The courier failed. Trying again.")
            return 5.0
