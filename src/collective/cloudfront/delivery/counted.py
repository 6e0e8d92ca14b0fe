"""Counts what a courier does, from outside: its calls, and the events that it raises.

A courier that is not watched knows nothing of it.
"""

from collections.abc import Sequence
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Gateway
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.events import InvalidationAccepted
from collective.cloudfront.delivery.events import InvalidationCompleted
from collective.cloudfront.delivery.events import InvalidationFailed
from collective.cloudfront.metrics.counts import Counts


def count(courier: Courier, counts: Counts) -> None:
    """Count what a courier does from now on."""
    if courier.intake is not None:
        intake = courier.intake
        counts.read_in_memory = lambda: intake.kept
    if not isinstance(courier.gateway, CountedGateway):
        courier.gateway = CountedGateway(courier.gateway, counts)
        courier.notify_too(lambda event: _count_event(counts, event))


class CountedGateway:
    """A gateway that counts the answers of another one."""

    def __init__(self, gateway: Gateway, counts: Counts):
        self._gateway = gateway
        self._counts = counts
        # The last reference for each distribution: to send it again is to repeat
        self._references: dict[str, str] = {}

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        """See ``Gateway``."""
        self._gateway.warm_up(credentials)

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        """See ``Gateway``."""
        if self._references.get(distribution) == reference:
            self._counts.retries.labels(distribution).inc()
        self._references[distribution] = reference
        answer = self._gateway.create(distribution, credentials, reference, items)
        outcome = answer.outcome.name.lower()
        self._counts.calls.labels(distribution, outcome).inc()
        return answer

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        """See ``Gateway``."""
        return self._gateway.look_up(distribution, credentials, invalidation)


def _count_event(counts: Counts, event: object) -> None:
    if isinstance(event, InvalidationAccepted):
        settled = event.settled
        name = settled.distribution
        counts.accepted_items.labels(name).inc(len(settled.items))
        seconds = max(0.0, settled.accepted - settled.since)
        counts.accepted_seconds.labels(name).observe(seconds)
    elif isinstance(event, InvalidationCompleted):
        settled = event.settled
        if settled.completed is not None and settled.status == "Completed":
            seconds = max(0.0, settled.completed - settled.since)
            counts.completed_seconds.labels(settled.distribution).observe(seconds)
    elif isinstance(event, InvalidationFailed) and not event.kept:
        counts.refused_items.labels(event.distribution).inc(len(event.items))
    counts.note_memory()
