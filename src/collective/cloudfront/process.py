"""What a Zope process has once: the outbox, the way into it, and the courier.

Everything before this module runs in Plone's transactions, everything behind it
(``outbox``, ``delivery``) knows no Zope.
"""

from App.config import getConfiguration
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.alerts.thread import AlertsThread
from collective.cloudfront.beside import open_beside
from collective.cloudfront.dates.thread import DatesThread
from collective.cloudfront.delivery import presence
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.courier import GRACE_SECONDS
from collective.cloudfront.delivery.handing_over import HandingOver
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.delivery.reading import ReadingThread
from collective.cloudfront.delivery.targets import is_covered
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.delivery.thread import CourierThread
from collective.cloudfront.delivery.thread import DRAIN_SECONDS
from collective.cloudfront.monitoring.counting import count_if_wanted
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.sqlite.default import default_place
from collective.cloudfront.outbox.sqlite.default import earlier_places
from collective.cloudfront.planning.late import Lately
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.reading import Reading
from collective.cloudfront.publishing import published_site
from collective.cloudfront.publishing import Publishing
from collective.cloudfront.settings import readers
from collective.cloudfront.settings import Settings
from collective.cloudfront.settings import settings_of
from collective.cloudfront.sites import root_of
from collective.cloudfront.sites import Sites
from collective.cloudfront.targets import read_targets
from collective.cloudfront.targets import targets_of
from collective.cloudfront.variables import is_off
from collective.cloudfront.variables import number
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zope.event import notify

import logging
import os
import socket
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: How long settings read from the database are used without looking again, in
#: seconds. Changes made in this process are seen at once.
SETTINGS_FRESH = 5.0


def default_outbox_url() -> str:
    """Return the URL of the outbox where nobody has named one: a file beside the site's
    data, or in this instance's ``var`` (CLIENT_HOME).
    """
    return f"sqlite:///{quote(str(default_place(_client_home())))}"


def earlier_outboxes() -> list[Path]:
    """Return the outboxes that other processes of this site may have left, and the file
    that was used before somebody named another outbox.
    """
    default = default_place(_client_home())
    before = [default] if default.is_file() else []
    return [*before, *earlier_places(_client_home(), socket.gethostname())]


def _client_home() -> Path:
    return Path(getattr(getConfiguration(), "clienthome", None) or "").absolute()


