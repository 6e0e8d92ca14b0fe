"""What an outbox does: the contract every engine keeps.

The life of an item, in the words the code uses::

              prepare                release                freeze
    (collected) ────► PREPARED ───────────────► READY ───────────────► BATCH
                         │   commit succeeded     ▲                   │ │ │
                 discard │                        │ dissolve          │ │ │
        (commit failed)  ▼                        └───────────────────┘ │ │
                       gone                                   quarantine│ │settle
                                                                REFUSED◄┘ ▼
                                       SETTLED (in progress ──complete──► completed)

* *prepared* is durable before Plone's commit ends. If neither ``release`` nor
  ``discard`` follows, because the process died in between, the entries are *in
  doubt*: ``release_abandoned`` releases them, since to purge too much is harmless
  and to lose one is not.
* *ready* holds each item once per distribution. An item added again while ready
  keeps its oldest commit time; one added while frozen is ready again on its own.
* a *batch* is frozen with its caller reference before the first call and repeated
  unchanged until it is settled, so that a crash neither loses nor bills it twice.
* *refused* items stay in quarantine until a person has them tried again, which makes
  them ready, or discards them.
* *settled* batches are the history, and what is followed up until completed.
* *scheduled* is what becomes ready later, by ``release_due``: entries with a date,
  and coalesced ones that came again too early. ``release`` tells them apart, see
  ``Entry``; so do all other ways in.

All times are Unix seconds (``time.time()``); processes sharing an outbox compare
them. Every method may be called from any thread and any process. Methods raise
``OutboxUnavailable`` when the storage fails, and then have changed nothing.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from dataclasses import dataclass
from dataclasses import field
from typing import Protocol


class OutboxUnavailable(Exception):
    """The outbox cannot be read or written now; the message says why."""


class ClaimLost(Exception):
    """Another courier has taken over this distribution; stop working on it."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One item for one distribution, to be purged.

    * ``urgent``: it skips the window and goes first, for content that stopped being
      public. It is never coalesced.
    * ``every`` (seconds): it becomes ready at most that often per distribution and
      item, whichever process releases it. One that comes earlier is scheduled for
      the end of the interval, once however many come.
    * ``due`` (Unix seconds): in the future, it is scheduled for then, and only then
      coalesced.
    * ``key``: it replaces everything scheduled by earlier releases for the same
      distribution and key, but for what is due already. With the empty ``item`` it does only that. Entries of
      one release do not replace each other.
    * ``cause``: who or what caused it, for people to read: a line of text, cut to
      ``causes.LONGEST_CAUSE`` characters. It goes with the item until it is settled.
      Entries that differ in nothing else are equal.
    """

    distribution: str
    item: str
    urgent: bool = False
    every: float = 0.0
    due: float = 0.0
    key: str = ""
    cause: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Pending:
    """A ready item; ``since`` is when its oldest change was committed."""

    item: str
    since: float
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An item that becomes ready at ``due`` (Unix seconds).

    Without a ``key`` nothing replaces it; ``coalesced`` items, which came again too
    early, have none.
    """

    distribution: str
    item: str
    due: float
    key: str
    urgent: bool
    coalesced: bool = False
    causes: tuple[str, ...] = ()
    more_causes: int = 0

    @property
    def cause(self) -> str:
        """The causes that are known, in one line."""
        return "; ".join(self.causes)


@dataclass(frozen=True, slots=True)
class Batch:
    """Items frozen under one caller reference.

    ``refusals`` counts how often CloudFront definitely refused it for quota.
    """

    reference: str
    distribution: str
    items: tuple[str, ...]
    since: float
    frozen: float
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """A batch that CloudFront accepted: one invalidation, one row of history.

    ``status`` is CloudFront's word, ``InProgress`` or ``Completed``, or
    ``Unknown`` where its status may not be read. ``causes`` are those of its items and
    of what was settled with them, each once, and ``more_causes`` counts further ones
    that are not kept.
    """

    invalidation: str
    distribution: str
    reference: str
    items: tuple[str, ...]
    since: float
    accepted: float
    completed: float | None = None
    status: str = "InProgress"
    causes: tuple[str, ...] = ()
    more_causes: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """An item in quarantine: CloudFront refuses it, whatever we do."""

    distribution: str
    item: str
    reason: str
    since: float
    refused: float
    causes: tuple[str, ...] = ()
    more_causes: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """What a person had purged, and when (Unix seconds): an entry of a log.

    ``due`` is when it is to happen, or None for at once. What is scheduled for it has
    the ``key``. ``cancelled`` is when a person thought better of it.
    """

    id: str
    time: float
    user: str
    reason: str
    items: tuple[str, ...]
    distributions: tuple[str, ...]
    due: float | None = None
    cancelled: float | None = None

    @property
    def key(self) -> str:
        """The ``key`` of its entries, by which they can be cancelled."""
        return action_key(self.id)


