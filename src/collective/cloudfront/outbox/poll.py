"""What a courier looks at in every round, in one go."""

from collections.abc import Collection
from collections.abc import Mapping
from collective.cloudfront.outbox.lately import purges_of
from collective.cloudfront.outbox.lately import since_scan
from collective.cloudfront.outbox.memory import Claiming
from collective.cloudfront.outbox.memory import Known
from collective.cloudfront.outbox.memory import Memo
from collective.cloudfront.outbox.memory import memo_from_json
from collective.cloudfront.outbox.memory import OF_DISTRIBUTION
from collective.cloudfront.outbox.memory import Recollection
from collective.cloudfront.outbox.memory import Remembered
from collective.cloudfront.outbox.queue import open_scan
from collective.cloudfront.outbox.queue import pending_of
from collective.cloudfront.outbox.queue import pending_scans
from collective.cloudfront.outbox.repair import DAMAGE
from collective.cloudfront.outbox.repair import damage_of
from collective.cloudfront.outbox.rows import batch_of
from collective.cloudfront.outbox.rows import FROZEN
from collective.cloudfront.outbox.rows import in_order
from collective.cloudfront.outbox.rows import IN_PROGRESS
from collective.cloudfront.outbox.schedule import due_scans
from collective.cloudfront.outbox.schedule import MOST_COALESCED
from collective.cloudfront.outbox.schedule import something_is_due
from collective.cloudfront.outbox.store import Distinct
from collective.cloudfront.outbox.store import InvalidationRow
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import PREPARED
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import Reader
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import ScheduledRow
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.planning.late import Purge
from collective.cloudfront.planning.pacing import Bucket
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

import math


#: ``work`` counts no more items of a distribution than these.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Backlog:
    """What there is of one distribution: its ready items, urgent and old ones first, its
    batches, what CloudFront works on, and what is remembered.

    ``coalesced`` says whether something may be scheduled because it came too early,
    ``is_claimed`` whether another courier works on it.
    """

    distribution: str
    pending: tuple[Pending, ...] = ()
    frozen: tuple[Batch, ...] = ()
    in_progress: tuple[Settled, ...] = ()
    memo: Memo = Memo()
    coalesced: bool = True
    is_claimed: bool = False

    @property
    def work(self) -> Work:
        """What there is to do."""
        since = [each.since for each in self.pending]
        since += [batch.since for batch in self.frozen]
        return Work(
            distribution=self.distribution,
            ready=len(self.pending),
            frozen=sum([len(batch.items) for batch in self.frozen]),
            in_progress=len(self.in_progress),
            oldest=min(since, default=None),
            waiting=self.memo.waiting,
            urgent=any(each.urgent for each in self.pending),
        )


@dataclass(frozen=True, slots=True)
class Poll:
    """The outbox at one moment.

    ``is_due`` says whether something scheduled is due, ``is_abandoned`` whether prepared
    entries are in doubt. ``known`` are the small values, for ``Outbox.together``.
    ``calls`` are the account's. ``purges`` are new ones, and ``newest_purge`` is the number
    of the last. ``damage`` names what happened to the storage, empty if nothing did, and
    counts what was remembered of it: when that changes, there may be something for
    ``Outbox.purge_missed``. Purges are numbered anew after another one.
    """

    backlogs: tuple[Backlog, ...] = ()
    is_due: bool = False
    is_abandoned: bool = False
    known: Known = field(default_factory=dict)
    calls: Bucket | None = None
    purges: tuple[Purge, ...] = ()
    newest_purge: int = 0
    damage: tuple[str, int] = ("", 0)


#: What is not ready: coalesced items, the first due first, and who has some in quarantine.
_ASIDE = (
    Scan(SCHEDULED, {"coalesced": 1}, ("due",), limit=MOST_COUNTED),
    Distinct(QUARANTINE),
)


def _idle(distribution: str, known: Known) -> Work:
    stored = known.get(OF_DISTRIBUTION + distribution, Remembered())
    waiting = memo_from_json(distribution, stored.value).waiting
    return Work(distribution, 0, 0, 0, oldest=None, waiting=waiting)


