"""A day in which everything goes wrong, at random from a seed, with a scaled clock."""

from collections import Counter
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.tests.delivery.gateways import DENIED
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.delivery.gateways import OVER_QUOTA
from collective.cloudfront.tests.delivery.gateways import REFUSED
from collective.cloudfront.tests.delivery.gateways import TAKEN
from collective.cloudfront.tests.delivery.gateways import THROTTLED
from collective.cloudfront.tests.delivery.gateways import TRANSIENT
from collective.cloudfront.tests.delivery.test_faults import LateCalls
from collective.cloudfront.tests.delivery.world import World
from collective.cloudfront.tests.profile import LONG
from dataclasses import replace

import logging
import pytest
import random


HOURS = 24 if LONG else 3
FATES = ("late", "lost", "stray", "unsent")


class Day:
    """Edits, answers of every kind, calls that hang and a clock that is set."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.world = World(folder)
        self.world.targets = {E1: Target(E1), E2: Target(E2)}
        self.clock = self.world.clock
        self.calls = LateCalls(self.clock)
        self.world.courier = self.world.make_courier(
            self.world.outbox, calls=self.calls
        )
        self.world.gateway.otherwise = self.answer
        self.released = []
        self.longest_round = 0.0

    def answer(self, call):
        gateway = self.world.gateway
        if call.reference in gateway.accepted or self.random.random() < 0.6:
            return gateway.accept(call)
        denied = replace(
            DENIED,
            reason=message("refused", error=f"AccessDenied at {self.clock.now}"),
            code="AccessDenied",
        )
        return self.random.choice(
            [THROTTLED, OVER_QUOTA, TRANSIENT, REFUSED, TAKEN, denied]
        )

    def live(self, hours):
        end = self.clock.monotonic() + 3600 * hours
        while self.clock.monotonic() < end:
            self.step()
        self.calls.fates.clear()
        self.world.gateway.otherwise = None
        self.world.outbox.resume()
        self.world.run_until_sent(7200)

    def step(self):
        if self.random.random() < 0.02:
            self.calls.fates.append(self.random.choice(FATES))
        if self.random.random() < 0.3:
            for distribution in (E1, E2):
                item = f"/{len(self.released)}"
                self.world.release(item, distribution=distribution)
                self.released.append(item)
        if self.random.random() < 0.01:
            self.clock.set(self.clock.now + self.random.choice([-7200, -60, 60]))
        began = self.clock.monotonic()
        delay = self.world.courier.round()
        self.longest_round = max(self.longest_round, self.clock.monotonic() - began)
        self.clock.advance(max(delay, self.random.choice([1, 10, 60])))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_a_day_of_trouble_loses_nothing_and_is_a_few_lines_in_the_log(
    tmp_path, seed, caplog
):
    caplog.set_level(logging.WARNING)
    lines, day = Counter(), Day(tmp_path, seed)

    class Hours(logging.Handler):
        def emit(self, record):
            if record.levelno >= logging.WARNING:
                lines[int(day.clock.monotonic() // 3600)] += 1

    handler = Hours()
    logging.getLogger("collective.cloudfront").addHandler(handler)
    try:
        day.live(HOURS)
    finally:
        logging.getLogger("collective.cloudfront").removeHandler(handler)
    world = day.world
    delivered = Counter(world.gateway.delivered)
    missing = {item for item in day.released if not delivered[item]}
    assert missing <= set(world.quarantined())
    assert [item for item, count in delivered.items() if count > 1] == []
    assert max(lines.values()) <= 10
    assert day.longest_round < 15
    courier = world.courier
    assert not courier._flights
    assert not courier._comparisons
    assert len(courier._never_accepted) == 0
    world.outbox.close()
