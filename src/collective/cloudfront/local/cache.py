"""The cache of one distribution at the edge, without HTTP.

::

                    ┌── fresh ─────────► Hit
    lookup ─ entry ─┴── expired ─┐
        └── none ────────────────┴─► flight ──► settle: stored, unless spoiled
                                        ▲
    schedule ── effect_delay ──► sweep ─┘  removes entries, spoils flights

A *flight* is a fetch from the origin that is not finished. An invalidation that takes
effect meanwhile spoils it: the origin may already have read the old content, and if that
is stored (``Options.stores_late``), it stays stale.
"""

from collections import OrderedDict
from collections.abc import Callable
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.local.rules import Reach
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import heapq
import threading


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached response. ``tags`` are lower-case; times are those of the clock."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    tags: frozenset[str]
    stored: float
    expires: float
    #: Until then it is used while a fetch is under way.
    stale_until: float = 0.0
    #: Until then it is used while the origin errs.
    usable_until: float = 0.0


#: What of the cache key is not in the URL: names of headers, of cookies and so on, with
#: their values.
Variant = tuple[tuple[str, str], ...]


@dataclass(eq=False, slots=True)
class Flight:
    """A fetch from the origin, and what was invalidated meanwhile."""

    url: str
    variant: Variant = ()
    spoiled: bool = False
    lost_tags: set[str] = field(default_factory=set)

    def is_spoiled_for(self, tags: frozenset[str]) -> bool:
        """Must a response with these tags not be stored?"""
        return self.spoiled or not self.lost_tags.isdisjoint(tags)


class EdgeCache:
    """Responses by URL and variant, least recently used first, thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, Variant], Entry] = OrderedDict()
        self._flights: set[Flight] = set()
        self._scheduled: list[tuple[float, int, Reach]] = []

    def lookup(
        self, url: str, variant: Variant = ()
    ) -> tuple[Entry | None, Flight | None]:
        """Return the entry, and a flight unless the entry is fresh, or may be used until
        another flight ends.

        If you get a flight, you must :meth:`settle` it, whatever happens.
        """
        with self._lock:
            now = self._sweep()
            entry = self._entries.get((url, variant))
            if entry:
                self._entries.move_to_end((url, variant))
                if now < entry.expires:
                    return entry, None
                if now < entry.stale_until and self._is_under_way(url, variant):
                    return entry, None
            flight = Flight(url, variant)
            self._flights.add(flight)
            return entry, flight

    def _is_under_way(self, url: str, variant: Variant) -> bool:
        return any((each.url, each.variant) == (url, variant) for each in self._flights)

    def settle(
        self,
        flight: Flight,
        entry: Entry | None,
        max_entries: int,
        even_spoiled: bool = False,
    ) -> bool:
        """End a flight; store the response if that is allowed."""
        with self._lock:
            self._sweep()
            self._flights.discard(flight)
            if entry is None:
                return False
            if flight.is_spoiled_for(entry.tags) and not even_spoiled:
                return False
            self._entries[flight.url, flight.variant] = entry
            self._entries.move_to_end((flight.url, flight.variant))
            while len(self._entries) > max_entries:
                self._entries.popitem(last=False)
            return True

    def schedule(self, invalidation: Invalidation) -> None:
        """Let an accepted invalidation take effect when its time comes."""
        reach = Reach.of(invalidation.items)
        with self._lock:
            heapq.heappush(
                self._scheduled, (invalidation.effective, invalidation.number, reach)
            )
            self._sweep()  # or they would pile up where no viewer ever comes

    def clear(self) -> None:
        """Forget everything, also the flights."""
        with self._lock:
            self._entries.clear()
            self._scheduled.clear()
            for flight in self._flights:
                flight.spoiled = True

    def describe(self) -> list[dict[str, Any]]:
        """Return what is cached, least recently used first, fit for JSON."""
        with self._lock:
            now = self._sweep()
            return [
                {
                    "url": url,
                    "status": entry.status,
                    "bytes": len(entry.body),
                    "age": max(0.0, now - entry.stored),
                    "fresh_for": max(0.0, entry.expires - now),
                    "tags": sorted(entry.tags),
                    **({"variant": dict(variant)} if variant else {}),
                }
                for (url, variant), entry in self._entries.items()
            ]

    def _sweep(self) -> float:
        """Apply the invalidations that are due; return the time."""
        now = self._clock()
        while self._scheduled and self._scheduled[0][0] <= now:
            _, _, reach = heapq.heappop(self._scheduled)
            self._apply(reach)
        return now

    def _apply(self, reach: Reach) -> None:
        gone = [
            key
            for key, entry in self._entries.items()
            if reach.includes(key[0], entry.tags)
        ]
        for key in gone:
            del self._entries[key]
        for flight in self._flights:
            flight.spoiled = flight.spoiled or reach.includes(flight.url)
            flight.lost_tags |= reach.tags
