"""Following up: when CloudFront has completed what it accepted.

Look-ups are calls of their own, for which the sending never waits::

    accepted ──► 2 s ──► look ──► InProgress: 3 s, 4.5 s … 15 s ──► look again
                          ├──► Completed ──► the outbox, an event
                          └──► may not be read: after 30 s it counts as done

What cannot be looked up takes up no quota for longer than that either.
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.errors import timed_out
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.calls import Call
from collective.cloudfront.delivery.calls import Calls
from collective.cloudfront.delivery.calls import Done
from collective.cloudfront.delivery.calls import GivenUp
from collective.cloudfront.delivery.calls import NoThread
from collective.cloudfront.outbox.values import Settled
from dataclasses import dataclass

import logging


logger = logging.getLogger("collective.cloudfront")

#: After this (seconds) an invalidation whose status cannot be read counts as done.
#: CloudFront completes in under 25 s (P95), and quota must not wait for ever.
ASSUME_DONE = 30.0
#: CloudFront completes in under 25 s (P95): after these many seconds we look.
FIRST_LOOK = 2.0
LONGEST_LOOK = 15.0
LONGEST_WAIT = 31.0
#: While a backlog waits for the end of the oldest one, we look this often (seconds).
SOON = 0.5
#: How many invalidations of a distribution are looked up in one go.
LOOKS_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What CloudFront answered about an invalidation."""

    settled: Settled
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Looking:
    """A call that looks up what is due, and what it has found so far."""

    call: Call[None] | Done[None]
    due: list[Settled]
    looks: list[Look]


class FollowUp:
    """Looks up invalidations in progress, a few of a distribution in one call."""

    def __init__(
        self,
        look_up: Callable[[str, Sequence[Credentials], str], Answer],
        clock: Callable[[], float],
        calls: Calls,
    ):
        """``look_up`` is that of a gateway. ``clock`` returns Unix seconds."""
        self.calls = calls
        self._look_up = look_up
        self._clock = clock
        # By reference: when to look next, and the delay to the look after it.
        self._next: dict[str, tuple[float, float]] = {}
        # By reference: up to which age (seconds) CloudFront certainly works on it
        self._running: dict[str, float] = {}
        # By distribution: the call under way
        self._calls: dict[str, _Looking] = {}

    def due_in(self, in_progress: Sequence[Settled], now: float) -> float | None:
        """Return in how many seconds there is something to look up; None for never."""
        looks = [self._when(settled)[0] for settled in in_progress[:LOOKS_AT_ONCE]]
        if any(has_come(when, now, LONGEST_WAIT) for when in looks):
            return 0.0
        return min((when - now for when in looks), default=None)

    def soon(self, in_progress: Sequence[Settled]) -> None:
        """Look at the oldest invalidation soon: what it takes up is waited for."""
        for settled in in_progress[:1]:
            when, _delay = self._when(settled)
            soon = self._clock() + SOON
            self._next[settled.reference] = (min(when, soon), SOON)

    def start(
        self, in_progress: Sequence[Settled], credentials: Sequence[Credentials]
    ) -> None:
        """Look up what is due, in order: CloudFront completes them about in order, and
        GetInvalidation has an unpublished rate of its own.
        """
        now = self._clock()
        due = [
            settled
            for settled in in_progress[:LOOKS_AT_ONCE]
            if has_come(self._when(settled)[0], now, LONGEST_WAIT)
        ]
        if not due or due[0].distribution in self._calls:
            return
        looks: list[Look] = []

        def look() -> None:
            for settled in due:
                answer = self._look_up(
                    settled.distribution, credentials, settled.invalidation
                )
                looks.append(Look(settled, answer))

        distribution = due[0].distribution
        try:
            call = self.calls.begin(f"look up {distribution}", look)
        except NoThread as error:
            logger.debug("Invalidations are looked up later: %s", error)
            return
        self._calls[distribution] = _Looking(call, due, looks)
        for settled in due:
            delay = min(self._when(settled)[1] * 1.5, LONGEST_LOOK)
            self._next[settled.reference] = (now + delay, delay)

    def answers(self) -> list[Look]:
        """Return what was answered since it was asked last."""
        # Nobody else may begin a call, or wait for one, for a long time
        self.calls.give_up_late()
        found: list[Look] = []
        for distribution, looking in list(self._calls.items()):
            if looking.call.is_over:
                del self._calls[distribution]
                found += _looks_of(looking)
        for look in found:
            self._note(look)
        return found

    def that_take_quota(self, in_progress: Sequence[Settled]) -> tuple[Settled, ...]:
        """Return what CloudFront may still work on. Where nobody can tell, the quota must
        not wait for it.
        """
        return tuple(filter(self._takes_quota, in_progress))

    def _takes_quota(self, settled: Settled) -> bool:
        since = abs(self._clock() - settled.accepted)  # the clock may be set back
        return since <= max(ASSUME_DONE, self._running.get(settled.reference, 0.0))

    def done(self, settled: Settled) -> None:
        """Forget an invalidation that is completed."""
        self._next.pop(settled.reference, None)
        self._running.pop(settled.reference, None)

    def tidy(self, older_than: float) -> None:
        """Forget what other couriers have completed; in seconds."""
        limit = self._clock() - older_than
        self._next = {
            reference: (when, delay)
            for reference, (when, delay) in self._next.items()
            if when > limit
        }
        self._running = {
            reference: age
            for reference, age in self._running.items()
            if reference in self._next
        }

    def _note(self, look: Look) -> None:
        """Note what is to be concluded from an answer for the next look."""
        settled, answer = look.settled, look.answer
        if answer.outcome is Outcome.ACCEPTED:
            age = abs(self._clock() - settled.accepted)
            self._running[settled.reference] = age + 2 * LONGEST_LOOK
        elif answer.outcome is Outcome.MISCONFIGURED:
            # Asking again changes nothing: it is looked at once more, when it is done.
            done = (settled.accepted + ASSUME_DONE + SOON, LONGEST_LOOK)
            self._next[settled.reference] = max(self._when(settled), done)

    def _when(self, settled: Settled) -> tuple[float, float]:
        default = (settled.accepted + FIRST_LOOK, FIRST_LOOK)
        return self._next.setdefault(settled.reference, default)


def _looks_of(looking: _Looking) -> list[Look]:
    looks = list(looking.looks)
    try:
        looking.call.result()
    except GivenUp:
        late = timed_out(sent=True)
        looks += [Look(settled, late) for settled in looking.due[len(looks) :]]
    except Exception:
        # It is tried again: a status is for people, and for quota.
        logger.exception("Looking up an invalidation failed.")
    return looks


def has_come(when: float, now: float, longest: float) -> bool:
    """Say whether it is time for what was to happen within ``longest`` seconds.

    What is further away was planned before the clock was set back, and is due.
    """
    return not now < when <= now + longest
