"""Where the Plone sites of this Zope are, at any depth.

::

    a site commits ──► noted in memory ──► the courier's thread ──► the outbox
                                                                      │
    Zope's root ──► a walk, shallow folders first, bounded ──┐        ▼
                                                             └──► sites, each once

The walk finds sites in which nothing was saved yet. What it does not reach is known from
its first commit on, to all processes that share the outbox, also after a restart.

What a deleted site leaves to be purged is delivered with the settings it had. The outbox
keeps them, too, but no keys: after a restart boto3 looks for credentials.
"""

from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.delivery.published import FORGET_AFTER
from collective.cloudfront.delivery.published import RUN_OF_SITES
from collective.cloudfront.delivery.published import target_as_json
from collective.cloudfront.delivery.published import target_from_json
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.contract import ClaimLost
from contextlib import contextmanager
from OFS.interfaces import IFolder
from Products.CMFCore.interfaces import ISiteRoot
from transaction import TransactionManager
from typing import Any

import logging
import time


logger = logging.getLogger("collective.cloudfront")

#: How many objects the walk looks at.
MOST_LOOKED_AT = 2000

#: What the outbox remembers has this name, and is claimed for so many seconds.
_RUN = RUN_OF_SITES
_CLAIM_SECONDS = 30.0
#: How long (seconds) settings of deleted sites are kept.
ENDED_FOR = FORGET_AFTER

_PROFILE = "collective.cloudfront:default"
_Physical = tuple[str, ...]


class Sites:
    """The Plone sites of one Zope, as far as they are known."""

    def __init__(self, outbox: Outbox, clock: Callable[[], float] = time.time):
        self._outbox = outbox
        self._clock = clock
        #: Whether ``keep`` has something to do
        self.has_news = False
        # Of sites that committed in this process, and of sites that were deleted in it,
        # by distribution
        self._noted: set[_Physical] = set()
        self._ended: dict[str, Target] = {}
        # What the outbox has of both
        self._kept: set[_Physical] = set()
        self._kept_ended: dict[str, Target] = {}

    def note(self, path: _Physical) -> None:
        """Note where a site is that commits. Reads and writes nothing."""
        self._noted.add(path)
        self.has_news = True

    def note_end(self, targets: Mapping[str, Target]) -> None:
        """Note what a site delivered to that is deleted. Reads and writes nothing."""
        self._ended = {**self._ended, **targets}
        self.has_news = True

    def keep(self) -> None:
        """Tell other processes what was noted. For the courier's thread.

        Raises ``OutboxUnavailable``; then it is still to be done, as when another
        process does the same at this moment.
        """
        self._read()
        if not self.has_news or not self._outbox.claim_run(_RUN, _CLAIM_SECONDS):
            return
        ended = self._read()
        until = self._clock() + ENDED_FOR
        for identifier, target in self._ended.items():
            if identifier not in self._kept_ended:
                ended[identifier] = {**target_as_json(target), "until": until}
        paths = sorted(map(list, self._kept | self._noted))
        try:
            self._outbox.keep_run(_RUN, {"paths": paths, "ended": ended}, 0)
        except ClaimLost as error:
            logger.debug("Sites are remembered in the next round: %s", error)
        self._read()

    def below(self, app: Any) -> Iterator[Any]:
        """Yield the sites in ``app``, Zope's root, each once. Reads the outbox."""
        try:
            self._read()
        except OutboxUnavailable as error:
            # The courier says so, too; what is known is still right
            logger.debug("Other sites are read later: %s", error)
        return self.known_below(app)

    def known_below(self, app: Any) -> Iterator[Any]:
        """Yield the same without reading the outbox, which may hang."""
        return sites_below(app, self._noted | self._kept)

    def ended(self) -> dict[str, Target]:
        """Return what deleted sites delivered to, by distribution, as read last."""
        return {**self._kept_ended, **self._ended}

    def _read(self) -> dict[str, Any]:
        """Take what the outbox has; return what it has of deleted sites."""
        stored = self._outbox.run(_RUN) or {}
        now = self._clock()
        ended = {
            identifier: values
            for identifier, values in stored.get("ended", {}).items()
            if now < values["until"] <= now + ENDED_FOR
        }
        self._kept = set(map(tuple, stored.get("paths", ())))
        self._kept_ended = {name: target_from_json(name, ended[name]) for name in ended}
        # Also where the outbox has forgotten something: it was damaged
        self.has_news = not (
            self._noted <= self._kept and self._ended.keys() <= self._kept_ended.keys()
        )
        return ended


def sites_below(folder: Any, known: Iterable[_Physical] = ()) -> Iterator[Any]:
    """Yield the Plone sites in ``folder`` and in folders in it: those at ``known``
    physical paths, and what a walk finds that looks at ``MOST_LOOKED_AT`` objects.
    """
    found = set()
    start = folder.getPhysicalPath()
    for path in sorted(known):
        site = (
            _site_at(folder, path[len(start) :])
            if path[: len(start)] == start
            else None
        )
        if site is not None:
            found.add(path)
            yield site
    for site in _walk(folder):
        if site.getPhysicalPath() not in found:
            yield site


def _site_at(folder: Any, names: Iterable[str]) -> Any:
    """Return the site at a place in ``folder``, without acquisition, or None."""
    for name in names:
        if ISiteRoot.providedBy(folder) or not IFolder.providedBy(folder):
            return None
        folder = folder._getOb(name, None)
    return folder if ISiteRoot.providedBy(folder) else None


def _walk(folder: Any) -> Iterator[Any]:
    folders = deque([folder])
    count = 0
    while folders:
        for child in folders.popleft().objectValues():
            count += 1
            if count > MOST_LOOKED_AT:
                return
            if ISiteRoot.providedBy(child):
                yield child
            elif IFolder.providedBy(child):
                folders.append(child)


@contextmanager
def root_of(database: Any) -> Iterator[Any]:
    """Open Zope's root, with a connection and a transaction manager of its own, so that
    any thread may do this.
    """
    manager = TransactionManager()
    connection = database.open(transaction_manager=manager)
    try:
        yield connection.root()["Application"]
    finally:
        manager.abort()
        connection.close()


_warned: set[tuple[str, ...]] = set()


def warn_of_2_0(site: Any) -> None:
    """Say once that a site waits for its upgrade step."""
    version = site.portal_setup.getLastVersionForProfile(_PROFILE)
    path = site.getPhysicalPath()
    if version == "unknown" or path in _warned:
        return
    _warned.add(path)
    logger.warning(
        "%s: nothing is purged until you upgrade the add-on in the Add-ons "
        "control panel of this site. The upgrade copies the settings of "
        "2.0.",
        "/".join(path),
    )
