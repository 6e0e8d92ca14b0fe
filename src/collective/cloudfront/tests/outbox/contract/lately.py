"""What was purged lately, for the answers of all processes."""

from collective.cloudfront.outbox.lately import entry_again
from collective.cloudfront.outbox.ledger import SLICE
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Release
from collective.cloudfront.planning.late import Again
from collective.cloudfront.planning.late import Purge
from collective.cloudfront.planning.late import REMEMBER_SECONDS
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import ready

import math


def news(outbox, known=0):
    """What a process learns that knows purges up to a number."""
    return outbox.poll([], 100, math.inf, known).purges


class LatelyContract(Opened):
    """What was purged lately."""

    def test_other_processes_learn_what_was_purged(self, outbox, other, clock):
        outbox.announce(["t", "u"], [Entry(E1, "/a"), Entry(E1, "/b")], 7)
        assert news(other) == (
            Purge({E1: ["/a", "/b"]}, clock.now, 7, frozenset(["t", "u"])),
        )

    def test_what_is_released_together_is_learnt_together(self, outbox, other, clock):
        outbox.prepare("t", [Entry(E1, "/a")])()
        outbox.release_all(
            [
                Release("t", (Entry(E1, "/a"),), clock.now, False, 6),
                Release("u", (Entry(E1, "/b"),), clock.now, False, 7),
            ]
        )
        assert ready(other) == ["/a", "/b"]
        assert news(other) == (
            Purge({E1: ["/a", "/b"]}, clock.now, 7, frozenset(["t", "u"])),
        )
        assert other.status().prepared == 0

    def test_each_is_learnt_once(self, outbox, other):
        outbox.announce(["t"], [Entry(E1, "/a")], 7)
        first = other.poll([], 100, math.inf)
        assert news(other, first.newest_purge) == ()
        outbox.announce(["u"], [Entry(E1, "/b")], 8)
        (purge,) = news(other, first.newest_purge)
        assert purge.transaction == 8

    def test_what_is_scheduled_is_learnt_when_it_is_due(self, outbox, other, clock):
        entries = [Entry(E1, "/a", due=clock.now + 60, key="k")]
        outbox.release("t", entries)
        outbox.announce(["t"], entries, 7)
        assert news(other) == ()
        clock.advance(60)
        other.release_due()
        assert news(outbox) == (Purge({E1: ["/a"]}, clock.now),)

    def test_what_is_purged_again_is_no_news(self, outbox, other, clock):
        outbox.release("", [entry_again(Again(E1, "/a", clock.now + 10))])
        clock.advance(10)
        assert other.release_due() == 1
        assert ready(outbox) == ["/a"]
        assert news(other) == ()

    def test_of_the_same_item_only_the_last_is_purged_again(self, outbox, clock):
        for seconds in (10, 12):
            outbox.release("", [entry_again(Again(E1, "/a", clock.now + seconds))])
        assert [each.due for each in outbox.scheduled(9)] == [clock.now + 12]

    def test_what_is_in_doubt_is_learnt_when_it_is_released(self, outbox, other, clock):
        outbox.prepare("t", [Entry(E1, "/a")])()
        clock.advance(60)
        other.release_abandoned(60)
        (purge,) = news(other)
        assert (purge.transaction, purge.at) == (0, clock.now)

    def test_much_in_doubt_is_learnt_once_and_whole(self, outbox, other, clock):
        entries = [Entry(E1, f"/{number}") for number in range(2 * SLICE + 1)]
        outbox.prepare("t", entries)()
        clock.advance(60)
        assert other.release_abandoned(60) == len(entries)
        (purge,) = news(other)
        assert purge.tokens == {"t"}
        assert len(purge.items[E1]) == len(entries)

    def test_much_that_is_due_is_learnt_whole(self, outbox, other, clock):
        outbox.release(
            "",
            [
                Entry(E1, f"/{number}", due=clock.now + 60, key=f"k{number}")
                for number in range(2 * SLICE + 1)
            ],
        )
        clock.advance(60)
        assert other.release_due() == 2 * SLICE + 1
        found = [item for each in news(outbox) for item in each.items[E1]]
        assert len(found) == len(set(found)) == 2 * SLICE + 1

    def test_old_ones_are_forgotten_and_no_number_comes_twice(
        self, outbox, other, clock
    ):
        outbox.announce(["t"], [Entry(E1, "/a")], 7)
        known = other.poll([], 100, math.inf).newest_purge
        clock.advance(REMEMBER_SECONDS + 1)
        outbox.tidy(100)
        assert news(other) == ()
        outbox.announce(["u"], [Entry(E1, "/b")], 8)
        assert len(news(other, known)) == 1
