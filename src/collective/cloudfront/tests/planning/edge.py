"""A model: several Zopes that lag behind, slow answers, slow ways, and an edge.

Time is in seconds. Each change is a transaction; its number is its rank. The Zope that
commits knows its purge at once; the others learn of it when they poll. A purge, and an
answer, arrives at the edge later. The edge keeps what arrives last.
"""

from collections.abc import Sequence
from collective.cloudfront.planning.late import Lately
from collective.cloudfront.planning.late import Purge
from dataclasses import dataclass
from functools import partial
from itertools import count

import heapq


ZOPES = 3
TRANSIT = 10.0
_QUIET = 200.0


@dataclass(frozen=True)
class Change:
    """A page is changed in a Zope, and purged ``delivery`` seconds later."""

    at: float
    zope: int
    page: str
    delivery: float


@dataclass(frozen=True)
class Visit:
    """A page is asked for. The Zope shows what was ``lag`` seconds ago, takes a while,
    and its answer is on its way for ``transit``.
    """

    begun: float
    zope: int
    page: str
    lag: float
    takes: float
    transit: float


class World:
    """What happens, one after the other."""

    def __init__(
        self, changes: Sequence[Change], visits: Sequence[Visit], polls: float
    ):
        self.now = 0.0
        self._agenda: list = []
        self._order = count()
        self.changes = sorted(changes, key=lambda change: change.at)
        self.zopes = [Lately(lambda: self.now) for _ in range(ZOPES)]
        for zope in self.zopes:
            zope.transit = TRANSIT
        self.edge: dict[str, int] = {}
        self._unread: list[list[Purge]] = [[] for _ in range(ZOPES)]
        for number, change in enumerate(self.changes, 1):
            self.later(change.at, partial(self._commit, number, change))
        for visit in visits:
            self.later(visit.begun, partial(self._begin, visit))
        for zope in range(ZOPES):
            self.later(polls, partial(self._poll, zope, polls + 0.1))

    def later(self, when, what):
        heapq.heappush(self._agenda, (when, next(self._order), what))

    def run(self):
        while self._agenda and self._agenda[0][0] < _QUIET:
            self.now, _order, what = heapq.heappop(self._agenda)
            what()

    def newest(self, page, until):
        """The last transaction until a moment that changed a page, or any page."""
        return max(
            (
                number
                for number, change in enumerate(self.changes, 1)
                if change.at <= until and page in (None, change.page)
            ),
            default=0,
        )

    # --- what happens -----------------------------------------------------------------

    def _commit(self, number, change):
        purge = Purge(
            {"E1": [change.page]}, self.now, number, frozenset([f"t{number}"])
        )
        self.later(
            self.now + change.delivery, partial(self.edge.pop, change.page, None)
        )
        self.zopes[change.zope].note(purge)
        for unread in self._unread:
            unread.append(purge)

    def _learn(self, zope, purges):
        for again in self.zopes[zope].learn(purges):
            due = max(again.due, self.now)
            self.later(due, partial(self.edge.pop, again.item, None))

    def _poll(self, zope, every):
        unread, self._unread[zope] = self._unread[zope], []
        self._learn(zope, unread)
        self.later(self.now + every, partial(self._poll, zope, every))

    def _begin(self, visit):
        seen = self.now - visit.lag
        shown = self.newest(visit.page, seen), self.newest(None, seen)
        self.later(self.now + visit.takes, partial(self._end, visit, *shown))

    def _end(self, visit, version, snapshot):
        zope = self.zopes[visit.zope]
        if not zope.is_late(visit.page, "", (), visit.begun, snapshot):
            store = partial(self.edge.__setitem__, visit.page, version)
            self.later(self.now + visit.transit, store)


def run(changes, visits, polls):
    """Return the pages that the edge holds too old, when all is quiet."""
    world = World(changes, visits, polls)
    world.run()
    return sorted(
        page
        for page, version in world.edge.items()
        if version != world.newest(page, _QUIET)
    )
