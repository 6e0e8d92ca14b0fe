"""The courier: empties the outbox into CloudFront.

One round, for each distribution that has work::

    waiting? ──► claim ──► follow up ──► frozen batch? ─no─► plan ──► freeze
                                              │yes                      │
                                              └────────► send ◄─────────┘
                                                          │
       ACCEPTED        settle: history, pace, event       │
       THROTTLED       wait, growing                    ◄─┤
       OVER_QUOTA      shrink, wait; dissolve if safe   ◄─┤
       TRANSIENT       wait, growing to 15 min; repeat  ◄─┤
       REFUSED_ITEMS   split; alone, thrice: quarantine ◄─┤
       REFERENCE_TAKEN dissolve                         ◄─┤
       MISCONFIGURED   pause, say what to do            ◄─┘

Nothing here sleeps: a round says when the next one is due, and ``thread`` waits.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Gateway
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.events import InvalidationAccepted
from collective.cloudfront.delivery.events import InvalidationCompleted
from collective.cloudfront.delivery.events import InvalidationFailed
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.contract import Batch
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.contract import Pending
from collective.cloudfront.outbox.contract import Settled
from collective.cloudfront.outbox.contract import Work
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.planning.cover import Allowance
from collective.cloudfront.planning.cover import next_batch
from collective.cloudfront.planning.cover import urgent_first
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.pacing import worth_waiting
from collective.cloudfront.planning.widen import widen
from datetime import datetime
from datetime import timezone

import logging
import random
import time
import uuid


logger = logging.getLogger("collective.cloudfront")

#: A claim outlives the longest call (13 s) by far; a dead courier's ends after it.
CLAIM_SECONDS = 60.0
#: Prepared entries of an unknown process are released after this (seconds).
GRACE_SECONDS = 60.0
#: Somebody else may add work to a shared outbox: look at least this often.
LONGEST_IDLE = 1.0
#: Longest delays between attempts, in seconds.
LONGEST_TRANSIENT = 15 * 60.0
LONGEST_QUOTA = 60.0
LONGEST_PAUSE = 5 * 60.0
#: CloudFront completes in under 25 s (P95): after these many seconds we look.
FIRST_LOOK = 2.0
LONGEST_LOOK = 15.0
#: While a backlog waits for the end of the oldest one, we look this often (seconds).
SOON = 0.5
#: After this (seconds) an invalidation whose status cannot be read counts as done.
#: CloudFront completes in under 25 s (P95), and quota must not wait for ever.
ASSUME_DONE = 30.0
FORGET_AFTER = 3600.0
#: Refused for quota this often, over some five minutes, a batch was not accepted
#: before either: what was in progress then is completed, and it would be found.
CERTAIN_REFUSALS = 10
#: An item that is alone goes into quarantine at its third refusal. Ours keep
#: CloudFront's rules, so a single refusal is more likely a wrong answer.
CONFIRMED_REFUSALS = 3
LONGEST_DOUBT = 2.0
#: How many invalidations in progress are looked up in one round.
LOOKS_PER_ROUND = 3
#: How many settled invalidations the history keeps.
KEEP_HISTORY = 10_000
#: How often it is cut to that (seconds).
TIDY_EVERY = 600.0


class Courier:
    """Works through an outbox, one ``round`` after the other, in one thread."""

    def __init__(
        self,
        outbox: Outbox,
        gateway: Gateway,
        targets: Callable[[], Mapping[str, Target]],
        *,
        intake: Intake | None = None,
        limits: Limits = Limits(),
        grace: float = GRACE_SECONDS,
        notify: Callable[[object], None] = lambda event: None,
        errands: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ):
        """``targets`` returns the distributions configured now, by id; it is asked
        in every round with work. ``errands`` is called first in every round: what
        others left for this thread to do. ``grace`` and ``clock`` are in seconds; ``jitter``
        returns a number between 0 and 1.
        """
        self.outbox = outbox
        self.gateway = gateway
        self.targets = targets
        self.intake = intake
        self.limits = limits
        self.grace = grace
        self._notify = notify
        self._errands = errands
        self._clock = clock
        self._jitter = jitter
        # References whose every attempt was definitely refused.
        self._certain: set[str] = set()
        # Until when each distribution is certainly claimed by us, and by nobody since
        self._held: dict[str, float] = {}
        self._looks: dict[str, tuple[float, float]] = {}
        self._said: dict[str, tuple[str, float]] = {}
        # When each distribution was sent to last: calls are scarce, so in turn.
        self._sent: dict[str, float] = {}
        # The targets when there was work last: they are costly to ask for.
        self._known: Mapping[str, Target] = {}
        self._recover_at = 0.0
        self._tidy_at = 0.0

    def round(self) -> float:
        """Do what can be done now; return in how many seconds to come again."""
        try:
            self._errands()
            self._housekeeping()
            work = self.outbox.work()
            if not work:
                return LONGEST_IDLE
            targets = self._known = self.targets()
            in_turn = sorted(
                work, key=lambda each: self._sent.get(each.distribution, 0)
            )
            return min(self._serve(each, targets) for each in in_turn)
        except OutboxUnavailable as error:
            self._say(logging.ERROR, "outbox", f"The outbox cannot be used: {error}.")
            return LONGEST_IDLE

    def stop(self) -> None:
        """End the claims, so that another courier need not wait for them."""
        self._held.clear()
        if self.intake is not None:
            self.intake.retry()  # what is in memory only would be lost
        try:
            for work in self.outbox.work():
                self.outbox.give_up(work.distribution)
        except OutboxUnavailable as error:
            logger.warning("Claims are left to expire: %s.", error)

    def _housekeeping(self) -> None:
        if self.intake is not None:
            self.intake.retry()
        self.outbox.release_due()
        now = self._clock()
        recover_every = min(10.0, self.grace)
        if _has_come(self._recover_at, now, recover_every):
            self._recover_at = now + recover_every
            released = self.outbox.release_abandoned(self.grace)
            if released:
                logger.warning(
                    "Released %d items in doubt: a process ended between preparing "
                    "them and its commit. Purging them is harmless.",
                    released,
                )
        if _has_come(self._tidy_at, now, TIDY_EVERY):
            self._tidy_at = now + TIDY_EVERY
            self.outbox.tidy(KEEP_HISTORY, self._history_seconds())
            # Other couriers may have completed what we had looked at.
            self._looks = {
                reference: (when, delay)
                for reference, (when, delay) in self._looks.items()
                if when > now - TIDY_EVERY
            }

    def _history_seconds(self) -> float | None:
        """Return how long the history is kept; None until a target was known."""
        days = [target.history_days for target in self._known.values()]
        return 86400.0 * max(days) if days else None

    # --- one distribution -----------------------------------------------------

    def _serve(self, work: Work, targets: Mapping[str, Target]) -> float:
        target = targets.get(work.distribution)
        if target is None:
            if work.ready or work.frozen:
                self._say(
                    logging.WARNING,
                    f"unknown {work.distribution}",
                    f"{work.ready + work.frozen} items wait for {work.distribution}, "
                    "for which no site here is enabled. They are kept.",
                )
            return LONGEST_IDLE
        try:
            return self._serve_target(work, target)
        except ClaimLost as error:
            logger.info("%s: %s", work.distribution, error)
        except OutboxUnavailable:
            raise
        except Exception:
            # Whatever it is, the other distributions and the thread must go on.
            logger.exception("Purging %s failed; trying again.", work.distribution)
        return LONGEST_IDLE

    def _serve_target(self, work: Work, target: Target) -> float:
        now = self._clock()
        send_in = self._send_due(work, target, now)
        look_in = self._look_due(work, now)
        due = min(send_in, look_in)
        if due > 0:
            if work.ready and work.waiting is None and send_in <= target.window:
                # boto3's cold start takes as long as the window: use it. Not while
                # waiting: the next try must look for credentials again, then.
                self.gateway.warm_up(target.credentials)
            return due
        if not self._claim(target.distribution, now):
            return LONGEST_IDLE
        again = LONGEST_IDLE
        if look_in <= 0:
            self._follow_up(target)
        if send_in <= 0:
            again = self._deliver(target)
        if not self._has_more(target.distribution):
            self.outbox.give_up(target.distribution)
            self._held.pop(target.distribution, None)
        return again

    def _claim(self, distribution: str, now: float) -> bool:
        """Claim, or renew. What somebody else may have sent since is not certain."""
        if not self._holds(distribution):
            self._certain.difference_update(
                batch.reference for batch in self.outbox.frozen(distribution)
            )
        claimed = self.outbox.claim(distribution, CLAIM_SECONDS)
        self._held[distribution] = now + CLAIM_SECONDS if claimed else 0.0
        return claimed

    def _holds(self, distribution: str) -> bool:
        return self._clock() < self._held.get(distribution, 0.0)

    def _send_due(self, work: Work, target: Target, now: float) -> float:
        if not (work.ready or work.frozen):
            return LONGEST_IDLE
        if work.waiting is not None and not _has_come(
            work.waiting.until, now, LONGEST_TRANSIENT
        ):
            return min(work.waiting.until - now, LONGEST_IDLE)
        if work.frozen or work.urgent or work.oldest is None:
            return 0.0
        due = work.oldest + target.window
        return 0.0 if _has_come(due, now, target.window) else due - now

    def _has_more(self, distribution: str) -> bool:
        return any(work.distribution == distribution for work in self.outbox.work())

    # --- sending --------------------------------------------------------------

    def _deliver(self, target: Target) -> float:
        """Send one batch, frozen earlier or now; return when to come again."""
        frozen = self.outbox.frozen(target.distribution)
        items = frozen[0].items if frozen else self._plan(target)
        if not items:
            return min(LONGEST_IDLE, 0.25)
        # The call is reserved first: while it is not granted, items may still join.
        wait = self.outbox.take_call(self.limits)
        if wait > 0:
            return min(wait, LONGEST_IDLE)
        if frozen:
            batch = frozen[0]
        else:
            batch = self._freeze(target.distribution, items)
        if batch.items:
            self._sent[target.distribution] = self._clock()
            self._settle(batch, target)
        return 0.0

    def _plan(self, target: Target) -> tuple[str, ...]:
        pace = self._pace(target.distribution)
        now = self._clock()
        allowance = pace.allowance(
            now, self._in_progress(target.distribution), self.limits
        )
        pending = self._pending(target, allowance)
        urgent = [each.item for each in pending if each.urgent]
        items = urgent_first([each.item for each in pending], urgent)
        plan = next_batch(items, allowance)
        alone = pace.allowance(now, Allowance(0, 0), self.limits)
        if (plan.held_back and allowance.exact < alone.exact) or (
            plan.wildcards_held_back and allowance.wildcards < alone.wildcards
        ):
            self._look_soon(target.distribution, now)
        if not plan.items:
            self._say(
                logging.WARNING,
                f"quota {target.distribution}",
                f"{target.distribution}: items wait until CloudFront's quotas let "
                "them in; it goes on by itself.",
            )
        if not urgent and worth_waiting(plan, pace, self.limits):
            return ()
        return plan.items

    def _pending(self, target: Target, allowance: Allowance) -> list[Pending]:
        """Return what goes next, widened where it is too much."""
        distribution, most = target.distribution, 2 * self.limits.batch
        pending = self.outbox.pending(distribution, most)
        items = [each.item for each in pending]
        wildcards = allowance.wildcards + self.limits.wildcards
        wider = widen(items, wildcards, self._most_siblings(target))
        if not wider:
            return pending
        for wildcard in wider:
            replaced = self.outbox.widen(distribution, wildcard)
            self._say_widened(distribution, wildcard, replaced)
        return self.outbox.pending(distribution, most)

    def _say_widened(self, distribution: str, wildcard: str, replaced: int) -> None:
        if wildcard == EVERYTHING:
            self._say(
                logging.WARNING,
                f"hopeless {distribution}",
                f"{distribution}: hopeless backlog, everything is purged "
                f"instead; {replaced} items wait.",
            )
        else:
            logger.info(
                "%s: %s takes the place of %d items.", distribution, wildcard, replaced
            )

    def _most_siblings(self, target: Target) -> int:
        if not target.budget:
            return self.limits.siblings
        month = datetime.fromtimestamp(self._clock(), timezone.utc).strftime("%Y-%m")
        billed = sum(self.outbox.billed(month).values())
        if billed <= target.budget:
            return self.limits.siblings
        self._say(
            logging.WARNING,
            f"budget {target.distribution}",
            f"{target.distribution}: this month's budget of {target.budget} items is "
            f"used up. Purging goes on with broader, fewer items; {billed} so far.",
        )
        return self.limits.siblings_over_budget

    def _freeze(self, distribution: str, items: tuple[str, ...]) -> Batch:
        batch = self.outbox.freeze(distribution, _new_reference(), items)
        self._certain.add(batch.reference)
        return batch

    def _pace(self, distribution: str) -> Pace:
        now = self._clock()
        known = self.outbox.pace(distribution) or Pace.fresh(now, self.limits)
        if known.exact.updated > now:
            # The clock was set back: from now on the quotas fill again.
            known = known.accepted(now, Allowance(0, 0), self.limits)
            self.outbox.keep_pace(distribution, known)
        return known

    def _in_progress(self, distribution: str) -> Allowance:
        return _count(
            item
            for settled in self.outbox.in_progress(distribution)
            for item in settled.items
        )

    def _settle(self, batch: Batch, target: Target) -> None:
        answer = self.gateway.create(
            batch.distribution, target.credentials, batch.reference, batch.items
        )
        outcome = answer.outcome
        if outcome is Outcome.ACCEPTED:
            self._accepted(batch, answer)
        elif outcome is Outcome.THROTTLED:
            self.outbox.spend_calls()
            self._wait(batch, answer, LONGEST_QUOTA)
        elif outcome is Outcome.OVER_QUOTA:
            self._over_quota(batch, answer)
        elif outcome is Outcome.TRANSIENT:
            self._certain.discard(batch.reference)
            self._wait(batch, answer, LONGEST_TRANSIENT)
        elif outcome is Outcome.REFUSED_ITEMS:
            self._refused(batch, answer)
        elif outcome is Outcome.REFERENCE_TAKEN:
            logger.warning(
                "Caller reference %s was taken; a new one is used.", batch.reference
            )
            self.outbox.dissolve(batch)
        elif outcome is Outcome.MISCONFIGURED:
            self._pause(batch, answer)

    def _accepted(self, batch: Batch, answer: Answer) -> None:
        pace = self._pace(batch.distribution).accepted(
            self._clock(), _count(batch.items), self.limits
        )
        settled = self.outbox.settle(batch, answer.invalidation, pace)
        self._certain.discard(batch.reference)
        self._forget_troubles(batch.distribution)
        logger.info(
            "%s: invalidation %s accepted, %d items, %d ms after the oldest commit: %s",
            settled.distribution,
            settled.invalidation,
            len(settled.items),
            1000 * (settled.accepted - settled.since),
            _shown(settled.items),
        )
        self._tell(InvalidationAccepted(settled))

    def _over_quota(self, batch: Batch, answer: Answer) -> None:
        pace = self._pace(batch.distribution).refused()
        self.outbox.keep_pace(batch.distribution, pace)
        refusals = self.outbox.refuse(batch)
        self._wait(batch, answer, LONGEST_QUOTA)
        # Only what was never possibly accepted may be planned again, in smaller
        # batches; the rest is repeated unchanged.
        certain = refusals >= CERTAIN_REFUSALS or (
            # A call may have taken so long that another courier came by
            batch.reference in self._certain and self._holds(batch.distribution)
        )
        if len(batch.items) > 1 and certain:
            self.outbox.dissolve(batch)
            self._certain.discard(batch.reference)

    def _refused(self, batch: Batch, answer: Answer) -> None:
        if len(batch.items) > 1:
            halves = (_new_reference(), _new_reference())
            self.outbox.split(batch, halves)
            self._certain.update(halves)
            logger.warning(
                "%s: CloudFront refuses one of %d items (%s); looking for it.",
                batch.distribution,
                len(batch.items),
                answer.reason,
            )
        elif self.outbox.refuse(batch) < CONFIRMED_REFUSALS:
            self._wait(batch, answer, LONGEST_DOUBT)
            return
        else:
            # seam: until the outbox stores messages
            self.outbox.quarantine(batch, str(answer.reason))
            logger.error(
                "%s: CloudFront refuses %s (%s). It is in quarantine, all other items "
                "are delivered. %s",
                batch.distribution,
                _shown(batch.items),
                answer.reason,
                answer.advice,
            )
            self._tell(_failed(batch, answer, kept=False))
        self._certain.discard(batch.reference)

    def _wait(self, batch: Batch, answer: Answer, longest: float) -> None:
        delay = self._delay(batch.distribution, 1.0, longest)
        self.outbox.wait(
            batch.distribution,
            reason=str(answer.reason),  # seam: until the outbox stores messages
            advice=str(answer.advice),
            paused=False,
            until=self._clock() + delay,
        )
        self._say(
            logging.WARNING,
            f"wait {batch.distribution}",
            f"{batch.distribution}: {answer.reason}. {len(batch.items)} items and what "
            f"follows wait; next try in {delay:.0f} s.",
        )

    def _pause(self, batch: Batch, answer: Answer) -> None:
        delay = self._delay(batch.distribution, 15.0, LONGEST_PAUSE)
        self.outbox.wait(
            batch.distribution,
            reason=str(answer.reason),  # seam: until the outbox stores messages
            advice=str(answer.advice),
            paused=True,
            until=self._clock() + delay,
        )
        said = self._say(
            logging.ERROR,
            f"pause {batch.distribution}",
            f"{batch.distribution}: purging is paused. {answer.reason}. Nothing is "
            f"lost. {answer.advice} Tried again every few minutes, and at once when "
            "the settings change.",
        )
        if said:
            self._tell(_failed(batch, answer, kept=True))

    def _delay(self, distribution: str, first: float, longest: float) -> float:
        """Return a delay that doubles with every attempt, with jitter."""
        attempts = next(
            (
                work.waiting.attempts
                for work in self.outbox.work()
                if work.distribution == distribution and work.waiting
            ),
            0,
        )
        delay = min(longest, first * 2 ** min(attempts, 16))
        return delay * (0.5 + self._jitter() / 2)

    # --- following up ---------------------------------------------------------

    def _look_due(self, work: Work, now: float) -> float:
        if not work.in_progress:
            return LONGEST_IDLE
        following = self.outbox.in_progress(work.distribution)[:LOOKS_PER_ROUND]
        looks = [self._look_at(settled)[0] for settled in following]
        if any(_has_come(when, now, LONGEST_LOOK) for when in looks):
            return 0.0
        return min((when - now for when in looks), default=LONGEST_IDLE)

    def _look_at(self, settled: Settled) -> tuple[float, float]:
        """Return when to look next, and the delay to the look after it."""
        default = (settled.accepted + FIRST_LOOK, FIRST_LOOK)
        return self._looks.setdefault(settled.reference, default)

    def _look_soon(self, distribution: str, now: float) -> None:
        """Look at the oldest invalidation soon: what it takes up is waited for."""
        for settled in self.outbox.in_progress(distribution)[:1]:
            when, _delay = self._look_at(settled)
            self._looks[settled.reference] = (min(when, now + SOON), SOON)

    def _follow_up(self, target: Target) -> None:
        # In order: CloudFront completes them about in order, and GetInvalidation
        # has an unpublished rate of its own.
        following = self.outbox.in_progress(target.distribution)
        for settled in following[:LOOKS_PER_ROUND]:
            when, delay = self._look_at(settled)
            if _has_come(when, self._clock(), LONGEST_LOOK):
                delay = min(delay * 1.5, LONGEST_LOOK)
                self._looks[settled.reference] = (self._clock() + delay, delay)
                self._look(settled, target)

    def _look(self, settled: Settled, target: Target) -> None:
        answer = self.gateway.look_up(
            settled.distribution, target.credentials, settled.invalidation
        )
        age = abs(self._clock() - settled.accepted)  # the clock may be set back
        if answer.outcome is Outcome.ACCEPTED:
            if answer.status != "InProgress" or age > FORGET_AFTER:
                self._completed(settled, answer.status)
        elif answer.outcome is Outcome.MISCONFIGURED and age > ASSUME_DONE:
            self._say(
                logging.WARNING,
                f"status {settled.distribution}",
                f"{settled.distribution}: the status of invalidations cannot be read "
                f"({answer.reason}). Purging works all the same; allow "
                "cloudfront:GetInvalidation to see when they are completed.",
            )
            self._completed(settled, "Unknown")
        elif age > FORGET_AFTER:
            self._completed(settled, "Unknown")

    def _completed(self, settled: Settled, status: str) -> None:
        completed = self.outbox.complete(settled, status)
        self._looks.pop(settled.reference, None)
        logger.debug("%s: %s %s", settled.distribution, settled.invalidation, status)
        self._tell(InvalidationCompleted(completed))

    # --- telling --------------------------------------------------------------

    def _tell(self, event: object) -> None:
        try:
            self._notify(event)
        except Exception:
            # A subscriber's fault must not stop, or repeat, a delivery.
            logger.exception("A subscriber to %r failed.", event)

    def _forget_troubles(self, distribution: str) -> None:
        self._said = {
            topic: said
            for topic, said in self._said.items()
            if not topic.endswith(f" {distribution}")
            or topic.startswith(("status ", "budget "))
        }

    def _say(self, level: int, topic: str, sentence: str) -> bool:
        """Log a sentence when it is new, and otherwise once in a while."""
        last, when = self._said.get(topic, ("", 0.0))
        now = self._clock()
        every = 60.0 if topic == "outbox" else LONGEST_TRANSIENT
        if last.split(";")[0] == sentence.split(";")[0] and now - when < every:
            return False
        self._said[topic] = (sentence, now)
        logger.log(level, "%s", sentence)
        return True


def _has_come(when: float, now: float, longest: float) -> bool:
    """Say whether it is time for what was to happen within ``longest`` seconds.

    What is further away was planned before the clock was set back, and is due.
    """
    return not now < when <= now + longest


def _new_reference() -> str:
    """Return a caller reference that no batch ever had.

    A reused one silently purges nothing, so it holds no clock and no counter.
    """
    return f"collective.cloudfront-{uuid.uuid4()}"


def _count(items: Iterable[str]) -> Allowance:
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
        reason=str(answer.reason),  # seam: until events carry messages
        advice=str(answer.advice),
        kept=kept,
    )


def _shown(items: tuple[str, ...], most: int = 10) -> str:
    shown = " ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
