"""CloudFront's quotas: items in progress, and items per second."""

from collective.cloudfront.local.options import Options
from dataclasses import dataclass
from dataclasses import field

import heapq


# Tokens. We must not refuse a client that waits exactly as long as it must, only because
# of the last bit of a float: seconds since the epoch are exact to 2e-7, or 4e-5 paths.
_TOLERANCE = 1e-3


@dataclass(slots=True)
class Bucket:
    """A token bucket that starts full; rate and burst may change between calls."""

    spent: float = 0.0
    at: float = 0.0

    def level(self, now: float, rate: float, burst: float) -> float:
        """Return the tokens that are there at the time ``now``."""
        return burst - max(0.0, self.spent - max(0.0, now - self.at) * rate)

    def holds(self, amount: float, now: float, rate: float, burst: float) -> bool:
        """Could that many tokens be taken now?"""
        return amount <= self.level(now, rate, burst) + _TOLERANCE

    def take(self, amount: float, now: float, rate: float, burst: float) -> None:
        """Take tokens that :meth:`holds` said are there."""
        # Forget what the tolerance has lent, or the last bits would add up.
        self.spent = min(burst, burst - self.level(now, rate, burst) + amount)
        self.at = now


@dataclass(slots=True)
class DistributionQuota:
    """What a distribution has used of its quotas.

    Wildcards have quotas of their own; "paths" are exact paths and cache tags.
    """

    paths_bucket: Bucket = field(default_factory=Bucket)
    wildcards_bucket: Bucket = field(default_factory=Bucket)
    paths_in_progress: int = 0
    wildcards_in_progress: int = 0
    _running: list[tuple[float, int, int]] = field(default_factory=list)

    def refusal(
        self, paths: int, wildcards: int, now: float, options: Options
    ) -> str | None:
        """Say which quota a batch would exceed, or None. Takes nothing."""
        self.forget_completed(now)
        model = options.quota_model
        if model.limits_progress:
            if self.paths_in_progress + paths > options.paths_in_progress:
                return f"{self.paths_in_progress} paths are in progress"
            if self.wildcards_in_progress + wildcards > options.wildcards_in_progress:
                return f"{self.wildcards_in_progress} wildcards are in progress"
        if model.limits_rate:
            rate, burst = options.paths_per_second, options.paths_burst
            if paths and not self.paths_bucket.holds(paths, now, rate, burst):
                return f"more than {rate} paths per second"
            rate, burst = options.wildcards_per_second, options.wildcards_burst
            if wildcards and not self.wildcards_bucket.holds(
                wildcards, now, rate, burst
            ):
                return f"more than {rate} wildcards per second"
        return None

    def use(
        self, paths: int, wildcards: int, now: float, until: float, options: Options
    ) -> None:
        """Take what an accepted batch uses; it is in progress ``until`` then."""
        heapq.heappush(self._running, (until, paths, wildcards))
        self.paths_in_progress += paths
        self.wildcards_in_progress += wildcards
        if options.quota_model.limits_rate:
            self.paths_bucket.take(
                paths, now, options.paths_per_second, options.paths_burst
            )
            self.wildcards_bucket.take(
                wildcards, now, options.wildcards_per_second, options.wildcards_burst
            )

    def forget_completed(self, now: float) -> None:
        """Return what completed batches had in progress."""
        while self._running and self._running[0][0] <= now:
            _, paths, wildcards = heapq.heappop(self._running)
            self.paths_in_progress -= paths
            self.wildcards_in_progress -= wildcards

    @property
    def batches_in_progress(self) -> int:
        """Count the invalidations that are not completed."""
        return len(self._running)
