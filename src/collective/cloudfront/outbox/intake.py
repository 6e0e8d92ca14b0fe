"""The way into the outbox that never fails and never keeps an editor waiting."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.planning.items import EVERYTHING

import logging
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: After a failure no save tries the outbox for this long (seconds), so that a
#: locked or full disk costs one save in a while a wait, and not every save.
RETRY_AFTER = 1.0
#: The log repeats an ongoing failure this often (seconds).
LOG_EVERY = 60.0
#: More items than this of one distribution are not kept in memory one by one:
#: purging everything covers them all.
MOST_KEPT = 50_000
#: More ended tokens than this are not kept: their entries end up in doubt.
MOST_TOKENS = 1_000


class Intake:
    """Hands entries to the outbox; what it does not take is kept and tried again.

    While the outbox fails, entries live in this process's memory only. That, and
    for how long, is logged at ERROR and shown in the control panel.
    """

    def __init__(
        self,
        outbox: Outbox,
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """``wake`` is called when there is work; ``clock`` returns seconds."""
        self.outbox = outbox
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, None]] = {}
        # Prepared, perhaps, and not in doubt: the outbox could not be told yet.
        self._ended: dict[str, None] = {}
        self._trouble: str | None = None
        self._not_before = 0.0
        self._logged = -LOG_EVERY

    @property
    def kept(self) -> int:
        """How many items are in memory only."""
        with self._lock:
            return sum(map(len, self._kept.values()))

    @property
    def trouble(self) -> str | None:
        """Why the outbox does not work now, or None."""
        return self._trouble

    def prepare(self, token: str, entries: Collection[Entry]) -> Callable[[], None]:
        """Keep ``entries`` before the commit, if the outbox works.

        The returned function waits until they are durable; call it before the
        commit is final.
        """
        waits: list[Callable[[], None]] = []
        self._try(lambda: waits.append(self.outbox.prepare(token, entries)))

        def wait() -> None:
            for each in waits:
                self._try(each)

        return wait

    def discard(self, token: str) -> None:
        """Forget ``token``, now or later. If this process ends before, its entries
        are released as entries in doubt, which is harmless.
        """
        if not self._try(lambda: self.outbox.discard(token)):
            self._keep([], [token])

    def release(self, token: str, entries: Collection[Entry]) -> None:
        """Make ``entries`` ready now, or as soon as the outbox works again."""
        if not self._try(lambda: self.outbox.release(token, entries)):
            self._keep(entries, [token])
        try:
            self._wake()
        except Exception:
            # No thread can be started, perhaps: the next release tries again.
            logger.exception("The courier could not be woken.")

    def retry(self) -> None:
        """Bring what is kept in memory into the outbox. The courier calls this."""
        with self._lock:
            kept, self._kept = self._kept, {}
            ended, self._ended = self._ended, {}
        entries = [Entry(dist, item) for dist, items in kept.items() for item in items]
        if not (entries or ended or self._trouble):
            return
        count = len(entries)
        try:
            self.outbox.release("", entries)
            entries = []
            for token in ended:
                self.outbox.discard(token)
        except Exception as error:
            self._keep(entries, ended)
            self._failed(error)
        else:
            logger.info("The outbox works again: %d kept items are in it.", count)
            self._works()

    def _try(self, action: Callable[[], None]) -> bool:
        if self._clock() < self._not_before:
            return False
        try:
            action()
        except Exception as error:
            self._failed(error)
            return False
        self._works()
        return True

    def _works(self) -> None:
        self._trouble = None
        self._not_before = 0.0
        self._logged = -LOG_EVERY

    def _failed(self, error: Exception) -> None:
        now = self._clock()
        self._trouble = str(error)
        self._not_before = now + RETRY_AFTER
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            logger.error(
                "The outbox cannot be used (%s). Saving goes on; what is to be purged "
                "is kept in memory and tried again every second, but would be lost "
                "if this process ended. Check the disk and the file's permissions.",
                error,
                exc_info=None if isinstance(error, OutboxUnavailable) else error,
            )

    def _keep(self, entries: Iterable[Entry], ended: Iterable[str]) -> None:
        with self._lock:
            for entry in entries:
                kept = self._kept.setdefault(entry.distribution, {})
                kept[entry.item] = None
                if len(kept) > MOST_KEPT:
                    self._kept[entry.distribution] = {EVERYTHING: None}
            for token in ended:
                if len(self._ended) < MOST_TOKENS:
                    self._ended[token] = None