def _with_aside(work: Work, coalesced: list[ScheduledRow], refused: list[str]) -> Work:
    due = [row.due for row in coalesced if row.distribution == work.distribution]
    return replace(
        work,
        coalesced=len(due),
        coalesced_until=min(due, default=None),
        quarantined=work.distribution in refused,
    )


class StoredPolls(Claiming):
    """See ``contract.Queue``."""

    def work(self, most: int | None = MOST_COUNTED) -> tuple[Work, ...]:
        """See ``contract.Queue``."""
        with self._look() as rows:
            found = self._poll(rows, (), most or MOST_COUNTED)
            coalesced, refused = rows.read(*_ASIDE)
            work = {each.distribution: each.work for each in found.backlogs}
            for name in (*(row.distribution for row in coalesced), *refused):
                work.setdefault(name, _idle(name, found.known))
            if most is None:
                for name, each in work.items():
                    count = rows.count(READY, {"distribution": name})
                    work[name] = replace(each, ready=count)
        return tuple(
            _with_aside(work[name], coalesced, refused) for name in sorted(work)
        )

    def poll(
        self, busy: Collection[str], limit: int, grace: float, known: int = 0
    ) -> Poll:
        """See ``contract.Queue``."""
        with self._look() as rows:
            return self._poll(rows, busy, limit, grace, known)

    def _poll(
        self,
        rows: Reader,
        busy: Collection[str],
        limit: int,
        grace: float = math.inf,
        lately: int = 0,
    ) -> Poll:
        now = self.clock()
        busy = sorted(busy)
        scans: list[Scan | Distinct] = [
            Distinct(READY),
            open_scan(FROZEN),
            open_scan(IN_PROGRESS),
            Scan(MEMORY),
            *due_scans(now),
            Scan(PREPARED, limit=100),
            since_scan(lately),
        ]
        first = len(scans)
        for each in busy:
            scans += pending_scans(each, limit)
        distributions, frozen, running, memory, *others = rows.read(*scans)
        dated, coalesced, prepared, purged = others[:4]
        found = {
            each: pending_of(others[first - 4 + 2 * n : first - 2 + 2 * n])
            for n, each in enumerate(busy)
        }
        new = [each for each in distributions if each not in found]
        if new:
            more = rows.read(*[s for each in new for s in pending_scans(each, limit)])
            for n, each in enumerate(new):
                found[each] = pending_of(more[2 * n : 2 * n + 2])
            if not all(found[each] for each in new):
                # It was frozen in between: look again, at all of it at one moment.
                return self._poll(rows, {*busy, *new}, limit, grace, lately)
        working = {each for each, pending in found.items() if pending}
        working.update(row.distribution for row in (*frozen, *running))
        recollection = self._recollect(memory, sorted(working), now)
        known = recollection.known
        return Poll(
            backlogs=_backlogs(found, frozen, running, recollection, coalesced),
            is_due=something_is_due(dated, coalesced, now),
            is_abandoned=any(self._is_in_doubt(row, now, grace) for row in prepared),
            known=known,
            calls=recollection.calls,
            purges=purges_of(purged),
            newest_purge=purged[-1].number if purged else lately,
            damage=damage_of(known[DAMAGE]) if DAMAGE in known else ("", 0),
        )


def _backlogs(
    pending: Mapping[str, list[Pending]],
    frozen: list[InvalidationRow],
    running: list[InvalidationRow],
    recollection: Recollection,
    coalesced: list[ScheduledRow],
) -> tuple[Backlog, ...]:
    came_again = {row.distribution for row in coalesced}
    found = []
    for each, memo in recollection.memos.items():
        batches = [batch_of(row) for row in frozen if row.distribution == each]
        accepted = [row for row in running if row.distribution == each]
        found.append(
            Backlog(
                distribution=each,
                pending=tuple(pending.get(each, ())),
                frozen=tuple(batches),
                in_progress=tuple(in_order(accepted)) if accepted else (),
                memo=memo,
                # Of many not all were read.
                coalesced=each in came_again or len(coalesced) >= MOST_COALESCED,
                is_claimed=each in recollection.claimed,
            )
        )
    return tuple(found)