def action_key(identifier: str) -> str:
    """Return the ``key`` of the entries that an action has scheduled."""
    return f"action:{identifier}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a distribution is waiting, in sentences, and until when.

    ``paused`` tells "a person must do something" from "we try again by
    ourselves". ``since`` is when the trouble began.
    """

    distribution: str
    reason: str
    advice: str
    paused: bool
    since: float
    until: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do for one distribution; ``urgent`` if a ready item is."""

    distribution: str
    ready: int
    frozen: int
    in_progress: int
    oldest: float | None
    waiting: Waiting | None
    claimed_by: str | None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """The outbox at a glance, for people."""

    work: tuple[Work, ...]
    prepared: int
    refused: int
    in_doubt_released: int
    scheduled: int = 0


class Outbox(Protocol):
    """The contract. ``tests/outbox/contract.py`` is the suite an engine passes."""

    # --- in Plone's transaction ------------------------------------------------

    def prepare(self, token: str, entries: Collection[Entry]) -> Callable[[], None]:
        """Keep ``entries`` under ``token``, before Plone commits.

        From now on they survive the end of this process; a power cut, once the
        returned function has returned. It waits for that, and raises
        ``OutboxUnavailable``. Plone's commit can go on in between.
        """

    def release(self, token: str, entries: Collection[Entry]) -> None:
        """Make ``entries`` ready, or schedule them, whether or not ``token`` is still
        known.

        Called after Plone's commit. Calling it twice releases once more, which
        is harmless.
        """

    def discard(self, token: str) -> None:
        """Forget ``token``: Plone's commit failed. Unknown tokens are fine."""

    # --- the courier ----------------------------------------------------------

    def release_abandoned(self, grace: float) -> int:
        """Release prepared entries whose process died, or that are older than
        ``grace`` seconds. Returns how many entries were in doubt.

        They replace nothing that is scheduled, since it may still be valid.
        """

    def release_due(self) -> int:
        """Make ready what was scheduled until now, with ``since`` = ``due``.

        Asked for in every round of the courier. Returns how many were due.
        """

    def work(self) -> tuple[Work, ...]:
        """Return every distribution that has something ready, frozen or in
        progress.

        Asked for in every round of the courier, so it must not take longer where
        more waits: of a long backlog ``ready`` may be only a part. ``status``
        counts everything.
        """

    def claim(self, distribution: str, seconds: float) -> bool:
        """Claim (or renew) a distribution for this courier.

        False if a live courier holds it. A claim ends after ``seconds``, at
        ``give_up``, or when its process is known to be dead.
        """

    def give_up(self, distribution: str) -> None:
        """End this courier's claim."""

    def pending(self, distribution: str, limit: int) -> list[Pending]:
        """Return the ready items to go next, urgent ones first, then oldest first:
        at most ``limit`` exact paths or tags, and at most ``limit`` wildcards.
        """

    def widen(self, distribution: str, wildcard: str) -> int:
        """Put ``wildcard`` in the place of all ready items that it covers.

        It is as old as the oldest of them, and urgent if one is. Returns how many
        it replaced; 0 where none is ready, and then it is not added.
        """

    def freeze(self, distribution: str, reference: str, items: Sequence[str]) -> Batch:
        """Move those of ``items`` that are ready into a batch. Without any there is
        no batch: what is returned has no items. Raises ``ClaimLost``.
        """

    def frozen(self, distribution: str) -> list[Batch]:
        """Return the frozen batches, oldest first."""

    def settle(self, batch: Batch, invalidation: str, pace: Pace) -> Settled:
        """Record that CloudFront accepted ``batch``.

        Ready items under one of its wildcards that were ready when it was frozen
        are settled with it, and so are coalesced items scheduled then, under a
        wildcard or the same. Items with a date never are. Its items are added to
        what is billed. Raises ``ClaimLost``.
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

    def quarantine(self, batch: Batch, reason: str) -> None:
        """Set the items of a refused batch aside, with the reason."""

    def refuse(self, batch: Batch) -> int:
        """Count a refusal for quota; returns the new count."""

    def in_progress(self, distribution: str) -> list[Settled]:
        """Return the invalidations to follow up, oldest first."""

    def complete(self, settled: Settled, status: str) -> Settled:
        """Record the final status of an invalidation."""

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
        reason: str,
        advice: str,
        paused: bool,
        until: float,
    ) -> Waiting:
        """Let a distribution wait until ``until``; counts the attempts so far."""

    def resume(self, distribution: str | None = None) -> None:
        """End the waiting of a distribution, or of all: try at once."""

    def retarget(self, old: str, new: str) -> int:
        """Hand over what is ready, frozen or scheduled for ``old`` to ``new``.

        For a distribution id that was wrong and has been corrected: nothing that
        waited under it may be lost. Returns the number of items.
        """

    # --- people ---------------------------------------------------------------

    def status(self) -> Status:
        """Return the outbox at a glance."""

    def scheduled(
        self, limit: int, distribution: Collection[str] | None = None
    ) -> list[Scheduled]:
        """Return what is scheduled, soonest first: for all, or for the given
        distributions.
        """

    def cancel(self, distribution: str, key: str) -> int:
        """Forget what is scheduled under ``key`` and not yet due; returns how many
        items.
        """

    def billed(self, month: str) -> dict[str, int]:
        """Return how many items were accepted in ``month`` (2026-11, UTC), by
        distribution.
        """

    def billed_by_day(self, month: str) -> dict[str, dict[str, int]]:
        """Return the same by distribution and day (2026-11-21, UTC)."""

    def history(
        self,
        limit: int,
        distribution: Collection[str] | None = None,
        before: float | None = None,
    ) -> list[Settled]:
        """Return the latest settled invalidations, newest first: of all, or of the
        given distributions.

        With ``before`` (Unix seconds) only those accepted earlier: the next page
        begins before the last one's last ``accepted``. It must not take longer where
        more is kept.
        """

    def settled(
        self, invalidation: str, distribution: Collection[str]
    ) -> Settled | None:
        """Return the invalidation of one of the given distributions that has this id,
        or None.
        """

    def refused(
        self, limit: int, distribution: Collection[str] | None = None
    ) -> list[Refused]:
        """Return the latest items in quarantine, newest first: of all, or of the
        given distributions.
        """

    def retry_refused(self, distribution: str, item: str) -> bool:
        """Make an item in quarantine ready again, as old and urgent as it was. False
        if it is not there.
        """

    def discard_refused(self, distribution: str, item: str) -> bool:
        """Forget an item in quarantine. False if it is not there."""

    def record_action(self, action: Action) -> None:
        """Keep what a person did; an action with the same id is replaced.

        ``user`` and ``reason`` are kept as one line each, cut as causes are.
        """

    def actions(
        self,
        limit: int,
        distribution: Collection[str] | None = None,
        before: float | None = None,
    ) -> list[Action]:
        """Return the latest actions, newest first: all, or those for any of the given
        distributions; with ``before`` (Unix seconds) only earlier ones.
        """

    def planned(
        self, limit: int, distribution: Collection[str] | None = None
    ) -> list[Action]:
        """Return the actions that are yet to come and not cancelled, soonest first."""

    def cancel_action(self, identifier: str) -> int:
        """Forget what an action has scheduled and is not yet due, in all
        distributions; returns how many items. If there are any, the action is marked
        as cancelled now.
        """

    def tidy(self, keep: int, older_than: float | None = None) -> None:
        """Housekeeping: keep the latest ``keep`` settled invalidations.

        What is older than ``older_than`` seconds is forgotten, too: invalidations that
        are completed, and actions whose time, and date, are past.
        """

    def close(self) -> None:
        """Release what this thread holds open."""
