"""What people look at: the history, the bills, the quarantine, and the journal."""

from collections.abc import Callable
from collections.abc import Collection
from collective.cloudfront.outbox.lately import forget_old
from collective.cloudfront.outbox.memory import FORMER
from collective.cloudfront.outbox.memory import former_from_json
from collective.cloudfront.outbox.memory import Part
from collective.cloudfront.outbox.memory import remembered
from collective.cloudfront.outbox.rows import DONE
from collective.cloudfront.outbox.rows import each_of
from collective.cloudfront.outbox.rows import IN_PROGRESS
from collective.cloudfront.outbox.rows import request_of
from collective.cloudfront.outbox.rows import request_row
from collective.cloudfront.outbox.rows import settled_of
from collective.cloudfront.outbox.schedule import unschedule
from collective.cloudfront.outbox.store import BILL
from collective.cloudfront.outbox.store import BillRow
from collective.cloudfront.outbox.store import COUNTER
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import PREPARED
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import Reader
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import RequestRow
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import request_key
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import Status
from dataclasses import replace
from datetime import datetime
from datetime import timezone

import math


#: How many items entries in doubt were released for so far.
IN_DOUBT = "in_doubt_released"
#: So many rows are changed in one transaction, which takes some 15 ms: a save waits for
#: it. What is more is done in several, with pauses.
SLICE = 250


def bill(rows: Transaction, settled: Settled) -> None:
    """Count the items of an accepted invalidation."""
    day = datetime.fromtimestamp(settled.accepted, timezone.utc).date().isoformat()
    rows.increment(BILL, BillRow(day, settled.distribution, len(settled.items)))


class StoredLedger(Part):
    """See ``contract.Ledger``."""

    def status(self) -> Status:
        """See ``contract.Ledger``."""
        with self._look() as rows:
            counted = rows.get(COUNTER, [(IN_DOUBT,)])
            return Status(
                prepared=rows.count(PREPARED, {}),
                quarantined=rows.count(QUARANTINE, {}),
                scheduled=rows.count(SCHEDULED, {}),
                in_doubt_released=sum(row.value for row in counted),
            )

    def former(self, distributions: Collection[str]) -> tuple[str, ...]:
        """See ``contract.Ledger``."""
        names = [(FORMER + each,) for each in distributions]
        with self._look() as rows:
            known = remembered(rows.get(MEMORY, names)) if names else {}
        found = [id for each in known.values() for id in former_from_json(each.value)]
        return tuple(dict.fromkeys(id for id in found if id not in distributions))

    def billed(self, month: str) -> dict[str, int]:
        """See ``contract.Ledger``."""
        return {
            distribution: sum(days.values())
            for distribution, days in self.billed_by_day(month).items()
        }

    def billed_by_day(self, month: str) -> dict[str, dict[str, int]]:
        """See ``contract.Ledger``."""
        days = Scan(BILL, order=("day",), since=f"{month}-", below=f"{month}-~")
        found: dict[str, dict[str, int]] = {}
        with self._look() as rows:
            for row in rows.read(days)[0]:
                found.setdefault(row.distribution, {})[row.day] = row.items
        return dict(sorted(found.items()))

    def history(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[Settled]:
        """See ``contract.Ledger``."""
        order = ("-accepted", "-position")
        scans = [
            Scan(INVALIDATION, equal, order, below=math.inf, limit=limit)
            for equal in each_of(distributions)
        ]
        with self._look() as rows:
            found = [row for some in rows.read(*scans) for row in some]
            if len(scans) > 1:
                found.sort(key=lambda row: -row.accepted)
            return list(map(settled_of, found[:limit]))

    def settled(
        self, invalidation: str, distributions: Collection[str]
    ) -> Settled | None:
        """See ``contract.Ledger``."""
        if not distributions:
            return None
        equal = {"invalidation": invalidation, "distribution": tuple(distributions)}
        with self._look() as rows:
            (found,) = rows.read(Scan(INVALIDATION, equal, limit=1))
            return settled_of(found[0]) if found else None

    def record_request(self, request: PurgeRequest) -> None:
        """See ``contract.Ledger``."""
        with self._change() as session:
            session.rows.put(REQUEST, [request_row(request)])

    def requests(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[PurgeRequest]:
        """See ``contract.Ledger``."""
        scan = Scan(REQUEST, order=("-time",))
        return self._requests(scan, limit, distributions)

    def planned(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[PurgeRequest]:
        """See ``contract.Ledger``."""
        later = math.nextafter(self.clock(), math.inf)
        scan = Scan(REQUEST, {"cancelled": None}, ("due",), since=later)
        return self._requests(scan, limit, distributions)

    def _requests(
        self, scan: Scan, limit: int, distributions: Collection[str] | None
    ) -> list[PurgeRequest]:
        def is_for_them(request: PurgeRequest) -> bool:
            return distributions is None or not set(distributions).isdisjoint(
                request.distributions
            )

        with self._look() as rows:
            return _first(rows, scan, limit, request_of, is_for_them)

    def cancel_request(self, identifier: str) -> int:
        """See ``contract.Ledger``."""
        now = self.clock()
        with self._change() as session:
            found = session.rows.get(REQUEST, [(identifier,)])
            key = request_key(identifier)
            names = [(id, key) for row in found for id in request_of(row).distributions]
            cancelled = unschedule(session.rows, names, now)
            if cancelled:
                changes = {"cancelled": now}
                session.rows.change(REQUEST, (identifier,), changes, {})
        return len(cancelled)

    def tidy(self, keep: int, older_than: float | None = None) -> None:
        """See ``contract.Ledger``."""
        if older_than is not None:
            self._forget_old(self.clock() - older_than)
        with self._look() as rows:
            excess = -keep + sum(
                rows.count(INVALIDATION, {"state": state})
                for state in (IN_PROGRESS, DONE)
            )
        oldest = Scan(INVALIDATION, order=("accepted", "position"), since=-math.inf)
        while excess > 0:
            with self._slice() as session:
                some = replace(oldest, limit=min(excess, SLICE))
                (found,) = session.rows.read(some)
                done = [(row.reference,) for row in found if row.state == DONE]
                session.rows.take(INVALIDATION, done)
            excess -= len(found)
            if not done or len(done) < len(found):
                break  # Some are in progress: the next time.
        with self._change() as session:
            forget_old(session.rows, self.clock(), SLICE)
        self.store.tidy()

    def _forget_old(self, limit: float) -> None:
        done = Scan(INVALIDATION, {"state": DONE}, ("accepted",), below=limit)
        asked = Scan(REQUEST, order=("time",), below=limit)
        with self._look() as rows:
            settled, requests = rows.read(done, asked)
        past = [row for row in requests if (row.due or row.time) < limit]
        for table, found in ((INVALIDATION, settled), (REQUEST, past)):
            keys = list(map(table.key_of, found))
            for start in range(0, len(keys), SLICE):
                with self._slice() as session:
                    session.rows.take(table, keys[start : start + SLICE])


def _first(
    rows: Reader,
    scan: Scan,
    limit: int,
    value_of: Callable[[RequestRow], PurgeRequest],
    is_meant: Callable[[PurgeRequest], bool],
) -> list[PurgeRequest]:
    """Return the first values of a scan that are meant; most are."""
    most = limit
    while True:
        (found,) = rows.read(replace(scan, limit=most))
        meant = [value for value in map(value_of, found) if is_meant(value)]
        if len(meant) >= limit or len(found) < most:
            return meant[:limit]
        most *= 8
