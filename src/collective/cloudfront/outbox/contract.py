"""What an outbox does, in parts by use.

The life of an item, in the words the code uses::

              prepare                release                freeze
    (collected) ────► PREPARED ───────────────► READY ───────────────► BATCH
                         │   commit succeeded     ▲                   │ │ │
                 discard │                        │ dissolve          │ │ │
        (commit failed)  ▼                        └───────────────────┘ │ │
                       gone                               quarantine    │ │settle
                                                         QUARANTINED◄───┘ ▼
                                       SETTLED (in progress ──complete──► completed)

* *prepared* is durable before Plone's commit ends. If neither ``release`` nor
  ``discard`` follows, because the process died in between, the entries are *in
  doubt*: ``release_abandoned`` releases them, since to purge too much is harmless
  and to lose one is not.
* *ready* holds each item once per distribution. An item added again while ready
  keeps its oldest commit time; one added while frozen is ready again on its own.
* a *batch* is frozen with its caller reference before the first call and repeated
  unchanged until it is settled, so that a crash neither loses nor bills it twice.
* a wildcard *absorbs* the ready items that it covers when it is frozen. Until it is
  settled it stands for them, ready or frozen; what is released later is an item of
  its own.
* *quarantined* items stay aside until a person has them tried again, which makes
  them ready, or discards them.
* *settled* batches are the history, and what is followed up until completed.
* *scheduled* is what becomes ready later, by ``release_due``: entries with a date,
  and coalesced ones that came again too early. ``release`` tells them apart, see
  ``Entry``; so do all other ways in. What has a date is never absorbed.

All times are Unix seconds (``time.time()``); processes sharing an outbox compare
them. Every method may be called from any thread and any process. Methods raise
``OutboxUnavailable`` when the storage fails, and then have changed nothing, or a part
where they say so. Those that change a batch raise ``ClaimLost`` if another courier claims
its distribution.

All of this is written once, over a ``store.Store``, which is what engines provide.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.outbox.finding import HistoryFilter
from collective.cloudfront.outbox.finding import HistoryPage
from collective.cloudfront.outbox.finding import Position
from collective.cloudfront.outbox.memory import ClaimLost
from collective.cloudfront.outbox.memory import Known
from collective.cloudfront.outbox.memory import MemoryChanged
from collective.cloudfront.outbox.memory import Turn
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.poll import Poll
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Release
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import Status
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from typing import Protocol


__all__ = ["ClaimLost", "MemoryChanged", "Outbox", "OutboxUnavailable"]


class Queue(Protocol):
    """The way of an item, from an editor's commit to CloudFront."""

    # --- in Plone's transaction -------------------------------------------------------

    def prepare(self, token: str, entries: Collection[Entry]) -> Callable[[], None]:
        """Keep ``entries`` under ``token``, before Plone commits.

        From now on they survive the end of this process; a power cut, once the
        returned function has returned. It waits for that, and raises
        ``OutboxUnavailable``. Plone's commit can go on in between.
        """

    def discard(self, token: str) -> None:
        """Forget ``token``: Plone's commit failed. Unknown tokens are fine."""

    # --- on the way -------------------------------------------------------------------

    def release(
        self,
        token: str,
        entries: Collection[Entry],
        since: float | None = None,
        more: bool = False,
    ) -> None:
        """Make ``entries`` ready, or schedule them, whether or not ``token`` is still
        known. To do it twice releases once more, which is harmless.

        They wait ``since`` a moment in Unix seconds, or since now. With ``more``, other
        entries of ``token`` follow, and it is known until then. Many are released in
        slices, so that nobody waits long for the storage: if it fails, the first may be
        ready. Release no more than ``release.SLICE`` at once to know which.
        """

    def release_all(self, releases: Sequence[Release]) -> None:
        """Release what several transactions have prepared, and ``announce`` it, in one
        transaction of the storage. For no more entries than ``release.SLICE``: others
        wait for that.
        """

    def announce(
        self, tokens: Collection[str], entries: Collection[Entry], transaction: int
    ) -> None:
        """Let other processes know what was released under ``tokens``, for the answers
        that they are making. ``transaction`` is the number of the newest one that made
        it, see ``planning.late.Purge``.
        """

    def release_abandoned(self, grace: float) -> int:
        """Release prepared entries whose process died, or that are older than
        ``grace`` seconds. Returns how many entries were in doubt.

        They replace nothing that is scheduled, since it may still be valid.
        """

    def retarget(self, old: str, new: str) -> int:
        """Hand over what is ready, frozen or scheduled for ``old`` to ``new``.

        For a distribution id that was wrong and has been corrected: nothing that
        waited under it may be lost. Returns the number of items. From now on ``old`` is
        among those that ``former`` returns for ``new``.
        """

    # --- the courier ------------------------------------------------------------------

    def poll(
        self, busy: Collection[str], limit: int, grace: float, known: int = 0
    ) -> Poll:
        """Return what there is to do, at one moment; see ``Poll``.

        ``busy`` are the distributions that probably have work. Of each one at most
        ``limit`` exact paths or tags, and ``limit`` wildcards, are read. ``grace`` is
        that of ``release_abandoned``. What was purged lately is read after the purge
        with the number ``known``.
        """

    def work(self, most: int | None = 1000) -> tuple[Work, ...]:
        """Return every distribution that has something ready, frozen, in progress,
        coalesced or in quarantine. Of a long backlog ``ready`` may be only a part, which is not smaller
        than ``most``; with None everything is counted.
        """

    def pending(self, distribution: str, limit: int) -> list[Pending]:
        """Return the ready items to go next, urgent ones first, then oldest first:
        at most ``limit`` exact paths or tags, and at most ``limit`` wildcards.
        """

    def widen(self, distribution: str, wildcard: str) -> int:
        """Put ``wildcard`` in the place of all ready items that it covers.

        It is as old as the oldest of them, and urgent if one is. Returns how many
        it replaced; 0 where none is ready, and then it is not added. Many are replaced
        in several transactions.
        """

    def freeze(
        self,
        distribution: str,
        reference: str,
        items: Sequence[str],
        coalesced: bool = True,
        turn: Turn | None = None,
    ) -> Batch:
        """Move those of ``items`` that are ready into a batch. Without any there is
        no batch: what is returned has no items.

        Wildcards absorb ready items that they cover, at most 1,000 each: use ``widen``
        first where there may be more. All items absorb what is ``coalesced`` and
        scheduled, if the caller does not know that there is none.

        With ``turn`` the distribution is claimed, and the call taken, in the same
        transaction; the pace only if something was frozen. Raises ``ClaimLost``, or
        ``MemoryChanged`` if what the courier knew has changed.
        """

    def frozen(self, distribution: str) -> list[Batch]:
        """Return the frozen batches, oldest first."""

    def settle(self, batch: Batch, invalidation: str, give_up: bool = False) -> Settled:
        """Record that CloudFront accepted ``batch``.

        Its items are added to what is billed, the waiting is over, and the pace
        recovers. With ``give_up`` the claim ends.
        """

    def dissolve(self, batch: Batch) -> None:
        """Make the batch's items ready again. Only after CloudFront definitely
        refused it: what may have been accepted must be repeated unchanged.
        """

    def split(self, batch: Batch, references: tuple[str, str]) -> None:
        """Replace a refused batch by its two halves, frozen under ``references``.

        CloudFront has answered: this ends the waiting, as ``settle`` and
        ``quarantine`` do.
        """

    def count_refusal(self, batch: Batch) -> int:
        """Count that CloudFront refused a batch; returns the new count."""

    def in_progress(self, distribution: str) -> list[Settled]:
        """Return the invalidations to follow up, oldest first."""

    def complete(self, settled: Settled, status: str) -> Settled | None:
        """Record the final status of an invalidation. None if somebody has done so."""

    # --- quarantine -------------------------------------------------------------------

    def quarantine(self, batch: Batch, reason: Message) -> None:
        """Set the items of a refused batch aside, with the reason.

        In the place of a wildcard the next one above it becomes ready: what it has
        absorbed is reached all the same.
        """

    def quarantined(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[Quarantined]:
        """Return the latest items in quarantine, newest first: of all, or of the
        given distributions.
        """

    def retry_quarantined(self, distribution: str, item: str) -> bool:
        """Make an item in quarantine ready again, as old and urgent as it was. False
        if it is not there.
        """

    def discard_quarantined(self, distribution: str, item: str) -> bool:
        """Forget an item in quarantine. False if it is not there."""


class Schedule(Protocol):
    """What becomes ready later."""

    def release_due(self) -> int:
        """Make ready what was scheduled until now. What has a date waits since that, what
        is coalesced since its oldest change. Returns how many were due.
        """

    def scheduled(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[Scheduled]:
        """Return what is scheduled, soonest first: for all, or for the given
        distributions.
        """


class Claims(Protocol):
    """Who works on a distribution."""

    def claim(self, distribution: str, seconds: float) -> bool:
        """Claim (or renew) a distribution for this courier.

        False if a live courier holds it. A claim ends after ``seconds``, at
        ``give_up``, or when its process is known to be dead.
        """

    def take_turn(self, distribution: str, turn: Turn) -> None:
        """Claim a distribution, and take a call, to send what is frozen already.

        Raises ``ClaimLost``, or ``MemoryChanged`` if what the courier knew has changed.
        """

    def give_up(self, distribution: str) -> None:
        """End this courier's claim."""


class Memory(Protocol):
    """Small values that couriers share, by name, and change by compare and swap."""

    def together(
        self, *, durable: bool = False, known: Known | None = None
    ) -> AbstractContextManager[Any]:
        """Do several things in one transaction; see ``memory.Part.together``."""

    def pace(self, distribution: str) -> Pace | None:
        """Return the stored pace of a distribution."""

    def keep_pace(self, distribution: str, pace: Pace) -> None:
        """Store the pace of a distribution."""

    def take_call(self, limits: Limits) -> float:
        """Take one API call from the account's rate.

        Returns 0.0 if it is granted, or else how many seconds to wait.
        """

    def spend_calls(self) -> None:
        """Note that the account's API rate is used up (CloudFront throttled us)."""

    def wait(
        self,
        distribution: str,
        *,
        reason: Message,
        advice: Message,
        paused: bool,
        until: float,
    ) -> Waiting:
        """Let a distribution wait until ``until``; counts the attempts so far."""

    def resume(self, distribution: str | None = None) -> None:
        """End the waiting of a distribution, or of all: try at once."""


class Runs(Protocol):
    """Long work that one process does for all who share an outbox, piece by piece, and
    another goes on with if it dies.
    """

    def run(self, name: str) -> Any:
        """Return what is remembered of a run, as JSON holds it; None: nothing."""

    def claim_run(self, name: str, seconds: float) -> bool:
        """Claim (or renew) a run. False if a live process holds it.

        A claim ends after ``seconds``, by ``keep_run``, or when its process is known to
        be dead.
        """

    def keep_run(self, name: str, value: Any, seconds: float) -> None:
        """Remember how far a claimed run is, and renew the claim; with 0 seconds it ends.

        Raises ``ClaimLost``. In ``together`` with a release, both are kept or nothing.
        """


class Ledger(Protocol):
    """What people look at. Where more is kept, it takes no longer."""

    def status(self) -> Status:
        """Count what is prepared, quarantined and scheduled."""

    def history(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[Settled]:
        """Return the latest settled invalidations, newest first: of all, or of the
        given distributions.
        """

    def find(
        self,
        wanted: HistoryFilter,
        limit: int,
        before: Position | None = None,
        after: Position | None = None,
    ) -> HistoryPage:
        """Return a page of invalidations, refused items and purges by hand: at most
        ``limit`` of those that are wanted, newest first.

        The first page has the newest. The next one has those ``before`` the position
        ``older`` of this one, whatever has been added since; the one before has those
        ``after`` its ``newer``. If fewer than ``limit`` are newer, it is the first page.
        """

    def settled(
        self, invalidation: str, distributions: Collection[str]
    ) -> Settled | None:
        """Return the invalidation of one of the given distributions that has this id,
        or None.
        """

    def former(self, distributions: Collection[str]) -> tuple[str, ...]:
        """Return the distributions that these have replaced, see ``Queue.retarget``."""

    def billed(self, month: str) -> dict[str, int]:
        """Return how many items were accepted in ``month`` (2026-11, UTC), by
        distribution.
        """

    def billed_by_day(self, month: str) -> dict[str, dict[str, int]]:
        """Return the same by distribution and day (2026-11-21, UTC)."""

    def record_request(self, request: PurgeRequest) -> None:
        """Keep what a person asked for; a request with the same id is replaced.

        ``user`` and ``reason`` are kept as one line each.
        """

    def requests(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[PurgeRequest]:
        """Return the latest requests, newest first: all, or those for any of the given
        distributions.
        """

    def planned(
        self, limit: int, distributions: Collection[str] | None = None
    ) -> list[PurgeRequest]:
        """Return the requests that are yet to come and not cancelled, soonest first."""

    def cancel_request(self, identifier: str) -> int:
        """Forget what a request has scheduled and is not yet due, in all its
        distributions; returns how many items. If there are any, the request is marked
        as cancelled now.
        """

    def tidy(self, keep: int, older_than: float | None = None) -> None:
        """Housekeeping: keep the latest ``keep`` settled invalidations.

        What is older than ``older_than`` seconds is forgotten, too: invalidations that
        are completed, and requests whose time, and date, are past.
        """


class Repair(Protocol):
    """What follows damage, and what others have left."""

    def purge_missed(self, distributions: Collection[str]) -> int:
        """Purge whole, after a damage, those of ``distributions`` that were not purged
        whole since then. Returns how many.

        ``Poll.damage`` says that there may be some.
        """

    def adopt(self, earlier: Iterable[Path] = ()) -> int:
        """Take over what processes of older versions have left beside the storage, and
        the SQLite files at ``earlier`` that nobody uses. Returns how many rows.
        """

    def concerns(self) -> list[Message]:
        """Return what a person should know of the place of the storage."""


class Outbox(Queue, Schedule, Claims, Memory, Runs, Ledger, Repair, Protocol):
    """All parts. ``tests/outbox/contract`` is the suite that an engine passes."""

    def close(self) -> None:
        """Release what this thread holds open."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake``, in any thread, when another process has made something ready,
        and be known to others as alive; both as far as the storage can. Returns at once.
        """

    def end(self) -> None:
        """Close, and let others know that this user is gone."""
