"""What every engine of the outbox must do: subclass, and say how to open it.

::

    class TestRedisOutbox(OutboxContract):
        make_engine = RedisEngine

An *engine* is made with an empty folder. Each ``open(clock)`` is one more user of the
same outbox, as another process would be; ``url`` leads other processes to it.
"""

from collections.abc import Callable
from collective.cloudfront.outbox.contract import Action
from collective.cloudfront.outbox.contract import Batch
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.contract import Pending
from collective.cloudfront.outbox.contract import Refused
from collective.cloudfront.outbox.contract import Scheduled
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.clock import Clock
from collective.cloudfront.tests.outbox.machine import run_machine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Protocol

import json
import pytest
import threading
import time


E1 = "E1"
E2 = "E2"
LIMITS = Limits()
PACE = Pace(Bucket(900.0, 5.0), Bucket(14.0, 5.0), 2.0)
#: Longer than any test.
LONG = 1e12


class Engine(Protocol):
    """How the contract gets at an engine."""

    url: str

    def open(self, clock: Callable[[], float]) -> Outbox:
        """Return one more user of the outbox."""


def entries(*items: str, distribution: str = E1) -> list[Entry]:
    return [Entry(distribution, item) for item in items]


def ready(outbox: Outbox, distribution: str = E1) -> list[str]:
    return [pending.item for pending in outbox.pending(distribution, 10_000)]


def frozen(outbox: Outbox, *items: str, reference: str = "r1") -> Batch:
    """Release and freeze ``items``, with the claim that it needs."""
    outbox.release("", entries(*items))
    assert outbox.claim(E1, 60)
    return outbox.freeze(E1, reference, items)


def site(distribution: str = E1, item: str = "/*") -> Entry:
    """Return an entry that is coalesced for 300 seconds."""
    return Entry(distribution, item, every=300.0)


def dues(outbox: Outbox) -> list[tuple[str, float]]:
    return [(each.item, each.due) for each in outbox.scheduled(10_000)]


def work(outbox: Outbox, distribution: str = E1):
    return {work.distribution: work for work in outbox.work()}[distribution]


