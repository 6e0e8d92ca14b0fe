"""Pace, calls, and waiting."""

from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import LIMITS
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import PACE
from collective.cloudfront.tests.outbox.contract.common import wait
from collective.cloudfront.tests.outbox.contract.common import work

import pytest


class MemoryContract(Opened):
    """Pace, calls, and waiting."""

    # --- pace and calls ---------------------------------------------------------------

    def test_a_pace_is_kept_for_each_distribution(self, outbox, other):
        assert outbox.pace(E1) is None
        outbox.keep_pace(E1, PACE)
        assert other.pace(E1) == PACE
        assert other.pace(E2) is None
        outbox.keep_pace(E1, PACE.over_quota())
        assert other.pace(E1) == PACE.over_quota()

    def test_calls_are_granted_up_to_the_burst_whoever_asks(self, outbox, other):
        granted = [
            each.take_call(LIMITS) == 0.0 for each in [outbox, other] * LIMITS.batch
        ]
        assert granted[:6] == [True] * 6
        assert not any(granted[6:])

    def test_who_waits_as_long_as_told_gets_a_call(self, outbox, other, clock):
        while outbox.take_call(LIMITS) == 0.0:
            pass
        for _ in range(5):
            wait = other.take_call(LIMITS)
            assert 0 < wait <= 2.1
            clock.advance(wait + 0.001)
            assert outbox.take_call(LIMITS) == 0.0

    def test_spent_calls_are_spent_for_everybody(self, outbox, other, clock):
        outbox.spend_calls()
        assert other.take_call(LIMITS) > 1.9
        clock.advance(2.1)
        assert other.take_call(LIMITS) == 0.0

    def test_no_interval_has_more_calls_than_burst_and_rate(self, outbox, clock):
        times = []
        for step in range(400):
            if outbox.take_call(LIMITS) == 0.0:
                times.append(clock.now)
            clock.advance((step * 7 % 11) / 7)
        assert len(times) > 100
        for first, start in enumerate(times):
            for last in range(first, len(times)):
                seconds = times[last] - start
                assert last - first + 1 <= 6 + seconds * 0.5 + 0.01

    def test_couriers_whose_clocks_differ_share_the_rate(self, engine, outbox, clock):
        late = engine.open(lambda: clock.now - 20)
        granted = 0
        for _ in range(200):
            granted += outbox.take_call(LIMITS) == 0.0
            granted += late.take_call(LIMITS) == 0.0
            clock.advance(0.5)
        assert 50 <= granted <= 6 + 100 * 0.5

    @pytest.mark.parametrize("back", [1, 30, 3600])
    def test_a_clock_set_back_delays_no_call_for_long(self, outbox, clock, back):
        while outbox.take_call(LIMITS) == 0.0:
            pass
        clock.advance(1.999 - back)
        waits = []
        while wait := outbox.take_call(LIMITS):
            clock.advance(wait + 0.001)
            waits.append(wait)
        assert sum(waits) < 70
        # And who waits as long as told has not to ask again and again.
        assert len(waits) <= 2

    # --- waiting ----------------------------------------------------------------------

    def test_waiting_counts_attempts_since_the_trouble_began(self, outbox, clock):
        outbox.release("", entries("/a"))
        began = clock.now
        first = wait(outbox, reason="one", until=began + 1)
        clock.advance(1)
        second = wait(outbox, reason="two", paused=True, until=began + 9)
        assert (first.attempts, second.attempts) == (1, 2)
        assert first.since == second.since == began
        assert (second.reason, second.advice) == (plain("two"), plain("advice"))
        assert (first.paused, second.paused) == (False, True)
        assert second.until == began + 9
        assert work(outbox).waiting == second

    def test_only_the_distribution_in_trouble_waits(self, outbox, clock):
        outbox.release("", entries("/a") + entries("/b", distribution=E2))
        wait(outbox, until=clock.now + 10)
        assert work(outbox, E2).waiting is None

    def test_a_resumed_distribution_may_be_tried_at_once(self, outbox, other, clock):
        for distribution in (E1, E2):
            outbox.release("", entries("/a", distribution=distribution))
            wait(outbox, distribution, until=clock.now + 100)
        other.resume(E1)
        assert work(outbox, E1).waiting.until <= clock.now
        assert work(outbox, E2).waiting.until > clock.now
        other.resume()
        assert work(outbox, E2).waiting.until <= clock.now

    def test_trouble_after_a_resume_is_the_same_trouble(self, outbox, clock):
        outbox.release("", entries("/a"))
        first = wait(outbox, until=clock.now + 100)
        outbox.resume()
        again = wait(outbox, until=clock.now + 100)
        assert (again.since, again.attempts) == (first.since, 2)

    def test_new_trouble_begins_to_count_anew(self, outbox, clock):
        batch = frozen(outbox, "/a")
        wait(outbox, until=clock.now + 100)
        outbox.settle(batch, "I1")
        clock.advance(50)
        again = wait(outbox, until=clock.now + 100)
        assert (again.since, again.attempts) == (clock.now, 1)
