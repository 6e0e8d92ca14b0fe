"""A courier, its outbox and its gateway, and a clock that all of them share."""

from collections.abc import Callable
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import ScriptedGateway
from collective.cloudfront.tests.outbox.clock import Clock
from pathlib import Path
from typing import Any

import os


#: Where files need no disk, if there is such a place: couriers are tested here, and
#: not that outboxes survive power cuts.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

#: Nothing is widened: what is released goes out as it is.
AS_IT_IS = Limits(siblings=1_000_000, wildcards=1_000_000)

#: Credentials that tests recognise.
KEY_PAIR = Credentials(access_key_id="AKIDSITE", secret_access_key="s")


class World:
    """Everything that a test of the courier needs, with plain names."""

    def __init__(self, folder: Path, gateway: Any = None, **options: Any):
        self.clock = self.make_clock()
        self.path = folder / "outbox.sqlite"
        self.gateway = gateway or ScriptedGateway(self.clock)
        self.options = options
        self.events: list[Any] = []
        self.targets = {E1: Target(E1)}
        self.outbox = self.open()
        self.courier = self.make_courier(self.outbox)

    def make_clock(self) -> Clock:
        """Return the clock of this machine."""
        return Clock()

    def open(self) -> SqliteOutbox:
        """Open the outbox once more, as another process would."""
        return SqliteOutbox(self.path, clock=self.clock)

    def make_courier(self, outbox: SqliteOutbox, **options: Any) -> Courier:
        options = {
            "notify": self.events.append,
            "jitter": lambda: 1.0,
            "limits": AS_IT_IS,
            "monotonic": self.clock.monotonic,
            **self.options,
            **options,
        }
        return Courier(
            outbox, self.gateway, lambda: self.targets, clock=self.clock, **options
        )

    def restart(self) -> None:
        """Let the process die where it is, and start another one."""
        self.outbox.end()
        self.outbox = self.open()
        self.courier = self.make_courier(self.outbox)

    def release(self, *items: str, distribution: str = E1) -> None:
        self.outbox.release("", [Entry(distribution, item) for item in items])

    def run(self, seconds: float) -> None:
        """Let the courier work as it asks to, for that long."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            delay = self.courier.round()
            assert delay >= 0
            self.clock.advance(min(max(delay, 0.01), end - self.clock.now))

    def run_until(self, done: Callable[[], bool], at_most: float = 100_000.0) -> float:
        """Let the courier work until something is so; return the seconds it took."""
        start = self.clock.now
        while not done():
            assert self.clock.now - start <= at_most, "It takes too long."
            self.clock.advance(max(self.courier.round(), 0.01))
        return self.clock.now - start

    def run_until_idle(self, at_most: float = 100_000.0) -> float:
        """Run until nothing is left to do; refused items may be."""
        return self.run_until(
            lambda: (
                not any(
                    each.pending or each.in_progress for each in self.outbox.work(1)
                )
            ),
            at_most,
        )

    def run_until_sent(self, at_most: float = 100_000.0) -> float:
        """Run until nothing is ready or frozen."""
        return self.run_until(
            lambda: not any(work.ready or work.frozen for work in self.outbox.work(1)),
            at_most,
        )

    def send_at_once(self) -> None:
        """Let the window of what is ready pass, and do one round."""
        self.clock.advance(1.0)
        self.courier.round()

    # --- what there is ------------------------------------------------------------

    def work(self, distribution: str = E1) -> Work:
        return {each.distribution: each for each in self.outbox.work()}[distribution]

    def waiting(self, distribution: str = E1) -> Waiting | None:
        return self.work(distribution).waiting

    def ready(self, distribution: str = E1) -> list[str]:
        return [pending.item for pending in self.outbox.pending(distribution, 100_000)]

    def frozen(self, distribution: str = E1) -> list[tuple[str, ...]]:
        return [batch.items for batch in self.outbox.frozen(distribution)]

    def quarantined(self) -> list[str]:
        return sorted(refused.item for refused in self.outbox.quarantined(100_000))

    def events_of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
