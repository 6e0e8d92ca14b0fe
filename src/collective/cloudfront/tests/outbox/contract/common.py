"""What all parts of the contract suite need."""

from collections.abc import Callable
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import UNKNOWN
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.tests.outbox.clock import Clock
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Protocol

import pytest
import time


E1 = "E1"
E2 = "E2"
LIMITS = Limits()
PACE = Pace(Bucket(900.0, 5.0), Bucket(14.0, 5.0), 2.0)
#: Longer than any test.
LONG = 1e12


class Engine(Protocol):
    """How the contract gets at an engine."""

    url: str

    def open(self, clock: Callable[[], float]) -> Outbox:
        """Return one more user of the outbox."""


def entries(*items: str, distribution: str = E1) -> list[Entry]:
    return [Entry(distribution, item) for item in items]


def ready(outbox: Outbox, distribution: str = E1) -> list[str]:
    return [pending.item for pending in outbox.pending(distribution, 10_000)]


def frozen(outbox: Outbox, *items: str, reference: str = "r1") -> Batch:
    """Release and freeze ``items``, with the claim that it needs."""
    outbox.release("", entries(*items))
    assert outbox.claim(E1, 60)
    return outbox.freeze(E1, reference, items)


def site(distribution: str = E1, item: str = "/*") -> Entry:
    """Return an entry that is coalesced for 300 seconds."""
    return Entry(distribution, item, every=300.0)


def caused(text: str) -> Cause:
    """Return a cause that is one name."""
    return Cause(names=(text,), count=1) if text else UNKNOWN


def lines(causes: Causes) -> tuple[str, ...]:
    """Return causes as people read them."""
    return tuple(map(str, causes.known))


def dues(outbox: Outbox) -> list[tuple[str, float]]:
    return [(each.item, each.due) for each in outbox.scheduled(10_000)]


def work(outbox: Outbox, distribution: str = E1):
    return {work.distribution: work for work in outbox.work()}[distribution]


def settle(outbox: Outbox, *items: str, reference: str = "r1"):
    """Freeze and settle ``items``, which are ready."""
    assert outbox.claim(E1, 60)
    batch = outbox.freeze(E1, reference, items)
    assert batch.items == items
    return outbox.settle(batch, "I")


def action(identifier: str, **how: Any) -> PurgeRequest:
    plain = PurgeRequest(identifier, 5.0, "jane", "reason", ("/a",), (E1,))
    return replace(plain, **how)


def wait(
    outbox: Outbox,
    distribution: str = E1,
    *,
    reason: str = "reason",
    paused: bool = False,
    until: float,
):
    return outbox.wait(
        distribution,
        reason=plain(reason),
        advice=plain("advice"),
        paused=paused,
        until=until,
    )


def patiently(action: Callable[[], None]) -> None:
    """Do what an intake does for a save: try until the outbox takes it."""
    for _ in range(100):
        try:
            action()
        except OutboxUnavailable:
            time.sleep(0.01)
        else:
            return
    raise AssertionError("The outbox was busy for too long.")


def deliver_once(courier: Outbox) -> bool:
    """Claim and send one batch; say whether there was something to send."""
    if not courier.claim(E1, 60):
        return True
    items = ready(courier)[:50]
    if items:
        courier.freeze(E1, f"r-{items[0]}-{time.perf_counter_ns()}", items)
    batches = courier.frozen(E1)
    for batch in batches:
        courier.settle(batch, "I")
    courier.give_up(E1)
    return bool(batches)


class Opened:
    """An outbox, opened twice."""

    make_engine: Callable[[Path], Engine]

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return self.make_engine(tmp_path)

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def outbox(self, engine: Engine, clock: Clock) -> Outbox:
        return engine.open(clock)

    @pytest.fixture
    def other(self, engine: Engine, clock: Clock) -> Outbox:
        """Another courier's."""
        return engine.open(clock)
