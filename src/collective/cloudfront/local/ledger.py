"""What the control plane remembers of one distribution or tenant."""

from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.quotas import DistributionQuota
from collective.cloudfront.local.records import Call
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.local.records import Page
from dataclasses import dataclass
from dataclasses import field


@dataclass(slots=True)
class Ledger:
    """The invalidations of one distribution, and what counts against its quota."""

    quota: DistributionQuota = field(default_factory=DistributionQuota)
    by_id: dict[str, Invalidation] = field(default_factory=dict)
    by_reference: dict[str, Invalidation] = field(default_factory=dict)

    def add(self, invalidation: Invalidation, history: int) -> None:
        """Add an invalidation; keep the latest ``history``, and at least one."""
        self.by_id[invalidation.id] = invalidation
        self.by_reference[invalidation.caller_reference] = invalidation
        while len(self.by_id) > max(1, history):
            oldest = self.by_id.pop(next(iter(self.by_id)))
            del self.by_reference[oldest.caller_reference]

    def get(self, call: Call, now: float) -> Invalidation:
        """Return the invalidation that a call asks for, or raise ApiError."""
        if call.invalidation not in self.by_id:
            raise ApiError.of(
                "NoSuchInvalidation", "The specified invalidation does not exist."
            )
        return self.by_id[call.invalidation].seen_at(now)

    def page(self, call: Call, now: float) -> Page:
        """Return the part of the list that a call asks for, or raise ApiError."""
        if call.marker and call.marker not in self.by_id:
            raise ApiError.of("InvalidArgument", "The Marker is not an invalidation.")
        if call.max_items < 1:
            raise ApiError.of("InvalidArgument", "MaxItems is a number above 0.")
        before = self.by_id[call.marker].number if call.marker else float("inf")
        older = [i for i in reversed(self.by_id.values()) if i.number < before]
        page = tuple(i.seen_at(now) for i in older[: call.max_items])
        more = len(older) > len(page)
        return Page(page, call.marker, page[-1].id if more else "", call.max_items)

    def progress(self, now: float) -> dict[str, int]:
        """Return the numbers of what is in progress, fit for JSON."""
        self.quota.forget_completed(now)
        return {
            "invalidations": len(self.by_id),
            "batches_in_progress": self.quota.batches_in_progress,
            "paths_in_progress": self.quota.paths_in_progress,
            "wildcards_in_progress": self.quota.wildcards_in_progress,
        }
