"""One run: what has dates in a site is scheduled, some objects at a time.

An editor may save an object after it was read and before it was written here. What was
written is therefore looked at again in a newer state of the database, and computed again
if the object is another one there. If it was saved later than that, the save's own entries
come into the outbox later, and replace these.
"""

from Acquisition import aq_base
from collections.abc import Callable
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.dates.catalog import dated_paths
from collective.cloudfront.dates.catalog import path_of_uid
from collective.cloudfront.dates.known import advanced
from collective.cloudfront.dates.known import as_json
from collective.cloudfront.dates.known import finished
from collective.cloudfront.dates.known import Known
from collective.cloudfront.delivery.watch import Ended
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.reach.change import Redated
from collective.cloudfront.settings import Settings
from dataclasses import dataclass
from dataclasses import replace
from transaction.interfaces import TransientError
from typing import Any
from ZODB.POSException import POSKeyError

import logging
import time


logger = logging.getLogger("collective.cloudfront")

#: A piece ends after so many objects, or entries, or seconds: others write to the outbox
#: as well, and a piece that is lost is done again.
MOST_OBJECTS = 20
MOST_ENTRIES = 200
MOST_SECONDS = 5.0
#: A claim outlives the longest piece by far.
CLAIM_SECONDS = 60.0
#: So many times as long as an object takes, the thread rests: others need the processor.
RESTS = 9
#: It rests so long (seconds) before it looks at what it wrote: with ZEO another process's
#: commit is seen a moment later.
SETTLE = 0.5


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written for an object, and of which state of it."""

    path: str
    uid: str
    serial: Any
    #: Pairs of a distribution and a key.
    names: frozenset[tuple[str, str]]


class Run:
    """Schedules what is missing in one site."""

    def __init__(
        self,
        site: Any,
        settings: Settings,
        outbox: Outbox,
        name: str,
        known: Known,
        refresh: Callable[[], bool],
        rest: Callable[[float], None],
    ):
        """``name`` is that of the run in the outbox, which is claimed. ``refresh`` begins
        to read a newer state of the database, and says whether the run is still wanted;
        ``rest`` sleeps for so many seconds, or raises ``Ended``.
        """
        self._site = site
        assert known.run is not None
        wanted = known.run.distributions
        self._settings = replace(
            settings,
            distributions=tuple(
                each for each in settings.distributions if each.id in wanted
            ),
        )
        self._outbox = outbox
        self._name = name
        self._known = known
        self._since = known.run.since
        self._refresh = refresh
        self._rest = rest
        self._complained = False

    def go(self) -> int | None:
        """Schedule all that is missing; returns how many objects were looked at. None:
        what is wanted has changed, and this run is over.

        Raises ``Ended``, ``OutboxUnavailable``, ``ClaimLost``, and what the database
        raises.
        """
        try:
            return self._go()
        except Ended:
            self._give_up()
            raise

    def _go(self) -> int | None:
        assert self._known.run is not None
        last = self._known.run.after
        paths = [each for each in dated_paths(self._site, self._since) if each > last]
        written: list[_Written] = []
        count = 0
        while True:
            again, gone = self._changed(written)
            if not again:
                # All up to there is in the outbox, and was looked at again
                self._known = advanced(self._known, last)
            if not (paths or again or gone):
                break
            entries, written, done = self._piece(again, paths)
            if done:
                last = paths[done - 1]
                del paths[:done]
                count += done
            self._write(gone + entries)
            self._rest(SETTLE)
            if not self._refresh():
                self._give_up()
                return None
        self._known = finished(self._known, time.time())
        self._give_up()
        return count

    def _give_up(self) -> None:
        self._outbox.keep_run(self._name, as_json(self._known), 0)

    def _write(self, entries: list[Entry]) -> None:
        with self._outbox.together():
            if entries:
                self._outbox.release("", entries)
            self._outbox.keep_run(self._name, as_json(self._known), CLAIM_SECONDS)

    # --- one piece --------------------------------------------------------------------

    def _piece(
        self, again: list[str], paths: list[str]
    ) -> tuple[list[Entry], list[_Written], int]:
        """Return the entries of some objects, what is written of each, and how many of
        ``paths`` were looked at; ``again`` are paths that come first.
        """
        entries: list[Entry] = []
        written: list[_Written] = []
        deadline = time.monotonic() + MOST_SECONDS
        looked_at = 0
        for path in [*again, *paths]:
            if looked_at >= len(again) and (
                len(written) >= MOST_OBJECTS
                or len(entries) >= MOST_ENTRIES
                or time.monotonic() > deadline
            ):
                break
            started = time.monotonic()
            found, wrote = self._object(path)
            entries += found
            written += wrote
            looked_at += 1
            self._rest(RESTS * (time.monotonic() - started))
        return entries, written, looked_at - len(again)

    def _object(self, path: str) -> tuple[list[Entry], list[_Written]]:
        """Return the entries of an object, those that cancel included, and what is
        written of it; nothing of what is not there, or cannot be read.
        """
        obj = self._at(path)
        if obj is None:
            return [], []
        changes = SiteChanges(self._site, self._settings)
        try:
            changes.read(Redated(obj, self._since))
            entries = changes.take()
        except (TransientError, MemoryError):
            raise
        except Exception:
            self._complain(path)
            return [], []
        base = aq_base(obj)
        names = frozenset((each.distribution, each.key) for each in entries)
        return entries, [_Written(path, _uid_of(base), base._p_serial, names)]

    def _complain(self, path: str) -> None:
        if not self._complained:
            self._complained = True
            logger.exception(
                "The dates of %s cannot be scheduled. Fix the error, then save the "
                "object again. Further failures are not logged for now.",
                path,
            )

    def _at(self, path: str) -> Any:
        try:
            obj = self._site.unrestrictedTraverse(path, None)
            if obj is not None and tuple(path.split("/")) == obj.getPhysicalPath():
                return obj
        except (POSKeyError, AttributeError):
            self._complain(path)
        return None

    # --- what was written -------------------------------------------------------------

    def _changed(self, written: list[_Written]) -> tuple[list[str], list[Entry]]:
        """Return the paths of what is another one now, or elsewhere, than when it was
        written, and what cancels what is gone.
        """
        again: list[str] = []
        gone: list[Entry] = []
        for each in written:
            obj = self._at(each.path)
            base = aq_base(obj)
            if obj is not None and _uid_of(base) == each.uid:
                if base._p_serial != each.serial:
                    again.append(each.path)
                continue
            path = path_of_uid(self._site, each.uid)
            if path is None:
                gone += [Entry(name, "", key=key) for name, key in each.names]
            else:
                again.append(path)
        return again, gone


def _uid_of(base: Any) -> str:
    base._p_activate()  # or its serial is nobody's
    return getattr(base, "_plone.uuid", "")
