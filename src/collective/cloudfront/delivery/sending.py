"""One batch: planned, frozen, sent."""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.errors import timed_out
from collective.cloudfront.delivery.calls import GivenUp
from collective.cloudfront.delivery.calls import NoThread
from collective.cloudfront.delivery.notices import QUOTA
from collective.cloudfront.delivery.outcomes import CONFIRMED_REFUSALS
from collective.cloudfront.delivery.outcomes import Flight
from collective.cloudfront.delivery.outcomes import new_reference
from collective.cloudfront.delivery.outcomes import Outcomes
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.clocks import LONGEST_CLAIM
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.memory import Turn
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.poll import Backlog
from collective.cloudfront.outbox.poll import Poll
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import wildcards_of
from collective.cloudfront.planning.pacing import CLOCKS_APART
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.pacing import take_call
from collective.cloudfront.planning.plan import decide
from collective.cloudfront.planning.plan import Decision
from dataclasses import replace
from datetime import datetime
from datetime import timezone
from functools import partial

import logging


logger = logging.getLogger("collective.cloudfront")

#: A claim outlives the longest call (13 s) by far; a dead courier's ends after it.
CLAIM_SECONDS = LONGEST_CLAIM
#: Somebody else may add work to a shared outbox: poll it at least this often.
LONGEST_IDLE = 1.0
#: With fewer pending items than these, freezing a wildcard absorbs all that it covers.
FEW_PENDING = 250
#: A round waits so long (seconds) for the calls that it has begun. What takes longer is
#: seen to in a later round, so that a call that hangs delays no other distribution.
PATIENCE = 1.0
#: Soon after that comes the next round.
IN_FLIGHT = 0.05


