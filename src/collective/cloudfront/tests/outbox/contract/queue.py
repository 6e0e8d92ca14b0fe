"""The way in, and what is pending."""

from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.contract.claims import AHEAD
from collective.cloudfront.tests.outbox.contract.claims import UNKNOWN_OWNER
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import LONG
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import ready
from collective.cloudfront.tests.outbox.contract.common import wait
from collective.cloudfront.tests.outbox.contract.common import work

import pytest
import time


class QueueContract(Opened):
    """The way in, and what is pending."""

    # --- prepare, release, discard ----------------------------------------------------

    def test_a_new_outbox_is_empty(self, outbox):
        assert outbox.work() == ()
        assert outbox.pending(E1, 10) == []
        assert outbox.frozen(E1) == []
        assert outbox.in_progress(E1) == []
        assert outbox.history(10) == []
        assert outbox.quarantined(10) == []
        assert outbox.status().prepared == 0

    def test_what_is_prepared_is_not_ready(self, outbox, other):
        outbox.prepare("t", entries("/a"))
        assert ready(other) == []
        assert other.work() == ()
        assert other.status().prepared == 1

    def test_what_is_released_is_ready_for_everybody(self, outbox, other, clock):
        outbox.prepare("t", entries("/a", "/b/*", "#c"))
        outbox.release("t", entries("/a", "/b/*", "#c"))
        assert sorted(ready(other)) == ["#c", "/a", "/b/*"]
        assert other.pending(E1, 10)[0].since == clock.now
        assert other.status().prepared == 0

    def test_release_does_not_need_a_known_token(self, outbox):
        outbox.release("never prepared", entries("/a"))
        assert ready(outbox) == ["/a"]

    def test_releasing_twice_holds_the_item_once(self, outbox):
        outbox.prepare("t", entries("/a"))
        outbox.release("t", entries("/a"))
        outbox.release("t", entries("/a"))
        assert ready(outbox) == ["/a"]

    def test_preparing_a_token_again_replaces_it(self, outbox):
        outbox.prepare("t", entries("/a"))
        outbox.prepare("t", entries("/b"))
        assert outbox.status().prepared == 1
        assert outbox.release_abandoned(0) == 1
        assert ready(outbox) == ["/b"]

    def test_what_is_discarded_is_gone(self, outbox):
        outbox.prepare("t", entries("/a"))
        outbox.discard("t")
        assert outbox.release_abandoned(0) == 0
        assert outbox.status().prepared == 0
        assert outbox.work() == ()

    def test_discarding_touches_nothing_else(self, outbox):
        outbox.prepare("kept", entries("/a"))
        outbox.release("", entries("/b"))
        outbox.discard("kept no longer")
        outbox.discard("unknown")
        assert outbox.status().prepared == 1
        assert ready(outbox) == ["/b"]

    def test_releasing_nothing_changes_nothing(self, outbox):
        outbox.prepare("t", [])
        outbox.release("t", [])
        assert outbox.work() == ()

    def test_distributions_have_their_own_items(self, outbox):
        outbox.release("", entries("/a") + entries("/a", "/b", distribution=E2))
        assert ready(outbox, E1) == ["/a"]
        assert ready(outbox, E2) == ["/a", "/b"]

    def test_any_item_and_distribution_survives_unchanged(self, outbox):
        items = ["/" + "x" * 3999, "/a'b\"c;--", "#tag-!$&()", "/%C3%A9", "/é", "/\0"]
        distribution = "dt_ü'\";"
        outbox.prepare("t", entries(*items, distribution=distribution))
        assert outbox.release_abandoned(0) == len(items)
        assert sorted(ready(outbox, distribution)) == sorted(items)
        assert outbox.claim(distribution, 60)
        outbox.freeze(distribution, "r'", items)
        assert outbox.frozen(distribution)[0].items == tuple(items)

    # --- in doubt ---------------------------------------------------------------------

    def test_entries_of_a_process_that_died_are_released(self, engine, outbox):
        code = "open_as().prepare('t', [Entry('E1', '/a'), Entry('E2', '/b')]); die()"
        processes.run(engine.url, code)
        assert outbox.status().prepared == 1
        assert outbox.release_abandoned(LONG) == 2
        assert ready(outbox, E1) == ["/a"]
        assert ready(outbox, E2) == ["/b"]
        assert outbox.status().prepared == 0
        assert outbox.status().in_doubt_released == 2

    def test_entries_of_a_running_process_are_left_alone(self, engine, outbox):
        code = "open_as().prepare('t', [Entry('E1', '/a')]); print('!', flush=True);"
        process = processes.start(engine.url, code + "input()")
        try:
            assert process.stdout.readline()
            assert outbox.release_abandoned(LONG) == 0
        finally:
            process.kill()
            process.communicate()
        assert outbox.release_abandoned(LONG) == 1

    def test_entries_of_an_unknown_host_are_released_after_the_grace(self, engine):
        # The other process has the real clock.
        outbox = engine.open(time.time)
        code = "open_as('elsewhere').prepare('t', [Entry('E1', '/a')]); die()"
        processes.run(engine.url, code)
        assert outbox.release_abandoned(600) == 0
        assert ready(outbox) == []
        assert engine.open(lambda: time.time() + 601).release_abandoned(600) == 1
        assert ready(outbox) == ["/a"]

    @pytest.mark.parametrize("ahead", AHEAD)
    def test_entries_prepared_while_the_clock_was_ahead_are_released_after_the_grace(
        self, outbox, other, clock, ahead
    ):
        other.owner = UNKNOWN_OWNER
        clock.advance(ahead)
        other.prepare("t", entries("/a"))
        clock.advance(-ahead)
        assert outbox.release_abandoned(60) == 0
        clock.advance(59)
        assert outbox.release_abandoned(60) == 0
        clock.advance(1)
        assert outbox.release_abandoned(60) == 1
        assert [each.since for each in outbox.pending(E1, 10)] == [clock.now]

    def test_entries_are_released_after_the_grace_whoever_prepared_them(
        self, outbox, clock
    ):
        outbox.prepare("t", entries("/a"))
        clock.advance(59)
        assert outbox.release_abandoned(60) == 0
        clock.advance(1)
        assert outbox.release_abandoned(60) == 1
        assert ready(outbox) == ["/a"]

    def test_entries_in_doubt_are_as_old_as_their_preparation(self, outbox, clock):
        since = clock.now
        outbox.prepare("t", entries("/a"))
        clock.advance(100)
        outbox.release_abandoned(60)
        assert outbox.pending(E1, 10) == [Pending("/a", since)]

    def test_entries_in_doubt_are_released_once(self, outbox, other):
        outbox.prepare("t", entries("/a"))
        assert outbox.release_abandoned(0) == 1
        assert other.release_abandoned(0) == 0

    def test_a_commit_later_than_the_grace_releases_its_entries_again(self, outbox):
        outbox.prepare("t", entries("/a"))
        outbox.release_abandoned(0)
        assert outbox.claim(E1, 60)
        outbox.settle(outbox.freeze(E1, "r1", ["/a"]), "I1")
        outbox.release("t", entries("/a"))
        assert ready(outbox) == ["/a"]

    # --- what is pending --------------------------------------------------------------

    def test_the_oldest_items_come_first(self, outbox, clock):
        for item in ("/z", "/m*", "/a"):
            outbox.release("", entries(item))
            clock.advance(1)
        assert ready(outbox) == ["/z", "/m*", "/a"]

    def test_items_of_the_same_age_come_in_the_same_order_always(self, engine, clock):
        items = [f"/{number}" for number in range(20)] + ["/w*", "/v*", "#t"]
        outbox = engine.open(clock)
        outbox.release("", entries(*items))
        outbox.release("", entries(*reversed(items), distribution=E2))
        assert ready(outbox, E1) == ready(outbox, E2)

    def test_an_item_added_again_keeps_its_oldest_time(self, outbox, clock):
        since = clock.now
        outbox.release("", entries("/a"))
        clock.advance(10)
        outbox.release("", entries("/a", "/b"))
        assert outbox.pending(E1, 10) == [
            Pending("/a", since),
            Pending("/b", since + 10),
        ]

    def test_an_item_in_doubt_makes_a_ready_one_older(self, outbox, clock):
        since = clock.now
        outbox.prepare("t", entries("/a"))
        clock.advance(10)
        outbox.release("", entries("/a"))
        outbox.release_abandoned(5)
        assert outbox.pending(E1, 10) == [Pending("/a", since)]

    def test_the_limit_holds_for_exact_items_and_wildcards_each(self, outbox, clock):
        for number in range(5):
            outbox.release("", entries(f"/{number}", f"/w{number}*", f"#{number}"))
            clock.advance(1)
        assert set(ready(outbox)) > {"/4", "/w4*", "#4"}
        found = [pending.item for pending in outbox.pending(E1, 4)]
        assert sorted(found) == sorted(
            ["/0", "#0", "/1", "#1", "/w0*", "/w1*", "/w2*", "/w3*"]
        )

    # --- urgent -----------------------------------------------------------------------

    def test_urgent_items_go_first_and_then_the_oldest(self, outbox, clock):
        for number in range(4):
            urgent = number % 2 == 1
            outbox.release(
                "",
                [
                    Entry(E1, f"/{number}", urgent=urgent),
                    Entry(E1, f"/{number}/*", urgent=urgent),
                ],
            )
            clock.advance(1)
        assert ready(outbox) == ["/1/*", "/1", "/3/*", "/3", "/0/*", "/0", "/2/*", "/2"]
        found = outbox.pending(E1, 2)
        assert [each.item for each in found] == ["/1/*", "/1", "/3/*", "/3"]
        assert all(each.urgent for each in found)

    def test_work_says_whether_something_is_urgent(self, outbox):
        outbox.release("", entries("/a", distribution=E2))
        outbox.release("", [Entry(E1, "/a", urgent=True)])
        assert work(outbox).urgent is True
        assert work(outbox, E2).urgent is False
        assert outbox.claim(E1, 60)
        outbox.freeze(E1, "r1", ["/a"])
        assert work(outbox).urgent is False

    def test_urgent_once_is_urgent_whatever_follows(self, outbox, clock):
        since = clock.now
        for urgent in (False, True, False):
            outbox.release("", [Entry(E1, "/a", urgent=urgent)])
            clock.advance(1)
        assert outbox.pending(E1, 10) == [Pending("/a", since, True)]

    def test_an_urgent_item_in_doubt_is_urgent(self, outbox):
        outbox.prepare("t", [Entry(E1, "/a", urgent=True)])
        assert outbox.release_abandoned(0) == 1
        assert outbox.pending(E1, 10)[0].urgent

    @pytest.mark.parametrize("how", ["dissolve", "split", "retarget"])
    def test_urgent_items_of_a_batch_stay_urgent(self, outbox, how):
        outbox.release("", [Entry(E1, "/a"), Entry(E1, "/b", urgent=True)])
        batch = frozen(outbox, "/a", "/b")
        if how == "retarget":
            outbox.retarget(E1, E2)
        elif how == "split":
            outbox.split(batch, ("r2", "r3"))
        for each in outbox.frozen(E1) or ():
            outbox.dissolve(each)
        found = outbox.pending(E2 if how == "retarget" else E1, 10)
        assert [(each.item, each.urgent) for each in found] == [
            ("/b", True),
            ("/a", False),
        ]

    # --- a corrected distribution id --------------------------------------------------

    def test_what_waits_for_a_wrong_id_goes_to_the_right_one(self, outbox, clock):
        since = clock.now
        frozen(outbox, "/frozen")
        wait(outbox, until=clock.now + 100)
        clock.advance(5)
        outbox.release("", entries("/ready", "/both"))
        clock.advance(5)
        outbox.release("", entries("/both", "/own", distribution=E2))
        assert outbox.retarget(E1, E2) == 3
        assert set(outbox.pending(E2, 10)) == {
            Pending("/frozen", since),
            Pending("/ready", since + 5),
            Pending("/both", since + 5),
            Pending("/own", since + 10),
        }
        assert [each.distribution for each in outbox.work()] == [E2]
        outbox.release("", entries("/late"))
        assert work(outbox, E1).waiting is None

    def test_a_batch_in_flight_that_went_elsewhere_is_not_settled(self, outbox):
        batch = frozen(outbox, "/a")
        outbox.retarget(E1, E2)
        with pytest.raises(ClaimLost):
            outbox.settle(batch, "I1")
        assert ready(outbox, E2) == ["/a"]
        assert outbox.history(10) == []

    def test_retargeting_an_unknown_distribution_moves_nothing(self, outbox):
        outbox.release("", entries("/a"))
        assert outbox.retarget(E2, E1) == 0
        assert ready(outbox) == ["/a"]
