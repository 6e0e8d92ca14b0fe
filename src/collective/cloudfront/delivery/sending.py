"""Sending a batch, and what follows from CloudFront's answer."""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Gateway
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.events import InvalidationAccepted
from collective.cloudfront.delivery.events import InvalidationFailed
from collective.cloudfront.delivery.notices import Notices
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.poll import Backlog
from collective.cloudfront.outbox.session import Known
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.planning.backoff import delay
from collective.cloudfront.planning.cover import Allowance
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace

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


class Sender:
    """Sends batches that are frozen under a claim, and writes down the outcome."""

    def __init__(
        self,
        outbox: Outbox,
        gateway: Gateway,
        limits: Limits,
        notify: Callable[[object], None],
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ):
        """``clock`` returns Unix seconds, ``jitter`` a number between 0 and 1."""
        self.outbox = outbox
        self.gateway = gateway
        self.limits = limits
        self.notices = Notices(clock)
        self._notify = notify
        self._clock = clock
        self._jitter = jitter
        # References whose every attempt was definitely refused.
        self._never_accepted: set[str] = set()
        # Until when each distribution is certainly claimed by us, and by nobody since
        self._claimed_until: dict[str, float] = {}

    def _holds(self, distribution: str) -> bool:
        return self._clock() < self._claimed_until.get(distribution, 0.0)

    def _pace(self, backlog: Backlog) -> Pace:
        now = self._clock()
        pace = backlog.memo.pace or Pace.fresh(now, self.limits)
        return pace.at(now, self.limits)

    def _send(
        self, batch: Batch, target: Target, backlog: Backlog, known: Known
    ) -> None:
        answer = self.gateway.create(
            batch.distribution, target.credentials, batch.reference, batch.items
        )
        outcome = answer.outcome
        if outcome is Outcome.ACCEPTED:
            self._accepted(batch, answer, backlog, known)
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

    def _accepted(
        self, batch: Batch, answer: Answer, backlog: Backlog, known: Known
    ) -> None:
        last = len(backlog.frozen) <= 1 and len(backlog.pending) <= len(batch.items)

        def settle(known: Known | None) -> Settled:
            with self.outbox.together(known=known):
                return self.outbox.settle(batch, answer.invalidation, give_up=last)

        try:
            settled = settle(known)
        except MemoryChanged:
            settled = settle(None)
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
            pace = self.outbox.pace(distribution) or self._pace(backlog)
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

    def _dissolve(self, batch: Batch, backlog: Backlog) -> None:
        """Make the items of a refused batch ready again, and give their quota back."""
        with self.outbox.together():
            self.outbox.dissolve(batch)
            pace = self.outbox.pace(batch.distribution) or self._pace(backlog)
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


def count_items(items: Iterable[str]) -> Allowance:
    exact = wildcards = 0
    for item in items:
        if is_wildcard(item):
            wildcards += 1
        else:
            exact += 1
    return Allowance(exact=exact, wildcards=wildcards)


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