class OutboxContract:
    """The contract, one sentence a test."""

    make_engine: Callable[[Path], Engine]

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return self.make_engine(tmp_path)

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def outbox(self, engine: Engine, clock: Clock) -> Outbox:
        return engine.open(clock)

    @pytest.fixture
    def other(self, engine: Engine, clock: Clock) -> Outbox:
        """Another courier's."""
        return engine.open(clock)

    # --- prepare, release, discard ----------------------------------------------

    def test_a_new_outbox_is_empty(self, outbox):
        assert outbox.work() == ()
        assert outbox.pending(E1, 10) == []
        assert outbox.frozen(E1) == []
        assert outbox.in_progress(E1) == []
        assert outbox.history(10) == []
        assert outbox.refused(10) == []
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

    # --- in doubt -----------------------------------------------------------------

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
        outbox.settle(outbox.freeze(E1, "r1", ["/a"]), "I1", PACE)
        outbox.release("t", entries("/a"))
        assert ready(outbox) == ["/a"]

    # --- what is pending -----------------------------------------------------------

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

    # --- claims ---------------------------------------------------------------------

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

    def test_work_says_who_holds_a_distribution(self, outbox, other):
        outbox.release("", entries("/a"))
        assert work(outbox).claimed_by is None
        outbox.claim(E1, 60)
        holder = work(other).claimed_by
        assert holder
        outbox.give_up(E1)
        other.claim(E1, 60)
        assert work(outbox).claimed_by not in (None, holder)

    @pytest.mark.parametrize(
        "change",
        [
            lambda outbox, batch: outbox.freeze(E1, "r2", ["/b"]),
            lambda outbox, batch: outbox.settle(batch, "I1", PACE),
            lambda outbox, batch: outbox.dissolve(batch),
            lambda outbox, batch: outbox.split(batch, ("r2", "r3")),
            lambda outbox, batch: outbox.quarantine(batch, "reason"),
            lambda outbox, batch: outbox.refuse(batch),
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
        assert outbox.refused(10) == []
        assert outbox.pace(E1) is None

    def test_a_claim_that_ended_unnoticed_still_settles(self, outbox, clock):
        batch = frozen(outbox, "/a")
        clock.advance(1000)
        outbox.settle(batch, "I1", PACE)
        assert outbox.frozen(E1) == []

    def test_a_batch_is_settled_once_whoever_comes_first(self, outbox, other, clock):
        batch = frozen(outbox, "/a")
        clock.advance(60)
        other.claim(E1, 60)
        other.settle(batch, "I1", PACE)
        other.give_up(E1)
        assert outbox.claim(E1, 60)
        with pytest.raises(ClaimLost):
            outbox.settle(batch, "I1", PACE)
        assert len(outbox.history(10)) == 1

    # --- batches --------------------------------------------------------------------

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
        outbox.settle(frozen(outbox, "/1", "/2", reference="r1"), "I1", PACE)
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
        assert [each.ready for each in outbox.status().work] == [3000, 3002]

    def test_a_distribution_with_nothing_to_do_is_no_work(self, outbox):
        settled = outbox.settle(frozen(outbox, "/a"), "I1", PACE)
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
        outbox.settle(batch, "I1", PACE)
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
        settled = outbox.settle(batch, "I1", PACE)
        assert settled.invalidation == "I1"
        assert settled.reference == "r1"
        assert settled.items == ("/a", "/b")
        assert (settled.since, settled.accepted) == (clock.now - 3, clock.now)
        assert (settled.completed, settled.status) == (None, "InProgress")
        assert other.in_progress(E1) == other.history(10) == [settled]
        assert other.frozen(E1) == []
        assert ready(other) == []

    def test_settling_keeps_the_pace(self, outbox, other):
        outbox.settle(frozen(outbox, "/a"), "I1", PACE)
        assert other.pace(E1) == PACE
        assert other.pace(E2) is None

    @pytest.mark.parametrize(
        "answered",
        [
            lambda outbox, batch: outbox.settle(batch, "I1", PACE),
            lambda outbox, batch: outbox.split(batch, ("r2", "r3")),
            lambda outbox, batch: outbox.quarantine(batch, "reason"),
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
        outbox.settle(batch, "I1", PACE)
        assert ready(outbox) == []

    def test_a_wildcard_settles_nothing_else(self, outbox):
        others = ["/", "/A", "/b", "/b*", "/*", "#/a", "#tag"]
        outbox.release("", entries(*others) + entries("/a/1", distribution=E2))
        batch = frozen(outbox, "/a*")
        outbox.settle(batch, "I1", PACE)
        assert sorted(ready(outbox)) == sorted(others)
        assert ready(outbox, E2) == ["/a/1"]

    def test_everything_settles_all_paths_and_no_cache_tag(self, outbox):
        outbox.release("", entries("/", "/z}", "/a/*", "/%FF", "#tag"))
        outbox.settle(frozen(outbox, "/*"), "I1", PACE)
        assert ready(outbox) == ["#tag"]

    def test_an_exact_path_settles_itself_only(self, outbox):
        outbox.release("", entries("/a/b", "/a?x"))
        outbox.settle(frozen(outbox, "/a"), "I1", PACE)
        assert ready(outbox) == ["/a/b", "/a?x"]

    def test_a_wildcard_settles_nothing_added_after_it_was_frozen(self, outbox):
        batch = frozen(outbox, "/a/*")
        outbox.release("", entries("/a/new", "/a/*"))
        outbox.settle(batch, "I1", PACE)
        assert sorted(ready(outbox)) == ["/a/*", "/a/new"]

    def test_a_wildcard_settles_nothing_added_again_after_it_was_frozen(self, outbox):
        outbox.release("", entries("/a/old", "/a/again"))
        batch = frozen(outbox, "/a/*")
        outbox.release("", entries("/a/again"))
        outbox.settle(batch, "I1", PACE)
        assert ready(outbox) == ["/a/again"]

    def test_a_wildcard_settles_nothing_released_in_doubt_after_it_was_frozen(
        self, outbox, clock
    ):
        outbox.prepare("t", entries("/a/b"))
        clock.advance(10)
        batch = frozen(outbox, "/a/*")
        outbox.release_abandoned(5)
        outbox.settle(batch, "I1", PACE)
        assert ready(outbox) == ["/a/b"]

    def test_completing_records_time_and_status(self, outbox, other, clock):
        settled = outbox.settle(frozen(outbox, "/a"), "I1", PACE)
        clock.advance(20)
        completed = outbox.complete(settled, "Completed")
        assert (completed.completed, completed.status) == (clock.now, "Completed")
        assert other.history(1) == [completed]
        assert other.in_progress(E1) == []

    def test_invalidations_in_progress_come_oldest_first(self, outbox, clock):
        for number in range(4):
            batch = frozen(outbox, f"/{number}", reference=f"r{9 - number}")
            settled = outbox.settle(batch, f"I{number}", PACE)
            clock.advance(1)
            if number == 1:
                outbox.complete(settled, "Completed")
        found = [each.invalidation for each in outbox.in_progress(E1)]
        assert found == ["I0", "I2", "I3"]
        assert outbox.in_progress(E2) == []

    # --- what is refused --------------------------------------------------------------

    def test_a_dissolved_batch_is_ready_again(self, outbox, clock):
        since = clock.now
        batch = frozen(outbox, "/a", "/b/*")
        clock.advance(5)
        outbox.dissolve(batch)
        assert outbox.frozen(E1) == []
        assert set(outbox.pending(E1, 10)) == {
            Pending("/a", since),
            Pending("/b/*", since),
        }

    def test_a_dissolved_item_that_was_added_again_is_ready_once(self, outbox, clock):
        since = clock.now
        batch = frozen(outbox, "/a")
        clock.advance(5)
        outbox.release("", entries("/a"))
        outbox.dissolve(batch)
        assert outbox.pending(E1, 10) == [Pending("/a", since)]

    def test_a_split_batch_is_two_halves_in_order(self, outbox, clock):
        since = clock.now
        outbox.release("", entries("/1", "/2", "/3", "/4", "/5"))
        clock.advance(5)
        batch = frozen(outbox, "/1", "/2", "/3", "/4", "/5")
        outbox.split(batch, ("ra", "rb"))
        first, second = outbox.frozen(E1)
        assert (first.reference, second.reference) == ("ra", "rb")
        assert first.items + second.items == batch.items
        assert first.items
        assert second.items
        assert first.since == second.since == since

    def test_a_batch_is_split_down_to_single_items(self, outbox):
        items = [f"/{number}" for number in range(7)]
        frozen(outbox, *items)
        for number in range(100):
            large = [batch for batch in outbox.frozen(E1) if len(batch.items) > 1]
            if not large:
                break
            outbox.split(large[0], (f"x{number}", f"y{number}"))
        assert sorted(batch.items for batch in outbox.frozen(E1)) == [
            (item,) for item in items
        ]

    def test_halves_settle_what_their_batch_would_have_settled(self, outbox):
        outbox.release("", entries("/a/old"))
        batch = frozen(outbox, "/a/*", "/b")
        outbox.release("", entries("/a/new"))
        outbox.split(batch, ("ra", "rb"))
        for half in outbox.frozen(E1):
            outbox.settle(half, f"I-{half.reference}", PACE)
        assert ready(outbox) == ["/a/new"]

    def test_items_in_quarantine_are_kept_with_the_reason(self, outbox, other, clock):
        since = clock.now
        batch = frozen(outbox, "/bad")
        clock.advance(5)
        outbox.quarantine(batch, "InvalidArgument: no")
        assert other.refused(10) == [
            Refused(E1, "/bad", "InvalidArgument: no", since, clock.now)
        ]
        assert other.frozen(E1) == []
        assert ready(other) == []
        assert other.status().refused == 1

    def test_an_item_in_quarantine_can_be_added_again(self, outbox, clock):
        outbox.quarantine(frozen(outbox, "/bad"), "first")
        clock.advance(1)
        outbox.quarantine(frozen(outbox, "/bad", reference="r2"), "second")
        assert [refused.reason for refused in outbox.refused(10)] == ["second"]

    def test_what_a_quarantined_wildcard_covered_is_still_ready(self, outbox):
        outbox.release("", entries("/a/b"))
        outbox.quarantine(frozen(outbox, "/a/*"), "no")
        assert ready(outbox) == ["/a/b"]

    def test_refusals_for_quota_are_counted(self, outbox, other):
        batch = frozen(outbox, "/a")
        assert outbox.refuse(batch) == 1
        assert outbox.refuse(batch) == 2
        assert other.frozen(E1)[0].refusals == 2

    # --- pace and calls ---------------------------------------------------------------

    def test_a_pace_is_kept_for_each_distribution(self, outbox, other):
        assert outbox.pace(E1) is None
        outbox.keep_pace(E1, PACE)
        assert other.pace(E1) == PACE
        assert other.pace(E2) is None
        outbox.keep_pace(E1, PACE.refused())
        assert other.pace(E1) == PACE.refused()

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
        assert (second.reason, second.advice) == ("two", "advice")
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
        outbox.settle(batch, "I1", PACE)
        clock.advance(50)
        again = wait(outbox, until=clock.now + 100)
        assert (again.since, again.attempts) == (clock.now, 1)

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

    def test_a_schedule_can_be_cancelled(self, outbox, other, clock):
        for key in ("k", "l"):
            due = clock.now + 9
            outbox.release("", [Entry(E1, item, due=due, key=key) for item in "/#"])
        assert other.cancel(E1, "k") == 2
        assert other.cancel(E2, "l") == 0
        assert {each.key for each in outbox.scheduled(10)} == {"l"}

    def test_what_is_due_already_is_neither_replaced_nor_cancelled(self, outbox, clock):
        """No courier came by in time, and viewers see it all the same."""
        due = clock.now + 9
        outbox.release("", [Entry(E1, "/a", due=due, key="k")])
        clock.advance(10)
        outbox.release("", [Entry(E1, "", key="k")])
        assert outbox.cancel(E1, "k") == 0
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
        outbox.settle(frozen(outbox, "/*"), "I1", PACE)
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
        assert outbox.pending(E1, 10) == [Pending("/*", start + 300)]
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
        for every in (300.0, 60.0, 600.0):
            outbox.release("", [Entry(E1, "/*", every=every)])
        assert dues(outbox) == [("/*", start + 60)]
        frozen(outbox, "/*")
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
        outbox.settle(frozen(outbox, sent), "I1", PACE)
        assert outbox.scheduled(10) == []

    def test_what_came_after_a_batch_was_frozen_is_not_settled(self, outbox, clock):
        outbox.release("", [site()])
        outbox.release("", [site()])
        batch = frozen(outbox, "/*")
        outbox.release("", [site()])
        outbox.settle(batch, "I1", PACE)
        assert dues(outbox) == [("/*", clock.now + 300)]

    def test_what_reaches_something_else_settles_no_coalesced_item(self, outbox):
        outbox.release("", [site(E2), site(E2), site(item="#a"), site(item="#a")])
        outbox.settle(frozen(outbox, "/*"), "I1", PACE)
        assert len(outbox.scheduled(10)) == 2

    def test_a_clock_set_back_delays_no_coalesced_item(self, outbox, clock):
        outbox.release("", [site()])
        outbox.release("", [site()])
        frozen(outbox, "/*")
        clock.advance(-3600)
        assert outbox.release_due() == 1
        assert ready(outbox) == ["/*"]
        clock.advance(-3600)
        outbox.release("", [site()])
        assert outbox.scheduled(10) == []

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
        outbox.settle(batch, "I1", PACE)
        assert ready(outbox) == ["/a/*"]

    def test_a_batch_in_flight_settles_what_is_wider_and_older(self, outbox):
        outbox.release("", entries("/a/1", "/a/2"))
        batch = frozen(outbox, "/*")
        outbox.widen(E1, "/a/*")
        outbox.settle(batch, "I1", PACE)
        assert ready(outbox) == []

    # --- bills ------------------------------------------------------------------------

    def test_what_is_settled_is_billed_by_day_and_month(self, outbox, clock):
        clock.now = 1_800_000_000.0  # 2027-01-15T08:00Z
        outbox.settle(frozen(outbox, "/a", "/b", reference="r1"), "I1", PACE)
        outbox.settle(frozen(outbox, "/*", reference="r2"), "I2", PACE)
        clock.advance(16 * 3600)
        outbox.settle(frozen(outbox, "/a", reference="r3"), "I3", PACE)
        outbox.release("", entries("/a", distribution=E2))
        assert outbox.claim(E2, 60)
        outbox.settle(outbox.freeze(E2, "r4", ["/a"]), "I4", PACE)
        clock.advance(16 * 86400)
        outbox.settle(frozen(outbox, "/a", reference="r5"), "I5", PACE)
        assert outbox.billed("2027-01") == {E1: 4, E2: 1}
        assert outbox.billed_by_day("2027-01") == {
            E1: {"2027-01-15": 3, "2027-01-16": 1},
            E2: {"2027-01-16": 1},
        }
        assert outbox.billed("2027-02") == {E1: 1}
        assert outbox.billed("2027-03") == {}

    def test_what_is_not_accepted_is_not_billed(self, outbox):
        outbox.dissolve(frozen(outbox, "/a", reference="r1"))
        outbox.quarantine(frozen(outbox, "/a", reference="r2"), "no")
        assert outbox.billed("2027-01") == {}

    # --- a corrected distribution id ------------------------------------------------

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
            outbox.settle(batch, "I1", PACE)
        assert ready(outbox, E2) == ["/a"]
        assert outbox.history(10) == []

    def test_retargeting_an_unknown_distribution_moves_nothing(self, outbox):
        outbox.release("", entries("/a"))
        assert outbox.retarget(E2, E1) == 0
        assert ready(outbox) == ["/a"]

    # --- causes -----------------------------------------------------------------------

    def test_a_cause_goes_with_its_item_into_the_history(self, outbox, other):
        caused = [Entry(E1, "/a", cause="jane: /a"), Entry(E1, "/b")]
        outbox.prepare("t", caused)
        outbox.release("t", caused)
        assert outbox.claim(E1, 60)
        batch = outbox.freeze(E1, "r1", ["/b", "/a"])
        settled = outbox.settle(batch, "I1", PACE)
        assert (settled.causes, settled.more_causes) == (("jane: /a",), 0)
        assert other.history(1) == [settled]
        assert outbox.complete(settled, "Completed").causes == ("jane: /a",)

    def test_an_item_without_cause_has_none(self, outbox):
        settled = outbox.settle(frozen(outbox, "/a"), "I1", PACE)
        assert (settled.causes, settled.more_causes) == ((), 0)

    def test_each_cause_of_a_batch_is_named_once_in_the_order_of_its_items(
        self, outbox
    ):
        for item, cause in [("/1", "z"), ("/2", "a"), ("/3", "z"), ("/4", "m")]:
            outbox.release("", [Entry(E1, item, cause=cause)])
        settled = settle(outbox, "/4", "/3", "/2", "/1")
        assert settled.causes == ("m", "z", "a")

    def test_of_many_causes_the_first_are_kept_and_the_others_counted(self, outbox):
        for number in range(8):
            outbox.release("", [Entry(E1, f"/{number}", cause=f"c{number}")])
        settled = settle(outbox, *(f"/{number}" for number in range(8)))
        assert settled.causes == ("c0", "c1", "c2", "c3", "c4")
        assert settled.more_causes == 3
        assert outbox.history(1) == [settled]

    def test_an_item_added_again_has_all_its_causes(self, outbox):
        for cause in ["a", "b", "", "a", "c"]:
            outbox.release("", [Entry(E1, "/x", cause=cause)])
        assert settle(outbox, "/x").causes == ("a", "b", "c")

    def test_an_item_added_again_and_again_keeps_a_few_causes(self, outbox):
        for number in range(30):
            outbox.release("", [Entry(E1, "/x", cause=f"c{number}")])
        settled = settle(outbox, "/x")
        assert settled.causes == ("c0", "c1", "c2", "c3", "c4")
        assert settled.more_causes == 25

    @pytest.mark.parametrize("way", ["release", "doubt", "schedule"])
    def test_a_cause_is_cut_to_a_line(self, outbox, clock, way):
        due = clock.now + 10 if way == "schedule" else 0.0
        entry = Entry(E1, "/a", due=due, cause="x\ny\0\ud800" + 300 * "z")
        outbox.prepare("t", [entry])
        if way != "doubt":
            outbox.release("t", [entry])
        outbox.release_abandoned(0)
        clock.advance(10)
        outbox.release_due()
        (cause,) = settle(outbox, "/a").causes
        assert cause == "x y " + 195 * "z" + "…"

    def test_causes_do_not_make_entries_differ(self):
        assert Entry(E1, "/a", cause="a") == Entry(E1, "/a", cause="b")
        assert len({Entry(E1, "/a", cause="a"), Entry(E1, "/a")}) == 1

    def test_entries_in_doubt_keep_their_causes(self, outbox):
        causes = ["a", "a", "", "b"]
        doubtful = [Entry(E1, f"/{n}", cause=c) for n, c in enumerate(causes)]
        outbox.prepare("t", doubtful)
        assert outbox.release_abandoned(0) == 4
        assert settle(outbox, "/0", "/1").causes == ("a",)
        assert settle(outbox, "/2", reference="r2").causes == ()
        assert settle(outbox, "/3", reference="r3").causes == ("b",)

    def test_what_is_scheduled_says_why(self, outbox, clock):
        due = clock.now + 60
        outbox.release("", [Entry(E1, "/a", due=due, key="k", cause="jane: /a")])
        (scheduled,) = outbox.scheduled(10)
        assert scheduled.cause == "jane: /a"
        assert scheduled.causes == ("jane: /a",)
        clock.advance(60)
        outbox.release_due()
        assert settle(outbox, "/a").causes == ("jane: /a",)

    def test_what_came_again_too_early_says_all_that_came(self, outbox, clock):
        for cause in "abcdefgh":
            outbox.release("", [replace(site(), cause=cause)])
        (scheduled,) = outbox.scheduled(10)
        assert scheduled.coalesced
        assert scheduled.cause == "b; c; d; e; f"
        assert scheduled.more_causes == 2
        assert settle(outbox, "/*").causes == ("a", "b", "c", "d", "e")

    def test_what_ends_a_schedule_takes_over_its_causes(self, outbox, clock):
        outbox.release("", [replace(site(), cause="first")])
        settle(outbox, "/*", reference="r0")
        outbox.release("", [replace(site(), cause="held back")])
        outbox.release("", [replace(site(), urgent=True, cause="urgent")])
        assert settle(outbox, "/*").causes == ("held back", "urgent")

    def test_what_is_settled_with_a_wildcard_is_among_the_causes(self, outbox):
        outbox.release("", [Entry(E1, "/a/1", cause="covered")])
        outbox.release("", [Entry(E1, "/b", cause="not covered")])
        outbox.release("", [replace(site(item="/a/2"), cause="sent")])
        settle(outbox, "/a/2", reference="r0")
        outbox.release("", [replace(site(item="/a/2"), cause="coalesced")])
        outbox.release("", [Entry(E1, "/a/*", cause="wildcard")])
        settled = settle(outbox, "/a/*")
        assert settled.causes == ("wildcard", "covered", "coalesced")

    def test_what_takes_the_place_of_items_has_their_causes(self, outbox):
        for number in range(7):
            entry = Entry(E1, f"/a/{number}", cause=f"c{number}")
            outbox.release("", [entry, replace(entry, item=f"/a/{number}/x")])
        outbox.widen(E1, "/a/*")
        settled = settle(outbox, "/a/*")
        assert settled.causes == ("c0", "c1", "c2", "c3", "c4")
        assert settled.more_causes == 2

    @pytest.mark.parametrize("how", ["dissolve", "split", "retarget", "quarantine"])
    def test_items_of_a_batch_keep_each_its_own_causes(self, outbox, how):
        caused = [Entry(E1, f"/{cause}", cause=cause) for cause in "abc"]
        outbox.release("", [*caused, Entry(E1, "/none")])
        batch = frozen(outbox, "/a", "/b", "/none", "/c")
        distribution = E1
        if how == "retarget":
            outbox.retarget(E1, E2)
            distribution = E2
        elif how == "split":
            outbox.split(batch, ("r2", "r3"))
            assert outbox.settle(outbox.frozen(E1)[0], "I", PACE).causes == ("a", "b")
            outbox.dissolve(outbox.frozen(E1)[0])
        elif how == "quarantine":
            outbox.quarantine(batch, "no")
            assert {each.item: each.causes for each in outbox.refused(9)} == {
                "/a": ("a",),
                "/b": ("b",),
                "/c": ("c",),
                "/none": (),
            }
            assert outbox.retry_refused(E1, "/c")
        else:
            outbox.dissolve(batch)
        assert outbox.claim(distribution, 60)
        last = outbox.freeze(distribution, "r9", ["/c"])
        assert outbox.settle(last, "I", PACE).causes == ("c",)

    def test_schedules_of_a_wrong_id_keep_their_causes(self, outbox, clock):
        outbox.release("", [Entry(E1, "/a", due=clock.now + 9, cause="date")])
        outbox.release("", [site()])
        outbox.release("", [replace(site(), cause="again")])
        outbox.retarget(E1, E2)
        assert [each.cause for each in outbox.scheduled(9)] == ["date", "again"]

    def test_causes_are_not_billed(self, outbox, clock):
        clock.now = 1_800_000_000.0
        for cause in "abcdefgh":
            outbox.release("", [Entry(E1, "/x", cause=cause)])
        settle(outbox, "/x")
        assert outbox.billed("2027-01") == {E1: 1}

    # --- people -----------------------------------------------------------------------

    def test_what_is_scheduled_for_some_distributions(self, outbox, clock):
        for distribution in (E1, E2, "E3"):
            for due in (clock.now + 10, clock.now + 20):
                outbox.release("", [Entry(distribution, "/a", due=due)])

        def found(*arguments):
            return [each.distribution for each in outbox.scheduled(*arguments)]

        assert found(9, {E1, "E3"}) == [E1, "E3", E1, "E3"]
        assert found(3, [E2]) == [E2, E2]
        assert found(9, []) == []
        assert len(found(9)) == 6

    def test_history_is_paged_by_the_time_of_acceptance(self, outbox, clock):
        for number in range(7):
            distribution = (E1, E2, "E3")[number % 3]
            outbox.release("", entries("/a", distribution=distribution))
            assert outbox.claim(distribution, 60)
            batch = outbox.freeze(distribution, f"r{number}", ["/a"])
            outbox.settle(batch, f"I{number}", PACE)
            clock.advance(1)

        def pages(distributions):
            before = None
            while page := outbox.history(2, distributions, before):
                yield [each.invalidation for each in page]
                before = page[-1].accepted

        assert list(pages(None)) == [["I6", "I5"], ["I4", "I3"], ["I2", "I1"], ["I0"]]
        assert list(pages([E1, E2])) == [["I6", "I4"], ["I3", "I1"], ["I0"]]
        assert list(pages({E1})) == [["I6", "I3"], ["I0"]]
        assert outbox.history(9, None, before=0.0) == []
        assert outbox.history(9, before=clock.now + 9) == outbox.history(9)

    def test_a_refused_item_can_be_tried_again(self, outbox, other, clock):
        since = clock.now
        outbox.release("", [Entry(E1, "/a", urgent=True), Entry(E1, "/b")])
        outbox.quarantine(frozen(outbox, "/a", "/b"), "no")
        clock.advance(5)
        assert other.retry_refused(E1, "/a") is True
        assert other.retry_refused(E1, "/a") is False
        assert outbox.pending(E1, 9) == [Pending("/a", since, True)]
        assert [each.item for each in outbox.refused(9)] == ["/b"]
        assert outbox.retry_refused(E1, "/b")
        assert Pending("/b", since) in outbox.pending(E1, 9)

    def test_what_is_tried_again_is_ready_once(self, outbox, clock):
        since = clock.now
        outbox.quarantine(frozen(outbox, "/a"), "no")
        clock.advance(5)
        outbox.release("", entries("/a"))
        assert outbox.retry_refused(E1, "/a")
        assert outbox.pending(E1, 9) == [Pending("/a", since)]

    def test_a_batch_in_flight_settles_nothing_that_is_tried_again(self, outbox):
        outbox.quarantine(frozen(outbox, "/a/b"), "no")
        batch = frozen(outbox, "/a/*", reference="r2")
        outbox.retry_refused(E1, "/a/b")
        outbox.settle(batch, "I1", PACE)
        assert ready(outbox) == ["/a/b"]

    def test_a_refused_item_can_be_discarded(self, outbox, other):
        outbox.quarantine(frozen(outbox, "/a", "/b"), "no")
        assert other.discard_refused(E1, "/a") is True
        assert other.discard_refused(E1, "/a") is False
        assert [each.item for each in outbox.refused(9)] == ["/b"]
        assert ready(outbox) == []

    def test_only_what_is_refused_is_tried_again_or_discarded(self, outbox):
        outbox.quarantine(frozen(outbox, "/a"), "no")
        outbox.release("", entries("/ready"))
        for change in (outbox.retry_refused, outbox.discard_refused):
            assert change(E2, "/a") is False
            assert change(E1, "/ready") is False
        assert [each.item for each in outbox.refused(9)] == ["/a"]
        assert ready(outbox) == ["/ready"]

    def test_what_people_do_is_kept(self, outbox, other):
        first = Action("1", 5.0, "jané", "new theme", ("/*", "#é"), (E1, E2))
        second = Action("2", 6.0, "joe", "", ("/a",), (E2,), due=99.0)
        outbox.record_action(first)
        outbox.record_action(second)
        assert other.actions(10) == [second, first]
        assert other.actions(1) == [second]
        assert other.actions(10, before=6.0) == [first]

    def test_what_people_did_for_some_distributions(self, outbox):
        outbox.record_action(action("1", distributions=(E1, E2)))
        outbox.record_action(action("2", distributions=("E3",)))
        outbox.record_action(action("3", distributions=()))

        def found(distributions):
            return sorted(each.id for each in outbox.actions(9, distributions))

        assert found(None) == ["1", "2", "3"]
        assert found([E2]) == ["1"]
        assert found({E1, E2, "E3"}) == ["1", "2"]
        assert found([]) == []

    def test_an_action_recorded_again_is_replaced(self, outbox):
        outbox.record_action(action("1", reason="one"))
        outbox.record_action(action("1", reason="two"))
        assert [each.reason for each in outbox.actions(9)] == ["two"]

    def test_a_user_and_a_reason_are_kept_as_a_line(self, outbox):
        outbox.record_action(
            action("1", user="ja\nne" * 99, reason="x\ud800\0y " + 2000 * "z")
        )
        (found,) = outbox.actions(9)
        assert len(found.user) == 200
        assert found.user.startswith("ja neja ne")
        assert found.reason == "x y " + 995 * "z" + "…"

    def test_a_scheduled_action_can_be_cancelled(self, outbox, other, clock):
        due = clock.now + 60
        for identifier in "12":
            done = action(identifier, due=due, distributions=(E1, E2))
            outbox.record_action(done)
            outbox.release(
                "",
                [
                    Entry(E, item, due=due, key=done.key)
                    for E in (E1, E2)
                    for item in "/#"
                ],
            )
        clock.advance(10)
        assert other.cancel_action("1") == 4
        assert other.cancel_action("1") == 0
        assert other.cancel_action("unknown") == 0
        assert {each.key for each in outbox.scheduled(9)} == {"action:2"}
        found = {each.id: each.cancelled for each in outbox.actions(9)}
        assert found == {"1": clock.now, "2": None}

    def test_an_action_that_is_due_is_not_cancelled(self, outbox, clock):
        done = action("1", due=clock.now + 60)
        outbox.record_action(done)
        outbox.release("", [Entry(E1, "/a", due=done.due, key=done.key)])
        clock.advance(60)
        assert outbox.cancel_action("1") == 0
        assert outbox.actions(1) == [done]
        assert outbox.release_due() == 1

    def test_what_is_old_is_forgotten_but_for_what_is_still_to_come(
        self, outbox, clock
    ):
        for number in range(3):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            settled = outbox.settle(batch, f"I{number}", PACE)
            if number != 0:
                outbox.complete(settled, "Completed")
            outbox.record_action(action(f"now {number}", time=clock.now))
            clock.advance(100)
        soon = clock.now - 300
        outbox.record_action(action("past", time=soon, due=soon + 10))
        outbox.record_action(action("to come", time=soon, due=clock.now + 10))
        outbox.tidy(10)
        assert (len(outbox.history(9)), len(outbox.actions(9))) == (3, 5)
        outbox.tidy(10, 150)
        # The first is in progress, however old.
        assert [each.invalidation for each in outbox.history(9)] == ["I2", "I0"]
        assert {each.id for each in outbox.actions(9)} == {"now 2", "to come"}

    def test_an_invalidation_is_found_by_its_id(self, outbox, other):
        first, second = (
            outbox.settle(frozen(outbox, item, reference=item), f"I{item}", PACE)
            for item in ("/a", "/b")
        )
        assert other.settled("I/a", {E1, E2}) == first
        assert other.settled("I/b", [E1]) == second
        assert other.settled("I/b", [E2]) is None
        assert other.settled("I/c", [E1]) is None
        assert other.settled("I/a", []) is None

    def test_history_comes_newest_first(self, outbox, clock):
        for number in range(5):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            outbox.settle(batch, f"I{number}", PACE)
            clock.advance(1)
        found = [settled.invalidation for settled in outbox.history(3)]
        assert found == ["I4", "I3", "I2"]

    def test_history_and_quarantine_of_some_distributions(self, outbox):
        for distribution in (E1, E2, "E3"):
            outbox.release("", entries("/a", "/b", distribution=distribution))
            assert outbox.claim(distribution, 60)
            batch = outbox.freeze(distribution, f"r{distribution}", ["/a"])
            outbox.settle(batch, "I", PACE)
            batch = outbox.freeze(distribution, f"q{distribution}", ["/b"])
            outbox.quarantine(batch, "no")
        for found in (outbox.history, outbox.refused):
            assert {each.distribution for each in found(9, {E1, "E3"})} == {E1, "E3"}
            assert {each.distribution for each in found(9, [E2])} == {E2}
            assert found(9, []) == []
            assert len(found(9)) == 3
            assert len(found(1, {E1, E2})) == 1

    def test_quarantine_comes_newest_first(self, outbox, clock):
        for number in range(5):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            outbox.quarantine(batch, "no")
            clock.advance(1)
        assert [refused.item for refused in outbox.refused(3)] == ["/4", "/3", "/2"]

    def test_tidying_keeps_the_latest_and_all_in_progress(self, outbox, clock):
        for number in range(6):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            settled = outbox.settle(batch, f"I{number}", PACE)
            if number != 1:
                outbox.complete(settled, "Completed")
            clock.advance(1)
        outbox.release("", entries("/ready"))
        frozen(outbox, "/frozen", reference="rf")
        outbox.prepare("t", entries("/prepared"))
        outbox.tidy(2)
        found = [settled.invalidation for settled in outbox.history(10)]
        assert found == ["I5", "I4", "I1"]
        assert ready(outbox) == ["/ready"]
        assert len(outbox.frozen(E1)) == 1
        assert outbox.status().prepared == 1

    def test_a_closed_outbox_opens_itself_again(self, outbox):
        outbox.release("", entries("/a"))
        outbox.close()
        outbox.close()
        assert ready(outbox) == ["/a"]

    def test_everything_survives_the_end_of_its_process(self, engine, clock):
        code = """
outbox = open_as()
outbox.release("", [Entry("E1", "/ready"), Entry("E1", "/sent"), Entry("E1", "/old")])
assert outbox.claim("E1", 60)
outbox.settle(outbox.freeze("E1", "r1", ["/old"]), "I1", Pace.fresh(0.0, Limits()))
outbox.freeze("E1", "r2", ["/sent"])
die()
"""
        processes.run(engine.url, code)
        outbox = engine.open(clock)
        assert ready(outbox) == ["/ready"]
        assert [batch.reference for batch in outbox.frozen(E1)] == ["r2"]
        assert [settled.invalidation for settled in outbox.history(10)] == ["I1"]
        assert outbox.pace(E1) == Pace.fresh(0.0, LIMITS)

    # --- many at once -----------------------------------------------------------------

    @pytest.mark.long
    def test_any_sequence_of_operations_does_what_a_simple_model_does(self, tmp_path):
        run_machine(self.make_engine, tmp_path)

    def test_many_threads_lose_nothing_and_send_nothing_twice(self, engine):
        """Six threads save while two couriers with their own claims deliver."""
        saver, *couriers = [engine.open(time.time) for _ in range(3)]
        saver.release("", [])
        done = threading.Event()
        saved: list[str] = []

        def save(thread: int) -> None:
            for number in range(40):
                items = [f"/{thread}/{number}/{index}" for index in range(3)]
                token = f"{thread}-{number}"
                patiently(lambda: saver.prepare(token, entries(*items)))  # noqa: B023
                if number % 4:
                    patiently(lambda: saver.release(token, entries(*items)))  # noqa: B023
                    saved.extend(items)
                else:
                    patiently(lambda: saver.discard(token))  # noqa: B023

        def deliver(courier: Outbox) -> None:
            while True:
                last = done.is_set()
                try:
                    more = deliver_once(courier)
                except OutboxUnavailable:
                    more = True
                if last and not more:
                    return
                time.sleep(0.001)

        with ThreadPoolExecutor(8) as pool:
            deliveries = [pool.submit(deliver, courier) for courier in couriers]
            saves = [pool.submit(save, thread) for thread in range(6)]
            for future in saves:
                future.result(600)
            done.set()
            for future in deliveries:
                future.result(600)

        sent = [item for each in saver.history(10_000) for item in each.items]
        assert len(saved) == 6 * 30 * 3
        assert sorted(sent + ready(saver)) == sorted(saved)
        assert saver.status().prepared == 0

    def test_many_processes_lose_nothing_and_send_nothing_twice(self, engine):
        """Processes that save, some of which are killed, and two that deliver."""
        save = """
import time
outbox = open_as()
for number in range(1000):
    items = [f"/{args[0]}/{number}/{index}" for index in range(3)]
    entries = [Entry("E1", item) for item in items]
    for action in (outbox.prepare, outbox.release):
        while True:
            try:
                action(f"{args[0]}-{number}", entries)
                break
            except OutboxUnavailable:
                pass
    print(number, flush=True)
    if number == int(args[1]):
        die() if args[2] == "die" else sys.exit()
"""
        deliver = """
import time, uuid
outbox = open_as()

def deliver():
    if not outbox.claim("E1", 60):
        return time.sleep(0.002)
    for batch in outbox.frozen("E1"):
        outbox.settle(batch, "I", Pace.fresh(0.0, Limits()))
    items = [each.item for each in outbox.pending("E1", 50)]
    if items:
        batch = outbox.freeze("E1", uuid.uuid4().hex, items)
        if args[0] == "die":
            die()
        outbox.settle(batch, "I", Pace.fresh(0.0, Limits()))
    outbox.give_up("E1")

while True:
    try:
        if outbox.pending("E0", 1):
            break
        deliver()
    except OutboxUnavailable:
        pass
"""
        outbox = engine.open(time.time)
        outbox.release("", [])
        dying = processes.start(engine.url, deliver, "die")
        savers = [
            processes.start(engine.url, save, 1, 60, "end"),
            processes.start(engine.url, save, 2, 45, "die"),
        ]
        # It must be gone, and no zombie, before its claim is free.
        _, errors = dying.communicate(timeout=600)
        assert dying.returncode == -9, errors
        living = [processes.start(engine.url, deliver, "live") for _ in range(2)]
        counts = {}
        for number, process in enumerate(savers, 1):
            output, errors = process.communicate(timeout=600)
            assert process.returncode in (0, -9), errors
            counts[number] = len(output.split())
        outbox.release_abandoned(LONG)
        outbox.release("", entries("/stop", distribution="E0"))
        for process in living:
            _, errors = process.communicate(timeout=600)
            assert process.returncode == 0, errors

        assert outbox.claim(E1, 60)
        sent = [item for each in outbox.history(10_000) for item in each.items]
        sent += [item for batch in outbox.frozen(E1) for item in batch.items]
        released = [
            f"/{number}/{count}/{index}"
            for number in counts
            for count in range(counts[number])
            for index in range(3)
        ]
        assert counts == {1: 61, 2: 46}
        assert sorted(sent + ready(outbox)) == sorted(released)

    def test_the_calls_of_several_processes_stay_inside_the_rate(self, engine):
        code = """
import time
outbox, limits = open_as(), Limits(call_rate=20.0, call_burst=5.0)
started, granted = time.time(), 0
# However seldom a busy machine lets it run
while time.time() < started + 0.7 or granted < 5:
    granted += outbox.take_call(limits) == 0.0
print(__import__("json").dumps([started, time.time(), granted]))
"""
        running = [processes.start(engine.url, code) for _ in range(3)]
        results = [
            json.loads(process.communicate(timeout=600)[0]) for process in running
        ]
        seconds = max(end for _, end, _ in results) - min(each[0] for each in results)
        granted = sum(count for _, _, count in results)
        assert 5 + 0.5 * 20 <= granted <= 5 + seconds * 20 + 1


def settle(outbox: Outbox, *items: str, reference: str = "r1"):
    """Freeze and settle ``items``, which are ready."""
    assert outbox.claim(E1, 60)
    batch = outbox.freeze(E1, reference, items)
    assert batch.items == items
    return outbox.settle(batch, "I", PACE)


def action(identifier: str, **how: Any) -> Action:
    plain = Action(identifier, 5.0, "jane", "reason", ("/a",), (E1,))
    return replace(plain, **how)


def wait(
    outbox: Outbox,
    distribution: str = E1,
    *,
    reason: str = "reason",
    paused: bool = False,
    until: float,
):
    return outbox.wait(
        distribution, reason=reason, advice="advice", paused=paused, until=until
    )


def patiently(action: Callable[[], None]) -> None:
    """Do what an intake does for a save: try until the outbox takes it."""
    for _ in range(100):
        try:
            action()
        except OutboxUnavailable:
            time.sleep(0.01)
        else:
            return
    raise AssertionError("The outbox was busy for too long.")


def deliver_once(courier: Outbox) -> bool:
    """Claim and send one batch; say whether there was something to send."""
    if not courier.claim(E1, 60):
        return True
    items = ready(courier)[:50]
    if items:
        courier.freeze(E1, f"r-{items[0]}-{time.perf_counter_ns()}", items)
    batches = courier.frozen(E1)
    for batch in batches:
        courier.settle(batch, "I", PACE)
    courier.give_up(E1)
    return bool(batches)