class Process:
    """The outbox, intake and courier of one Zope process."""

    def __init__(self, environ: Mapping[str, str] = os.environ):
        self.environ = environ
        self.database: Any = None
        # Held for assignments only, never while something is read or written: saves
        # take it.
        self._lock = threading.Lock()
        # Held while settings are read. No save takes it.
        self._reading = threading.Lock()
        self._targets: Mapping[str, Target] = {}
        self._read_at: float | None = None
        # What transactions have told of sites, by path: mostly the same again and again
        self._learnt: dict[tuple[str, ...], Settings] = {}
        # How often the targets have changed by other ways than reading
        self._changes = 0
        # Pairs of distribution ids for the courier to move; None: nothing is to be done
        self._errands: list[tuple[str, str]] | None = None
        # When others are to be told of this process and its sites (monotonic seconds)
        self._show_at = 0.0
        # Whether the courier has still to read the settings of all sites, and to start
        # the thread for dates
        self._is_new = False
        readers.forget()
        #: What a person should know of the choice of the outbox.
        self.concerns: list[Message] = []
        #: Whether it is in the site's database, where all Zope processes find it.
        self.is_outbox_beside = False
        self.outbox = self._open_outbox()
        #: Where the sites are.
        self.sites = Sites(self.outbox)
        #: What others know of the sites.
        self.publishing = Publishing(self.outbox, self._read_sites)
        #: Whether workers deliver, and not this process.
        self.is_courier_off = is_off(environ, "CLOUDFRONT_COURIER")
        self._make_courier()
        #: How long to go on sending at the end, in seconds
        self.drain = number(environ, "CLOUDFRONT_DRAIN", DRAIN_SECONDS, least=0.0)

    def _make_courier(self) -> None:
        #: What was purged and answered lately.
        self.lately = Lately(time.time)
        self.intake = Intake(
            self.outbox, wake=self.wake, hurry=self.hurry, lately=self.lately
        )
        kind = Kind.SAVES_ONLY if self.is_courier_off else Kind.ZOPE
        self.presence = Presence(self.outbox, kind)
        self.courier = self._new_courier()
        self.thread = CourierThread(self.courier)
        self.dates = DatesThread(self.outbox, self.sites.below)
        self.alerts = AlertsThread(self.outbox, self.sites.known_below)
        self.reading = ReadingThread(
            self.outbox,
            self.targets,
            self._learn_reading,
            asks=not self.is_courier_off,
        )

    def _new_courier(self) -> Any:
        if self.is_courier_off:
            return HandingOver(
                self.outbox,
                self.intake,
                self.lately,
                self.run_errands,
                earlier_outboxes,
            )
        return Courier(
            self.outbox,
            Boto3Gateway(),
            self.targets,
            intake=self.intake,
            limits=Limits(
                call_rate=number(
                    self.environ, "CLOUDFRONT_CALL_RATE", Limits().call_rate
                )
            ),
            grace=number(self.environ, "CLOUDFRONT_GRACE", GRACE_SECONDS),
            notify=notify,
            errands=self.run_errands,
            calls=InThreads(),
            lately=self.lately,
            earlier=earlier_outboxes,
        )

    def forked(self) -> None:
        """Start afresh in a child: with clients, claims and threads of its own.

        What the parent has in memory is the parent's to bring in. The database is not
        read before the child itself works with it: it may share its files with the
        parent.
        """
        _of_parents.append(
            (
                self.intake,
                self.courier,
                self.thread,
                self.dates,
                self.reading,
                self.alerts,
            )
        )
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._errands = None
        self._is_new = True
        self._make_courier()
        self._use(self._targets)

    def _open_outbox(self) -> Outbox:
        url = self.environ.get("CLOUDFRONT_OUTBOX", "")
        if not url:
            outbox, self.concerns = open_beside(
                getConfiguration(), default_outbox_url(), self._after_damage
            )
            if outbox is not None:
                self.is_outbox_beside = True
                return outbox
        if url in ("", "sqlite"):
            url = default_outbox_url()
        try:
            return open_outbox(url, on_damage=self._after_damage)
        except ValueError as error:
            fallback = default_outbox_url()
            logger.error("CLOUDFRONT_OUTBOX: %s Using %s instead.", error, fallback)
            return open_outbox(fallback, on_damage=self._after_damage)

    def _after_damage(self, damaged: str) -> None:
        # The courier purges whole what this Zope serves, as soon as it is known.
        self.hurry()

    def wake(self) -> None:
        """Tell the courier that there is work."""
        self.thread.wake()

    def hurry(self) -> None:
        """Tell the courier that there is work that must not wait for a window."""
        self.thread.hurry()

    def start(self, database: Any) -> None:
        """Begin to work with ``database``: deliver what an earlier process left.

        Nothing is read here: the courier does, and Zope's start does not wait for it.
        """
        self.database = database
        self._is_new = True
        self.wake()

    def stop(self) -> None:
        """Send what is left, for ``drain`` seconds; the rest stays in the outbox."""
        self.dates.stop()
        self.reading.stop()
        self.alerts.stop()
        in_flight = not self.thread.drain(self.drain)
        try:
            self.run_errands()
        except OutboxUnavailable as error:
            logger.warning("Paused distributions will be tried again later: %s.", error)
        self._leave()
        self.intake.retry()
        if self.intake.kept:
            self.tell_what_is_lost()
        elif self.thread.has_run and not self.is_courier_off:
            self._tell_what_waits(in_flight)

    def _leave(self) -> None:
        try:
            self.presence.end()
        except OutboxUnavailable as error:
            logger.debug("Others see in a minute that this process is gone: %s", error)

    def tell_what_is_lost(self) -> None:
        """Log how much this process has in memory only, if it has."""
        if self.intake.kept:
            logger.error(
                "Lost %s because this process ends while the outbox cannot be used "
                "(%s). Use “Purge all” when the outbox works again.",
                counted(self.intake.kept, "item"),
                self.intake.trouble,
            )

    def _tell_what_waits(self, in_flight: bool) -> None:
        try:
            waiting = sum(each.pending for each in self.outbox.work())
        except OutboxUnavailable as error:
            logger.warning("The waiting items cannot be counted: %s.", error)
            return
        finally:
            self.outbox.close()
        if waiting:
            logger.info(
                "This process ends with %s waiting in %r. Other processes that share the "
                "outbox send them now, or this process does when it starts again.%s",
                counted(waiting, "item"),
                self.outbox,
                " A request to CloudFront is still in progress and will be "
                "repeated." * in_flight,
            )

    def targets(self) -> Mapping[str, Target]:
        """Return every distribution that a site of this Zope is enabled for.

        May read the database. Whoever reads makes others wait who call this, and nobody
        else.
        """
        with self._reading:
            if self._is_stale():
                self._read_again()
        return self._targets

    def _is_stale(self) -> bool:
        return (
            self._read_at is None or time.monotonic() - self._read_at > SETTINGS_FRESH
        )

    def _read_again(self) -> None:
        started = time.monotonic()
        with self._lock:
            changes = self._changes
        found = self._read_targets()
        with self._lock:
            # What changed in the meantime may be newer than what was read
            if self._changes == changes:
                self._use(found)
                self._read_at = started
            else:
                self._use({**self._targets, **found})

    def _use(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self.lately.transit = max(
            (target.again_after for target in targets.values()), default=0.0
        )

    def _read_targets(self) -> Mapping[str, Target]:
        if self.database is None:
            return self._targets
        try:
            found = read_targets(self.database, self.sites.below)
            return {**self.sites.ended(), **found}
        except Exception:
            # The database may be away for a while; what was known is still right.
            logger.exception("The settings of the sites cannot be read now.")
            return self._targets

    def _read_sites(self, database: Any) -> list[Site]:
        """Read what is published of the sites in which something is purged."""
        with root_of(database) as app:
            found = ((site, settings_of(site)) for site in self.sites.below(app))
            return [
                published_site(site, settings, targets_of([settings]))
                for site, settings in found
                if settings is not None and settings.enabled and settings.distributions
            ]

    def learn_site(self, site: Any, settings: Settings) -> None:
        """Take the settings of a site from a transaction that has ended."""
        path = site.getPhysicalPath()
        if self._learnt.get(path) != settings or self.database is None:
            self.sites.note(path)
            self.use_database_of(site)
            self.learn(targets_of([settings]))
            self._learnt[path] = settings

    def site_ended(self, settings: Settings) -> None:
        """Go on to deliver what a site has left that was deleted."""
        targets = targets_of([settings])
        self.sites.note_end(targets)
        self.learn(targets)

    def learn(self, targets: Mapping[str, Target]) -> None:
        """Take targets, with their credentials, from a transaction that has ended."""
        with self._lock:
            news = {
                name: target
                for name, target in targets.items()
                if not is_covered(target, self._targets.get(name))
            }
            if not news:
                return
            self._changed()
            if self.database is None:
                self._use({**self._targets, **news})
            else:
                # Other sites may name the same ones: all are to be read again.
                self._use({**news, **self._targets})

    def _changed(self) -> None:
        self._changes += 1
        self._show_at = 0.0
        self._learnt = {}
        self._read_at = None

    def _learn_reading(self, known: Mapping[str, Reading]) -> None:
        if readers.learn(known):
            # What dates reach is written by tag now, or by path.
            self.dates.wake()

    def use_database_of(self, site: Any) -> None:
        """Read settings from the database of ``site``, if no other is known.

        Zope says at its start which one it has; tests and scripts do not always.
        """
        connection = site.getPhysicalRoot()._p_jar
        if self.database is None and connection is not None:
            self.database = connection.db()

    def settings_changed(self, replaced: Iterable[tuple[str, str]] = ()) -> None:
        """Have the courier use changed settings at once, and end what waited for them.

        ``replaced`` holds pairs of distribution ids, old and new: what waits for an
        id that no site uses any more goes to its successor.
        """
        with self._lock:
            self._changed()
            self._errands = [*(self._errands or ()), *replaced]
        self.wake()
        self.dates.wake()
        self.reading.wake()

    def run_errands(self) -> None:
        """Do what ``settings_changed`` asked for, and what is due at the start. The
        courier calls this, in its thread.

        Raises ``OutboxUnavailable``; then it is still to be done.
        """
        if self._is_new:
            self._is_new = False
            self.outbox.listen(self.wake)
            count_if_wanted(self)
            if self.database is not None:
                self.dates.start(self.database)
                self.alerts.start(self.database)
            self.targets()
            self.reading.start()
        if self.sites.has_news:
            self.sites.keep()
        if self.database is not None and time.monotonic() >= self._show_at:
            self._show_others()
        with self._lock:
            errands, self._errands = self._errands, None
        if errands is None:
            return
        try:
            for old, new in errands:
                if old not in self.targets():
                    moved = self.outbox.retarget(old, new)
                    if moved:
                        logger.info(
                            "Moved %s that waited for %s to %s.",
                            counted(moved, "item"),
                            old,
                            new,
                        )
            self.outbox.resume()
        except OutboxUnavailable:
            with self._lock:
                self._errands = [*errands, *(self._errands or ())]
            raise

    def _show_others(self) -> None:
        """Let others know of this process, and of its sites."""
        self._show_at = time.monotonic() + presence.EVERY
        try:
            self.publishing.publish(self.database)
            self.presence.say()
        except (OutboxUnavailable, ClaimLost, MemoryChanged) as error:
            # What was saved comes first; it says so, too.
            self._show_at = time.monotonic() + presence.TRY_AGAIN
            logger.debug("Others learn of this process later: %s", error)


_process: Process | None = None
_lock = threading.Lock()
# What children have inherited: to end it might disturb the parent.
_of_parents: list[object] = []


def this_process() -> Process:
    """Return what this Zope process has, made when first asked for."""
    global _process
    with _lock:
        if _process is None:
            _process = Process()
        return _process


def replace_process(make: Callable[[], Process] | None = None) -> None:
    """Stop what there is and start afresh. For tests."""
    global _process
    with _lock:
        old, _process = _process, make() if make else None
    if old is not None:
        old.stop()


def known_process() -> Process | None:
    """Return what this Zope process has, or None if nobody has asked for it yet."""
    return _process


def forked() -> None:
    """Start afresh in a child of a Zope process."""
    global _lock
    _lock = threading.Lock()
    if _process is not None:
        _process.forked()
