"""Who works on a distribution."""

from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import ready

import pytest
import time


#: An hour, a day, ten years: so far clocks were ahead.
AHEAD = [3600.0, 86_400.0, 3.2e8]
#: Somebody in another container, who may be dead or alive.
UNKNOWN_OWNER = "elsewhere/boot.1:4711.5:0123456789ab"


class ClaimsContract(Opened):
    """Who works on a distribution."""

    # --- claims -----------------------------------------------------------------------

    def test_only_one_courier_holds_a_distribution(self, outbox, other):
        assert outbox.claim(E1, 60)
        assert not other.claim(E1, 60)
        assert outbox.claim(E1, 60)

    def test_each_distribution_is_claimed_on_its_own(self, outbox, other):
        assert outbox.claim(E1, 60)
        assert other.claim(E2, 60)
        assert not outbox.claim(E2, 60)

    def test_a_claim_ends_after_its_time(self, outbox, other, clock):
        outbox.claim(E1, 60)
        clock.advance(59)
        assert not other.claim(E1, 60)
        clock.advance(1)
        assert other.claim(E1, 60)
        assert not outbox.claim(E1, 60)

    def test_a_claim_can_be_renewed(self, outbox, other, clock):
        for _ in range(3):
            assert outbox.claim(E1, 60)
            clock.advance(50)
        assert not other.claim(E1, 60)

    def test_a_claim_given_up_is_free(self, outbox, other):
        outbox.claim(E1, 60)
        outbox.give_up(E1)
        assert other.claim(E1, 60)

    def test_nobody_gives_up_the_claim_of_another(self, outbox, other):
        outbox.claim(E1, 60)
        other.give_up(E1)
        assert not other.claim(E1, 60)

    def test_the_claim_of_a_dead_process_is_free(self, engine, outbox):
        processes.run(engine.url, "assert open_as().claim('E1', 1e12); die()")
        assert outbox.claim(E1, 60)

    def test_the_claim_of_an_unknown_host_ends_after_its_time(self, engine):
        code = "assert open_as('elsewhere').claim('E1', 60); die()"
        processes.run(engine.url, code)
        assert not engine.open(time.time).claim(E1, 60)
        assert engine.open(lambda: time.time() + 61).claim(E1, 60)

    @pytest.mark.parametrize("ahead", AHEAD)
    def test_a_claim_made_while_the_clock_was_ahead_lasts_as_long_as_an_honest_one(
        self, outbox, other, clock, ahead
    ):
        other.owner = UNKNOWN_OWNER
        clock.advance(ahead)
        assert other.claim(E1, 60)
        clock.advance(-ahead)
        assert not outbox.claim(E1, 60)
        clock.advance(59)
        assert not outbox.claim(E1, 60)
        clock.advance(1)
        assert outbox.claim(E1, 60)

    def test_a_courier_whose_clock_is_ahead_keeps_what_it_claims_again_and_again(
        self, outbox, engine, clock
    ):
        other = engine.open(lambda: clock() + 3600)
        other.owner = UNKNOWN_OWNER
        for _ in range(5):
            assert other.claim(E1, 60)
            assert not outbox.claim(E1, 60)
            clock.advance(50)
        assert not outbox.claim(E1, 60)

    @pytest.mark.parametrize(
        "change",
        [
            lambda outbox, batch: outbox.freeze(E1, "r2", ["/b"]),
            lambda outbox, batch: outbox.settle(batch, "I1"),
            lambda outbox, batch: outbox.dissolve(batch),
            lambda outbox, batch: outbox.split(batch, ("r2", "r3")),
            lambda outbox, batch: outbox.quarantine(batch, plain("reason")),
            lambda outbox, batch: outbox.count_refusal(batch),
        ],
        ids=["freeze", "settle", "dissolve", "split", "quarantine", "refuse"],
    )
    def test_who_lost_the_claim_changes_nothing(self, outbox, other, clock, change):
        batch = frozen(outbox, "/a", "/a2", "/*")
        outbox.release("", entries("/b"))
        clock.advance(60)
        assert other.claim(E1, 60)
        with pytest.raises(ClaimLost):
            change(outbox, batch)
        assert outbox.frozen(E1) == [batch]
        assert ready(outbox) == ["/b"]
        assert outbox.history(10) == []
        assert outbox.quarantined(10) == []
        assert outbox.pace(E1) is None
        assert outbox.billed("2027-01") == {}

    def test_a_claim_that_ended_unnoticed_still_settles(self, outbox, clock):
        batch = frozen(outbox, "/a")
        clock.advance(1000)
        outbox.settle(batch, "I1")
        assert outbox.frozen(E1) == []

    def test_a_batch_is_settled_once_whoever_comes_first(self, outbox, other, clock):
        batch = frozen(outbox, "/a")
        clock.advance(60)
        other.claim(E1, 60)
        other.settle(batch, "I1")
        other.give_up(E1)
        assert outbox.claim(E1, 60)
        with pytest.raises(ClaimLost):
            outbox.settle(batch, "I1")
        assert len(outbox.history(10)) == 1
