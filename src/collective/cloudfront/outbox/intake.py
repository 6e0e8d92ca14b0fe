"""The way into the outbox that never fails and never keeps an editor waiting."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.planning.items import EVERYTHING
from dataclasses import replace

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
#: purging everything covers them all. What has a date is not counted: it comes from
#: few objects, and nothing covers it.
MOST_KEPT = 50_000
#: What people read as the cause then.
TOO_MUCH_KEPT = "too many changes while the outbox failed"
#: More ended tokens than this are not kept: their entries end up in doubt.
MOST_TOKENS = 1_000


class Kept:
    """Entries in memory, in the order of their releases as far as it matters.

    What an entry with a key replaces is replaced here as it would be in the outbox,
    but for what has become due meanwhile. One that comes again is kept once, with its
    first cause.
    """

    def __init__(self, today: Callable[[], float]):
        """``today`` returns Unix seconds."""
        self._today = today
        self._now: dict[str, dict[Entry, None]] = {}
        self._later: dict[tuple[str, str], dict[Entry, None]] = {}

    def __len__(self) -> int:
        kept = [*self._now.values(), *self._later.values()]
        return sum(map(len, kept))

    def __iter__(self) -> Iterator[Entry]:
        for entries in [*self._now.values(), *self._later.values()]:
            yield from entries

    def add(self, entries: Collection[Entry]) -> None:
        """Keep what one release holds."""
        for name in {(entry.distribution, entry.key) for entry in entries if entry.key}:
            for entry in self._later.pop(name, ()):
                if entry.item and entry.due <= self._today():
                    self._keep_now(replace(entry, due=0.0, key=""))
        for entry in entries:
            if entry.key or entry.due > self._today():
                name = (entry.distribution, entry.key)
                self._later.setdefault(name, {})[entry] = None
            else:
                self._keep_now(entry)

    def _keep_now(self, entry: Entry) -> None:
        kept = self._now.setdefault(entry.distribution, {})
        kept[entry] = None
        if len(kept) > MOST_KEPT:
            urgent = any(each.urgent for each in kept)
            everything = Entry(
                entry.distribution, EVERYTHING, urgent, cause=TOO_MUCH_KEPT
            )
            self._now[entry.distribution] = {everything: None}


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
        today: Callable[[], float] = time.time,
        hurry: Callable[[], None] | None = None,
    ):
        """``wake`` is called when there is work, and ``hurry`` instead when some is
        urgent; ``clock`` returns seconds, and ``today`` Unix seconds.
        """
        self.outbox = outbox
        self._wake = wake
        self._hurry = hurry or wake
        self._clock = clock
        self._lock = threading.Lock()
        self._today = today
        self._kept = Kept(today)
        # Entries on their way from memory into the outbox: none may overtake them
        # that replaces what they schedule.
        self._bringing_in = 0
        # Prepared, perhaps, and not in doubt: the outbox could not be told yet.
        self._ended: dict[str, None] = {}
        self._trouble: str | None = None
        self._not_before = 0.0
        self._logged = -LOG_EVERY

    @property
    def kept(self) -> int:
        """How many items are in memory only."""
        with self._lock:
            return len(self._kept)

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
        if self._would_overtake(entries) or not self._try(
            lambda: self.outbox.release(token, entries)
        ):
            self._keep(entries, [token])
        urgent = any(entry.urgent for entry in entries)
        try:
            (self._hurry if urgent else self._wake)()
        except Exception:
            # No thread can be started, perhaps: the next release tries again.
            logger.exception("The courier could not be woken.")

    def retry(self) -> None:
        """Bring what is kept in memory into the outbox. The courier calls this."""
        with self._lock:
            kept, self._kept = self._kept, Kept(self._today)
            ended, self._ended = self._ended, {}
            self._bringing_in += 1
        try:
            if kept or ended or self._trouble:
                self._bring_in(kept, ended)
        finally:
            with self._lock:
                self._bringing_in -= 1

    def _bring_in(self, kept: Kept, ended: Iterable[str]) -> None:
        count = len(kept)
        entries = list(kept)
        try:
            self.outbox.release("", entries)
            entries = []
            for token in ended:
                self.outbox.discard(token)
        except Exception as error:
            self._keep(entries, ended, older=True)
            self._failed(error)
        else:
            logger.info("The outbox works again: %d kept items are in it.", count)
            self._works()

    def _would_overtake(self, entries: Collection[Entry]) -> bool:
        """Say whether entries with a key must wait for earlier ones in memory."""
        with self._lock:
            waiting = len(self._kept) or self._bringing_in
        return bool(waiting) and any(entry.key for entry in entries)

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

    def _keep(
        self, entries: Collection[Entry], ended: Iterable[str], older: bool = False
    ) -> None:
        """Keep the entries of a release, or of those that were kept before."""
        with self._lock:
            if older:
                newer, self._kept = self._kept, Kept(self._today)
                self._kept.add(entries)
                entries = list(newer)
            self._kept.add(entries)
            for token in ended:
                if len(self._ended) < MOST_TOKENS:
                    self._ended[token] = None
