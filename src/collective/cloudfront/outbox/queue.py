"""The way of an item: prepared, ready, frozen, settled."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.outbox.absorb import absorb
from collective.cloudfront.outbox.absorb import covered
from collective.cloudfront.outbox.ledger import bill
from collective.cloudfront.outbox.ledger import SLICE
from collective.cloudfront.outbox.memory import ClaimLost
from collective.cloudfront.outbox.memory import Known
from collective.cloudfront.outbox.memory import MemoryChanged
from collective.cloudfront.outbox.memory import require_claim
from collective.cloudfront.outbox.memory import Session
from collective.cloudfront.outbox.memory import Turn
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.release import end_waiting
from collective.cloudfront.outbox.release import StoredRelease
from collective.cloudfront.outbox.rows import batch_of
from collective.cloudfront.outbox.rows import batch_row
from collective.cloudfront.outbox.rows import DONE
from collective.cloudfront.outbox.rows import each_of
from collective.cloudfront.outbox.rows import FROZEN
from collective.cloudfront.outbox.rows import in_order
from collective.cloudfront.outbox.rows import IN_PROGRESS
from collective.cloudfront.outbox.rows import merge_ready
from collective.cloudfront.outbox.rows import pack_causes
from collective.cloudfront.outbox.rows import pack_entries
from collective.cloudfront.outbox.rows import pack_message
from collective.cloudfront.outbox.rows import quarantined_of
from collective.cloudfront.outbox.rows import ready_row
from collective.cloudfront.outbox.rows import ready_rows
from collective.cloudfront.outbox.rows import unpack_causes
from collective.cloudfront.outbox.schedule import make_ready
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.store import PREPARED
from collective.cloudfront.outbox.store import PreparedRow
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import QuarantineRow
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import ReadyRow
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import united
from collective.cloudfront.planning.widen import above
from dataclasses import replace
from functools import lru_cache


class StoredQueue(StoredRelease):
    """See ``contract.Queue``."""

    # --- in Plone's transaction -------------------------------------------------------

    def prepare(self, token: str, entries: Collection[Entry]) -> Callable[[], None]:
        """See ``contract.Queue``."""
        row = PreparedRow(token, self.owner, self.clock(), pack_entries(entries))
        with self._change(patient=False) as session:
            session.rows.put(PREPARED, [row])
        return self.store.synchronise()

    def discard(self, token: str) -> None:
        """See ``contract.Queue``."""
        with self._change(patient=False) as session:
            session.rows.take(PREPARED, [(token,)])

    # --- the courier ------------------------------------------------------------------

    def pending(self, distribution: str, limit: int) -> list[Pending]:
        """See ``contract.Queue``."""
        with self._look() as rows:
            return pending_of(rows.read(*pending_scans(distribution, limit)))

    def widen(self, distribution: str, wildcard: str) -> int:
        """See ``contract.Queue``."""
        count, more = 0, True
        while more:
            with self._slice() as session:
                found = covered(session.rows, distribution, [wildcard], SLICE)
                if found:
                    taken = session.rows.take(READY, list(map(READY.key_of, found)))
                    like = ready_row(distribution, wildcard, taken[0].since, False, "")
                    session.rows.put(READY, [merge_ready([like, *taken])])
            # The wildcard is among those that the next slice begins with.
            count += len(found) - (count > 0)
            more = len(found) == SLICE
        return count

    def freeze(
        self,
        distribution: str,
        reference: str,
        items: Sequence[str],
        coalesced: bool = True,
        turn: Turn | None = None,
    ) -> Batch:
        """See ``contract.Queue``."""
        now = self.clock()
        with self._change(durable=True, known=turn.known if turn else None) as session:
            if turn is None:
                memo = require_claim(session, distribution, self.owner)
            else:
                memo = self._take_turn(session, distribution, turn, now)
            keys = [(distribution, item) for item in items]
            taken = {row.item: [row] for row in session.rows.take(READY, keys)}
            taken = {item: taken[item] for item in items if item in taken}
            if taken:
                absorb(session.rows, distribution, taken, coalesced)
            merged = [merge_ready(rows) for rows in taken.values()]
            batch = Batch(
                reference=reference,
                distribution=distribution,
                items=tuple(taken),
                since=min([row.since for row in merged], default=now),
                frozen=now,
                urgent=frozenset([row.item for row in merged if row.urgent]),
                causes=tuple([unpack_causes(row.causes) for row in merged]),
                known=session.known,
            )
            if taken:
                _add_batches(session, [batch])
                if turn is not None and turn.pace is not None:
                    session.keep_memo(distribution, replace(memo, pace=turn.pace))
        return batch

    def frozen(self, distribution: str) -> list[Batch]:
        """See ``contract.Queue``."""
        with self._look() as rows:
            (found,) = rows.read(open_scan(FROZEN, distribution))
            return list(map(batch_of, found))

    def settle(self, batch: Batch, invalidation: str, give_up: bool = False) -> Settled:
        """See ``contract.Queue``."""
        if batch.known is not None:
            try:
                return self._settle(batch, invalidation, give_up, batch.known)
            except (ClaimLost, MemoryChanged):
                pass  # what was known then is not so any more: read it again
        return self._settle(batch, invalidation, give_up, None)

    def _settle(
        self, batch: Batch, invalidation: str, give_up: bool, known: Known | None
    ) -> Settled:
        with self._change(known=known) as session:
            confirm = known is not None
            memo = require_claim(session, batch.distribution, self.owner, confirm)
            settled = Settled(
                invalidation=invalidation,
                distribution=batch.distribution,
                reference=batch.reference,
                items=batch.items,
                since=batch.since,
                accepted=self.clock(),
                causes=united(batch.causes),
            )
            changes = {
                "state": IN_PROGRESS,
                "invalidation": invalidation,
                "accepted": settled.accepted,
                "status": settled.status,
                "causes": pack_causes(settled.causes),
                "item_causes": "",
            }
            key, expected = (batch.reference,), {"state": FROZEN}
            if not session.rows.change(INVALIDATION, key, changes, expected):
                raise _lost(batch)
            bill(session.rows, settled)
            pace = memo.pace
            if pace is not None and pace.shrink > 1:
                pace = pace.accepted()
            memo = replace(memo, pace=pace, waiting=None)
            if give_up:
                memo = replace(memo, owner=None, until=0.0)
            session.keep_memo(batch.distribution, memo)
        return settled

    def dissolve(self, batch: Batch) -> None:
        """See ``contract.Queue``."""
        with self._change() as session:
            batch = self._take_batch(session, batch)
            make_ready(session.rows, ready_rows(batch, batch.distribution))

    def split(self, batch: Batch, references: tuple[str, str]) -> None:
        """See ``contract.Queue``."""
        with self._change(durable=True) as session:
            batch = self._take_batch(session, batch)
            middle = len(batch.items) // 2
            halves = [
                replace(
                    batch,
                    reference=reference,
                    items=batch.items[part],
                    refusals=0,
                    urgent=batch.urgent.intersection(batch.items[part]),
                    causes=batch.causes[part],
                )
                for reference, part in zip(
                    references, (slice(middle), slice(middle, None))
                )
            ]
            _add_batches(session, halves)
            end_waiting(session, batch.distribution)

    def quarantine(self, batch: Batch, reason: Message) -> None:
        """See ``contract.Queue``."""
        now = self.clock()
        with self._change() as session:
            batch = self._take_batch(session, batch)
            refused = ready_rows(batch, batch.distribution)
            session.rows.put(
                QUARANTINE,
                [
                    QuarantineRow(
                        distribution=row.distribution,
                        item=row.item,
                        reason=pack_message(reason),
                        since=row.since,
                        refused=now,
                        urgent=row.urgent,
                        causes=row.causes,
                    )
                    for row in refused
                ],
            )
            # What a wildcard has absorbed must be reached all the same.
            make_ready(session.rows, _above(refused))
            end_waiting(session, batch.distribution)

    def count_refusal(self, batch: Batch) -> int:
        """See ``contract.Queue``."""
        with self._change() as session:
            require_claim(session, batch.distribution, self.owner)
            key = (batch.reference,)
            found = session.rows.get(INVALIDATION, [key])
            if not found:
                return 0
            count = found[0].refusals + 1
            changes, expected = {"refusals": count}, {"state": FROZEN}
            session.rows.change(INVALIDATION, key, changes, expected)
        return count

    def in_progress(self, distribution: str) -> list[Settled]:
        """See ``contract.Queue``."""
        with self._look() as rows:
            (found,) = rows.read(open_scan(IN_PROGRESS, distribution))
            return in_order(found)

    def complete(self, settled: Settled, status: str) -> Settled | None:
        """See ``contract.Queue``."""
        completed = replace(settled, completed=self.clock(), status=status)
        changes = {"state": DONE, "completed": completed.completed, "status": status}
        key, expected = (settled.reference,), {"state": IN_PROGRESS}
        with self._change() as session:
            changed = session.rows.change(INVALIDATION, key, changes, expected)
        return completed if changed else None

    # --- quarantine -------------------------------------------------------------------

    def quarantined(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[Quarantined]:
        """See ``contract.Queue``."""
        scans = [
            Scan(QUARANTINE, equal, ("-refused",), limit=limit)
            for equal in each_of(distributions)
        ]
        with self._look() as rows:
            found = [row for some in rows.read(*scans) for row in some]
            found.sort(key=lambda row: -row.refused)
            return list(map(quarantined_of, found[:limit]))

    def retry_quarantined(self, distribution: str, item: str) -> bool:
        """See ``contract.Queue``."""
        with self._change() as session:
            taken = session.rows.take(QUARANTINE, [(distribution, item)])
            make_ready(
                session.rows,
                [
                    ready_row(
                        distribution, item, row.since, bool(row.urgent), row.causes
                    )
                    for row in taken
                ],
            )
        return bool(taken)

    def discard_quarantined(self, distribution: str, item: str) -> bool:
        """See ``contract.Queue``."""
        with self._change() as session:
            return bool(session.rows.take(QUARANTINE, [(distribution, item)]))

    def _take_batch(self, session: Session, batch: Batch) -> Batch:
        require_claim(session, batch.distribution, self.owner)
        taken = session.rows.take(INVALIDATION, [(batch.reference,)])
        if not taken or taken[0].state != FROZEN:
            raise _lost(batch)
        return batch_of(taken[0])


# --- scans that other parts use, too --------------------------------------------------


@lru_cache(maxsize=100)
def pending_scans(distribution: str, limit: int) -> tuple[Scan, Scan]:
    """Return the scans that find what goes next: wildcards, and the others."""
    # The order must not depend on row order: the same input, the same batch.
    wildcards, others = [
        Scan(
            READY,
            {"distribution": distribution, "wildcard": wildcard},
            ("-urgent", "since", "item"),
            limit=limit,
        )
        for wildcard in (1, 0)
    ]
    return wildcards, others


def pending_of(found: Iterable[list[ReadyRow]]) -> list[Pending]:
    """Return what ``pending_scans`` found, urgent items first, then the oldest."""
    rows = [row for some in found for row in some]
    rows.sort(key=lambda row: (-row.urgent, row.since))
    return [Pending(row.item, row.since, bool(row.urgent)) for row in rows]


@lru_cache(maxsize=100)
def open_scan(state: int, distribution: str | None = None) -> Scan:
    """Return the scan that finds invalidations in a state: all, or of a distribution."""
    if distribution is None:
        return Scan(
            INVALIDATION, {"state": state}, ("distribution", "frozen", "position")
        )
    equal = {"state": state, "distribution": distribution}
    return Scan(INVALIDATION, equal, ("frozen", "position"))


def _add_batches(session: Session, batches: list[Batch]) -> None:
    known = session.rows.add(INVALIDATION, list(map(batch_row, batches)))
    if known:
        raise OutboxUnavailable(f"A caller reference was used before: {known}")


def _lost(batch: Batch) -> ClaimLost:
    return ClaimLost(
        f"Another courier works on {batch.distribution}: batch {batch.reference} is no "
        "longer there."
    )


def _above(refused: Iterable[ReadyRow]) -> list[ReadyRow]:
    found = []
    for row in refused:
        wider = above(row.item) if row.wildcard else None
        if wider is not None:
            found.append(row._replace(item=wider))
    return found
