"""An outbox in which much has happened."""

from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.rows import DONE
from collective.cloudfront.outbox.rows import pack_causes
from collective.cloudfront.outbox.rows import pack_message
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import InvalidationRow
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import QuarantineRow
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import RequestRow
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import ScheduledRow
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes

import json
import time


def fill(outbox: SqliteOutbox, count: int, distribution: str) -> None:
    """Have so many settled invalidations, of 20 items each, and as many actions of people,
    refused items and items with a date; what there was is gone.

    Not through the contract, which synchronises each to the disk.
    """
    now = time.time()
    these = json.dumps([distribution])
    causes = pack_causes(
        Causes((Cause("jane", ("/news/prices",), 1), Cause("eddie", ("/news",), 1)))
    )
    items = json.dumps([f"/news/prices/{number}*" for number in range(20)])
    no = pack_message(plain("InvalidArgument"))
    with outbox.store.write() as rows:
        for table in (INVALIDATION, REQUEST, QUARANTINE, SCHEDULED):
            (found,) = rows.read(Scan(table))
            rows.take(table, list(map(table.key_of, found)))
        rows.put(
            INVALIDATION,
            [
                InvalidationRow(
                    reference=f"r{n}",
                    distribution=distribution,
                    state=DONE,
                    items=items,
                    since=now - n - 21,
                    frozen=now - n - 20,
                    refusals=0,
                    urgent="[]",
                    item_causes="",
                    invalidation=f"I{n}",
                    accepted=now - n - 20,
                    completed=now - n - 5,
                    status="Completed",
                    causes=causes,
                )
                for n in range(count)
            ],
        )
        rows.put(
            REQUEST,
            [
                RequestRow(
                    f"a{n}", now - n, "jane", "prices", items, these, _due(n, now), None
                )
                for n in range(count)
            ],
        )
        rows.put(
            QUARANTINE,
            [
                QuarantineRow(distribution, f"/{n}", no, now, now - n, 0, "")
                for n in range(count)
            ],
        )
        rows.put(
            SCHEDULED,
            [
                ScheduledRow(
                    distribution, f"k{n}", f"/{n}", now + 9999 + n, 0, 0.0, 0, ""
                )
                for n in range(count)
            ],
        )


def _due(number: int, now: float) -> float | None:
    """Return a moment to come for three, one that is over for some, none for others."""
    if number < 3:
        return now + 9999
    return now - number + 1 if number % 2 else None
