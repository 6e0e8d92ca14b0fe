"""What follows from CloudFront's answer to a batch."""

from collections.abc import Callable
from collective.cloudfront.delivery.aws.errors import no_thread
from collective.cloudfront.delivery.aws.errors import refuses_all
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Gateway
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.calls import Call
from collective.cloudfront.delivery.calls import Calls
from collective.cloudfront.delivery.calls import Done
from collective.cloudfront.delivery.calls import NoThread
from collective.cloudfront.delivery.events import InvalidationAccepted
from collective.cloudfront.delivery.events import InvalidationFailed
from collective.cloudfront.delivery.evidence import Evidence
from collective.cloudfront.delivery.follow_up import FollowUp
from collective.cloudfront.delivery.notices import Notices
from collective.cloudfront.delivery.notices import QUOTA
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.clocks import LONGEST_CLAIM
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.poll import Backlog
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.planning.backoff import delay
from collective.cloudfront.planning.cover import count_items
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from dataclasses import dataclass
from dataclasses import replace
from functools import partial

import logging
import uuid


logger = logging.getLogger("collective.cloudfront")

#: Longest delays between attempts, in seconds.
LONGEST_TRANSIENT = 15 * 60.0
LONGEST_QUOTA = 60.0
LONGEST_PAUSE = 5 * 60.0
#: Refused for quota this often, over some five minutes, a batch was not accepted
#: before either: what was in progress then is completed, and it would be found.
PROVEN_REFUSALS = 10
#: An item that is alone goes into quarantine at its third refusal. Ours keep
#: CloudFront's rules, so a single refusal is more likely a wrong answer.
CONFIRMED_REFUSALS = 3
LONGEST_DOUBT = 2.0
#: The cause of what is sent to see whether it passes.
CHECK = Cause(code="check")
#: While nothing passes at all, a refused batch is split after so many attempts.
SPLIT_AFTER = 4
#: CloudFront remembers the caller references of these seconds for certain.
KNOWN_GOOD = 86400.0

#: Does what follows from an answer about a batch.
Land = Callable[[Batch, Answer, Target, Backlog], None]


@dataclass(frozen=True, slots=True)
class Flight:
    """A call that was begun for a frozen batch, and what is done with its answer."""

    batch: Batch
    target: Target
    call: Call[Answer]
    land: Land


