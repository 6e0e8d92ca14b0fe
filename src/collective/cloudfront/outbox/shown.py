"""Values of the outbox as JSON, for REST and the command line: the names are stable."""

from collections.abc import Callable
from collections.abc import Mapping
from collective.cloudfront.outbox.finding import distributions_of
from collective.cloudfront.outbox.finding import HistoryEntry
from collective.cloudfront.outbox.finding import items_of
from collective.cloudfront.outbox.finding import position_of
from collective.cloudfront.outbox.finding import state_of
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import Work
from datetime import datetime
from datetime import timezone
from typing import Any


def iso(timestamp: float | None) -> str | None:
    """Return a time as ISO 8601 in UTC."""
    if timestamp is None:
        return None
    return datetime.fromtimestamp(timestamp, timezone.utc).isoformat()


class Shown:
    """Makes JSON of values; times are ISO 8601, in UTC."""

    def __init__(
        self,
        say: Callable[[Message], str] = str,
        say_cause: Callable[[Cause], str] = str,
    ):
        """``say`` and ``say_cause`` return texts, in the language of who reads them."""
        self._say = say
        self._say_cause = say_cause

    def work(self, work: Work, billed: Mapping[str, int]) -> dict[str, Any]:
        """Show what there is to do for a distribution."""
        waiting = work.waiting
        return {
            "distribution": work.distribution,
            "waiting": work.ready + work.coalesced,
            "being_sent": work.frozen,
            "in_progress": work.in_progress,
            "billed_this_month": billed.get(work.distribution, 0),
            "trouble": waiting
            and {
                "reason": self._say(waiting.reason),
                "advice": self._say(waiting.advice),
                "paused": waiting.paused,
                "next_try": iso(waiting.until),
            },
        }

    def scheduled(self, each: Scheduled) -> dict[str, Any]:
        """Show what becomes ready later."""
        return {
            "distribution": each.distribution,
            "item": each.item,
            "due": iso(each.due),
            "cause": "; ".join(self._causes(each.causes)),
        }

    def quarantined(self, each: Quarantined) -> dict[str, Any]:
        """Show an item that CloudFront refuses."""
        return {
            "distribution": each.distribution,
            "item": each.item,
            "reason": self._say(each.reason),
            "refused": iso(each.quarantined),
        }

    def settled(self, each: Settled) -> dict[str, Any]:
        """Show an invalidation."""
        return {
            "invalidation": each.invalidation,
            "distribution": each.distribution,
            "items": list(each.items),
            "causes": self._causes(each.causes),
            "status": each.status,
            "committed": iso(each.since),
            "accepted": iso(each.accepted),
            "completed": iso(each.completed),
        }

    def entry(self, entry: HistoryEntry, now: float) -> dict[str, Any]:
        """Show an entry of the history as it is at ``now`` (Unix seconds)."""
        return {
            "time": iso(position_of(entry).time),
            "state": state_of(entry, now).value,
            "distributions": list(distributions_of(entry)),
            "items": list(items_of(entry)),
            **self._own(entry),
        }

    def _own(self, entry: HistoryEntry) -> dict[str, Any]:
        """Return what only entries of this kind have."""
        if isinstance(entry, PurgeRequest):
            return _of_request(entry)
        own = {"causes": self._causes(entry.causes), "committed": iso(entry.since)}
        if isinstance(entry, Quarantined):
            return {"type": "refused_item", **own, "reason": self._say(entry.reason)}
        return {**own, **_of_invalidation(entry)}

    def _causes(self, causes: Causes) -> list[str]:
        return [self._say_cause(each) for each in causes.known]


def request_as_json(each: PurgeRequest) -> dict[str, Any]:
    """Show what a person had purged."""
    return {
        "id": each.id,
        "time": iso(each.time),
        "user": each.user,
        "reason": each.reason,
        "items": list(each.items),
        "at": iso(each.due),
        "cancelled": iso(each.cancelled),
    }


def _of_request(request: PurgeRequest) -> dict[str, Any]:
    return {
        "type": "purge_by_hand",
        "id": request.id,
        "user": request.user,
        "reason": request.reason,
        "at": iso(request.due),
        "cancelled": iso(request.cancelled),
    }


def _of_invalidation(settled: Settled) -> dict[str, Any]:
    return {
        "type": "invalidation",
        "invalidation": settled.invalidation,
        "status": settled.status,
        "caller_reference": settled.reference,
        "accepted": iso(settled.accepted),
        "completed": iso(settled.completed),
    }
