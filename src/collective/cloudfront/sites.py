"""Where the Plone sites of this Zope are, at any depth.

::

    a site commits ──► noted in memory ──► the courier's thread ──► the outbox
                                                                      │
    Zope's root ──► a walk, shallow folders first, bounded ──┐        ▼
                                                             └──► sites, each once

The walk finds sites in which nothing was saved yet. What it does not reach is known from
its first commit on, to all processes that share the outbox, also after a restart.
"""

from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from OFS.interfaces import IFolder
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any

import logging


logger = logging.getLogger("collective.cloudfront")

#: How many objects the walk looks at.
MOST_LOOKED_AT = 2000

#: What the outbox remembers has this name, and is claimed for so many seconds.
_RUN = "sites"
_CLAIM_SECONDS = 30.0

_Physical = tuple[str, ...]


class Sites:
    """The Plone sites of one Zope, as far as they are known."""

    def __init__(self, outbox: Outbox):
        self._outbox = outbox
        # Of sites that committed in this process
        self._noted: set[_Physical] = set()
        # Of sites that the outbox has heard of
        self._kept: set[_Physical] = set()

    def note(self, path: _Physical) -> None:
        """Note where a site is that commits. Reads and writes nothing."""
        self._noted.add(path)

    def keep(self) -> None:
        """Tell other processes what was noted. For the courier's thread.

        Raises ``OutboxUnavailable``; then it is still to be done, as when another
        process does the same at this moment.
        """
        if self._noted <= self._kept:
            return
        if self._noted <= self._read():
            return
        if self._outbox.claim_run(_RUN, _CLAIM_SECONDS):
            known = self._read() | self._noted
            self._outbox.keep_run(_RUN, sorted(map(list, known)), 0)
            self._kept = known

    def below(self, app: Any) -> Iterator[Any]:
        """Yield the sites in ``app``, Zope's root, each once. Reads the outbox."""
        try:
            self._read()
        except OutboxUnavailable as error:
            # The courier says so, too; what is known is still right
            logger.debug("Other sites are read later: %s", error)
        return sites_below(app, self._noted | self._kept)

    def _read(self) -> set[_Physical]:
        self._kept = set(map(tuple, self._outbox.run(_RUN) or ()))
        return self._kept


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
