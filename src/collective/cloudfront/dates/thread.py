"""The thread in which a Zope process schedules what is missing."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.changes.causes import SETTINGS
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.dates import known
from collective.cloudfront.dates.run import CLAIM_SECONDS
from collective.cloudfront.dates.run import Run
from collective.cloudfront.dates.since import noted
from collective.cloudfront.delivery.watch import Ended
from collective.cloudfront.delivery.watch import Watch
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.reach.reached import every_page
from collective.cloudfront.settings import Settings
from collective.cloudfront.settings import settings_of
from contextlib import contextmanager
from plone.uuid.interfaces import IUUID
from Testing.makerequest import makerequest
from transaction import TransactionManager
from typing import Any
from zope.component.hooks import site as current_site

import logging
import time


logger = logging.getLogger("collective.cloudfront")

#: How often (seconds) it is looked whether something is missing: another process may have
#: died, or the outbox may be a new one.
LOOK_EVERY = 60.0
#: After the start of Zope others come first, for so many seconds.
FIRST_AFTER = 5.0
#: Settings that changed so lately (seconds) were changed by a person, or code, in a
#: transaction, which has purged what is new.
JUST_NOW = 600.0
#: A connection that holds fewer objects than these is nobody's favourite.
_FEW_OBJECTS = 500
_MOST_OPENED = 8


class DatesThread:
    """Looks for dates that are not scheduled, and schedules them, in a daemon thread."""

    def __init__(
        self,
        outbox: Outbox,
        sites: Callable[[Any], Iterable[Any]],
        every: float = LOOK_EVERY,
        first_after: float = FIRST_AFTER,
    ):
        """``sites`` returns the Plone sites in Zope's root; ``every`` and ``first_after``
        are seconds.
        """
        self._outbox = outbox
        self._sites = sites
        self._database: Any = None
        # By site: fingerprints that were seen done
        self._satisfied: dict[str, dict[str, str]] = {}
        # Sites of which nothing is purged here
        self._off: set[str] = set()
        self._watch = Watch(
            "cloudfront-dates",
            self._look_now,
            every,
            "Dates cannot be scheduled now; trying again.",
            first_after,
            self._outbox.close,
        )

    def start(self, database: Any) -> None:
        """Begin to work with ``database``."""
        self._database = database
        self._watch.start()

    def wake(self) -> None:
        """Look at once, if started: settings have changed. Never blocks."""
        self._watch.wake()

    def stop(self, timeout: float = 2.0) -> None:
        """End after the object that is looked at; waits at most ``timeout`` seconds.

        What is unfinished is finished by the next start, or another process.
        """
        self._watch.stop(timeout)

    def _look_now(self) -> None:
        self.look(self._database, self._watch.rest)

    def look(self, database: Any, rest: Callable[[float], None]) -> int:
        """Schedule what is missing in all sites of ``database``; returns how many objects
        were looked at. ``rest`` sleeps for so many seconds, or raises ``Ended``.
        """
        with _reading(database) as (app, _manager):
            sites = [
                each.getPhysicalPath()
                for each in self._sites(app)
                if self._safely(self._is_missing, each)
            ]
        if not sites:
            return 0
        count = 0
        with _reading(database, apart=True) as (app, manager):
            for path in sites:
                site = app.unrestrictedTraverse(path)
                count += self._safely(self._look_at, site, manager, rest)
        return count

    def _safely(self, action: Callable[..., int], *arguments: Any) -> int:
        """Return what ``action`` returns for one site; an error in it is logged, and
        keeps no other site from being looked at.
        """
        try:
            return action(*arguments)
        except Ended:
            raise
        except (OutboxUnavailable, ClaimLost, MemoryChanged) as error:
            logger.debug("Dates are scheduled later: %s", error)
        except Exception:
            self._watch.complain()
        return 0

    def _is_missing(self, site: Any) -> bool:
        wanted, settings = _wanted(site)
        if settings is not None and not settings.enabled:
            self._forget(site)
        return bool(wanted and self._missing(_name_of(site), wanted))

    def _look_at(
        self, site: Any, manager: TransactionManager, rest: Callable[[float], None]
    ) -> int:
        wanted, settings = _wanted(site)
        if settings is None or not wanted:
            return 0
        name = _name_of(site)
        missing = self._missing(name, wanted)
        if not missing or not self._outbox.claim_run(name, CLAIM_SECONDS):
            return 0
        # Somebody else may have done it meanwhile
        missing = self._missing(name, wanted)
        state = known.from_json(self._outbox.run(name))
        if not missing:
            self._outbox.keep_run(name, known.as_json(state), 0)
            return 0

        def refresh() -> bool:
            manager.abort()
            manager.begin()
            return _wanted(site)[0] == wanted

        since, now = noted(site), time.time()
        # Where a person changed the settings, all is purged already
        told = now - JUST_NOW < since
        unseen = [] if told else known.unseen(state, missing, wanted)
        state = known.started(state, missing, since, now)
        # From now on everybody knows when it began
        self._outbox.keep_run(name, known.as_json(state), CLAIM_SECONDS)
        logger.info("Scheduling dates for %s.", " ".join(missing))
        with current_site(site):
            self._purge(site, settings, unseen)
            count = Run(site, settings, self._outbox, name, state, refresh, rest).go()
        if count is None:
            self._watch.wake()
            return 0
        logger.info(
            "Scheduled the dates of %s for %s.",
            counted(count, "object"),
            " ".join(missing),
        )
        self._missing(name, wanted)
        return count

    def _purge(self, site: Any, settings: Settings, unseen: list[str]) -> None:
        """Purge all that distributions hold of a site: the environment has changed."""
        changes = SiteChanges(site, settings)
        shares = [each for each in settings.distributions if each.id in unseen]
        changes.add([every_page()], shares)
        changes.name_cause(code=SETTINGS)
        entries = changes.take()
        if entries:
            logger.info("%s is new, so everything in it is purged.", " ".join(unseen))
            self._outbox.release("", entries)

    def _forget(self, site: Any) -> None:
        """Note that this process purges nothing of a site, once."""
        name = _name_of(site)
        if name in self._off:
            return
        self._off.add(name)
        state = known.from_json(self._outbox.run(name))
        if state.done and self._outbox.claim_run(name, CLAIM_SECONDS):
            self._outbox.keep_run(name, known.as_json(known.without_purging(state)), 0)

    def _missing(self, name: str, wanted: dict[str, str]) -> dict[str, str]:
        state = known.from_json(self._outbox.run(name))
        satisfied = self._satisfied.setdefault(name, {})
        missing = known.missing(state, wanted, satisfied, time.time())
        for identifier, fingerprint in wanted.items():
            if identifier not in missing:
                satisfied[identifier] = fingerprint
            elif satisfied.get(identifier) == fingerprint:
                # The outbox has forgotten it, or it is too long ago
                del satisfied[identifier]
        return missing


@contextmanager
def _reading(
    database: Any, apart: bool = False
) -> Iterator[tuple[Any, TransactionManager]]:
    """Open a connection for reading; yield Zope's root and the transaction manager.

    ``apart``: not one whose cache requests have filled, which are to find it again.
    """
    opened: list[tuple[Any, TransactionManager]] = []
    try:
        while True:
            manager = TransactionManager()
            connection = database.open(transaction_manager=manager)
            opened.append((connection, manager))
            if (
                not apart
                or _loaded(connection) < _FEW_OBJECTS
                or len(opened) == _MOST_OPENED
            ):
                break
        _close(opened[:-1])
        del opened[:-1]
        yield makerequest(connection.root()["Application"]), manager
    finally:
        if apart:
            # The next request gets what is closed last: not ours. Its cache is not
            # emptied: a request that ends may still refer to the site in it.
            warm = TransactionManager()
            opened.append((database.open(transaction_manager=warm), warm))
        _close(opened)


def _loaded(connection: Any) -> int:
    """Return how many objects a connection has in its cache."""
    for each in connection.db().cacheDetailSize():
        if each["connection"] == repr(connection):
            return each["ngsize"]
    return 0


def _close(opened: Iterable[tuple[Any, TransactionManager]]) -> None:
    for connection, manager in opened:
        manager.abort()
        connection.close()


def _name_of(site: Any) -> str:
    # Databases that share an outbox may have sites of one path
    return f"dates:{IUUID(site, None) or '/'.join(site.getPhysicalPath())}"


def _wanted(site: Any) -> tuple[dict[str, str], Settings | None]:
    """Return what is to be known of the distributions of ``site``, and its settings."""
    settings = settings_of(site)
    if settings is None or not settings.enabled:
        return {}, settings
    return known.fingerprints(settings, noted(site)), settings