class Sender(Outcomes):
    """Sends batches that are frozen under a claim."""

    def _deliver(self, backlog: Backlog, target: Target, poll: Poll) -> float:
        """Send one batch, frozen earlier or now; return when to come again."""
        now = self._clock()
        if backlog.is_claimed:
            return LONGEST_IDLE
        # While no call is granted, items may still join.
        call = take_call(poll.calls, now, self.limits)
        if call.wait > 0:
            if poll.calls and poll.calls.updated > now + CLOCKS_APART:
                # The clock was set back: from now on the calls fill again.
                self.outbox.take_call(self.limits)
            return min(call.wait, LONGEST_IDLE)
        turn = Turn(CLAIM_SECONDS, call.bucket, known=poll.known)
        if backlog.frozen and not self._may_overtake(backlog):
            batch = self._repeat(backlog, turn)
        else:
            pace = backlog.memo.pace or Pace.fresh(now, self.limits)
            pace = pace.at(now, self.limits)
            decision = self._plan(backlog, target, pace, now)
            if not decision.items:
                return min(LONGEST_IDLE, 0.25)
            batch = self.outbox.freeze(
                backlog.distribution,
                new_reference(),
                decision.items,
                backlog.coalesced,
                replace(turn, pace=decision.pace),
            )
            self._never_accepted.add(batch.reference)
        self._claimed_until[backlog.distribution] = now + CLAIM_SECONDS
        if batch.items:
            self._sent[backlog.distribution] = self._clock()
            if not self._send(batch, target, backlog):
                return IN_FLIGHT
        return 0.0

    def _repeat(self, backlog: Backlog, turn: Turn) -> Batch:
        """Claim the distribution for a batch that is frozen, unchanged: the oldest one
        of those that were refused least often.
        """
        if not self._holds(backlog.distribution):
            # Somebody else may have sent them since.
            for batch in backlog.frozen:
                self._never_accepted.discard(batch.reference)
                self._comparisons.pop(batch.reference, None)
        self.outbox.take_turn(backlog.distribution, turn)
        return self._evidence.next(backlog.frozen)

    def _may_overtake(self, backlog: Backlog) -> bool:
        """Say whether what is ready goes before what is frozen, to see if it passes."""
        return (
            bool(self._evidence.suspicions)
            and bool(backlog.pending)
            and self._evidence.suspects_all(backlog.frozen, CONFIRMED_REFUSALS)
        )

    def _plan(
        self, backlog: Backlog, target: Target, pace: Pace, now: float
    ) -> Decision:
        """Return what to send now; nothing where more is awaited."""
        distribution = backlog.distribution
        if backlog.memo.pace not in (None, pace):
            self.outbox.keep_pace(distribution, pace)
        running = backlog.in_progress
        most_siblings = self._most_siblings(target)
        pending: Sequence[Pending] = backlog.pending
        while True:
            decision = decide(
                [each.item for each in pending],
                [each.item for each in pending if each.urgent],
                pace,
                [item for each in running for item in each.items],
                now,
                self.limits,
                most_siblings,
            )
            if decision.waits_for_completion and len(running) != len(
                certain := self.follow_up.that_take_quota(running)
            ):
                running = certain
                continue
            if not decision.wider:
                break
            self._widen(distribution, decision.wider, decision.is_hopeless)
            pending = self.outbox.pending(distribution, 2 * self.limits.batch)
        if decision.waits_for_completion:
            self.follow_up.soon(backlog.in_progress)
        if decision.is_over_quota:
            self.notices.log_once(
                logging.WARNING,
                f"{QUOTA} {distribution}",
                f"{distribution}: items are waiting for CloudFront's quotas. Purging "
                "continues automatically.",
            )
        if len(backlog.pending) >= FEW_PENDING:
            for wildcard in wildcards_of(decision.items):
                self.outbox.widen(distribution, wildcard)
        return decision

    def _widen(
        self, distribution: str, wildcards: Iterable[str], is_hopeless: bool
    ) -> None:
        for wildcard in wildcards:
            replaced = self.outbox.widen(distribution, wildcard)
            if wildcard == EVERYTHING and is_hopeless:
                self.notices.log_once(
                    logging.WARNING,
                    f"hopeless {distribution}",
                    f"{distribution}: too many items are waiting, so everything is "
                    f"purged instead; this replaces {counted(replaced, 'item')}.",
                )
            else:
                logger.info(
                    "%s: %s replaces %s because many pages in the same folder have "
                    "changed.",
                    distribution,
                    wildcard,
                    counted(replaced, "item"),
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
            f"{target.distribution}: this month's budget of "
            f"{counted(target.budget, 'item')} is used up. Purging continues with "
            f"fewer, broader items; sent so far: {billed}.",
        )
        return self.limits.siblings_over_budget

    def _warm_up(self, target: Target) -> None:
        """Have the client made that is tried first, beside everything else."""
        self._warm.add(target.credentials[0])
        make = partial(self.gateway.warm_up, target.credentials)
        try:
            self.calls.begin(f"warm-up {target.distribution}", make)
        except NoThread as error:
            logger.debug("No client yet: %s", error)

    def _send(self, batch: Batch, target: Target, backlog: Backlog) -> bool:
        """Begin to send a batch; says whether it has been answered already."""
        if batch.reference in self._comparisons:
            return self._compare(batch, target, backlog)
        create = partial(
            self.gateway.create,
            batch.distribution,
            target.credentials,
            batch.reference,
            batch.items,
        )
        return self._call(batch, target, backlog, create, self._answered)

    def _land_all(self, backlogs: Iterable[Backlog], patience: float) -> bool:
        """Wait for the calls in flight, at most ``patience`` seconds, and do what
        follows from their answers. Says whether there was any.
        """
        end = self._monotonic() + patience
        while not any(flight.call.is_over for flight in self._flights.values()):
            if not self._flights or (rest := end - self._monotonic()) <= 0:
                return False
            self.calls.wait(rest)
        known = {backlog.distribution: backlog for backlog in backlogs}
        for distribution, flight in list(self._flights.items()):
            if flight.call.is_over:
                del self._flights[distribution]
                if distribution in known:
                    self._land(flight, known[distribution])
        return True

    def _land(self, flight: Flight, backlog: Backlog) -> None:
        try:
            try:
                answer = flight.call.result()
            except GivenUp:
                answer = timed_out(flight.call.sent)
            flight.land(flight.batch, answer, flight.target, backlog)
        except ClaimLost as error:
            logger.info("%s: %s", backlog.distribution, error)
        except MemoryChanged:
            logger.debug("%s: the batch is repeated.", backlog.distribution)
        except OutboxUnavailable:
            raise
        except Exception:
            logger.exception(
                "Purging %s failed. Trying again.", flight.batch.distribution
            )