class Outcomes:
    """Calls CloudFront for batches under a claim, and writes down what came of it."""

    def __init__(
        self,
        outbox: Outbox,
        gateway: Gateway,
        limits: Limits,
        notify: Callable[[object], None],
        follow_up: FollowUp,
        calls: Calls,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
    ):
        """``clock`` returns Unix seconds, ``monotonic`` seconds that nobody sets, and
        ``jitter`` a number between 0 and 1.
        """
        self.outbox = outbox
        self.gateway = gateway
        self.limits = limits
        self.notices = Notices(monotonic)
        self.follow_up = follow_up
        self.calls = calls
        self._notify = notify
        self._clock = clock
        self._monotonic = monotonic
        self._jitter = jitter
        # References whose every attempt was definitely refused.
        self._never_accepted: set[str] = set()
        self._evidence = Evidence(monotonic)
        # When each distribution was sent to last: calls are scarce, so in turn.
        self._sent: dict[str, float] = {}
        # Until when each distribution is certainly claimed by us, and by nobody since
        self._claimed_until: dict[str, float] = {}
        # The call for each distribution that has no answer yet
        self._flights: dict[str, Flight] = {}
        # By the reference of a batch that was refused: how, and what to compare it with
        self._comparisons: dict[str, tuple[Answer, Settled]] = {}
        # Credentials whose client is made, as far as we know
        self._warm: set[Credentials] = set()

    def _call(
        self,
        batch: Batch,
        target: Target,
        backlog: Backlog,
        job: Callable[[], Answer],
        land: Land,
    ) -> bool:
        """Begin a call for a batch; says whether it has been answered already."""
        try:
            call = self.calls.begin(batch.distribution, job)
        except NoThread as error:
            land(batch, no_thread(error), target, backlog)
            return True
        if isinstance(call, Done):
            land(batch, call.value, target, backlog)
            return True
        self._flights[batch.distribution] = Flight(batch, target, call, land)
        return False

    def _answered(
        self, batch: Batch, answer: Answer, target: Target, backlog: Backlog
    ) -> None:
        outcome = answer.outcome
        if outcome is Outcome.ACCEPTED:
            self._accepted(batch, answer, backlog)
        elif outcome is Outcome.THROTTLED:
            with self.outbox.together():
                self.outbox.spend_calls()
                self._wait(batch, answer, LONGEST_QUOTA, backlog)
        elif outcome is Outcome.OVER_QUOTA:
            self._over_quota(batch, answer, backlog)
        elif outcome is Outcome.TRANSIENT:
            self._warm.difference_update(target.credentials)
            self._never_accepted.discard(batch.reference)
            self._wait(batch, answer, LONGEST_TRANSIENT, backlog)
        elif outcome is Outcome.REFUSED_ITEMS:
            self._refused_items(batch, answer, target, backlog)
        elif outcome is Outcome.REFERENCE_TAKEN:
            self._reference_taken(batch, answer, backlog)
        elif outcome is Outcome.MISCONFIGURED:
            self._warm.difference_update(target.credentials)
            self._pause(batch, answer, backlog)

    def _accepted(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        last = len(backlog.frozen) <= 1 and len(backlog.pending) <= len(batch.items)

        settled = self.outbox.settle(batch, answer.invalidation, give_up=last)
        if last:
            self._claimed_until.pop(batch.distribution, None)
        self._never_accepted.discard(batch.reference)
        if self._evidence.suspicions:
            self._evidence.forget(batch)
            self._evidence.passed(batch.distribution)
            self._comparisons.pop(batch.reference, None)
        if self.notices.logged:
            self._all_is_well(batch.distribution, last)
        logger.info(
            "%s: invalidation %s accepted, %d item%s, %d ms after the oldest commit: %s",
            settled.distribution,
            settled.invalidation,
            len(settled.items),
            "s" * (len(settled.items) != 1),
            1000 * (settled.accepted - settled.since),
            _shown(settled.items),
        )
        self._notify_safely(InvalidationAccepted(settled))

    def _all_is_well(self, distribution: str, is_last: bool) -> None:
        """Forget the trouble with a distribution, and say that it is over."""
        self.notices.forget(distribution)
        if is_last and self.notices.end(f"{QUOTA} {distribution}"):
            logger.info(
                "%s: no items are waiting for CloudFront's quotas any longer.",
                distribution,
            )

    def _over_quota(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        distribution = batch.distribution
        with self.outbox.together():
            pace = self._pace(distribution)
            self.outbox.keep_pace(distribution, pace.over_quota())
            refusals = self.outbox.count_refusal(batch)
            self._wait(batch, answer, LONGEST_QUOTA, backlog)
        # Only what was never possibly accepted may be planned again, in smaller
        # batches; the rest is repeated unchanged.
        never_accepted = refusals >= PROVEN_REFUSALS or (
            # A call may have taken so long that another courier came by
            batch.reference in self._never_accepted and self._holds(distribution)
        )
        if len(batch.items) > 1 and never_accepted:
            self._dissolve(batch, backlog)

    def _holds(self, distribution: str) -> bool:
        left = self._claimed_until.get(distribution, 0.0) - self._clock()
        return 0 < left <= LONGEST_CLAIM  # more, if the clock was set back meanwhile

    def _pace(self, distribution: str) -> Pace:
        known = self.outbox.pace(distribution)
        return known or Pace.fresh(self._clock(), self.limits)

    def _dissolve(self, batch: Batch, backlog: Backlog) -> None:
        """Make the items of a refused batch ready again, and give their quota back."""
        with self.outbox.together():
            self.outbox.dissolve(batch)
            pace = self._pace(batch.distribution)
            self.outbox.keep_pace(
                batch.distribution, pace.returned(count_items(batch.items))
            )
        self._evidence.forget(batch)
        self._comparisons.pop(batch.reference, None)
        self._never_accepted.discard(batch.reference)

    def _reference_taken(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        with self.outbox.together():
            self._dissolve(batch, backlog)
            # Were it said of every reference, nothing would ever wait.
            self._keep_waiting(batch, answer, 1.0, LONGEST_QUOTA, backlog)
        self.notices.log_once(
            logging.WARNING,
            f"reference {batch.distribution}",
            f"{batch.distribution}: the caller reference was already in use; retrying "
            "with a new one.",
        )

    # --- refused items ----------------------------------------------------------------

    def _refused_items(
        self, batch: Batch, answer: Answer, target: Target, backlog: Backlog
    ) -> None:
        """Look for the item that is refused, if it is known that others are not."""
        self._evidence.refused(batch)
        if self._evidence.is_against(batch):
            self._accuse(batch, answer, backlog)
            return
        known = self._known_good(batch.distribution)
        if known is None:
            self._doubt(batch, answer, backlog)
        else:
            # It takes a call of its own, when one is granted.
            self._comparisons[batch.reference] = (answer, known)

    def _compare(self, batch: Batch, target: Target, backlog: Backlog) -> bool:
        """Repeat what is known to be good; says whether it has been answered already."""
        refusal, known = self._comparisons.pop(batch.reference)
        # Unchanged, so that it is neither billed nor done again
        repeat = partial(
            self.gateway.create,
            batch.distribution,
            target.credentials,
            known.reference,
            known.items,
        )
        land = partial(self._compared, refusal)
        return self._call(batch, target, backlog, repeat, land)

    def _known_good(self, distribution: str) -> Settled | None:
        """Return a small batch that CloudFront has accepted lately."""
        oldest = self._clock() - KNOWN_GOOD
        found = [
            settled
            for settled in self.outbox.history(20, (distribution,))
            if settled.accepted >= oldest
        ]
        return min(found, key=lambda settled: len(settled.items), default=None)

    def _compared(
        self,
        refusal: Answer,
        batch: Batch,
        answer: Answer,
        target: Target,
        backlog: Backlog,
    ) -> None:
        """Go on with a refused batch after what is known to be good was sent."""
        if answer.outcome is Outcome.ACCEPTED:
            self._evidence.passed(batch.distribution)
            if self._holds(batch.distribution):
                self._accuse(batch, refusal, backlog)
        elif answer.outcome is Outcome.REFUSED_ITEMS:
            self._pause(batch, refuses_all(refusal), backlog)
        elif answer.outcome is Outcome.REFERENCE_TAKEN:
            self._doubt(batch, refusal, backlog)
        else:
            self._answered(batch, answer, target, backlog)

    def _doubt(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        """Go on with a refused batch while nothing is known to be good."""
        is_long = self._evidence.is_long_row(batch.distribution)
        waiting = backlog.memo.waiting
        is_late = waiting is not None and waiting.attempts >= SPLIT_AFTER
        if len(batch.items) == 1:
            if self.outbox.count_refusal(batch) == CONFIRMED_REFUSALS:
                self._send_front_page(batch, answer, backlog)
                return
        elif is_late or not is_long:
            batch = self._split(batch, answer)
        if is_long:
            self._pause(batch, refuses_all(answer), backlog)
        else:
            self._wait(batch, answer, LONGEST_DOUBT, backlog)

    def _send_front_page(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        """See whether something passes at all where nothing ever has: the front page is
        a path that CloudFront takes, and to purge it is harmless.
        """
        if not backlog.pending:
            self.outbox.release("", [Entry(batch.distribution, "/", cause=CHECK)])
        self._wait(batch, answer, LONGEST_DOUBT, backlog)

    def _accuse(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        """Go on with a refused batch while others pass."""
        if len(batch.items) > 1:
            self._split(batch, answer)
        elif self.outbox.count_refusal(batch) < CONFIRMED_REFUSALS:
            self._wait(batch, answer, LONGEST_DOUBT, backlog)
        else:
            self._quarantine(batch, answer)

    def _split(self, batch: Batch, answer: Answer) -> Batch:
        """Replace a batch by its halves; returns what stands for them in messages."""
        halves = (new_reference(), new_reference())
        self.outbox.split(batch, halves)
        self._evidence.hand_on(batch, halves)
        self._never_accepted.discard(batch.reference)
        self._never_accepted.update(halves)
        self.notices.log_once(
            logging.WARNING,
            f"refused {batch.distribution}",
            f"{batch.distribution}: CloudFront refuses one of {len(batch.items)} items "
            f"({answer.reason}). Searching for it.",
            answer.kind,
        )
        return replace(batch, reference=halves[0])

    def _quarantine(self, batch: Batch, answer: Answer) -> None:
        self.outbox.quarantine(batch, answer.reason)
        self._evidence.forget(batch)
        self._never_accepted.discard(batch.reference)
        self.notices.log_once(
            logging.ERROR,
            f"quarantine {batch.distribution}",
            f"{batch.distribution}: CloudFront refuses {_shown(batch.items)} "
            f"({answer.reason}). The item is in quarantine. All other items are "
            f"delivered. {answer.advice} The control panel lists all refused items.",
            answer.kind,
        )
        self._notify_safely(_failed(batch, answer, kept=False))

    # --- waiting ----------------------------------------------------------------------

    def _wait(
        self, batch: Batch, answer: Answer, longest: float, backlog: Backlog
    ) -> None:
        seconds = self._keep_waiting(batch, answer, 1.0, longest, backlog)
        self.notices.log_once(
            logging.WARNING,
            f"wait {batch.distribution}",
            f"{batch.distribution}: {str(answer.reason).rstrip('.')}. "
            f"{counted(len(batch.items), 'item')} and any later ones wait; next attempt "
            f"in {seconds:.0f} s.",
            answer.kind,
        )

    def _pause(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        seconds = self._keep_waiting(
            batch, answer, 15.0, LONGEST_PAUSE, backlog, paused=True
        )
        logged = self.notices.log_once(
            logging.ERROR,
            f"pause {batch.distribution}",
            f"{batch.distribution}: purging is paused. "
            f"{str(answer.reason).rstrip('.')}. Nothing is lost. {answer.advice} "
            f"Next attempt in {seconds:.0f} s, then at growing intervals of at most "
            f"{LONGEST_PAUSE / 60:.0f} minutes, and at once when the settings change.",
            answer.kind or str(answer.reason),
        )
        if logged:
            self._notify_safely(_failed(batch, answer, kept=True))

    def _keep_waiting(
        self,
        batch: Batch,
        answer: Answer,
        first: float,
        longest: float,
        backlog: Backlog,
        paused: bool = False,
    ) -> float:
        waiting = backlog.memo.waiting
        attempts = waiting.attempts if waiting else 0
        seconds = delay(attempts, first, longest, self._jitter())
        self.outbox.wait(
            batch.distribution,
            reason=answer.reason,
            advice=answer.advice,
            paused=paused,
            until=self._clock() + seconds,
        )
        return seconds

    def notify_too(self, notify: Callable[[object], None]) -> None:
        """Send events to somebody else, too, and first."""
        before = self._notify

        def both(event: object) -> None:
            notify(event)
            before(event)

        self._notify = both

    def _notify_safely(self, event: object) -> None:
        try:
            self._notify(event)
        except Exception:
            # A subscriber's fault must not stop, or repeat, a delivery.
            logger.exception("A subscriber to %r failed.", event)


def new_reference() -> str:
    """Return a caller reference that no batch ever had.

    A reused one silently purges nothing, so it holds no clock and no counter.
    """
    return f"collective.cloudfront-{uuid.uuid4()}"


def _failed(batch: Batch, answer: Answer, kept: bool) -> InvalidationFailed:
    return InvalidationFailed(
        distribution=batch.distribution,
        items=batch.items,
        reason=answer.reason,
        advice=answer.advice,
        kept=kept,
    )


def _shown(items: tuple[str, ...], most: int = 10) -> str:
    shown = " ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
