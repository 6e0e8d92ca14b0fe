"""What becomes ready later."""

from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.tests.outbox.contract.common import dues
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import ready
from collective.cloudfront.tests.outbox.contract.common import settle
from collective.cloudfront.tests.outbox.contract.common import site
from dataclasses import replace

import pytest


class ScheduleContract(Opened):
    """What becomes ready later."""

    # --- scheduled --------------------------------------------------------------------

    def test_what_is_due_later_is_scheduled(self, outbox, other, clock):
        due = clock.now + 60
        outbox.release("", [Entry(E1, "/a", urgent=True, due=due, key="k")])
        assert other.work() == ()
        assert other.scheduled(10) == [Scheduled(E1, "/a", due, "k", True)]
        assert other.status().scheduled == 1

    def test_it_becomes_ready_when_due_and_not_before(self, outbox, other, clock):
        due = clock.now + 60
        outbox.release("", [Entry(E1, "/a", urgent=True, due=due, key="k")])
        clock.advance(59)
        assert other.release_due() == 0
        assert ready(outbox) == []
        clock.advance(5)
        assert other.release_due() == 1
        assert outbox.release_due() == 0
        assert outbox.pending(E1, 10) == [Pending("/a", due, True)]
        assert outbox.scheduled(10) == []

    def test_what_is_scheduled_comes_soonest_first(self, outbox, clock):
        for seconds in (30, 10, 20):
            outbox.release("", [Entry(E1, f"/{seconds}", due=clock.now + seconds)])
        assert [each.item for each in outbox.scheduled(2)] == ["/10", "/20"]

    def test_a_key_replaces_what_it_had_scheduled(self, outbox, clock):
        def schedule(seconds, *items, distribution=E1, key="k"):
            due = clock.now + seconds
            outbox.release(
                "", [Entry(distribution, item, due=due, key=key) for item in items]
            )

        schedule(10, "/a", "/b")
        schedule(10, "/other", key="other")
        schedule(10, "/without", key="")
        schedule(10, "/elsewhere", distribution=E2)
        schedule(20, "/b", "/c")
        schedule(20, "/without, either", key="")
        assert sorted(dues(outbox)) == [
            ("/b", clock.now + 20),
            ("/c", clock.now + 20),
            ("/elsewhere", clock.now + 10),
            ("/other", clock.now + 10),
            ("/without", clock.now + 10),
            ("/without, either", clock.now + 20),
        ]

    def test_entries_of_one_release_do_not_replace_each_other(self, outbox, clock):
        begins, ends = clock.now + 10, clock.now + 20
        outbox.release(
            "", [Entry(E1, "/a", due=due, key="k") for due in (begins, ends)]
        )
        assert dues(outbox) == [("/a", begins), ("/a", ends)]

    def test_a_key_without_item_only_cancels(self, outbox, clock):
        outbox.release("", [Entry(E1, "/a", due=clock.now + 9, key="k")])
        outbox.release("", [Entry(E1, "", key="k")])
        assert outbox.scheduled(10) == []
        assert outbox.work() == ()

    def test_what_is_already_due_is_ready_and_replaces(self, outbox, clock):
        outbox.release("", [Entry(E1, "/a", due=clock.now + 9, key="k")])
        outbox.release("", [Entry(E1, "/b", due=clock.now, key="k")])
        assert outbox.scheduled(10) == []
        assert outbox.pending(E1, 10) == [Pending("/b", clock.now)]

    def test_what_is_due_already_is_not_replaced(self, outbox, clock):
        """No courier came by in time, and viewers see it all the same."""
        due = clock.now + 9
        outbox.release("", [Entry(E1, "/a", due=due, key="k")])
        clock.advance(10)
        outbox.release("", [Entry(E1, "", key="k")])
        assert outbox.release_due() == 1
        assert outbox.pending(E1, 10) == [Pending("/a", due)]

    def test_what_is_prepared_is_scheduled_only_when_released(self, outbox, clock):
        scheduled = [Entry(E1, "/a", due=clock.now + 9, key="k")]
        outbox.prepare("t", scheduled)
        assert outbox.scheduled(10) == []
        outbox.release("t", scheduled)
        assert dues(outbox) == [("/a", clock.now + 9)]

    def test_a_schedule_in_doubt_replaces_nothing(self, outbox, clock):
        """It may not have been committed, and then the earlier one is valid."""
        due = clock.now + 60
        outbox.release("", [Entry(E1, "/a", due=due, key="k")])
        outbox.prepare("t", [Entry(E1, "/b", due=due, key="k")])
        outbox.prepare("u", [Entry(E1, "", key="k")])
        assert outbox.release_abandoned(0) == 2
        assert dues(outbox) == [("/a", due), ("/b", due)]
        outbox.release("", [Entry(E1, "", key="k")])
        assert outbox.scheduled(10) == []

    def test_a_wildcard_settles_nothing_that_has_a_date(self, outbox, clock):
        outbox.release("", [Entry(E1, "/a", due=clock.now + 9)])
        outbox.settle(frozen(outbox, "/*"), "I1")
        assert dues(outbox) == [("/a", clock.now + 9)]

    def test_schedules_of_a_wrong_id_go_to_the_right_one(self, outbox, clock):
        due = clock.now + 9
        outbox.release("", [Entry(E1, "/a", urgent=True, due=due, key="k")])
        outbox.release("", [site(), site()])
        assert outbox.retarget(E1, E2) == 3
        assert outbox.scheduled(10) == [
            Scheduled(E2, "/a", due, "k", True),
            Scheduled(E2, "/*", clock.now + 300, "", False, coalesced=True),
        ]

    # --- coalesced --------------------------------------------------------------------

    def test_a_coalesced_item_waits_since_its_oldest_change(self, outbox, clock):
        outbox.release("", [site()])
        settle(outbox, "/*")
        clock.advance(10)
        first = clock.now
        outbox.release("", [site()])
        clock.advance(10)
        outbox.release("", [site()])
        clock.advance(300)
        outbox.release_due()
        assert [each.since for each in outbox.pending(E1, 9)] == [first]

    def test_one_that_is_ready_again_stands_for_what_waited(self, outbox, clock):
        outbox.release("", [site()])
        settle(outbox, "/*")
        clock.advance(10)
        first = clock.now
        outbox.release("", [site()])
        clock.advance(10)
        outbox.release("", [replace(site(), urgent=True)])
        assert outbox.pending(E1, 9) == [Pending("/*", first, True)]
        assert outbox.scheduled(9) == []

    @pytest.mark.parametrize("absorbing", ["/*", "/a/2", "/a/*"])
    def test_what_absorbs_a_coalesced_item_stands_for_it(
        self, outbox, clock, absorbing
    ):
        outbox.release("", [site(item="/a/2")])
        settle(outbox, "/a/2")
        clock.advance(10)
        first = clock.now
        outbox.release("", [site(item="/a/2")])
        clock.advance(10)
        outbox.release("", [Entry(E1, absorbing)])
        settled = settle(outbox, absorbing, reference="r2")
        assert settled.since == first

    def test_under_another_id_it_is_as_old(self, outbox, clock):
        outbox.release("", [site()])
        settle(outbox, "/*")
        clock.advance(10)
        first = clock.now
        outbox.release("", [site()])
        outbox.retarget(E1, E2)
        clock.advance(300)
        outbox.release_due()
        assert [each.since for each in outbox.pending(E2, 9)] == [first]

    def test_a_coalesced_item_is_ready_once_per_interval(self, outbox, other, clock):
        start = clock.now
        outbox.release("", [site()])
        assert outbox.pending(E1, 10) == [Pending("/*", start)]
        for _ in range(3):
            frozen(outbox, "/*", reference=f"r{clock.now}")
            clock.advance(50)
            other.release("", [site()])
        # The first three were frozen before it came again.
        assert dues(outbox) == [("/*", start + 300)]
        assert ready(outbox) == []
        clock.advance(151)
        assert other.release_due() == 1
        # Since it came last
        assert outbox.pending(E1, 10) == [Pending("/*", start + 150)]
        outbox.release("", [site()])
        assert dues(outbox) == [("/*", clock.now + 300)]

    def test_after_the_interval_it_is_ready_at_once(self, outbox, clock):
        outbox.release("", [site()])
        outbox.release("", [site()])
        clock.advance(300)
        outbox.release("", [site()])
        assert outbox.scheduled(10) == []
        assert outbox.release_due() == 0

    def test_each_item_and_distribution_has_its_own_interval(self, outbox):
        outbox.release("", [site(), site(E2), site(item="#site")])
        assert set(ready(outbox)) == {"/*", "#site"}
        assert ready(outbox, E2) == ["/*"]
        assert outbox.scheduled(10) == []

    def test_a_shorter_interval_shortens_what_is_scheduled(self, outbox, clock):
        start = clock.now
        outbox.release("", [site()])
        frozen(outbox, "/*")
        for every in (300.0, 60.0, 600.0):
            outbox.release("", [Entry(E1, "/*", every=every)])
        assert dues(outbox) == [("/*", start + 60)]
        clock.advance(60)
        assert outbox.release_due() == 1
        assert ready(outbox) == ["/*"]

    def test_an_urgent_one_is_never_held_back(self, outbox, clock):
        outbox.release("", [site()])
        frozen(outbox, "/*")
        outbox.release("", [site()])
        outbox.release("", [Entry(E1, "/*", urgent=True, every=300.0)])
        assert ready(outbox) == ["/*"]
        assert outbox.scheduled(10) == []

    def test_a_coalesced_item_with_a_date_is_coalesced_then(self, outbox, clock):
        start = clock.now
        outbox.release("", [Entry(E1, "/*", every=300.0, due=start + 100, key="k")])
        assert dues(outbox) == [("/*", start + 100)]
        clock.advance(50)
        outbox.release("", [site()])
        frozen(outbox, "/*")
        clock.advance(50)
        assert outbox.release_due() == 1
        assert ready(outbox) == []
        assert outbox.scheduled(10) == [
            Scheduled(E1, "/*", start + 350, "", False, coalesced=True)
        ]

    def test_a_coalesced_item_in_doubt_is_coalesced(self, outbox, clock):
        outbox.release("", [site()])
        outbox.prepare("t", [site()])
        outbox.release_abandoned(0)
        assert dues(outbox) == [("/*", clock.now + 300)]

    @pytest.mark.parametrize("sent", ["/*", "/a*", "/a"])
    def test_what_reaches_a_coalesced_item_settles_it(self, outbox, sent):
        outbox.release("", [site(item="/a")])
        outbox.release("", [site(item="/a")])
        outbox.settle(frozen(outbox, sent), "I1")
        assert outbox.scheduled(10) == []

    def test_what_came_after_a_batch_was_frozen_is_not_settled(self, outbox, clock):
        outbox.release("", [site()])
        outbox.release("", [site()])
        batch = frozen(outbox, "/*")
        outbox.release("", [site()])
        outbox.settle(batch, "I1")
        assert dues(outbox) == [("/*", clock.now + 300)]

    def test_what_reaches_something_else_settles_no_coalesced_item(self, outbox):
        outbox.release("", [site(E2), site(E2), site(item="#a"), site(item="#a")])
        outbox.settle(frozen(outbox, "/*"), "I1")
        assert len(outbox.scheduled(10)) == 2

    def test_a_clock_set_back_delays_no_coalesced_item(self, outbox, clock):
        outbox.release("", [site()])
        frozen(outbox, "/*")
        outbox.release("", [site()])
        clock.advance(-3600)
        assert outbox.release_due() == 1
        assert ready(outbox) == ["/*"]
        clock.advance(-3600)
        outbox.release("", [site()])
        assert outbox.scheduled(10) == []
