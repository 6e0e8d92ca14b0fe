"""Pacing: CloudFront's quotas and API rate, and how many items they allow now.

Two quota models are documented, an older (items *in progress* per distribution)
and a newer (items *per second* per distribution), and nobody outside AWS knows
which one a distribution is under. We stay inside both, and shrink further when
CloudFront refuses nevertheless.
"""

from collective.cloudfront.planning.cover import Allowance
from collective.cloudfront.planning.cover import Plan
from collective.cloudfront.planning.items import wildcards_of
from dataclasses import dataclass
from dataclasses import replace


#: How far apart the clocks of machines that share an outbox may be, in seconds.
CLOCKS_APART = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Quotas, each with its source.

    Rates are items or calls per second, bursts and counts are numbers of them.
    """

    #: CloudFront quotas until 2026: file paths, and wildcards, in progress.
    exact_in_progress: int = 3000
    wildcards_in_progress: int = 15
    #: CloudFront quotas since mid-2026: paths or tags, and wildcards, per second.
    exact_rate: float = 150.0
    wildcard_rate: float = 1.0
    #: Unpublished. A batch of 1,000 is known to be safe, and so is using up the
    #: older model's wildcards at once.
    exact_burst: float = 1000.0
    wildcard_burst: float = 15.0
    #: Unpublished; AWS staff quoted these for CreateInvalidation per account.
    call_rate: float = 0.5
    call_burst: float = 6.0
    #: CloudFront takes 3,000 items a request; 1,000 is the safe batch.
    batch: int = 1000
    #: Ours: more names than this in one folder become the folder's wildcard, fewer
    #: when this month's budget is used up. So many wildcards may wait for quota, which
    #: lets one out in a second; more are merged.
    siblings: int = 8
    siblings_over_budget: int = 2
    wildcards: int = 5


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket, as a value: ``tokens`` were left at ``updated`` (seconds)."""

    tokens: float
    updated: float

    def filled(self, now: float, rate: float, burst: float) -> "Bucket":
        """Return the bucket as it stands at ``now``.

        A clock that was set back must not empty or overfill it, and rounding must
        not make it fuller than CloudFront's own.
        """
        gained = max(0.0, now - self.updated) * rate * (1 - 1e-6)
        return Bucket(min(burst, self.tokens + gained), now)

    def taken(self, count: float) -> "Bucket":
        """Return the bucket with ``count`` tokens fewer (may go below zero)."""
        return replace(self, tokens=self.tokens - count)


@dataclass(frozen=True, slots=True)
class Call:
    """Whether an API call is granted: ``wait`` is 0.0, or how many seconds to wait.

    ``bucket`` is what the account has left now.
    """

    bucket: Bucket
    wait: float


def take_call(before: Bucket | None, now: float, limits: Limits) -> Call:
    """Take one call out of the account's bucket, which several machines share.

    The law, held by ``tests/planning/test_pacing.py``: in no interval more calls are
    granted than ``call_burst`` and ``call_rate`` allow, also where the clocks of
    machines differ by up to ``CLOCKS_APART``. One that is further behind was set back,
    and the bucket fills from its time on.
    """
    before = before or Bucket(limits.call_burst, now)
    behind = before.updated - now
    if not 0 < behind <= CLOCKS_APART:
        behind = 0.0
    bucket = before.filled(now + behind, limits.call_rate, limits.call_burst)
    if bucket.tokens >= 1:
        return Call(bucket.taken(1), 0.0)
    return Call(bucket, behind + (1 - bucket.tokens) / limits.call_rate)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a distribution has used of its quotas, and what refusals taught us.

    ``shrink`` divides every quota: 1 until CloudFront refuses, doubled by each
    refusal, lowered again by each acceptance.
    """

    exact: Bucket
    wildcards: Bucket
    shrink: float = 1.0

    @classmethod
    def fresh(cls, now: float, limits: Limits) -> "Pace":
        """Return the pace of a distribution that nothing was sent to yet."""
        return cls(
            exact=Bucket(limits.exact_burst, now),
            wildcards=Bucket(limits.wildcard_burst, now),
        )

    def allowance(
        self, now: float, in_progress: Allowance, limits: Limits
    ) -> Allowance:
        """Return how many items may be sent at ``now``.

        ``in_progress`` counts what CloudFront has accepted and not completed.
        """
        exact = self.exact.filled(now, limits.exact_rate, limits.exact_burst)
        wildcards = self.wildcards.filled(
            now, limits.wildcard_rate, limits.wildcard_burst
        )
        return Allowance(
            exact=self._share(
                min(exact.tokens, limits.batch),
                limits.exact_in_progress,
                in_progress.exact,
            ),
            wildcards=self._share(
                wildcards.tokens, limits.wildcards_in_progress, in_progress.wildcards
            ),
        )

    def _share(self, tokens: float, quota: int, used: int) -> int:
        room = min(tokens / self.shrink, quota / self.shrink - used)
        if used == 0 and tokens >= 1:
            room = max(room, 1)  # however small the quota, one at a time must go
        return max(0, int(room))

    def reserved(self, now: float, sent: Allowance, limits: Limits) -> "Pace":
        """Return the pace after ``sent`` was set aside at ``now``, to be sent."""
        exact = self.exact.filled(now, limits.exact_rate, limits.exact_burst)
        wildcards = self.wildcards.filled(
            now, limits.wildcard_rate, limits.wildcard_burst
        )
        return replace(
            self,
            exact=exact.taken(sent.exact),
            wildcards=wildcards.taken(sent.wildcards),
        )

    def returned(self, sent: Allowance) -> "Pace":
        """Return the pace after ``sent``, which was reserved, was definitely refused."""
        return replace(
            self,
            exact=self.exact.taken(-sent.exact),
            wildcards=self.wildcards.taken(-sent.wildcards),
        )

    def accepted(self) -> "Pace":
        """Return the pace after CloudFront accepted what was reserved."""
        return replace(self, shrink=max(1.0, self.shrink * 0.9))

    def over_quota(self) -> "Pace":
        """Return the pace after CloudFront said "too many in progress"."""
        return replace(self, shrink=min(self.shrink * 2, 1024.0))

    def at(self, now: float, limits: Limits) -> "Pace":
        """Return the pace for a clock that shows ``now``. If that was set back, the
        quotas fill again from now on.
        """
        if self.exact.updated <= now:
            return self
        return self.reserved(now, Allowance(0, 0), limits)


def worth_waiting(plan: Plan, pace: Pace, limits: Limits) -> bool:
    """Say whether a larger batch should be awaited instead of sending ``plan``.

    Calls are the scarcer good: at 0.5 calls and 150 items a second a backlog
    drains at the full rate only if each call carries 300 items. So a backlog waits
    until a call's worth of quota is there, while a small rest goes at once, and
    exact paths and wildcards never wait for each other.
    """
    if not plan.throttled or wildcards_of(plan.items):
        return False
    full_call = min(
        limits.exact_rate / limits.call_rate,
        limits.batch,
        limits.exact_burst,
        limits.exact_in_progress,
    )
    return len(plan.items) < int(full_call / pace.shrink)
