"""The way into the outbox that never fails and never keeps an editor waiting.

::

    prepare ──► the outbox, durable            (in the request)
    release ──► a queue in memory ──wake──►    (in the request)
                      │ bring_in, at the end of the window
                      ▼
                 the outbox: ready             (in the courier's thread)

If the process ends in between, what was prepared is in doubt and released by others.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.lately import entry_again
from collective.cloudfront.outbox.lately import purge_of
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.release import in_slices
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Release
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.late import Lately
from dataclasses import dataclass
from dataclasses import replace
from itertools import chain

import logging
import threading
import time
import uuid


logger = logging.getLogger("collective.cloudfront")

#: After a failure no save tries the outbox for this long (seconds), so that a
#: locked or full disk costs one save in a while a wait, and not every save.
RETRY_AFTER = 1.0
#: The log repeats an ongoing failure after this long (seconds), and then after twice as
#: long each time, up to the longest.
LOG_AGAIN = 60.0
LOG_AGAIN_AT_MOST = 1800.0
#: Whoever asks whether the outbox is usable tries it so often while others write.
BUSY_TRIES = 3
#: Somebody else may write for this long (seconds) before the log says so: nothing is wrong
#: with the disk, and nothing is lost meanwhile but by the end of this process.
BUSY_FOR = 10.0
#: More items than this of one distribution are not kept in memory one by one:
#: purging everything covers them all. What has a date is not counted: it comes from
#: few objects, and nothing covers it.
MOST_KEPT = 50_000
#: The cause that is kept then.
TOO_MUCH_KEPT = Cause(code="too_much_kept")
#: So many entries are brought in by one transaction: nobody shall wait long for it.
AT_ONCE = 250
#: More ended tokens than this are not kept: their entries end up in doubt.
MOST_TOKENS = 1_000


class Kept:
    """Entries in memory, in the order of their releases as far as it matters.

    What an entry with a key replaces is replaced here as it would be in the outbox,
    but for what has become due meanwhile. One that comes again is kept once, with its
    first cause.
    """

    def __init__(self, wall_clock: Callable[[], float]):
        """``wall_clock`` returns Unix seconds."""
        self._wall_clock = wall_clock
        #: Since when the oldest of them waits, in Unix seconds.
        self.since: float | None = None
        #: The number of the newest transaction that they belong to.
        self.transaction = 0
        self._now: dict[str, dict[Entry, None]] = {}
        self._later: dict[tuple[str, str], dict[Entry, None]] = {}

    def __len__(self) -> int:
        kept = [*self._now.values(), *self._later.values()]
        return sum(map(len, kept))

    def __iter__(self) -> Iterator[Entry]:
        for entries in [*self._now.values(), *self._later.values()]:
            yield from entries

    def clear(self) -> None:
        """Keep nothing any more."""
        self._now.clear()
        self._later.clear()
        self.since = None
        self.transaction = 0

    def add(
        self, entries: Collection[Entry], since: float | None, transaction: int
    ) -> None:
        """Keep what one release holds, which waits since a moment."""
        self.transaction = max(self.transaction, transaction)
        if since is not None:
            self.since = since if self.since is None else min(self.since, since)
        for name in {(entry.distribution, entry.key) for entry in entries if entry.key}:
            for entry in self._later.pop(name, ()):
                if entry.item and entry.due <= self._wall_clock():
                    self._keep_now(replace(entry, due=0.0, key=""))
        for entry in entries:
            if entry.key or entry.due > self._wall_clock():
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


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What waits to be brought into the outbox: for which distributions, since when
    (Unix seconds), and whether some of it must not wait any longer.
    """

    distributions: frozenset[str]
    since: float
    is_urgent: bool


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
        wall_clock: Callable[[], float] = time.time,
        hurry: Callable[[], None] | None = None,
        lately: Lately | None = None,
    ):
        """``wake`` is called when there is work, and ``hurry`` instead when some is
        urgent; ``clock`` returns seconds, and ``wall_clock`` Unix seconds.
        ``lately`` is told what is purged.
        """
        self.outbox = outbox
        self.lately = lately
        self._wake = wake
        self._hurry = hurry or wake
        self._clock = clock
        self._wall_clock = wall_clock
        # Held for moments only, never during I/O
        self._lock = threading.Lock()
        # Held while something is brought in: what comes later must not overtake it.
        self._bringing_in = threading.RLock()
        # Handed over, in order, and not yet tried
        self._handed_over: list[Release] = []
        # Older: the outbox did not take it.
        self._kept = Kept(wall_clock)
        # Prepared, perhaps, and not in doubt: the outbox could not be told yet.
        self._ended: dict[str, None] = {}
        self._trouble: Message | None = None
        self._not_before = 0.0
        # Since when somebody else writes, if that is all
        self._busy_since: float | None = None
        # When the log repeats the trouble; None if it has not said it.
        self._log_at: float | None = None
        self._log_again = LOG_AGAIN

    @property
    def kept(self) -> int:
        """How many items are in memory only because the outbox does not work."""
        with self._lock:
            count = len(self._kept)
            if self._trouble is not None:
                count += sum(len(each.entries) for each in self._handed_over)
        return count

    def arriving(self, distributions: Collection[str]) -> int:
        """Return how many items for these distributions were handed over, and go into
        the outbox in a moment. Those that are ``kept`` are not among them.
        """
        with self._lock:
            if self._trouble is not None:
                return 0
            entries = [each for some in self._handed_over for each in some.entries]
        now = self._wall_clock()
        return sum(
            bool(each.item) and each.due <= now and each.distribution in distributions
            for each in entries
        )

    @property
    def trouble(self) -> Message | None:
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
            with self._lock:
                self._end(token)

    def release(
        self, token: str, entries: Collection[Entry], transaction: int = 0
    ) -> None:
        """Hand ``entries`` over to the courier, which makes them ready."""
        urgent = any(entry.urgent for entry in entries)
        since = self._wall_clock()
        entries = self._known_at_once(token, entries, since, transaction)
        release = Release(token, entries, since, urgent, transaction)
        with self._lock:
            self._handed_over.append(release)
            if len(self._handed_over) > MOST_TOKENS:
                # Nobody brings them in: the courier cannot run, perhaps.
                self._fold()
        try:
            (self._hurry if urgent else self._wake)()
        except Exception:
            # No thread can be started, perhaps: the next release tries again.
            logger.exception("The courier could not be notified.")

    def _known_at_once(
        self, token: str, entries: Collection[Entry], at: float, transaction: int
    ) -> tuple[Entry, ...]:
        """Let answers that are being made know what is purged; return the entries, and
        what purges the urgent ones a second time.
        """
        if self.lately is None:
            return tuple(entries)
        purge = purge_of([token], entries, at, transaction)
        if purge is None:
            return tuple(entries)
        self.lately.note(purge)
        urgent = [each for each in entries if each.urgent]
        again = purge_of([], urgent, at) if urgent else None
        if again is None:
            return tuple(entries)
        return (*entries, *map(entry_again, self.lately.second(again)))

    def is_usable(
        self, tries: int = BUSY_TRIES, sleep: Callable[[float], None] = time.sleep
    ) -> bool:
        """Try whether the outbox takes something now. If not, ``trouble`` says why.

        For somebody who waits for the answer: it writes, and waits for the disk, and for
        others who write.
        """
        while not self._takes_something():
            tries -= 1
            if self._busy_since is None or tries <= 0:
                return False
            sleep(RETRY_AFTER)
        return True

    def _takes_something(self) -> bool:
        token = uuid.uuid4().hex
        return self._try(lambda: self.outbox.prepare(token, [])()) and self._try(
            lambda: self.outbox.discard(token)
        )

    def handed_over(self) -> HandedOver | None:
        """Return what ``retry`` would bring in; None if there is nothing."""
        with self._lock:
            releases = list(self._handed_over)
            is_late = bool(len(self._kept) or self._ended or self._trouble is not None)
        if not releases and not is_late:
            return None
        entries = [entry for each in releases for entry in each.entries]
        return HandedOver(
            distributions=frozenset([entry.distribution for entry in entries]),
            since=min([each.since for each in releases], default=0.0),
            is_urgent=is_late or any(each.is_urgent for each in releases),
        )

    def retry(self) -> None:
        """Bring into the outbox what was handed over, and what was kept before.

        The courier calls this. It raises nothing.
        """
        with self._bringing_in:
            with self._lock:
                found = len(self._kept) or self._ended or self._handed_over
                if not found and self._trouble is None:
                    return
                kept, self._kept = self._kept, Kept(self._wall_clock)
                ended, self._ended = self._ended, {}
                handed_over, self._handed_over = self._handed_over, []
            try:
                self._bring_in(kept, ended, handed_over)
            except Exception as error:
                self._put_back(kept, ended, handed_over)
                self._failed(error)

    def _bring_in(
        self, kept: Kept, ended: dict[str, None], handed_over: list[Release]
    ) -> None:
        count = len(kept)
        had_trouble, was_logged = self._trouble is not None, self._log_at is not None
        if count or ended or had_trouble:
            self._bring_in_kept(kept, ended)
        while handed_over:
            some = _some(handed_over)
            if len(some) == 1 and len(some[0].entries) > AT_ONCE:
                self._bring_in_large(handed_over)
            else:
                self.outbox.release_all(some)
            del handed_over[: len(some)]
        if was_logged:
            logger.info(
                "The outbox works again. It has taken over %s from memory.",
                counted(count, "item"),
            )
        self._works()

    def _bring_in_large(self, handed_over: list[Release]) -> None:
        """Bring in the first, in slices."""
        first = handed_over[0]
        # If we die in between, it is in doubt, and announced once more.
        self.outbox.announce([first.token], first.entries, first.transaction)
        slices = in_slices(first.entries)
        try:
            self._release_slices(slices, first.token, first.since)
        except Exception:
            handed_over[0] = replace(first, entries=tuple(chain(*slices)))
            raise

    def _bring_in_kept(self, kept: Kept, ended: dict[str, None]) -> None:
        # If we die in between, what was prepared is in doubt, and comes once more.
        if len(kept):
            self.outbox.announce(ended, list(kept), kept.transaction)
        slices, since = in_slices(kept), kept.since
        try:
            self._release_slices(slices, "", since)
        except Exception:
            left = list(chain(*slices))
            transaction = kept.transaction
            kept.clear()
            kept.add(left, since, transaction)
            raise
        kept.clear()
        if ended:
            with self.outbox.together():
                for token in ended:
                    self.outbox.discard(token)
            ended.clear()

    def _release_slices(
        self, slices: list[list[Entry]], token: str, since: float | None
    ) -> None:
        """Release each slice and take it out of ``slices``: if a later one fails, what is
        in may have been sent when that is tried again.
        """
        while slices:
            more = len(slices) > 1
            self.outbox.release(token, slices[0], since, more=more)
            del slices[0]

    def _put_back(
        self, kept: Kept, ended: dict[str, None], handed_over: list[Release]
    ) -> None:
        """Keep what could not be brought in, before what was handed over meanwhile."""
        with self._lock:
            newer, self._handed_over = self._handed_over, handed_over
            newer_kept, self._kept = self._kept, kept
            newer_ended, self._ended = self._ended, ended
            self._fold()
            self._kept.add(list(newer_kept), newer_kept.since, newer_kept.transaction)
            self._handed_over = newer
            for token in newer_ended:
                self._end(token)

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
        self._busy_since = self._log_at = None
        self._log_again = LOG_AGAIN

    def _failed(self, error: Exception) -> None:
        now = self._clock()
        known = isinstance(error, OutboxUnavailable)
        if isinstance(error, OutboxUnavailable):
            self._trouble = error.message
        else:
            self._trouble = plain(str(error) or repr(error))
        self._not_before = now + RETRY_AFTER
        if not getattr(error, "is_busy", False):
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = now
        is_busy = self._busy_since is not None
        if is_busy and now - (self._busy_since or 0.0) < BUSY_FOR:
            return
        if self._log_at is None or now >= self._log_at:
            self._log_at = now + self._log_again
            self._log_again = min(2 * self._log_again, LOG_AGAIN_AT_MOST)
            logger.error(
                "The outbox cannot be used (%s). Saving continues. Items to purge "
                "are kept in memory and tried again every second, but would be "
                "lost if this process ended. %s",
                error,
                "Another process has been writing to it for too long. Stop that "
                "process."
                if is_busy
                else "Check the disk and the permissions of the file.",
                exc_info=None if known else error,
            )

    def _fold(self) -> None:
        """Keep what was handed over in less memory. The lock is held."""
        for each in self._handed_over:
            self._kept.add(each.entries, each.since, each.transaction)
            self._end(each.token)
        self._handed_over = []

    def _end(self, token: str) -> None:
        if token and len(self._ended) < MOST_TOKENS:
            self._ended[token] = None


def _some(releases: list[Release]) -> list[Release]:
    """Return the first releases, for one transaction."""
    count = 0
    for number, each in enumerate(releases, 1):
        count += len(each.entries)
        if count > AT_ONCE:
            return releases[: max(1, number - 1)]
    return list(releases)
