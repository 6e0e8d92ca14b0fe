"""Finding entries of the history, page by page.

The entries are in several tables. Each is read in the order of time, some rows at once,
and the rows are merged. Nothing else is asked of a store. What a filter wants is decided
here, row by row, and a page reads no more than ``MOST_ROWS`` rows or some
``MOST_CHARACTERS`` for it: however much is kept, nobody waits long.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.outbox.finding import BY_HAND
from collective.cloudfront.outbox.finding import HistoryEntry
from collective.cloudfront.outbox.finding import HistoryFilter
from collective.cloudfront.outbox.finding import HistoryPage
from collective.cloudfront.outbox.finding import HistoryState
from collective.cloudfront.outbox.finding import matches
from collective.cloudfront.outbox.finding import OF_INVALIDATIONS
from collective.cloudfront.outbox.finding import Position
from collective.cloudfront.outbox.finding import position_of
from collective.cloudfront.outbox.memory import Part
from collective.cloudfront.outbox.rows import each_of
from collective.cloudfront.outbox.rows import IN_PROGRESS
from collective.cloudfront.outbox.rows import quarantined_of
from collective.cloudfront.outbox.rows import request_of
from collective.cloudfront.outbox.rows import settled_of
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import Reader
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import Scan
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from operator import itemgetter
from typing import Any

import heapq
import math


#: A page reads no more rows than these, which takes a quarter of a second.
MOST_ROWS = 5000
#: Nor does it go on after so many characters of items and causes: a batch has up to 3,000
#: items.
MOST_CHARACTERS = 10_000_000
#: So many rows are read at once, at most.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class _Source:
    """Entries of one kind: ``column`` has their time, ``value_of`` makes one of a row."""

    scan: Scan
    column: str
    value_of: Callable[[Any], HistoryEntry]

    def part(self, forward: bool, bound: float, limit: int) -> Scan:
        """Return the scan of rows at ``bound`` or beyond it."""
        if forward:
            return replace(self.scan, order=(self.column,), since=bound, limit=limit)
        below = math.nextafter(bound, math.inf)
        order = (f"-{self.column}",)
        return replace(self.scan, order=order, below=below, limit=limit)


@dataclass(slots=True)
class _Found:
    """What was found among the rows that were read, in the order of reading."""

    entries: list[HistoryEntry] = field(default_factory=list)
    #: The first and the last entry that was read, wanted or not.
    first: Position | None = None
    last: Position | None = None
    #: There is at least one more that is wanted.
    more: bool = False
    #: Enough was read.
    cut: bool = False

    @property
    def end(self) -> Position | None:
        """Where to go on; None if there is nothing more."""
        if self.more:
            return position_of(self.entries[-1])
        return self.last if self.cut else None


class StoredHistory(Part):
    """See ``contract.Ledger``."""

    def find(
        self,
        wanted: HistoryFilter,
        limit: int,
        before: Position | None = None,
        after: Position | None = None,
    ) -> HistoryPage:
        """See ``contract.Ledger``."""
        now = self.clock()
        with self._look() as rows:
            if after is not None:
                found = _look_for(rows, wanted, limit, after, True, now)
                if found.end is not None:
                    return _page(found, limit, newer=found.end, older=found.first)
                # The top is reached: the page that everybody sees first
                before = None
            found = _look_for(rows, wanted, limit, before, False, now)
            newer = None if before is None else found.first
            return _page(found, limit, newer=newer, older=found.end)


def _page(
    found: _Found, limit: int, newer: Position | None, older: Position | None
) -> HistoryPage:
    is_short = found.cut and len(found.entries) < limit
    return HistoryPage(
        entries=tuple(sorted(found.entries, key=position_of, reverse=True)),
        newer=newer,
        older=older,
        searched_to=found.last.time if is_short and found.last else None,
    )


def _look_for(
    rows: Reader,
    wanted: HistoryFilter,
    limit: int,
    start: Position | None,
    forward: bool,
    now: float,
) -> _Found:
    found = _Found()
    read = characters = 0
    for entry, size in _entries(rows, _sources(wanted), start, forward, limit + 2):
        if read >= MOST_ROWS or characters >= MOST_CHARACTERS:
            found.cut = True
            break
        read, characters = read + 1, characters + size
        if matches(wanted, entry, now):
            if len(found.entries) == limit:
                found.more = True
                break
            found.entries.append(entry)
        found.last = position_of(entry)
        found.first = found.first or found.last
    return found


def _sources(wanted: HistoryFilter) -> list[_Source]:
    """Return where there may be what is wanted."""
    states = wanted.states or frozenset(HistoryState)
    mine = each_of(wanted.distributions)
    sources = []
    if states & OF_INVALIDATIONS:
        # Few are in progress: those of all distributions are found by their state.
        running = states & OF_INVALIDATIONS == {HistoryState.IN_PROGRESS}
        for equal in [{"state": IN_PROGRESS}] if running else mine:
            scan = Scan(INVALIDATION, equal)
            sources.append(_Source(scan, "accepted", settled_of))
    if HistoryState.REFUSED in states:
        for equal in mine:
            scan = Scan(QUARANTINE, equal)
            sources.append(_Source(scan, "refused", quarantined_of))
    if states & BY_HAND:
        sources.append(_Source(Scan(REQUEST), "time", request_of))
    return sources


def _entries(
    rows: Reader,
    sources: Sequence[_Source],
    start: Position | None,
    forward: bool,
    size: int,
) -> Iterator[tuple[HistoryEntry, int]]:
    """Return the entries beyond ``start``, in their order, each with its size."""
    if start is None:
        bound = -math.inf if forward else math.inf
    else:
        bound = start.time
    chunks = rows.read(*(each.part(forward, bound, size) for each in sources))
    walks = [
        _walk(rows, source, chunk, forward, size)
        for source, chunk in zip(sources, chunks)
    ]
    merged = heapq.merge(*walks, key=itemgetter(0), reverse=not forward)
    for position, entry, length in merged:
        if start is None or (position > start if forward else position < start):
            yield entry, length


def _walk(
    rows: Reader, source: _Source, chunk: list[Any], forward: bool, size: int
) -> Iterator[tuple[Position, HistoryEntry, int]]:
    """Return what follows in one source; ``chunk`` are its first ``size`` rows.

    Rows of the same moment come in the order of their positions, so they are put into it
    when all of them are read.
    """
    while True:
        is_last = len(chunk) < size
        moments = [
            (time, list(same))
            for time, same in groupby(chunk, attrgetter(source.column))
        ]
        for _, same in moments if is_last else moments[:-1]:
            yield from sorted(_valued(source, same), reverse=not forward, key=_first)
        if is_last:
            return
        bound, same = moments[-1]
        size = max(min(2 * size, CHUNK), 2 * len(same))
        (chunk,) = rows.read(source.part(forward, bound, size))


def _valued(
    source: _Source, rows: Sequence[Any]
) -> Iterator[tuple[Position, HistoryEntry, int]]:
    for row in rows:
        entry = source.value_of(row)
        size = sum(len(each) for each in row if isinstance(each, str))
        yield position_of(entry), entry, size


_first = itemgetter(0)
