"""The courier: empties the outbox into CloudFront.

One round::

    window over? ──► bring in what was handed over ──► poll ──► for each distribution:

    waiting? ──► frozen batch? ─no─► plan ──► claim, reserve, freeze ─┐
                      │yes                                            ▼
                      └────────► claim, take a call ───────────────► send
                                                          │
       ACCEPTED        settle: history, bill, event       │
       THROTTLED       wait, growing                    ◄─┤
       OVER_QUOTA      shrink, wait; dissolve if safe   ◄─┤
       TRANSIENT       wait, growing to 15 min; repeat  ◄─┤
       REFUSED_ITEMS   do others pass? split; alone,    ◄─┤
                       thrice: quarantine                 │
       REFERENCE_TAKEN dissolve                         ◄─┤
       MISCONFIGURED   pause, say what to do            ◄─┘

Then ``follow_up`` looks up what CloudFront works on. Each call has a thread and a deadline
(``calls``). A round waits a second for answers; those that take longer are dealt with in a
later round, and meanwhile other distributions are served. Nothing else here sleeps: a
round says when the next one is due, and ``thread`` waits.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.port import Gateway
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.calls import Calls
from collective.cloudfront.delivery.calls import InPlace
from collective.cloudfront.delivery.events import InvalidationCompleted
from collective.cloudfront.delivery.follow_up import ASSUME_DONE
from collective.cloudfront.delivery.follow_up import FollowUp
from collective.cloudfront.delivery.follow_up import has_come
from collective.cloudfront.delivery.follow_up import Look
from collective.cloudfront.delivery.outcomes import LONGEST_TRANSIENT
from collective.cloudfront.delivery.sending import IN_FLIGHT
from collective.cloudfront.delivery.sending import LONGEST_IDLE
from collective.cloudfront.delivery.sending import PATIENCE
from collective.cloudfront.delivery.sending import Sender
from collective.cloudfront.delivery.served import is_served
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.intake import HandedOver
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.lately import entry_again
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.poll import Backlog
from collective.cloudfront.outbox.poll import Poll
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.planning.late import Lately
from collective.cloudfront.planning.pacing import Limits
from pathlib import Path

import logging
import math
import random
import time


logger = logging.getLogger("collective.cloudfront")

#: Prepared entries of an unknown process are released after this (seconds).
GRACE_SECONDS = 60.0
#: After this (seconds) an invalidation whose status could not be read is forgotten.
FORGET_AFTER = 3600.0
#: How long a courier that is stopped waits for calls in flight (seconds).
STOP_SECONDS = 5.0
#: How many settled invalidations the history keeps.
KEEP_HISTORY = 10_000
#: How often it is cut to that (seconds).
TIDY_EVERY = 600.0
#: How often to look for what other processes have left (seconds).
ADOPT_EVERY = 60.0


class Learning:
    """Takes what was purged lately out of each poll, and has purged again what answers
    that were on their way may bring back.
    """

    def __init__(self, outbox: Outbox, lately: Lately):
        self._outbox = outbox
        self._lately = lately
        #: The number of the last purge that is known
        self.newest = 0
        # The last damage that is known: purges are numbered anew after one
        self._numbered = ""

    def learn(self, poll: Poll) -> bool:
        """Learn from a poll that asked for what is newer than ``newest``; returns whether
        something is purged again. Raises ``OutboxUnavailable``.
        """
        found = self._lately.learn(poll.purges)
        if found:
            self._outbox.release("", list(map(entry_again, found)))
        self.newest = poll.newest_purge
        if poll.damage[0] != self._numbered:
            self._numbered, self.newest = poll.damage[0], 0
        return bool(found)


class Courier(Sender):
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
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        calls: Calls | None = None,
        lately: Lately | None = None,
        earlier: Callable[[], Iterable[Path]] = lambda: (),
    ):
        """``targets`` returns the distributions configured now, by id; it is asked
        in every round with work. ``errands`` is called first in every round: what
        others left for this thread to do. ``grace`` and ``clock`` are in seconds, as
        ``monotonic``, which nobody sets; ``jitter`` returns a number between 0 and 1.
        ``calls`` begins calls of the gateway: in a thread each (``InThreads``) or, for
        tests, in this one. ``lately`` is what this process knows of purges and answers. ``earlier`` returns the
        outboxes that other processes of the site may have left.
        """
        calls = InPlace() if calls is None else calls
        follow_up = FollowUp(lambda *what: self.gateway.look_up(*what), clock, calls)
        super().__init__(
            outbox, gateway, limits, notify, follow_up, calls, clock, monotonic, jitter
        )
        self.targets = targets
        self.intake = intake
        self.grace = grace
        self.lately = Lately(clock) if lately is None else lately
        self._errands = errands
        self._earlier = earlier
        self._adopt_at = 0.0
        # Distributions that probably have work, and those that wait
        self._busy: frozenset[str] = frozenset()
        self._waiting: frozenset[str] = frozenset()
        # The targets when there was work last: they are costly to ask for.
        self._known: Mapping[str, Target] = {}
        self._learning = Learning(outbox, self.lately)
        # Nothing waits for a window or a status when the process ends.
        self.is_draining = False
        # In how many seconds something can be sent; infinite if there is nothing.
        self.sendable_in = 0.0
        self._polled_at = -math.inf
        self._poll_in = 0.0
        self._recover_at = 0.0
        self._tidy_at = 0.0
        # What was remembered of a damage when it was followed up last, and for what
        self._damage: tuple[tuple[str, int], set[str]] = (("", 0), set())
        # Whether the last round could not use the outbox, because others were writing
        self._was_busy = False

    def round(self) -> float:
        """Do what can be done now; return in how many seconds to come again."""
        try:
            self._errands()
            rest = self._bring_in()
            if rest > 0:
                return rest
            self._polled_at = self._clock()
            self._was_busy = False
            poll = self._poll()
            if self._purge_missed(poll):
                return 0.0
            if self.is_draining:
                self.sendable_in = self._sendable_in(poll)
            self._tidy()
            self._poll_in = self._serve_all(poll) if poll.backlogs else LONGEST_IDLE
            return self._poll_in
        except OutboxUnavailable as error:
            # Somebody else who writes for a moment is no trouble.
            if not error.is_busy or self._was_busy:
                self.notices.log_once(
                    logging.ERROR, "outbox", f"The outbox cannot be used: {error}."
                )
            self._was_busy = error.is_busy
            return LONGEST_IDLE

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Finish the calls in flight, waiting for them at most ``seconds`` in all, and
        end the claims, so that another courier need not wait for them. What has no
        answer by then stays frozen, and is repeated unchanged.
        """
        if self.intake is not None:
            self.intake.retry()  # what is in memory only would be lost
        self._finish_calls(seconds)
        self.give_up_claims()

    def give_up_claims(self) -> None:
        """Let other couriers have what this one claims. Any thread may call this."""
        claimed, self._claimed_until = self._claimed_until, {}
        try:
            for distribution in claimed:
                self.outbox.give_up(distribution)
        except OutboxUnavailable as error:
            logger.warning("Claims could not be released and will expire: %s.", error)

    def _finish_calls(self, seconds: float) -> None:
        end = self._monotonic() + seconds
        try:
            while self._flights and (rest := end - self._monotonic()) > 0:
                poll = self.outbox.poll(self._busy, self.limits.batch, math.inf)
                self._land_all(poll.backlogs, rest)
        except OutboxUnavailable as error:
            logger.warning(
                "CloudFront will be asked again for pending answers: %s.", error
            )
        self._flights = {}
        # Programs that they wait for must not outlive this process.
        self.calls.give_up()

    # --- what there is to do ----------------------------------------------------------

    def _bring_in(self) -> float:
        """Bring in what was handed over, or return how long it may stay in memory, where
        more joins it until the window ends. It is in the outbox all the same: prepared.
        """
        handed_over = self.intake.handed_over() if self.intake else None
        if self.intake is None or handed_over is None:
            return 0.0
        self._busy |= handed_over.distributions
        rest = self._rest(handed_over)
        if rest <= 0:
            self.intake.retry()
        return rest

    def _rest(self, handed_over: HandedOver) -> float:
        now = self._clock()
        rested = now - self._polled_at
        if handed_over.is_urgent or self.is_draining or not 0 <= rested <= LONGEST_IDLE:
            return 0.0
        targets = self._known = self.targets()
        found = [targets[each] for each in handed_over.distributions if each in targets]
        for target in found:
            if (
                target.distribution not in self._waiting
                and target.credentials[0] not in self._warm
            ):
                # boto3's cold start takes as long as the window: use it.
                self._warm_up(target)
        window = min((target.window for target in found), default=0.0)
        due = handed_over.since + window
        if self._poll_in < LONGEST_IDLE or window > LONGEST_IDLE:
            due = min(due, self._polled_at + self._poll_in)
        return 0.0 if has_come(due, now, window) else due - now

    def _sendable_in(self, poll: Poll) -> float:
        now = self._clock()
        targets = self.targets() if poll.backlogs else {}
        return min(
            (
                max(0.0, each.memo.waiting.until - now) if each.memo.waiting else 0.0
                for each in poll.backlogs
                if each.distribution in targets
                and (each.pending or each.frozen)
                and not each.is_claimed
            ),
            default=math.inf,
        )

    def _poll(self) -> Poll:
        now = self._clock()
        recover_every = min(10.0, self.grace)
        recover = has_come(self._recover_at, now, recover_every)
        if recover:
            self._recover_at = now + recover_every
            self._adopt(now)
        most = 2 * self.limits.batch
        grace = self.grace if recover else math.inf
        poll = self.outbox.poll(self._busy, most, grace, self._learning.newest)
        again = self._learning.learn(poll)
        if poll.is_due or poll.is_abandoned or again:
            self.outbox.release_due()
            if poll.is_abandoned:
                self._release_abandoned()
            poll = self.outbox.poll(self._busy, most, math.inf, self._learning.newest)
            self._learning.learn(poll)
        self._busy = frozenset(b.distribution for b in poll.backlogs if b.pending)
        self._waiting = frozenset(
            b.distribution for b in poll.backlogs if b.memo.waiting is not None
        )
        return poll

    def _adopt(self, now: float) -> None:
        is_time = has_come(self._adopt_at, now, ADOPT_EVERY)
        if is_time:
            self._adopt_at = now + ADOPT_EVERY
        self.outbox.adopt(self._earlier() if is_time else ())

    def _release_abandoned(self) -> None:
        released = self.outbox.release_abandoned(self.grace)
        if released:
            logger.warning(
                "Released %s in doubt: a process ended before it was known whether "
                "its transaction was committed. Purging more than necessary is "
                "harmless.",
                counted(released, "item"),
            )

    def _purge_missed(self, poll: Poll) -> int:
        """Purge whole what this courier serves, if the outbox was damaged."""
        # What was switched on since then is served now, too.
        if not poll.damage[0] or self._damage == (poll.damage, {*self._known}):
            return 0
        targets = self._known = self.targets()
        missed = self.outbox.purge_missed(targets)
        if targets and not missed:
            self._damage = (poll.damage, {*targets})
        return missed

    def _tidy(self) -> None:
        now = self._clock()
        if has_come(self._tidy_at, now, TIDY_EVERY):
            self._tidy_at = now + TIDY_EVERY
            self.outbox.tidy(KEEP_HISTORY, self._history_seconds())
            self.follow_up.tidy(TIDY_EVERY)

    def _history_seconds(self) -> float | None:
        """Return how long the history is kept; None until a target was known."""
        days = [target.history_days for target in self._known.values()]
        return 86400.0 * max(days) if days else None

    def _serve_all(self, poll: Poll) -> float:
        targets = self._known = self.targets()
        backlogs = sorted(
            poll.backlogs, key=lambda each: self._sent.get(each.distribution, 0)
        )
        again = min(self._serve(each, targets, poll) for each in backlogs)
        if self._flights and again > 0 and self._land_all(backlogs, PATIENCE):
            again = 0.0
        # After the sending, which must not wait for it.
        return min(again, *(self._follow_up(each, targets) for each in backlogs))

    # --- one distribution -------------------------------------------------------------

    def _serve(
        self, backlog: Backlog, targets: Mapping[str, Target], poll: Poll
    ) -> float:
        distribution = backlog.distribution
        target = targets.get(distribution)
        work = backlog.work
        if target is None:
            if (work.ready or work.frozen) and not is_served(backlog, self._clock()):
                self.notices.log_once(
                    logging.WARNING,
                    f"unknown {distribution}",
                    f"Keeping {counted(work.ready + work.frozen, 'item')} for "
                    f"{distribution}: purging is not enabled for this distribution in "
                    "any site, and no other process serves it.",
                )
            return LONGEST_IDLE
        try:
            return self._serve_target(backlog, work, target, poll)
        except ClaimLost as error:
            logger.info("%s: %s", distribution, error)
        except MemoryChanged:
            return 0.0  # another courier was faster: look again
        except OutboxUnavailable:
            raise
        except Exception:
            # Whatever it is, the other distributions and the thread must go on.
            logger.exception("Purging %s failed. Trying again.", distribution)
        return LONGEST_IDLE

    def _serve_target(
        self, backlog: Backlog, work: Work, target: Target, poll: Poll
    ) -> float:
        if backlog.distribution in self._flights:
            return IN_FLIGHT
        due = self._send_due(work, target, self._clock())
        if due <= 0:
            return self._deliver(backlog, target, poll)
        if (
            backlog.pending
            and backlog.memo.waiting is None
            and due <= target.window
            and target.credentials[0] not in self._warm
        ):
            # boto3's cold start takes as long as the window: use it. Not while
            # waiting: the next try must look for credentials again, then.
            self._warm_up(target)
        return due

    def _send_due(self, work: Work, target: Target, now: float) -> float:
        if not (work.ready or work.frozen):
            return LONGEST_IDLE
        if work.waiting is not None and not has_come(
            work.waiting.until, now, LONGEST_TRANSIENT
        ):
            return min(work.waiting.until - now, LONGEST_IDLE)
        if work.frozen or work.urgent or work.oldest is None or self.is_draining:
            return 0.0
        due = work.oldest + target.window
        # A window that is yet to begin began before the clock was set back.
        return due - now if now < due <= now + target.window else 0.0

    # --- following up -----------------------------------------------------------------

    def _follow_up(self, backlog: Backlog, targets: Mapping[str, Target]) -> float:
        target = targets.get(backlog.distribution)
        if target is None or not backlog.in_progress or backlog.is_claimed:
            return LONGEST_IDLE
        if self.is_draining:
            return LONGEST_IDLE
        due = self.follow_up.due_in(backlog.in_progress, self._clock())
        if due is not None and due <= 0:
            self.follow_up.start(backlog.in_progress, target.credentials)
            due = LONGEST_IDLE
        for look in self.follow_up.answers():
            self._looked_up(look)
        return LONGEST_IDLE if due is None else due

    def _looked_up(self, look: Look) -> None:
        settled, answer = look.settled, look.answer
        age = abs(self._clock() - settled.accepted)  # the clock may be set back
        if answer.outcome is Outcome.ACCEPTED:
            if answer.status != "InProgress" or age > FORGET_AFTER:
                self._completed(settled, answer.status)
        elif answer.outcome is Outcome.MISCONFIGURED and age > ASSUME_DONE:
            self.notices.log_once(
                logging.WARNING,
                f"status {settled.distribution}",
                f"{settled.distribution}: the status of invalidations cannot be read "
                f"({answer.reason}). Purging works. To see when invalidations are "
                "complete, allow cloudfront:GetInvalidation.",
            )
            self._completed(settled, "Unknown")
        elif age > FORGET_AFTER:
            self._completed(settled, "Unknown")

    def _completed(self, settled: Settled, status: str) -> None:
        completed = self.outbox.complete(settled, status)
        self.follow_up.done(settled)
        if completed is None:
            return  # another courier has told of it
        logger.debug("%s: %s %s", settled.distribution, settled.invalidation, status)
        self._notify_safely(InvalidationCompleted(completed))
