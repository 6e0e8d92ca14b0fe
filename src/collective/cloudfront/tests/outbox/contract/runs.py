"""Long work that one process does for all."""

from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.outbox.contract.common import dues
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import Opened

import pytest


class RunsContract(Opened):
    """Long work that one process does for all."""

    def test_a_run_is_unknown_until_something_is_kept_of_it(self, outbox, other):
        assert outbox.run("a") is None
        assert outbox.claim_run("a", 60)
        assert outbox.run("a") is None
        outbox.keep_run("a", {"after": "/x"}, 60)
        assert other.run("a") == {"after": "/x"}
        assert other.run("b") is None

    def test_one_process_does_it_at_a_time(self, outbox, other):
        assert outbox.claim_run("a", 60)
        assert not other.claim_run("a", 60)
        assert outbox.claim_run("a", 60)
        assert other.claim_run("b", 60)

    def test_when_its_claim_ends_another_goes_on(self, outbox, other, clock):
        assert outbox.claim_run("a", 60)
        outbox.keep_run("a", 1, 60)
        clock.advance(61)
        assert other.claim_run("a", 60)
        assert other.run("a") == 1
        with pytest.raises(ClaimLost):
            outbox.keep_run("a", 2, 60)
        assert other.run("a") == 1

    def test_what_makes_no_sense_was_never_there(self, outbox, other):
        for nonsense in ([1], {"claim": ["nobody", "x"]}, {"claim": 5}):
            with outbox.together() as session:
                session.keep("run:a", nonsense)
            assert outbox.run("a") is None
            assert other.claim_run("a", 60)

    def test_each_piece_renews_the_claim(self, outbox, other, clock):
        assert outbox.claim_run("a", 60)
        clock.advance(50)
        outbox.keep_run("a", 1, 60)
        clock.advance(50)
        assert not other.claim_run("a", 60)

    def test_a_run_that_is_given_up_is_free(self, outbox, other):
        assert outbox.claim_run("a", 60)
        outbox.keep_run("a", 1, 0)
        assert other.claim_run("a", 60)
        assert other.run("a") == 1

    def test_a_dead_process_keeps_no_run_from_others(self, outbox, other):
        assert outbox.claim_run("a", 60)
        outbox.end()
        assert other.claim_run("a", 60)

    def test_a_claim_from_a_clock_that_was_ahead_is_not_believed(
        self, outbox, other, clock
    ):
        clock.advance(86400)
        assert outbox.claim_run("a", 60)
        clock.advance(-86400)
        assert other.claim_run("a", 60)

    def test_nothing_is_released_by_who_has_lost_the_claim(self, outbox, other, clock):
        assert outbox.claim_run("a", 60)
        clock.advance(61)
        assert other.claim_run("a", 60)

        def go_on():
            with outbox.together():
                outbox.release("", [Entry(E1, "/a", due=clock.now + 9, key="k")])
                outbox.keep_run("a", 1, 60)

        with pytest.raises(ClaimLost):
            go_on()
        assert dues(outbox) == []
