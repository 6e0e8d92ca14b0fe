"""Following up: when CloudFront has completed what it accepted.

Looks are asked for beside the sending, which never waits for them::

    accepted ──► 2 s ──► look ──► InProgress: 3 s, 4.5 s … 15 s ──► look again
                          ├──► Completed ──► the outbox, an event
                          └──► may not be read: after 30 s it counts as done
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.outbox.values import Settled
from dataclasses import dataclass

import logging
import threading


logger = logging.getLogger("collective.cloudfront")

#: CloudFront completes in under 25 s (P95): after these many seconds we look.
FIRST_LOOK = 2.0
LONGEST_LOOK = 15.0
#: While a backlog waits for the end of the oldest one, we look this often (seconds).
SOON = 0.5
#: How many invalidations of a distribution are looked up in one go.
LOOKS_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What CloudFront answered about an invalidation."""

    settled: Settled
    answer: Answer


class FollowUp:
    """Looks up invalidations in progress, in ``run``: at once, or in a thread."""

    def __init__(
        self,
        look_up: Callable[[str, Sequence[Credentials], str], Answer],
        clock: Callable[[], float],
        run: Callable[[Callable[[], None]], bool],
    ):
        """``look_up`` is that of a gateway. ``run`` takes a job; it returns False if it is
        still busy with another one. ``clock`` returns Unix seconds.
        """
        self.run = run
        self._look_up = look_up
        self._clock = clock
        # By reference: when to look next, and the delay to the look after it.
        self._next: dict[str, tuple[float, float]] = {}
        self._answers: list[Look] = []

    def due_in(self, in_progress: Sequence[Settled], now: float) -> float | None:
        """Return in how many seconds there is something to look up; None for never."""
        looks = [self._when(settled)[0] for settled in in_progress[:LOOKS_AT_ONCE]]
        if any(has_come(when, now, LONGEST_LOOK) for when in looks):
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
            if has_come(self._when(settled)[0], now, LONGEST_LOOK)
        ]

        def look() -> None:
            for settled in due:
                answer = self._look_up(
                    settled.distribution, credentials, settled.invalidation
                )
                self._answers.append(Look(settled, answer))

        if due and self.run(look):
            for settled in due:
                delay = min(self._when(settled)[1] * 1.5, LONGEST_LOOK)
                self._next[settled.reference] = (now + delay, delay)

    def answers(self) -> list[Look]:
        """Return what was answered since it was asked last."""
        found, self._answers[:] = list(self._answers), []
        return found

    def done(self, settled: Settled) -> None:
        """Forget an invalidation that is completed."""
        self._next.pop(settled.reference, None)

    def tidy(self, older_than: float) -> None:
        """Forget what other couriers have completed; in seconds."""
        limit = self._clock() - older_than
        self._next = {
            reference: (when, delay)
            for reference, (when, delay) in self._next.items()
            if when > limit
        }

    def _when(self, settled: Settled) -> tuple[float, float]:
        default = (settled.accepted + FIRST_LOOK, FIRST_LOOK)
        return self._next.setdefault(settled.reference, default)


def at_once(job: Callable[[], None]) -> bool:
    """Do a job now."""
    job()
    return True


class Background:
    """Does one job at a time in a thread that does not outlive the process."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def __call__(self, job: Callable[[], None]) -> bool:
        """Begin a job; returns False if there is one already."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(
            target=self._do, args=(job,), name="cloudfront-follow-up", daemon=True
        )
        self._thread.start()
        return True

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            # It is tried again: a status is for people, and for quota.
            logger.exception("Looking up an invalidation failed.")


def has_come(when: float, now: float, longest: float) -> bool:
    """Say whether it is time for what was to happen within ``longest`` seconds.

    What is further away was planned before the clock was set back, and is due.
    """
    return not now < when <= now + longest
