"""What becomes ready, and for which distribution, in slices: a save waits for each."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.outbox.lately import write_down
from collective.cloudfront.outbox.ledger import IN_DOUBT
from collective.cloudfront.outbox.ledger import SLICE
from collective.cloudfront.outbox.memory import Claiming
from collective.cloudfront.outbox.memory import FORMER
from collective.cloudfront.outbox.memory import former_from_json
from collective.cloudfront.outbox.memory import MOST_FORMER
from collective.cloudfront.outbox.memory import Session
from collective.cloudfront.outbox.rows import batch_of
from collective.cloudfront.outbox.rows import FROZEN
from collective.cloudfront.outbox.rows import ready_rows
from collective.cloudfront.outbox.rows import unpack_entries
from collective.cloudfront.outbox.schedule import arriving
from collective.cloudfront.outbox.schedule import coalesce
from collective.cloudfront.outbox.schedule import make_ready
from collective.cloudfront.outbox.schedule import schedule
from collective.cloudfront.outbox.schedule import take_in
from collective.cloudfront.outbox.schedule import unschedule
from collective.cloudfront.outbox.store import COUNTER
from collective.cloudfront.outbox.store import CounterRow
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import PREPARED
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Release
from dataclasses import replace
from typing import Any


class StoredRelease(Claiming):
    """See ``contract.Queue``."""

    def release(
        self,
        token: str,
        entries: Collection[Entry],
        since: float | None = None,
        more: bool = False,
    ) -> None:
        """See ``contract.Queue``."""
        now = self.clock()
        # Not since a moment to come: the clock was set back.
        since = now if since is None else min(since, now)
        slices = in_slices(entries)
        last = [] if more else slices.pop()
        for some in slices:
            with self._slice() as session:
                _take_in(session, some, since, now)
        if more:
            return
        # If we die before, what was prepared is in doubt, and comes once more.
        with self._change() as session:
            if token:
                session.rows.take(PREPARED, [(token,)])
            _take_in(session, last, since, now)

    def release_all(self, releases: Sequence[Release]) -> None:
        """See ``contract.Queue``."""
        tokens = [each.token for each in releases]
        entries = [entry for each in releases for entry in each.entries]
        newest = max([each.transaction for each in releases], default=0)
        # If we die in between, all is in doubt, and announced once more.
        with self._change() as session:
            write_down(session.rows, tokens, entries, self.clock(), newest)
            for each in releases:
                self.release(each.token, each.entries, each.since)

    def announce(
        self, tokens: Collection[str], entries: Collection[Entry], transaction: int
    ) -> None:
        """See ``contract.Queue``."""
        with self._change() as session:
            write_down(session.rows, tokens, entries, self.clock(), transaction)

    def release_abandoned(self, grace: float) -> int:
        """See ``contract.Queue``."""
        with self._look() as rows:
            (prepared,) = rows.read(Scan(PREPARED, order=("token",)))
        now = self.clock()
        return sum(
            self._release_in_doubt(row.token)
            for row in prepared
            if self._is_in_doubt(row, now, grace)
        )

    def _release_in_doubt(self, token: str) -> int:
        now = self.clock()
        with self._look() as rows:
            found = rows.get(PREPARED, [(token,)])
            entries = [each for row in found for each in unpack_entries(row.entries)]
        # Not since a moment to come: the clock was set back.
        since = min([now, *(row.since for row in found)])
        *slices, last = in_slices(entries)
        for some in slices:
            with self._slice() as session:
                _take_in_doubt(session, some, since, now)
        with self._change() as session:
            if not session.rows.take(PREPARED, [(token,)]):
                return 0  # it has ended meanwhile
            _take_in_doubt(session, last, since, now)
            write_down(session.rows, [token], entries, now)
        return len(entries)

    def retarget(self, old: str, new: str) -> int:
        """See ``contract.Queue``."""
        count, more = 0, True
        while more:
            with self._slice() as session:
                moved = _retarget_some(session.rows, old, new)
                end_waiting(session, old)
            count += moved
            more = moved > 0
        with self._change() as session:
            _note_former(session, old, new)
        return count


def end_waiting(session: Session, distribution: str) -> None:
    """Note that a distribution need not wait any longer."""
    memo = session.memo(distribution)
    session.keep_memo(distribution, replace(memo, waiting=None))


def _note_former(session: Session, old: str, new: str) -> None:
    earlier = former_from_json(session.recall(FORMER + old))
    known = former_from_json(session.recall(FORMER + new))
    found = dict.fromkeys([*earlier, *known, old])
    found.pop(new, None)
    session.keep(FORMER + new, list(found)[-MOST_FORMER:])


def _retarget_some(rows: Transaction, old: str, new: str) -> int:
    """Hand over a batch, or else a slice of what is ready or scheduled; returns how many
    items.
    """
    frozen_of_old = {"state": FROZEN, "distribution": old}
    frozen, ready, scheduled = rows.read(
        Scan(INVALIDATION, frozen_of_old, ("frozen", "position"), limit=1),
        Scan(READY, {"distribution": old}, ("item",), limit=SLICE),
        Scan(SCHEDULED, {"distribution": old}, ("key",), limit=SLICE),
    )
    if frozen:
        (row,) = rows.take(INVALIDATION, [(frozen[0].reference,)])
        moved = ready_rows(batch_of(row), new)
        make_ready(rows, moved)
        return len(moved)
    if ready:
        taken = rows.take(READY, list(map(READY.key_of, ready)))
        make_ready(rows, [row._replace(distribution=new) for row in taken])
        return len(taken)
    taken = rows.take(SCHEDULED, list(map(SCHEDULED.key_of, scheduled)))
    dated = [row._replace(distribution=new) for row in taken]
    schedule(rows, [row for row in dated if not row.coalesced])
    for row in dated:
        if row.coalesced:
            coalesce(rows, row)
    return len(taken)


def in_slices(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return entries in lists of about ``SLICE``, at least one. Those with the same key
    stay together, since they replace what is scheduled, but not each other.
    """
    groups: dict[Any, list[Entry]] = {}
    for number, entry in enumerate(entries):
        name = (entry.distribution, entry.key) if entry.key else number
        groups.setdefault(name, []).append(entry)
    slices: list[list[Entry]] = [[]]
    for group in groups.values():
        if len(slices[-1]) >= SLICE:
            slices.append([])
        slices[-1] += group
    return slices


def _take_in_doubt(
    session: Session, entries: list[Entry], since: float, now: float
) -> None:
    # Nothing is replaced: if it was not committed, what it would have replaced is still
    # to come.
    take_in(session.rows, arriving(entries, since), now)
    session.rows.increment(COUNTER, CounterRow(IN_DOUBT, len(entries)))


def _take_in(session: Session, entries: list[Entry], since: float, now: float) -> None:
    names = {(each.distribution, each.key) for each in entries if each.key}
    if names:
        unschedule(session.rows, names, now)
    take_in(session.rows, arriving(entries, since), now)
