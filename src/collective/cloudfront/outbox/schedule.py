"""What becomes ready now, and what later."""

from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.outbox.lately import is_again
from collective.cloudfront.outbox.lately import write_down
from collective.cloudfront.outbox.memory import Part
from collective.cloudfront.outbox.rows import each_of
from collective.cloudfront.outbox.rows import merge_ready
from collective.cloudfront.outbox.rows import merge_scheduled
from collective.cloudfront.outbox.rows import pack_cause
from collective.cloudfront.outbox.rows import scheduled_of
from collective.cloudfront.outbox.rows import unite_packed
from collective.cloudfront.outbox.rows import waits_since
from collective.cloudfront.outbox.store import INTERVAL
from collective.cloudfront.outbox.store import IntervalRow
from collective.cloudfront.outbox.store import Key
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import ReadyRow
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import ScheduledRow
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.planning.coalesce import due_again
from collective.cloudfront.planning.coalesce import is_due
from collective.cloudfront.planning.items import wildcards_of
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

import math


#: So many scheduled items become ready in one transaction: a save waits for it.
SLICE = 250
#: So many coalesced items are looked at for a clock that was set back.
MOST_COALESCED = 100


@dataclass(frozen=True, slots=True)
class Arrival:
    """An entry on its way in, since when it waits, and its packed causes."""

    entry: Entry
    since: float
    causes: str


def arriving(entries: Iterable[Entry], since: float) -> list[Arrival]:
    """Return entries that wait since a moment."""
    return [Arrival(entry, since, pack_cause(entry.cause)) for entry in entries]


def take_in(rows: Transaction, arrivals: Iterable[Arrival], now: float) -> None:
    """Make entries ready, or schedule them."""
    ready: list[ReadyRow] = []
    dated: list[ScheduledRow] = []
    arrivals = list(arrivals)
    wildcards = frozenset(wildcards_of([each.entry.item for each in arrivals]))
    for arrival in arrivals:
        entry = arrival.entry
        if not entry.item:
            continue
        if entry.due > now:
            dated.append(_scheduled_row(arrival, entry.due))
            continue
        if entry.every > 0:
            again = _come_again(rows, arrival, now)
            if again is None:
                continue
            arrival = again
        ready.append(
            ReadyRow(
                distribution=entry.distribution,
                item=entry.item,
                wildcard=int(entry.item in wildcards),
                urgent=int(entry.urgent),
                since=arrival.since,
                causes=arrival.causes,
            )
        )
    schedule(rows, dated)
    make_ready(rows, ready)


def make_ready(rows: Transaction, ready: Collection[ReadyRow]) -> None:
    """Make items ready; what is ready already is merged."""
    by_key: dict[Key, ReadyRow] = {}
    for row in ready:
        key = READY.key_of(row)
        by_key[key] = merge_ready([by_key[key], row]) if key in by_key else row
    known = rows.add(READY, list(by_key.values())) if by_key else set()
    if known:
        found = rows.get(READY, list(known))
        rows.put(
            READY, [merge_ready([row, by_key[READY.key_of(row)]]) for row in found]
        )


def schedule(rows: Transaction, scheduled: Collection[ScheduledRow]) -> None:
    """Schedule items; what is scheduled already for the same moment is merged."""
    by_key: dict[Key, ScheduledRow] = {}
    for row in scheduled:
        key = SCHEDULED.key_of(row)
        by_key[key] = merge_scheduled(by_key[key], row) if key in by_key else row
    known = rows.add(SCHEDULED, list(by_key.values())) if by_key else set()
    if known:
        found = rows.get(SCHEDULED, list(known))
        rows.put(
            SCHEDULED,
            [merge_scheduled(row, by_key[SCHEDULED.key_of(row)]) for row in found],
        )


def coalesce(rows: Transaction, row: ScheduledRow) -> None:
    """Schedule a coalesced item once: the earlier one of two moments counts."""
    for held in take_coalesced(rows, row.distribution, [row.item]):
        row = merge_scheduled(held, row)
    rows.put(SCHEDULED, [row])


def take_coalesced(
    rows: Transaction, distribution: str, items: Collection[str]
) -> list[ScheduledRow]:
    """Unschedule coalesced items, and return them."""
    equal = {"coalesced": 1, "distribution": distribution, "item": tuple(items)}
    (found,) = rows.read(Scan(SCHEDULED, equal))
    return rows.take(SCHEDULED, list(map(SCHEDULED.key_of, found))) if found else []


