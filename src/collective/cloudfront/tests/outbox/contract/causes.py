"""Who or what caused an item."""

from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import NO_CAUSES
from collective.cloudfront.tests.outbox.contract.common import caused
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import lines
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import settle
from collective.cloudfront.tests.outbox.contract.common import site
from dataclasses import replace

import pytest


class CausesContract(Opened):
    """Who or what caused an item."""

    # --- causes -----------------------------------------------------------------------

    def test_a_cause_goes_with_its_item_into_the_history(self, outbox, other):
        found = [Entry(E1, "/a", cause=Cause("jane", ("/a",), 3)), Entry(E1, "/b")]
        outbox.prepare("t", found)
        outbox.release("t", found)
        assert outbox.claim(E1, 60)
        batch = outbox.freeze(E1, "r1", ["/b", "/a"])
        settled = outbox.settle(batch, "I1")
        assert settled.causes == Causes((Cause("jane", ("/a",), 3),))
        assert other.history(1) == [settled]
        assert outbox.complete(settled, "Completed").causes == settled.causes

    def test_an_item_without_cause_has_none(self, outbox):
        settled = outbox.settle(frozen(outbox, "/a"), "I1")
        assert settled.causes == NO_CAUSES

    def test_each_cause_of_a_batch_is_named_once_in_the_order_of_its_items(
        self, outbox
    ):
        for item, cause in [("/1", "z"), ("/2", "a"), ("/3", "z"), ("/4", "m")]:
            outbox.release("", [Entry(E1, item, cause=caused(cause))])
        settled = settle(outbox, "/4", "/3", "/2", "/1")
        assert lines(settled.causes) == ("m", "z", "a")

    def test_of_many_causes_the_first_are_kept_and_the_others_counted(self, outbox):
        for number in range(8):
            outbox.release("", [Entry(E1, f"/{number}", cause=caused(f"c{number}"))])
        settled = settle(outbox, *(f"/{number}" for number in range(8)))
        assert lines(settled.causes) == ("c0", "c1", "c2", "c3", "c4")
        assert settled.causes.more == 3
        assert outbox.history(1) == [settled]

    def test_an_item_added_again_has_all_its_causes(self, outbox):
        for cause in ["a", "b", "", "a", "c"]:
            outbox.release("", [Entry(E1, "/x", cause=caused(cause))])
        assert lines(settle(outbox, "/x").causes) == ("a", "b", "c")

    def test_an_item_added_again_and_again_keeps_a_few_causes(self, outbox):
        for number in range(30):
            outbox.release("", [Entry(E1, "/x", cause=caused(f"c{number}"))])
        settled = settle(outbox, "/x")
        assert lines(settled.causes) == ("c0", "c1", "c2", "c3", "c4")
        assert settled.causes.more == 25

    @pytest.mark.parametrize("way", ["release", "doubt", "schedule"])
    def test_a_cause_is_cut_to_a_line(self, outbox, clock, way):
        due = clock.now + 10 if way == "schedule" else 0.0
        entry = Entry(E1, "/a", due=due, cause=caused("x\ny\0\ud800" + 300 * "z"))
        outbox.prepare("t", [entry])
        if way != "doubt":
            outbox.release("t", [entry])
        outbox.release_abandoned(0)
        clock.advance(10)
        outbox.release_due()
        (cause,) = lines(settle(outbox, "/a").causes)
        assert cause == "x y " + 195 * "z" + "…"

    def test_causes_do_not_make_entries_differ(self):
        assert Entry(E1, "/a", cause=caused("a")) == Entry(E1, "/a", cause=caused("b"))
        assert len({Entry(E1, "/a", cause=caused("a")), Entry(E1, "/a")}) == 1

    def test_entries_in_doubt_keep_their_causes(self, outbox):
        causes = ["a", "a", "", "b"]
        doubtful = [Entry(E1, f"/{n}", cause=caused(c)) for n, c in enumerate(causes)]
        outbox.prepare("t", doubtful)
        assert outbox.release_abandoned(0) == 4
        assert lines(settle(outbox, "/0", "/1").causes) == ("a",)
        assert settle(outbox, "/2", reference="r2").causes == NO_CAUSES
        assert lines(settle(outbox, "/3", reference="r3").causes) == ("b",)

    def test_what_is_scheduled_says_why(self, outbox, clock):
        due = clock.now + 60
        outbox.release(
            "", [Entry(E1, "/a", due=due, key="k", cause=caused("jane: /a"))]
        )
        (scheduled,) = outbox.scheduled(10)
        assert str(scheduled.causes) == "jane: /a"
        clock.advance(60)
        outbox.release_due()
        assert lines(settle(outbox, "/a").causes) == ("jane: /a",)

    def test_what_came_again_too_early_says_all_that_came(self, outbox, clock):
        for cause in "abcdefgh":
            outbox.release("", [replace(site(), cause=caused(cause))])
        (scheduled,) = outbox.scheduled(10)
        assert scheduled.coalesced
        assert str(scheduled.causes) == "b; c; d; e; f"
        assert scheduled.causes.more == 2
        assert lines(settle(outbox, "/*").causes) == ("a", "b", "c", "d", "e")

    def test_what_ends_a_schedule_takes_over_its_causes(self, outbox, clock):
        outbox.release("", [replace(site(), cause=caused("first"))])
        settle(outbox, "/*", reference="r0")
        outbox.release("", [replace(site(), cause=caused("held back"))])
        outbox.release("", [replace(site(), urgent=True, cause=caused("urgent"))])
        assert lines(settle(outbox, "/*").causes) == ("held back", "urgent")

    def test_what_is_settled_with_a_wildcard_is_among_the_causes(self, outbox):
        outbox.release("", [Entry(E1, "/a/1", cause=caused("covered"))])
        outbox.release("", [Entry(E1, "/b", cause=caused("not covered"))])
        outbox.release("", [replace(site(item="/a/2"), cause=caused("sent"))])
        settle(outbox, "/a/2", reference="r0")
        outbox.release("", [replace(site(item="/a/2"), cause=caused("coalesced"))])
        outbox.release("", [Entry(E1, "/a/*", cause=caused("wildcard"))])
        settled = settle(outbox, "/a/*")
        assert lines(settled.causes) == ("wildcard", "covered", "coalesced")

    def test_what_takes_the_place_of_items_has_their_causes(self, outbox):
        for number in range(7):
            entry = Entry(E1, f"/a/{number}", cause=caused(f"c{number}"))
            outbox.release("", [entry, replace(entry, item=f"/a/{number}/x")])
        outbox.widen(E1, "/a/*")
        settled = settle(outbox, "/a/*")
        assert lines(settled.causes) == ("c0", "c1", "c2", "c3", "c4")
        assert settled.causes.more == 2

    @pytest.mark.parametrize("how", ["dissolve", "split", "retarget", "quarantine"])
    def test_items_of_a_batch_keep_each_its_own_causes(self, outbox, how):
        found = [Entry(E1, f"/{cause}", cause=caused(cause)) for cause in "abc"]
        outbox.release("", [*found, Entry(E1, "/none")])
        batch = frozen(outbox, "/a", "/b", "/none", "/c")
        distribution = E1
        if how == "retarget":
            outbox.retarget(E1, E2)
            distribution = E2
        elif how == "split":
            outbox.split(batch, ("r2", "r3"))
            first = outbox.settle(outbox.frozen(E1)[0], "I")
            assert lines(first.causes) == ("a", "b")
            outbox.dissolve(outbox.frozen(E1)[0])
        elif how == "quarantine":
            outbox.quarantine(batch, plain("no"))
            assert {
                each.item: lines(each.causes) for each in outbox.quarantined(9)
            } == {
                "/a": ("a",),
                "/b": ("b",),
                "/c": ("c",),
                "/none": (),
            }
            assert outbox.retry_quarantined(E1, "/c")
        else:
            outbox.dissolve(batch)
        assert outbox.claim(distribution, 60)
        last = outbox.freeze(distribution, "r9", ["/c"])
        assert lines(outbox.settle(last, "I").causes) == ("c",)

    def test_schedules_of_a_wrong_id_keep_their_causes(self, outbox, clock):
        outbox.release("", [Entry(E1, "/a", due=clock.now + 9, cause=caused("date"))])
        outbox.release("", [site()])
        outbox.release("", [replace(site(), cause=caused("again"))])
        outbox.retarget(E1, E2)
        assert [str(each.causes) for each in outbox.scheduled(9)] == ["date", "again"]

    def test_causes_are_not_billed(self, outbox, clock):
        clock.now = 1_800_000_000.0
        for cause in "abcdefgh":
            outbox.release("", [Entry(E1, "/x", cause=caused(cause))])
        settle(outbox, "/x")
        assert outbox.billed("2027-01") == {E1: 1}
