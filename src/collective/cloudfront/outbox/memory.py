"""Claims, and the small values that couriers share."""

from collective.cloudfront.outbox.messages import as_message
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.owner import is_known_dead
from collective.cloudfront.outbox.session import CALLS
from collective.cloudfront.outbox.session import Memo
from collective.cloudfront.outbox.session import memo_from_json
from collective.cloudfront.outbox.session import OF_DISTRIBUTION
from collective.cloudfront.outbox.session import Part
from collective.cloudfront.outbox.session import Remembered
from collective.cloudfront.outbox.session import remembered
from collective.cloudfront.outbox.session import Session
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.pacing import take_call
from dataclasses import replace


class ClaimLost(Exception):
    """Another courier has taken over this distribution; stop working on it."""


def is_claimed_by_other(memo: Memo, owner: str, now: float) -> bool:
    """Say whether a distribution is claimed by somebody else, who may be alive."""
    return (
        memo.owner is not None
        and memo.owner != owner
        and now < memo.until
        and not is_known_dead(memo.owner, owner)
    )


def require_claim(session: Session, distribution: str, owner: str) -> Memo:
    """Return what is remembered of a distribution; raises ``ClaimLost``."""
    memo = session.memo(distribution)
    if memo.owner != owner:
        raise ClaimLost(f"Another courier works on {distribution}.")
    return memo


def call_wait(value: list[float] | None, now: float, limits: Limits) -> float:
    """Return how long a call would have to wait, in seconds."""
    return take_call(Bucket(*value) if value else None, now, limits).wait


class StoredClaims(Part):
    """See ``contract.Claims``."""

    def claim(self, distribution: str, seconds: float) -> bool:
        """See ``contract.Claims``."""
        now = self.clock()
        with self._change() as session:
            memo = session.memo(distribution)
            if is_claimed_by_other(memo, self.owner, now):
                return False
            session.keep_memo(
                distribution, replace(memo, owner=self.owner, until=now + seconds)
            )
        return True

    def give_up(self, distribution: str) -> None:
        """See ``contract.Claims``."""
        with self._change() as session:
            memo = session.memo(distribution)
            if memo.owner == self.owner:
                session.keep_memo(distribution, replace(memo, owner=None, until=0.0))


class StoredMemory(Part):
    """See ``contract.Memory``."""

    def pace(self, distribution: str) -> Pace | None:
        """See ``contract.Memory``."""
        return self._memo(distribution).pace

    def keep_pace(self, distribution: str, pace: Pace) -> None:
        """See ``contract.Memory``."""
        with self._change() as session:
            memo = session.memo(distribution)
            session.keep_memo(distribution, replace(memo, pace=pace))

    def take_call(self, limits: Limits) -> float:
        """See ``contract.Memory``."""
        with self._change() as session:
            stored = session.recall(CALLS)
            # Under the lock: in the order of taking, time must not run backwards.
            before = Bucket(*stored) if stored else None
            call = take_call(before, self.clock(), limits)
            # One that is refused need not be written, but if the clock was set back.
            if not call.wait or (before and call.bucket.updated < before.updated):
                session.keep(CALLS, [call.bucket.tokens, call.bucket.updated])
        return call.wait

    def spend_calls(self) -> None:
        """See ``contract.Memory``."""
        with self._change() as session:
            session.keep(CALLS, [0.0, self.clock()])

    def wait(
        self,
        distribution: str,
        *,
        reason: Message,
        advice: Message,
        paused: bool,
        until: float,
    ) -> Waiting:
        """See ``contract.Memory``."""
        with self._change() as session:
            memo = session.memo(distribution)
            before = memo.waiting
            waiting = Waiting(
                distribution=distribution,
                reason=as_message(reason),
                advice=as_message(advice),
                paused=paused,
                since=before.since if before else self.clock(),
                until=until,
                attempts=before.attempts + 1 if before else 1,
            )
            session.keep_memo(distribution, replace(memo, waiting=waiting))
        return waiting

    def resume(self, distribution: str | None = None) -> None:
        """See ``contract.Memory``."""
        with self._change() as session:
            if distribution is not None:
                distributions = [distribution]
            else:
                (rows,) = session.rows.read(memo_scan())
                distributions = [row.name[len(OF_DISTRIBUTION) :] for row in rows]
            for each in distributions:
                memo = session.memo(each)
                if memo.waiting is not None:
                    waiting = replace(memo.waiting, until=0.0)
                    session.keep_memo(each, replace(memo, waiting=waiting))

    def _memo(self, distribution: str) -> Memo:
        name = OF_DISTRIBUTION + distribution
        with self._look() as rows:
            found = remembered(rows.get(MEMORY, [(name,)]))
        return memo_from_json(distribution, found.get(name, Remembered()).value)


def memo_scan() -> Scan:
    """Return the scan that finds what is remembered of all distributions."""
    return Scan(
        MEMORY, order=("name",), since=OF_DISTRIBUTION, below=OF_DISTRIBUTION + "\uffff"
    )
