"""Freezing, absorbing and settling."""

from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import PACE
from collective.cloudfront.tests.outbox.contract.common import ready
from collective.cloudfront.tests.outbox.contract.common import site
from collective.cloudfront.tests.outbox.contract.common import wait
from collective.cloudfront.tests.outbox.contract.common import work

import pytest


class BatchesContract(Opened):
    """Freezing, absorbing and settling."""

    # --- batches ----------------------------------------------------------------------

    def test_frozen_items_are_no_longer_ready(self, outbox, other, clock):
        since = clock.now
        outbox.release("", entries("/a", "/b"))
        clock.advance(5)
        outbox.release("", entries("/c"))
        outbox.claim(E1, 60)
        batch = outbox.freeze(E1, "r1", ["/c", "/a"])
        assert batch == Batch("r1", E1, ("/c", "/a"), since, clock.now, 0)
        assert other.frozen(E1) == [batch]
        assert ready(other) == ["/b"]

    def test_work_counts_what_is_ready_frozen_and_in_progress(self, outbox, clock):
        since = clock.now
        outbox.settle(frozen(outbox, "/1", "/2", reference="r1"), "I1")
        clock.advance(1)
        frozen(outbox, "/3", "/4", "/5", reference="r2")
        clock.advance(1)
        outbox.release("", entries("/6") + entries("/7", distribution=E2))
        assert (work(outbox).ready, work(outbox).frozen) == (1, 3)
        assert work(outbox).in_progress == 1
        assert work(outbox).oldest == since + 1
        assert work(outbox, E2).ready == 1
        assert work(outbox, E2).oldest == since + 2
        assert [each.distribution for each in outbox.work()] == [E1, E2]

    def test_of_a_long_backlog_work_may_count_a_part_and_status_counts_all(
        self, outbox, clock
    ):
        since = clock.now
        outbox.release("", entries("/first", "/w/*", distribution=E2))
        clock.advance(1)
        items = [f"/{number}" for number in range(3000)]
        outbox.release("", entries(*items))
        outbox.release("", entries(*items, distribution=E2))
        assert [each.distribution for each in outbox.work()] == [E1, E2]
        assert [each.oldest for each in outbox.work()] == [since + 1, since]
        assert all(each.ready > 0 for each in outbox.work())
        assert [each.ready for each in outbox.work(None)] == [3000, 3002]

    def test_work_counts_what_waits_for_its_interval_from_the_change_on(
        self, outbox, clock
    ):
        outbox.release("", [site()])
        assert outbox.claim(E1, 60)
        outbox.settle(outbox.freeze(E1, "r0", ["/*"]), "I0")
        outbox.release("", [site(), site(E2)])
        one, two = outbox.work()
        assert (one.pending, one.ready, one.coalesced) == (1, 0, 1)
        assert one.coalesced_until == clock.now + 300.0
        assert (two.pending, two.ready, two.coalesced) == (1, 1, 0)
        clock.advance(301.0)
        outbox.release_due()
        (one, _two) = outbox.work()
        assert (one.ready, one.coalesced, one.coalesced_until) == (1, 0, None)

    def test_work_counts_what_is_in_quarantine(self, outbox):
        outbox.quarantine(frozen(outbox, "/a", "/b"), plain("no"))
        (work,) = outbox.work()
        assert (work.quarantined, work.pending) == (True, 0)

    def test_what_is_scheduled_for_a_date_is_no_work(self, outbox, clock):
        outbox.release("", [Entry(E1, "/a", due=clock.now + 60.0)])
        assert outbox.work() == ()

    def test_a_distribution_with_nothing_to_do_is_no_work(self, outbox):
        settled = outbox.settle(frozen(outbox, "/a"), "I1")
        outbox.complete(settled, "Completed")
        assert outbox.work() == ()

    def test_only_what_is_ready_is_frozen(self, outbox):
        outbox.release("", entries("/a"))
        outbox.claim(E1, 60)
        assert outbox.freeze(E1, "r1", ["/gone", "/a"]).items == ("/a",)

    def test_freezing_nothing_leaves_no_batch(self, outbox):
        outbox.claim(E1, 60)
        assert outbox.freeze(E1, "r1", ["/gone"]).items == ()
        assert outbox.frozen(E1) == []

    def test_an_item_added_while_frozen_is_ready_again(self, outbox, clock):
        batch = frozen(outbox, "/a")
        clock.advance(5)
        outbox.release("", entries("/a"))
        assert outbox.pending(E1, 10) == [Pending("/a", clock.now)]
        outbox.settle(batch, "I1")
        assert ready(outbox) == ["/a"]

    def test_batches_come_in_the_order_of_freezing(self, outbox, clock):
        references = ["rz", "ra", "rm"]
        for number, reference in enumerate(references):
            frozen(outbox, f"/{number}", reference=reference)
            clock.advance(number)
        assert [batch.reference for batch in outbox.frozen(E1)] == references

    def test_a_reference_is_never_frozen_twice(self, outbox):
        batch = frozen(outbox, "/a", reference="r1")
        with pytest.raises((OutboxUnavailable, ValueError)):
            frozen(outbox, "/b", reference="r1")
        assert outbox.frozen(E1) == [batch]
        assert ready(outbox) == ["/b"]

    # --- settling ---------------------------------------------------------------------

    def test_a_settled_batch_is_history_and_in_progress(self, outbox, other, clock):
        batch = frozen(outbox, "/a", "/b")
        clock.advance(3)
        settled = outbox.settle(batch, "I1")
        assert settled.invalidation == "I1"
        assert settled.reference == "r1"
        assert settled.items == ("/a", "/b")
        assert (settled.since, settled.accepted) == (clock.now - 3, clock.now)
        assert (settled.completed, settled.status) == (None, "InProgress")
        assert other.in_progress(E1) == other.history(10) == [settled]
        assert other.frozen(E1) == []
        assert ready(other) == []

    def test_the_pace_recovers_with_every_acceptance(self, outbox, other):
        outbox.keep_pace(E1, PACE)
        outbox.settle(frozen(outbox, "/a"), "I1")
        assert other.pace(E1) == PACE.accepted()
        assert other.pace(E2) is None

    def test_a_claim_may_end_with_settling(self, outbox, other):
        batch = frozen(outbox, "/a")
        assert not other.claim(E1, 60)
        outbox.settle(batch, "I1", give_up=True)
        assert other.claim(E1, 60)

    @pytest.mark.parametrize(
        "answered",
        [
            lambda outbox, batch: outbox.settle(batch, "I1"),
            lambda outbox, batch: outbox.split(batch, ("r2", "r3")),
            lambda outbox, batch: outbox.quarantine(batch, plain("reason")),
        ],
        ids=["settle", "split", "quarantine"],
    )
    def test_the_waiting_ends_with_an_answer(self, outbox, clock, answered):
        batch = frozen(outbox, "/a", "/a2")
        wait(outbox, until=clock.now + 100)
        outbox.release("", entries("/b"))
        answered(outbox, batch)
        assert work(outbox).waiting is None

    def test_a_dissolved_batch_waits_on(self, outbox, clock):
        batch = frozen(outbox, "/a")
        waiting = wait(outbox, until=clock.now + 100)
        outbox.dissolve(batch)
        assert work(outbox).waiting == waiting

    def test_a_wildcard_settles_what_it_covers(self, outbox):
        outbox.release("", entries("/a", "/a/b", "/a/b/*", "/ab", "/a?x=1", "/a%C3"))
        batch = frozen(outbox, "/a*")
        outbox.settle(batch, "I1")
        assert ready(outbox) == []

    def test_a_wildcard_settles_nothing_else(self, outbox):
        others = ["/", "/A", "/b", "/b*", "/*", "#/a", "#tag"]
        outbox.release("", entries(*others) + entries("/a/1", distribution=E2))
        batch = frozen(outbox, "/a*")
        outbox.settle(batch, "I1")
        assert sorted(ready(outbox)) == sorted(others)
        assert ready(outbox, E2) == ["/a/1"]

    def test_everything_settles_all_paths_and_no_cache_tag(self, outbox):
        outbox.release("", entries("/", "/z}", "/a/*", "/%FF", "#tag"))
        outbox.settle(frozen(outbox, "/*"), "I1")
        assert ready(outbox) == ["#tag"]

    def test_an_exact_path_settles_itself_only(self, outbox):
        outbox.release("", entries("/a/b", "/a?x"))
        outbox.settle(frozen(outbox, "/a"), "I1")
        assert ready(outbox) == ["/a/b", "/a?x"]

    def test_a_wildcard_settles_nothing_added_after_it_was_frozen(self, outbox):
        batch = frozen(outbox, "/a/*")
        outbox.release("", entries("/a/new", "/a/*"))
        outbox.settle(batch, "I1")
        assert sorted(ready(outbox)) == ["/a/*", "/a/new"]

    def test_a_wildcard_settles_nothing_added_again_after_it_was_frozen(self, outbox):
        outbox.release("", entries("/a/old", "/a/again"))
        batch = frozen(outbox, "/a/*")
        outbox.release("", entries("/a/again"))
        outbox.settle(batch, "I1")
        assert ready(outbox) == ["/a/again"]

    def test_a_wildcard_settles_nothing_released_in_doubt_after_it_was_frozen(
        self, outbox, clock
    ):
        outbox.prepare("t", entries("/a/b"))
        clock.advance(10)
        batch = frozen(outbox, "/a/*")
        outbox.release_abandoned(5)
        outbox.settle(batch, "I1")
        assert ready(outbox) == ["/a/b"]

    def test_completing_records_time_and_status(self, outbox, other, clock):
        settled = outbox.settle(frozen(outbox, "/a"), "I1")
        clock.advance(20)
        completed = outbox.complete(settled, "Completed")
        assert (completed.completed, completed.status) == (clock.now, "Completed")
        assert other.history(1) == [completed]
        assert other.in_progress(E1) == []

    def test_invalidations_in_progress_come_oldest_first(self, outbox, clock):
        for number in range(4):
            batch = frozen(outbox, f"/{number}", reference=f"r{9 - number}")
            settled = outbox.settle(batch, f"I{number}")
            clock.advance(1)
            if number == 1:
                outbox.complete(settled, "Completed")
        found = [each.invalidation for each in outbox.in_progress(E1)]
        assert found == ["I0", "I2", "I3"]
        assert outbox.in_progress(E2) == []

    # --- widening ---------------------------------------------------------------------

    def test_a_wildcard_takes_the_place_of_what_it_covers(self, outbox, clock):
        since = clock.now
        outbox.release("", entries("/a/1", "/a/2/*", "/a", "/ab", "#a"))
        outbox.release("", entries("/a/1", distribution=E2))
        clock.advance(5)
        outbox.release("", [Entry(E1, "/a/3", urgent=True), Entry(E1, "/b")])
        assert outbox.widen(E1, "/a/*") == 3
        assert outbox.pending(E1, 1)[0] == Pending("/a/*", since, True)
        assert set(ready(outbox)) == {"/a/*", "/a", "/ab", "/b", "#a"}
        assert ready(outbox, E2) == ["/a/1"]

    def test_a_wildcard_that_covers_nothing_is_not_added(self, outbox):
        outbox.release("", entries("/b"))
        assert outbox.widen(E1, "/a/*") == 0
        assert ready(outbox) == ["/b"]

    def test_widening_to_what_is_ready_keeps_it(self, outbox):
        outbox.release("", entries("/a/*", "/a/1"))
        assert outbox.widen(E1, "/a/*") == 2
        assert ready(outbox) == ["/a/*"]

    def test_a_batch_in_flight_settles_nothing_wider_that_is_newer(self, outbox):
        outbox.release("", entries("/a/1"))
        batch = frozen(outbox, "/*")
        outbox.release("", entries("/a/2"))
        outbox.widen(E1, "/a/*")
        outbox.settle(batch, "I1")
        assert ready(outbox) == ["/a/*"]

    def test_a_batch_in_flight_settles_what_is_wider_and_older(self, outbox):
        outbox.release("", entries("/a/1", "/a/2"))
        batch = frozen(outbox, "/*")
        outbox.widen(E1, "/a/*")
        outbox.settle(batch, "I1")
        assert ready(outbox) == []