def _come_again(rows: Transaction, arrival: Arrival, now: float) -> Arrival | None:
    """Return an item that is ready, with what waited for its interval; None if it is
    scheduled instead.
    """
    entry = arrival.entry
    key = (entry.distribution, entry.item)
    last = [row.became_ready for row in rows.get(INTERVAL, [key])]
    due = due_again(entry.every, last[0] if last else None, now, entry.urgent)
    if due is not None:
        coalesce(rows, _scheduled_row(arrival, due, coalesced=True))
        return None
    rows.put(INTERVAL, [IntervalRow(*key, now)])
    held = take_coalesced(rows, entry.distribution, [entry.item])
    return replace(
        arrival,
        since=min([arrival.since, *map(waits_since, held)]),
        causes=unite_packed([*(row.causes for row in held), arrival.causes]),
    )


def _scheduled_row(
    arrival: Arrival, due: float, coalesced: bool = False
) -> ScheduledRow:
    entry = arrival.entry
    return ScheduledRow(
        distribution=entry.distribution,
        key="" if coalesced else entry.key,
        item=entry.item,
        due=due,
        coalesced=int(coalesced),
        every=entry.every,
        urgent=int(entry.urgent),
        causes=arrival.causes,
        since=arrival.since if coalesced else 0.0,
    )


def due_scans(now: float) -> tuple[Scan, Scan]:
    """Return the scans that find what is due: by date, and coalesced."""
    return (
        Scan(SCHEDULED, order=("due",), below=math.nextafter(now, math.inf), limit=1),
        Scan(SCHEDULED, {"coalesced": 1}, ("-due",), limit=MOST_COALESCED),
    )


def something_is_due(
    dated: list[ScheduledRow], coalesced: list[ScheduledRow], now: float
) -> bool:
    """Say whether ``due_scans`` have found something that is due."""
    return bool(dated) or any(is_due(row.due, row.every, now) for row in coalesced)


class StoredSchedule(Part):
    """See ``contract.Schedule``."""

    def release_due(self) -> int:
        """See ``contract.Schedule``."""
        now = self.clock()
        with self._look() as rows:
            dated, coalesced = rows.read(*due_scans(now))
            if not something_is_due(dated, coalesced, now):
                return 0
        count = 0
        while some := self._release_some(now):
            count += some
        return count

    def _release_some(self, now: float) -> int:
        by_date, again = due_scans(now)
        with self._slice() as session:
            found = session.rows.read(
                replace(by_date, limit=SLICE), Scan(SCHEDULED, again.equal)
            )
            due = set(found[0])
            due.update(row for row in found[1] if is_due(row.due, row.every, now))
            due = set(sorted(due, key=_in_order)[:SLICE])
            taken = session.rows.take(SCHEDULED, list(map(SCHEDULED.key_of, due)))
            # Their intervals are over, whatever the clock says.
            over = [(row.distribution, row.item) for row in taken if row.coalesced]
            session.rows.take(INTERVAL, over)
            # Of several entries for one coalesced item the first is ready.
            taken.sort(key=_in_order)
            arrivals = list(map(_due_again, taken))
            take_in(session.rows, arrivals, now)
            # What was purged before is no news.
            news = [
                each.entry
                for each, row in zip(arrivals, taken)
                if not row.coalesced and not is_again(row.key)
            ]
            write_down(session.rows, [], news, now)
        return len(taken)

    def scheduled(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[Scheduled]:
        """See ``contract.Schedule``."""
        order = ("due", "item", "key")
        scans = [
            Scan(SCHEDULED, equal, order, limit=limit)
            for equal in each_of(distributions)
        ]
        with self._look() as rows:
            found = [row for some in rows.read(*scans) for row in some]
            found.sort(key=lambda row: (row.due, row.distribution, row.item, row.key))
            return list(map(scheduled_of, found[:limit]))


def _in_order(row: ScheduledRow) -> tuple[Any, ...]:
    return row.due, row.distribution, row.item, row.urgent, row.every, row.coalesced


def _due_again(row: ScheduledRow) -> Arrival:
    entry = Entry(row.distribution, row.item, bool(row.urgent), row.every)
    return Arrival(entry, waits_since(row), row.causes)


def unschedule(
    rows: Transaction, names: Iterable[tuple[str, str]], now: float
) -> list[ScheduledRow]:
    """Forget what is scheduled under keys of distributions; returns it.

    Not what is due already: no courier has come by yet, but viewers have.
    """
    scans = [
        Scan(SCHEDULED, {"distribution": distribution, "key": key, "coalesced": 0})
        for distribution, key in names
    ]
    found = [row for some in rows.read(*scans) for row in some] if scans else []
    keys = [SCHEDULED.key_of(row) for row in found if row.due > now]
    return rows.take(SCHEDULED, keys) if keys else []
