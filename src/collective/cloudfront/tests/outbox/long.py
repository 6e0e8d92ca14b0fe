"""An outbox in which much has happened."""

from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox

import json
import time


def fill(outbox: SqliteOutbox, count: int, distribution: str) -> None:
    """Have so many settled invalidations, of 20 items each, and as many actions of people,
    refused items and items with a date; what there was is gone.

    Not through the contract, which synchronises each to the disk.
    """
    now = time.time()
    these = json.dumps([distribution])
    causes = json.dumps(["jane: /news/prices", "eddie: /news"])
    items = json.dumps([f"/news/prices/{number}*" for number in range(20)])
    with outbox._write() as db:
        for table in ("settled", "action", "refused", "scheduled"):
            db.execute(f"DELETE FROM {table}")
        db.executemany(
            "INSERT INTO settled VALUES (?, ?, ?, ?, ?, ?, ?, 'Completed', ?)",
            [
                (
                    f"r{n}",
                    f"I{n}",
                    distribution,
                    items,
                    now - n - 21,
                    now - n - 20,
                    now - n - 5,
                    causes,
                )
                for n in range(count)
            ],
        )
        db.executemany(
            "INSERT INTO action VALUES (?, ?, 'jane', 'prices', ?, ?, ?, NULL)",
            [(f"a{n}", now - n, items, these, _due(n, now)) for n in range(count)],
        )
        db.executemany(
            "INSERT INTO refused (distribution, item, reason, since, refused) "
            "VALUES (?, ?, 'InvalidArgument', ?, ?)",
            [(distribution, f"/{n}", now, now - n) for n in range(count)],
        )
        db.executemany(
            "INSERT INTO scheduled VALUES (?, ?, ?, ?, 0, 0, 0, 0, '')",
            [(distribution, f"k{n}", f"/{n}", now + 9999 + n) for n in range(count)],
        )


def _due(number: int, now: float) -> float | None:
    """Return a moment to come for three, one that is over for some, none for others."""
    if number < 3:
        return now + 9999
    return now - number + 1 if number % 2 else None
