"""What follows when a storage was damaged, or is gone: distributions are purged whole.

Nobody knows what else waited in it. The distributions for which something was seen are
purged whole in the same transaction that replaces the storage. Others may have had
something, too: what is remembered under ``DAMAGE`` tells each courier, also one that
starts later, to purge whole those that it serves, each once.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.outbox.lately import write_down
from collective.cloudfront.outbox.memory import Part
from collective.cloudfront.outbox.memory import Remembered
from collective.cloudfront.outbox.memory import Session
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.runs import OF_RUN
from collective.cloudfront.outbox.schedule import arriving
from collective.cloudfront.outbox.schedule import coalesce
from collective.cloudfront.outbox.schedule import make_ready
from collective.cloudfront.outbox.schedule import schedule
from collective.cloudfront.outbox.schedule import take_in
from collective.cloudfront.outbox.sqlite.siblings import adopt
from collective.cloudfront.outbox.store import BILL
from collective.cloudfront.outbox.store import COUNTER
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import LATELY
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import Saved
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Table
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.items import EVERYTHING
from contextlib import suppress
from pathlib import Path
from typing import Any


#: The cause of what is purged then.
DAMAGED_OUTBOX = Cause(code="damaged_outbox")
#: Under this name stands which trouble it was, and which distributions were purged whole.
DAMAGE = "damage"
#: What is remembered of dates that are scheduled has the name of a site behind this.
DATES = f"{OF_RUN}dates:"


class StoredRepair(Part):
    """See ``contract.Repair``."""

    def restore(self, rows: Transaction, saved: Saved) -> bool:
        """Write what was saved from another storage, and purge whole what waited there.

        False, and nothing is written, if that was done before.
        """
        session = Session(rows)
        if _trouble(session)[0] == saved.trouble:
            return False
        for table, found in saved.rows.items():
            self.take_over(rows, table, found, once=True)
        # What is remembered of dates is of another time.
        (runs,) = rows.read(
            Scan(MEMORY, order=("name",), since=DATES, below=f"{DATES}~")
        )
        rows.take(MEMORY, list(map(MEMORY.key_of, runs)))
        now = self.clock()
        for distribution, since in saved.waiting.items():
            _purge_whole(rows, [distribution], min(since, now), now)
        session.keep(DAMAGE, [saved.trouble, sorted(saved.waiting)])
        session.flush()
        return True

    def take_over(
        self, rows: Transaction, table: Table, found: list[Any], once: bool = False
    ) -> None:
        """Write rows of another storage. What is counted in them is added, or with
        ``once`` only if it is not there.
        """
        if table == READY:
            make_ready(rows, found)
        elif table == SCHEDULED:
            schedule(rows, [row for row in found if not row.coalesced])
            for row in found:
                if row.coalesced:
                    coalesce(rows, row)
        elif table in (BILL, COUNTER) and not once:
            for row in found:
                rows.increment(table, row)
        elif table == LATELY:
            # Numbers are the engine's.
            rows.put(table, [row._replace(number=None) for row in found])
        elif table == INVALIDATION:
            for row in found:
                rows.add(table, [row])
        elif table != MEMORY:
            rows.add(table, found)

    def purge_missed(self, distributions: Collection[str]) -> int:
        """See ``contract.Repair``."""
        now = self.clock()
        with self._change() as session:
            trouble, purged = _trouble(session)
            missed = sorted({*distributions} - {*purged}) if trouble else []
            _purge_whole(session.rows, missed, now, now)
            if missed:
                session.keep(DAMAGE, [trouble, sorted({*purged, *missed})])
        return len(missed)

    def adopt(self, earlier: Iterable[Path] = ()) -> int:
        """See ``contract.Repair``."""
        return self.store.adopt() + sum(
            adopt(each, self.store.write, self.take_over) for each in earlier
        )

    def concerns(self) -> list[Message]:
        """See ``contract.Repair``."""
        return self.store.concerns()


def damage_of(found: Remembered) -> tuple[str, int]:
    """Return what happened to the storage, and how often something was remembered of
    it.
    """
    return _from_json(found.value)[0], found.version


def _trouble(session: Session) -> tuple[str, list[str]]:
    return _from_json(session.recall(DAMAGE))


def _from_json(value: Any) -> tuple[str, list[str]]:
    with suppress(TypeError, ValueError):
        trouble, purged = value
        return str(trouble), list(map(str, purged))
    return "", []


def _purge_whole(
    rows: Transaction, distributions: Iterable[str], since: float, now: float
) -> None:
    entries = [Entry(each, EVERYTHING, cause=DAMAGED_OUTBOX) for each in distributions]
    take_in(rows, arriving(entries, since), now)
    write_down(rows, [], entries, now)
