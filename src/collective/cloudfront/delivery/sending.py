"""One batch: planned, frozen, sent; and what follows from CloudFront's answer."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Gateway
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.events import InvalidationAccepted
from collective.cloudfront.delivery.events import InvalidationFailed
from collective.cloudfront.delivery.follow_up import FollowUp
from collective.cloudfront.delivery.notices import Notices
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.clocks import LONGEST_CLAIM
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.memory import Turn
from collective.cloudfront.outbox.poll import Backlog
from collective.cloudfront.outbox.poll import Poll
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.planning.backoff import delay
from collective.cloudfront.planning.cover import count_items
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import wildcards_of
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import CLOCKS_APART
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.pacing import take_call
from collective.cloudfront.planning.plan import decide
from collective.cloudfront.planning.plan import reserve
from dataclasses import replace
from datetime import datetime
from datetime import timezone

import logging
import uuid


logger = logging.getLogger("collective.cloudfront")

#: A claim outlives the longest call (13 s) by far; a dead courier's ends after it.
CLAIM_SECONDS = LONGEST_CLAIM
#: Somebody else may add work to a shared outbox: poll it at least this often.
LONGEST_IDLE = 1.0
#: With fewer pending items than these, freezing a wildcard absorbs all that it covers.
FEW_PENDING = 1_000
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


class Sender:
    """Sends batches that are frozen under a claim, and writes down the outcome."""

    def __init__(
        self,
        outbox: Outbox,
        gateway: Gateway,
        limits: Limits,
        notify: Callable[[object], None],
        follow_up: FollowUp,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ):
        """``clock`` returns Unix seconds, ``jitter`` a number between 0 and 1."""
        self.outbox = outbox
        self.gateway = gateway
        self.limits = limits
        self.notices = Notices(clock)
        self.follow_up = follow_up
        self._notify = notify
        self._clock = clock
        self._jitter = jitter
        # References whose every attempt was definitely refused.
        self._never_accepted: set[str] = set()
        # When each distribution was sent to last: calls are scarce, so in turn.
        self._sent: dict[str, float] = {}
        # Until when each distribution is certainly claimed by us, and by nobody since
        self._claimed_until: dict[str, float] = {}

    # --- one batch --------------------------------------------------------------------

    def _deliver(self, backlog: Backlog, target: Target, poll: Poll) -> float:
        """Send one batch, frozen earlier or now; return when to come again."""
        now = self._clock()
        if backlog.is_claimed:
            return LONGEST_IDLE
        # While no call is granted, items may still join.
        call = take_call(Bucket(*poll.calls) if poll.calls else None, now, self.limits)
        if call.wait > 0:
            if poll.calls and poll.calls[1] > now + CLOCKS_APART:
                # The clock was set back: from now on the calls fill again.
                self.outbox.take_call(self.limits)
            return min(call.wait, LONGEST_IDLE)
        turn = Turn(CLAIM_SECONDS, call.bucket, known=poll.known)
        if backlog.frozen:
            batch = self._repeat(backlog, turn)
        else:
            pace = backlog.memo.pace or Pace.fresh(now, self.limits)
            pace = pace.at(now, self.limits)
            items = self._plan(backlog, target, pace, now)
            if not items:
                return min(LONGEST_IDLE, 0.25)
            pace = reserve(pace, items, now, self.limits)
            batch = self.outbox.freeze(
                backlog.distribution,
                new_reference(),
                items,
                backlog.coalesced,
                replace(turn, pace=pace),
            )
            self._never_accepted.add(batch.reference)
        self._claimed_until[backlog.distribution] = now + CLAIM_SECONDS
        if batch.items:
            self._sent[backlog.distribution] = self._clock()
            self._send(batch, target, backlog)
        return 0.0

    def _repeat(self, backlog: Backlog, turn: Turn) -> Batch:
        """Claim the distribution for the oldest batch that is frozen, unchanged."""
        if not self._holds(backlog.distribution):
            # Somebody else may have sent them since.
            self._never_accepted.difference_update(
                batch.reference for batch in backlog.frozen
            )
        self.outbox.take_turn(backlog.distribution, turn)
        return backlog.frozen[0]

    def _holds(self, distribution: str) -> bool:
        left = self._claimed_until.get(distribution, 0.0) - self._clock()
        return 0 < left <= CLAIM_SECONDS  # more, if the clock was set back meanwhile

    def _plan(
        self, backlog: Backlog, target: Target, pace: Pace, now: float
    ) -> tuple[str, ...]:
        """Return what to send now; nothing where more is awaited."""
        distribution = backlog.distribution
        if backlog.memo.pace not in (None, pace):
            self.outbox.keep_pace(distribution, pace)
        running = [item for each in backlog.in_progress for item in each.items]
        most_siblings = self._most_siblings(target)
        pending: Sequence[Pending] = backlog.pending
        while True:
            decision = decide(
                [each.item for each in pending],
                [each.item for each in pending if each.urgent],
                pace,
                running,
                now,
                self.limits,
                most_siblings,
            )
            if not decision.wider:
                break
            self._widen(distribution, decision.wider)
            pending = self.outbox.pending(distribution, 2 * self.limits.batch)
        if decision.waits_for_completion:
            self.follow_up.soon(backlog.in_progress)
        if decision.is_over_quota:
            self.notices.log_once(
                logging.WARNING,
                f"quota {distribution}",
                f"{distribution}: items wait until CloudFront's quotas let them in; it "
                "goes on by itself.",
            )
        if len(backlog.pending) >= FEW_PENDING:
            for wildcard in wildcards_of(decision.items):
                self.outbox.widen(distribution, wildcard)
        return decision.items

    def _widen(self, distribution: str, wildcards: Iterable[str]) -> None:
        for wildcard in wildcards:
            replaced = self.outbox.widen(distribution, wildcard)
            if wildcard == EVERYTHING:
                self.notices.log_once(
                    logging.WARNING,
                    f"hopeless {distribution}",
                    f"{distribution}: hopeless backlog, everything is purged "
                    f"instead; {replaced} items wait.",
                )
            else:
                logger.info(
                    "%s: %s takes the place of %d items.",
                    distribution,
                    wildcard,
                    replaced,
                )

    def _most_siblings(self, target: Target) -> int:
        if not target.budget:
            return self.limits.siblings
        month = datetime.fromtimestamp(self._clock(), timezone.utc).strftime("%Y-%m")
        billed = sum(self.outbox.billed(month).values())
        if billed <= target.budget:
            return self.limits.siblings
        self.notices.log_once(
            logging.WARNING,
            f"budget {target.distribution}",
            f"{target.distribution}: this month's budget of {target.budget} items is "
            f"used up. Purging goes on with broader, fewer items; {billed} so far.",
        )
        return self.limits.siblings_over_budget

    def _send(self, batch: Batch, target: Target, backlog: Backlog) -> None:
        answer = self.gateway.create(
            batch.distribution, target.credentials, batch.reference, batch.items
        )
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
            self._never_accepted.discard(batch.reference)
            self._wait(batch, answer, LONGEST_TRANSIENT, backlog)
        elif outcome is Outcome.REFUSED_ITEMS:
            self._refused_items(batch, answer, backlog)
        elif outcome is Outcome.REFERENCE_TAKEN:
            logger.warning(
                "Caller reference %s was taken; a new one is used.", batch.reference
            )
            self._dissolve(batch, backlog)
        elif outcome is Outcome.MISCONFIGURED:
            self._pause(batch, answer, backlog)

    def _accepted(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        last = len(backlog.frozen) <= 1 and len(backlog.pending) <= len(batch.items)

        settled = self.outbox.settle(batch, answer.invalidation, give_up=last)
        if last:
            self._claimed_until.pop(batch.distribution, None)
        self._never_accepted.discard(batch.reference)
        self.notices.forget(batch.distribution)
        logger.info(
            "%s: invalidation %s accepted, %d items, %d ms after the oldest commit: %s",
            settled.distribution,
            settled.invalidation,
            len(settled.items),
            1000 * (settled.accepted - settled.since),
            _shown(settled.items),
        )
        self._notify_safely(InvalidationAccepted(settled))

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
        self._never_accepted.discard(batch.reference)

    def _refused_items(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        if len(batch.items) > 1:
            halves = (new_reference(), new_reference())
            self.outbox.split(batch, halves)
            self._never_accepted.update(halves)
            logger.warning(
                "%s: CloudFront refuses one of %d items (%s); looking for it.",
                batch.distribution,
                len(batch.items),
                answer.reason,
            )
        elif self.outbox.count_refusal(batch) < CONFIRMED_REFUSALS:
            self._wait(batch, answer, LONGEST_DOUBT, backlog)
            return
        else:
            self.outbox.quarantine(batch, answer.reason)
            logger.error(
                "%s: CloudFront refuses %s (%s). It is in quarantine, all other items "
                "are delivered. %s",
                batch.distribution,
                _shown(batch.items),
                answer.reason,
                answer.advice,
            )
            self._notify_safely(_failed(batch, answer, kept=False))
        self._never_accepted.discard(batch.reference)

    def _wait(
        self, batch: Batch, answer: Answer, longest: float, backlog: Backlog
    ) -> None:
        seconds = self._keep_waiting(batch, answer, 1.0, longest, backlog)
        self.notices.log_once(
            logging.WARNING,
            f"wait {batch.distribution}",
            f"{batch.distribution}: {answer.reason}. {len(batch.items)} items and what "
            f"follows wait; next try in {seconds:.0f} s.",
        )

    def _pause(self, batch: Batch, answer: Answer, backlog: Backlog) -> None:
        self._keep_waiting(batch, answer, 15.0, LONGEST_PAUSE, backlog, paused=True)
        logged = self.notices.log_once(
            logging.ERROR,
            f"pause {batch.distribution}",
            f"{batch.distribution}: purging is paused. {answer.reason}. Nothing is "
            f"lost. {answer.advice} Tried again every few minutes, and at once when "
            "the settings change.",
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
