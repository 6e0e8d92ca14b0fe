"""The courier's policy, with a clock that moves when told and a scripted CloudFront."""

from collective.cloudfront.delivery import courier as module
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.courier import TIDY_EVERY
from collective.cloudfront.delivery.events import InvalidationAccepted
from collective.cloudfront.delivery.events import InvalidationCompleted
from collective.cloudfront.delivery.events import InvalidationFailed
from collective.cloudfront.delivery.sending import LONGEST_IDLE
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.tests.delivery.gateways import COMPLETED
from collective.cloudfront.tests.delivery.gateways import DENIED
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.delivery.gateways import OVER_QUOTA
from collective.cloudfront.tests.delivery.gateways import REFUSED
from collective.cloudfront.tests.delivery.gateways import RUNNING
from collective.cloudfront.tests.delivery.gateways import TAKEN
from collective.cloudfront.tests.delivery.gateways import THROTTLED
from collective.cloudfront.tests.delivery.gateways import TRANSIENT
from collective.cloudfront.tests.delivery.world import AS_IT_IS
from collective.cloudfront.tests.delivery.world import KEY_PAIR
from collective.cloudfront.tests.delivery.world import MEMORY
from collective.cloudfront.tests.delivery.world import World
from collective.cloudfront.tests.outbox.processes import run as run_process
from collective.cloudfront.tests.profile import repetitions
from dataclasses import replace
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from pathlib import Path
from tempfile import TemporaryDirectory

import logging
import math
import pytest


#: Everything may be called as often as it is needed.
FREE_CALLS = replace(AS_IT_IS, call_rate=1000.0, call_burst=1000.0)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.outbox.close()


@pytest.fixture
def gateway(world):
    return world.gateway


def delays_between(calls):
    return [later.time - call.time for call, later in zip(calls, calls[1:])]


def log_lines(caplog, level):
    return [record.message for record in caplog.records if record.levelno == level]


# --- the window ---------------------------------------------------------------------------


def test_nothing_is_sent_before_its_window_has_passed(world, gateway):
    world.release("/a")
    world.run(0.99)
    assert gateway.calls == []
    world.run(0.05)
    assert [call.items for call in gateway.calls] == [("/a",)]


def test_what_comes_within_the_window_is_one_call(world, gateway):
    for number in range(9):
        world.release(f"/{number}")
        world.run(0.1)
    world.run(0.2)
    assert [len(call.items) for call in gateway.calls] == [9]


def test_the_window_begins_with_the_oldest_item(world, gateway):
    for number in range(40):
        world.release(f"/{number}")
        world.run(0.1)
    # The stream never ends, and yet no items are waiting for its end.
    assert gateway.calls[0].time - world.outbox.history(99)[-1].since < 1.2


def test_each_distribution_has_its_own_window(world, gateway):
    world.targets = {E1: Target(E1, window=5.0), E2: Target(E2, window=0.0)}
    world.release("/a")
    world.release("/b", distribution=E2)
    world.courier.round()
    assert [call.distribution for call in gateway.calls] == [E2]
    world.run(5.1)
    assert [call.distribution for call in gateway.calls] == [E2, E1]


def test_a_round_says_when_the_window_ends(world):
    world.release("/a")
    assert world.courier.round() == pytest.approx(1.0)
    world.clock.advance(0.75)
    assert world.courier.round() == pytest.approx(0.25)


def test_the_client_is_made_within_the_window(world, gateway):
    world.targets = {E1: Target(E1, credentials=(KEY_PAIR,))}
    world.release("/a")
    world.courier.round()
    assert gateway.prepared == [(KEY_PAIR,)]
    assert gateway.calls == []


def test_no_client_is_made_while_a_distribution_waits(world, gateway):
    """It would be made of the credentials that do not work."""
    gateway.otherwise = lambda call: DENIED
    world.release("/a")
    world.run(5)
    made = len(gateway.prepared)
    world.release("/b")
    world.run(5)
    assert len(gateway.prepared) == made


def test_an_idle_courier_looks_again_within_a_second(world, gateway):
    assert 0 < world.courier.round() <= 1.0
    assert gateway.prepared == []


# --- what is urgent -----------------------------------------------------------------------


def release_urgent(world, *items):
    world.outbox.release("", [Entry(E1, item, urgent=True) for item in items])


def test_what_is_urgent_waits_for_no_window(world, gateway):
    world.targets = {E1: Target(E1, window=30.0)}
    world.release("/a")
    world.courier.round()
    assert gateway.calls == []
    release_urgent(world, "/secret")
    world.courier.round()
    assert [call.items for call in gateway.calls] == [("/secret", "/a")]


def test_what_is_urgent_waits_for_no_larger_batch(world, gateway):
    world.release(*(f"/{number}" for number in range(3000)))
    world.run(1.5)
    release_urgent(world, "/secret")
    world.run(2.5)
    assert gateway.calls[0].items[0] == "/0"
    assert gateway.calls[1].items[0] == "/secret"
    assert len(gateway.calls[1].items) < 300


def test_a_wildcard_that_reaches_what_is_urgent_goes_first(world, gateway):
    world.release(*(f"/w{number}/*" for number in range(16)))
    world.release("/secret*")
    release_urgent(world, "/secret", "/hidden", "/private*")
    world.courier.round()
    items = gateway.calls[0].items
    assert set(items[:2]) == {"/private*", "/secret*"}
    assert items[15:] == ("/hidden",)


def test_what_is_urgent_waits_while_the_distribution_does(world, gateway):
    gateway.otherwise = lambda call: DENIED
    world.release("/a")
    world.run(2)
    release_urgent(world, "/secret")
    world.run(5)
    assert len(gateway.calls) == 1


# --- what is scheduled --------------------------------------------------------------------


def test_what_is_scheduled_goes_out_when_due_though_nobody_asks(world, gateway):
    due = world.clock.now + 3600.5
    world.outbox.release("", [Entry(E1, "/a", due=due, key="k")])
    world.run(3600)
    assert gateway.calls == []
    world.run(2)
    (call,) = gateway.calls
    assert call.items == ("/a",)
    assert due <= call.time <= due + module.LONGEST_IDLE


def test_a_stream_of_site_purges_is_one_in_each_interval(world, gateway):
    for _ in range(120):
        world.outbox.release("", [Entry(E1, "/*", every=60.0)])
        world.run(1)
    world.run(61)
    assert [call.items for call in gateway.calls] == [("/*",)] * 3
    assert all(delay >= 59 for delay in delays_between(gateway.calls))
    assert world.outbox.status().scheduled == 0


# --- widening, and money ------------------------------------------------------------------


@pytest.fixture
def widening(tmp_path):
    """A world whose limits are the real ones."""
    world = World(tmp_path, limits=Limits())
    yield world
    world.outbox.close()


def test_a_bulk_operation_becomes_the_wildcard_of_its_folder(widening, caplog):
    caplog.set_level(logging.INFO)
    widening.release("/news", "#tag", *(f"/news/{number}" for number in range(60)))
    widening.run(2)
    assert [set(call.items) for call in widening.gateway.calls] == [
        {"/news", "/news/*", "#tag"}
    ]
    assert "/news/* replaces 60 items" in caplog.text
    assert not log_lines(caplog, logging.WARNING)
    widening.run(60)
    assert widening.outbox.work() == ()


def test_few_siblings_stay_as_they_are(widening):
    widening.release(*(f"/news/{number}" for number in range(8)))
    widening.run(2)
    assert len(widening.gateway.calls[0].items) == 8


def test_a_long_backlog_is_widened_beyond_what_was_read_of_it(widening):
    widening.release(*(f"/news/{number}" for number in range(5000)))
    widening.run(2)
    assert [call.items for call in widening.gateway.calls] == [("/news/*",)]
    assert widening.ready() == []


def test_a_hopeless_backlog_purges_everything_and_says_so(widening, caplog):
    widening.release(*(f"/{number}/a/b*" for number in range(40)))
    widening.run(2)
    assert [call.items for call in widening.gateway.calls] == [("/*",)]
    (line,) = log_lines(caplog, logging.WARNING)
    assert "too many items are waiting" in line
    assert "40 items" in line


def test_above_the_budget_the_planner_is_thrifty_and_says_so(widening, caplog):
    widening.targets = {E1: Target(E1, budget=8), E2: Target(E2, budget=8)}
    widening.release(*(f"/{number}/a" for number in range(4)), distribution=E2)
    widening.release(*(f"/news/{number}" for number in range(4)))
    widening.run(3)
    assert [len(call.items) for call in widening.gateway.calls] == [4, 4]
    widening.release("/one/more", distribution=E2)
    widening.run(3)
    assert not log_lines(caplog, logging.WARNING)
    for _ in range(2):
        widening.release(*(f"/news/{number}" for number in range(4)))
        widening.run(3)
        assert widening.gateway.calls[-1].items == ("/news/*",)
    (line,) = log_lines(caplog, logging.WARNING)
    assert "budget of 8 items is used up" in line


def test_a_new_month_has_a_new_budget(widening):
    widening.targets = {E1: Target(E1, budget=1)}
    widening.release("/a", "/b")
    widening.run(3)
    widening.clock.advance(31 * 86400)
    widening.release(*(f"/news/{number}" for number in range(4)))
    widening.run(3)
    assert len(widening.gateway.calls[-1].items) == 4


# --- freeze, then send ------------------------------------------------------------------


def test_a_batch_is_frozen_before_the_call(world, gateway):
    seen = []
    gateway.otherwise = lambda call: seen.append(world.frozen()) or TRANSIENT
    world.release("/a", "/b/*")
    world.send_at_once()
    assert seen == [[("/b/*", "/a")]]
    (batch,) = world.outbox.frozen(E1)
    assert batch.reference == gateway.calls[0].reference


def test_every_batch_has_a_new_reference(world, gateway):
    for _ in range(5):
        world.release("/a")
        world.run(4)
    references = [call.reference for call in gateway.calls]
    assert len(set(references)) == len(references) == 5
    assert all(len(reference) <= 128 for reference in references)


def test_references_of_two_couriers_never_meet(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    worlds = [World(tmp_path / "one"), World(tmp_path / "two")]
    for world in worlds:
        world.release("/a")
        world.send_at_once()
        world.outbox.close()
    assert len({world.gateway.calls[0].reference for world in worlds}) == 2


def test_a_call_is_signed_as_its_target_says(world, gateway):
    world.targets = {E1: Target(E1, credentials=(KEY_PAIR,))}
    world.release("/a")
    world.send_at_once()
    assert gateway.calls[0].credentials == (KEY_PAIR,)


def test_an_item_under_a_pending_wildcard_is_never_sent(world, gateway):
    world.release("/a/b", "/a/c/*", "/a/*", "/b")
    world.run(3)
    assert sorted(gateway.delivered) == ["/a/*", "/b"]
    assert world.ready() == []


# --- accepted ---------------------------------------------------------------------------


def test_an_accepted_batch_is_settled_logged_and_told(world, gateway, caplog):
    caplog.set_level(logging.INFO)
    world.release("/a", "/b")
    world.clock.advance(2.5)
    world.courier.round()
    (settled,) = world.outbox.history(10)
    assert settled.items == ("/a", "/b")
    assert world.events_of(InvalidationAccepted) == [InvalidationAccepted(settled)]
    (line,) = log_lines(caplog, logging.INFO)
    assert line == (
        f"{E1}: invalidation {settled.invalidation} accepted, 2 items, 2500 ms after "
        "the oldest commit: /a /b"
    )


def test_a_long_batch_is_logged_in_short(world, caplog):
    caplog.set_level(logging.INFO)
    world.release(*(f"/{number:03}" for number in range(500)))
    world.send_at_once()
    (line,) = log_lines(caplog, logging.INFO)
    assert "500 items" in line
    assert "/009 and 490 more" in line
    assert len(line) < 300


def test_a_subscriber_that_fails_neither_stops_nor_repeats_a_delivery(
    world, gateway, caplog
):
    def fail(event):
        raise RuntimeError("a subscriber's fault")

    world.courier = world.make_courier(world.outbox, notify=fail)
    world.release("/a")
    world.run(5)
    assert gateway.delivered == ["/a"]
    assert world.outbox.work() == ()
    assert "a subscriber's fault" in caplog.text
    assert {line.split(" to ")[0] for line in log_lines(caplog, logging.ERROR)} == {
        "A subscriber"
    }


def test_when_all_is_done_the_claim_is_given_up(world):
    world.release("/a")
    world.run(10)
    assert world.outbox.work() == ()
    other = world.open()
    assert other.claim(E1, 60)
    other.close()


# --- throttled -------------------------------------------------------------------------


def test_a_throttled_batch_is_repeated_unchanged(world, gateway, caplog):
    gateway.script = [THROTTLED] * 3
    world.release("/a", "/b")
    world.run_until_sent()
    assert len(gateway.calls) == 4
    assert {(call.reference, call.items) for call in gateway.calls} == {
        (gateway.calls[0].reference, ("/a", "/b"))
    }
    assert len(log_lines(caplog, logging.WARNING)) == 1
    assert "next attempt in" in log_lines(caplog, logging.WARNING)[0]


def test_throttling_spends_the_rate_of_all_couriers(world, gateway):
    gateway.script = [THROTTLED]
    world.release("/a")
    world.send_at_once()
    other = world.open()
    assert other.take_call(Limits()) > 1
    other.close()


def test_delays_grow_to_a_minute_while_throttled(world, gateway):
    gateway.otherwise = lambda call: THROTTLED
    world.release("/a")
    world.run(1000)
    delays = delays_between(gateway.calls)
    # One second, doubled each time; a call also needs a token of the API rate.
    expected = [2, 2, 4, 8, 16, 32] + [60] * (len(delays) - 6)
    assert delays == pytest.approx(expected, rel=0.3)
    assert len(delays) > 15
    assert world.frozen() == [("/a",)]


# --- over quota ------------------------------------------------------------------------


def test_a_batch_over_quota_is_planned_again_smaller(world, gateway):
    accepted_at_most = 300
    gateway.otherwise = lambda call: (
        OVER_QUOTA if len(call.items) > accepted_at_most else gateway.accept(call)
    )
    items = [f"/{number}" for number in range(1000)]
    world.release(*items)
    world.run_until_sent(1000)
    sizes = [len(call.items) for call in gateway.calls]
    assert sizes[:3] == [1000, 500, 250]
    assert sorted(gateway.delivered) == sorted(items)


def test_the_pace_of_refusals_is_kept(world, gateway):
    gateway.script = [OVER_QUOTA] * 2
    world.release("/a")
    world.send_at_once()
    assert world.outbox.pace(E1).shrink == 2.0
    world.restart()
    world.run_until_sent()
    assert world.outbox.pace(E1).shrink == pytest.approx(4.0 * 0.9)


def test_delays_grow_to_a_minute_while_over_quota(world, gateway):
    gateway.otherwise = lambda call: OVER_QUOTA
    world.release("/a")
    world.run(1000)
    delays = delays_between(gateway.calls)
    assert max(delays) == pytest.approx(60, rel=0.1)
    assert sorted(delays) == pytest.approx(delays, rel=0.3)
    assert len(delays) > 15


def test_a_single_item_over_quota_keeps_its_reference(world, gateway):
    gateway.script = [OVER_QUOTA] * 20
    world.release("/a")
    world.run_until_sent()
    assert len({call.reference for call in gateway.calls}) == 1


def test_what_may_have_been_accepted_is_repeated_unchanged_over_quota(world, gateway):
    gateway.script = [gateway.lose_the_answer, OVER_QUOTA, OVER_QUOTA]
    world.release("/a", "/b")
    world.run_until_sent()
    assert len({(call.reference, call.items) for call in gateway.calls}) == 1
    assert sorted(gateway.delivered) == ["/a", "/b"]


def test_what_an_earlier_process_may_have_sent_is_repeated_unchanged_over_quota(
    world, gateway
):
    gateway.script = [KeyboardInterrupt(), OVER_QUOTA, OVER_QUOTA]
    world.release("/a", "/b")
    with pytest.raises(KeyboardInterrupt):
        world.send_at_once()
    world.restart()
    world.run_until_sent()
    assert len({(call.reference, call.items) for call in gateway.calls}) == 1


def test_a_batch_larger_than_any_quota_does_not_stay_for_ever(world, gateway):
    """Frozen by a process that died, it is refused until nobody can have accepted it."""
    gateway.otherwise = lambda call: (
        OVER_QUOTA if len(call.items) > 10 else gateway.accept(call)
    )
    gateway.script = [KeyboardInterrupt()]
    items = [f"/{number}" for number in range(50)]
    world.release(*items)
    with pytest.raises(KeyboardInterrupt):
        world.send_at_once()
    world.restart()
    assert world.run_until_sent(3600) > 120
    assert sorted(gateway.delivered) == sorted(items)


# --- transient -------------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_again_under_the_same_reference(world, gateway):
    gateway.script = [gateway.lose_the_answer] * 4
    world.release("/a", "/b")
    world.run_until_sent()
    assert len(gateway.calls) == 5
    assert len({(call.reference, call.items) for call in gateway.calls}) == 1
    assert len(gateway.accepted) == 1


def test_what_is_added_meanwhile_does_not_join_the_repeated_batch(world, gateway):
    gateway.script = [gateway.lose_the_answer] * 2
    world.release("/a")
    world.send_at_once()
    world.release("/a", "/b")
    world.run_until_sent()
    assert [call.items for call in gateway.calls[:3]] == [("/a",)] * 3
    assert sorted(gateway.delivered) == ["/a", "/a", "/b"]


def test_delays_grow_to_fifteen_minutes_and_never_end(world, gateway):
    gateway.otherwise = lambda call: TRANSIENT
    world.release("/a")
    world.run(40_000)
    delays = delays_between(gateway.calls)
    assert delays[:4] == pytest.approx([1, 2, 4, 8], rel=0.3)
    assert set(map(round, delays[12:])) == {900}
    assert len(delays) > 45
    gateway.otherwise = None
    world.run_until_sent(1000)
    assert gateway.delivered == ["/a"]


def test_jitter_spreads_the_delays(tmp_path):
    for jitter, delay in ((0.0, 0.5), (1.0, 1.0)):
        folder = tmp_path / str(jitter)
        folder.mkdir()
        world = World(folder, jitter=lambda: jitter)  # noqa: B023
        world.gateway.script = [TRANSIENT]
        world.release("/a")
        world.send_at_once()
        assert world.waiting().until - world.clock.now == pytest.approx(delay)
        world.outbox.close()


def test_after_a_success_delays_begin_anew(world, gateway):
    gateway.script = [TRANSIENT] * 8
    world.release("/a")
    world.run_until_sent()
    gateway.script = [TRANSIENT]
    world.release("/b")
    world.send_at_once()
    assert world.waiting().attempts == 1
    assert world.waiting().until - world.clock.now == pytest.approx(1.0)


def test_while_it_waits_it_says_why(world, gateway):
    gateway.script = [TRANSIENT]
    world.release("/a")
    world.send_at_once()
    waiting = world.waiting()
    assert waiting.reason == plain("ServiceUnavailable")
    assert not waiting.paused


def test_long_trouble_is_logged_once_in_a_while(world, gateway, caplog):
    gateway.otherwise = lambda call: TRANSIENT
    world.release("/a")
    world.run(3 * 3600)
    assert 2 <= len(log_lines(caplog, logging.WARNING)) <= 3 * 4 + 1
    assert not log_lines(caplog, logging.ERROR)


# --- refused items ----------------------------------------------------------------------


def deliver_something(world):
    """Let CloudFront accept something: it is known to be good from now on."""
    world.release("/known")
    world.run_until_sent()


def refuse_bad_items(gateway):
    gateway.otherwise = lambda call: (
        REFUSED if any("bad" in item for item in call.items) else gateway.accept(call)
    )


def test_a_refused_item_goes_to_quarantine_with_the_reason(world, gateway, caplog):
    refuse_bad_items(gateway)
    world.release("/bad")
    world.run_until_sent()
    (refused,) = world.outbox.quarantined(10)
    assert (refused.item, refused.reason) == ("/bad", plain("InvalidArgument"))
    (line,) = log_lines(caplog, logging.ERROR)
    assert f"{E1}: CloudFront refuses /bad (InvalidArgument)" in line
    assert "See docs." in line
    (event,) = world.events_of(InvalidationFailed)
    assert (event.items, event.kept) == (("/bad",), False)


@settings(max_examples=repetitions(40))
@given(st.integers(1, 60), st.sets(st.integers(0, 59), max_size=6), st.booleans())
def test_bisecting_finds_every_offender_and_delivers_the_rest(count, offenders, crash):
    with TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder), limits=FREE_CALLS)
        gateway = world.gateway
        refuse_bad_items(gateway)
        items = [
            f"/bad/{number}" if number in offenders else f"/{number}"
            for number in range(count)
        ]
        bad = sorted(item for item in items if "bad" in item)
        world.release(*items)
        if crash:
            gateway.script = [REFUSED, REFUSED, KeyboardInterrupt()]
            with pytest.raises(KeyboardInterrupt):
                world.run_until_sent(600)
            world.restart()
        world.run_until_sent(6000)
        assert world.quarantined() == bad
        # The front page may have been sent to see whether anything passes.
        delivered = [item for item in gateway.delivered if item != "/"]
        assert sorted(delivered + world.quarantined()) == sorted(items)
        if not crash:
            calls = len(gateway.calls)
            # Each offender is tried three times before it is given up.
            assert calls <= 1 + 2 * len(bad) * (2 + math.ceil(math.log2(count + 1)))
        world.outbox.close()


def test_looking_for_an_offender_is_logged_as_a_warning(world, gateway, caplog):
    refuse_bad_items(gateway)
    world.release("/1", "/bad", "/3")
    world.run_until_sent()
    assert "refuses one of 3 items" in log_lines(caplog, logging.WARNING)[0]


def test_halves_have_references_of_their_own(world, gateway):
    refuse_bad_items(gateway)
    world.release("/1", "/bad", "/3", "/4")
    world.run_until_sent()
    by_reference = {}
    for call in gateway.calls:
        assert by_reference.setdefault(call.reference, call.items) == call.items
    assert len(by_reference) == len(set(by_reference.values()))


def test_a_half_over_quota_is_planned_again_smaller(world, gateway):
    """Nobody can have accepted it: its reference is as new as the refusal."""
    gateway.script = [REFUSED, OVER_QUOTA]
    world.release("/1", "/2", "/3", "/4")
    world.run_until_sent(60)
    refused_half = gateway.calls[1]
    assert [call.reference for call in gateway.calls].count(refused_half.reference) == 1
    assert sorted(gateway.delivered) == ["/1", "/2", "/3", "/4"]


def test_several_offenders_keep_the_rest_waiting_for_seconds_only(tmp_path):
    world = World(tmp_path, limits=FREE_CALLS)
    refuse_bad_items(world.gateway)
    deliver_something(world)
    world.release(*(f"/bad/{number}" for number in range(10)))
    world.release(*(f"/{number}" for number in range(50)))
    world.run_until_sent(60)
    assert len(world.gateway.delivered) == 51
    assert len(world.quarantined()) == 10
    world.outbox.close()


def test_an_item_is_not_given_up_for_one_wrong_answer(world, gateway):
    gateway.script = [REFUSED, REFUSED]
    world.release("/a")
    world.run_until_sent(60)
    assert gateway.delivered == ["/a"]
    assert len({call.reference for call in gateway.calls}) == 1


def test_what_was_refused_is_tried_again_when_it_changes_again(world, gateway):
    refuse_bad_items(gateway)
    deliver_something(world)
    world.release("/bad")
    world.run_until_sent()
    gateway.otherwise = None
    world.release("/bad")
    world.run_until_sent()
    assert gateway.delivered == ["/known", "/bad"]


# --- reference taken --------------------------------------------------------------------


def test_a_taken_reference_is_replaced(world, gateway, caplog):
    gateway.script = [TAKEN]
    world.release("/a", "/b")
    world.run_until_sent()
    first, second = gateway.calls
    assert first.reference != second.reference
    assert sorted(first.items) == sorted(second.items)
    assert "was already in use" in log_lines(caplog, logging.WARNING)[0]


# --- misconfigured ----------------------------------------------------------------------


def test_a_misconfigured_distribution_is_paused_and_says_what_to_do(
    world, gateway, caplog
):
    gateway.otherwise = lambda call: DENIED
    world.release("/a", "/b")
    world.run(3600)
    waiting = world.waiting()
    assert waiting.paused
    assert (waiting.reason, waiting.advice) == (
        plain("AccessDenied"),
        plain("Allow CreateInvalidation."),
    )
    assert world.frozen() == [("/a", "/b")]
    lines = log_lines(caplog, logging.ERROR)
    assert 1 <= len(lines) <= 5
    assert "purging is paused" in lines[0]
    assert "in 15 s, then at growing intervals of at most 5 minutes" in lines[0]
    assert "Allow CreateInvalidation." in lines[0]


def test_a_paused_distribution_is_tried_every_few_minutes(world, gateway):
    gateway.otherwise = lambda call: DENIED
    world.release("/a")
    world.run(3600)
    delays = delays_between(gateway.calls)
    assert delays[:3] == pytest.approx([15, 30, 60], rel=0.1)
    assert max(delays) == pytest.approx(300, rel=0.02)
    gateway.otherwise = None
    assert world.run_until_sent() <= 301
    assert gateway.delivered == ["/a"]


def test_a_paused_distribution_is_tried_at_once_when_the_settings_change(
    world, gateway
):
    gateway.otherwise = lambda call: DENIED
    world.release("/a")
    world.run(1000)
    gateway.otherwise = None
    world.outbox.resume()
    world.run(0.5)
    assert gateway.delivered == ["/a"]
    world.release("/b")
    assert world.waiting() is None


def test_somebody_is_told_once_of_a_pause(world, gateway):
    gateway.otherwise = lambda call: DENIED
    world.release("/a")
    world.run(600)
    (event,) = world.events_of(InvalidationFailed)
    assert (event.distribution, event.items, event.kept) == (E1, ("/a",), True)
    assert str(event.advice) == "Allow CreateInvalidation."


def test_a_paused_distribution_keeps_no_other_one_waiting(world, gateway):
    world.targets = {E1: Target(E1), E2: Target(E2)}
    gateway.otherwise = lambda call: (
        DENIED if call.distribution == E1 else gateway.accept(call)
    )
    world.release("/a")
    world.release("/b", distribution=E2)
    world.run(30)
    assert gateway.delivered == ["/b"]


def test_pauses_and_their_end_are_logged_each_time(world, gateway, caplog):
    for _ in range(2):
        gateway.script = [DENIED]
        world.release("/a")
        world.run_until_sent()
    assert len(log_lines(caplog, logging.ERROR)) == 2


# --- follow-up ---------------------------------------------------------------------------


def test_an_invalidation_is_followed_until_it_is_completed(world, gateway):
    gateway.status = RUNNING
    world.release("/a")
    world.run(20)
    assert world.work().in_progress == 1
    gateway.status = COMPLETED
    world.run_until_idle()
    (settled,) = world.outbox.history(10)
    assert settled.status == "Completed"
    assert settled.completed is not None
    (event,) = world.events_of(InvalidationCompleted)
    assert event.settled == settled


def test_look_ups_grow_rare(world, gateway):
    gateway.status = RUNNING
    world.release("/a")
    world.run(300)
    times = [when for when, _ in gateway.looks]
    delays = [later - when for when, later in zip(times, times[1:])]
    assert times[0] - gateway.calls[0].time == pytest.approx(2, abs=0.5)
    assert delays[0] == pytest.approx(3, abs=1.1)
    assert max(delays) == pytest.approx(15, abs=1.1)
    assert len(times) < 30


def test_only_a_few_are_looked_up_in_one_round(world, gateway):
    gateway.status = RUNNING
    for number in range(6):
        world.release(f"/{number}")
        world.clock.advance(1.0)
        world.courier.round()
    world.clock.advance(30)
    before = len(gateway.looks)
    world.courier.round()
    assert len(gateway.looks) - before <= 3


def test_a_denied_look_up_ends_as_unknown_and_keeps_delivering(world, gateway, caplog):
    gateway.status = DENIED
    for number in range(5):
        world.release(f"/{number}")
        world.run(30)
    world.run_until_idle(300)
    assert sorted(gateway.delivered) == [f"/{number}" for number in range(5)]
    assert {settled.status for settled in world.outbox.history(10)} == {"Unknown"}
    assert len(log_lines(caplog, logging.WARNING)) == 1
    assert "GetInvalidation" in log_lines(caplog, logging.WARNING)[0]
    assert not log_lines(caplog, logging.ERROR)
    assert world.events_of(InvalidationFailed) == []


@pytest.mark.parametrize("status", [TRANSIENT, THROTTLED, RUNNING])
def test_a_look_up_that_never_succeeds_ends_after_an_hour(world, gateway, status):
    gateway.status = status
    world.release("/a")
    assert 3600 < world.run_until_idle() < 3700


def test_a_restart_goes_on_following_up(world, gateway):
    gateway.status = RUNNING
    world.release("/a")
    world.run(5)
    world.restart()
    gateway.status = COMPLETED
    world.run_until_idle(60)
    assert world.outbox.history(1)[0].status == "Completed"


def test_following_up_goes_on_while_a_distribution_waits(world, gateway):
    world.release("/a")
    world.send_at_once()
    gateway.otherwise = lambda call: DENIED
    world.release("/b")
    world.run(60)
    assert world.outbox.in_progress(E1) == []


def test_the_courier_remembers_nothing_of_what_others_followed_up(world, gateway):
    """Its memory must not grow with all that another process delivers."""
    gateway.status = RUNNING
    other = world.make_courier(world.open())
    for number in range(30):
        world.release(f"/{number}")
        world.clock.advance(1.0)
        world.courier.round()
        other.round()
        world.clock.advance(30)
    gateway.status = COMPLETED
    world.run_until_idle()
    other.round()
    world.clock.advance(8000)
    other.round()
    assert len(other.follow_up._next) <= 1
    assert len(world.courier.follow_up._next) <= 1
    other.outbox.close()


# --- two couriers -------------------------------------------------------------------------


class Pair:
    """Two couriers on one outbox, and what each has sent."""

    def __init__(self, folder):
        self.world = World(folder, limits=FREE_CALLS)
        self.outboxes = [self.world.outbox, self.world.open()]
        self.couriers = [self.world.make_courier(each) for each in self.outboxes]

    def close(self):
        for outbox in self.outboxes:
            outbox.close()


@settings(max_examples=repetitions(40))
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.sampled_from([0.0, 0.4, 1.0, 61.0]),
            st.sampled_from(["accept", "lose", "throttle", "refuse", "slow", "over"]),
            st.booleans(),
        ),
        min_size=5,
        max_size=40,
    )
)
def test_two_couriers_never_send_the_same_items_at_once(steps):
    with TemporaryDirectory(dir=MEMORY) as folder:
        pair = Pair(Path(folder))
        world, gateway = pair.world, pair.world.gateway
        released = 0
        for who, seconds, answer, more in steps:

            def slow(call, who=who):
                # So slow that the claim ends, and the other courier goes on.
                world.clock.advance(61)
                pair.couriers[1 - who].round()
                return gateway.accept(call)

            def unless_accepted(answer):
                # What was accepted once is found again, and never refused.
                return lambda call: (
                    gateway.accept(call)
                    if call.reference in gateway.accepted
                    else answer
                )

            answers = {
                "accept": gateway.accept,
                "lose": gateway.lose_the_answer,
                "throttle": THROTTLED,
                "over": unless_accepted(OVER_QUOTA),
                "refuse": unless_accepted(REFUSED),
                "slow": slow,
            }
            gateway.script = [answers[answer]]
            if more:
                world.release(f"/{released}", f"/{released + 1}")
                released += 2
            world.clock.advance(seconds)
            pair.couriers[who].round()
        gateway.script = []
        world.run_until_sent()
        found = sorted(gateway.delivered + world.quarantined())
        assert found == sorted(f"/{number}" for number in range(released))
        history = world.outbox.history(999)
        assert {each.reference: each.items for each in history} == gateway.accepted
        pair.close()


def test_a_courier_that_lost_its_claim_during_the_call_settles_nothing(
    tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    pair = Pair(tmp_path)
    world, gateway = pair.world, pair.world.gateway

    def slow(call):
        world.clock.advance(61)
        pair.couriers[1].round()
        return gateway.accept(call)

    gateway.script = [slow]
    world.release("/a")
    world.clock.advance(1)
    pair.couriers[0].round()
    first, second = gateway.calls
    assert (first.reference, first.items) == (second.reference, second.items)
    assert len(world.outbox.history(10)) == 1
    assert len(world.events_of(InvalidationAccepted)) == 1
    assert "Another courier works on" in caplog.text
    assert not log_lines(caplog, logging.ERROR)
    pair.close()


def test_while_another_courier_holds_a_distribution_nothing_of_it_is_sent(
    world, gateway
):
    other = world.open()
    world.release("/frozen", "/ready")
    assert other.claim(E1, 60)
    other.freeze(E1, "theirs", ["/frozen"])
    world.run(59)
    assert gateway.calls == gateway.looks == []
    world.run(3)
    assert [call.reference for call in gateway.calls][:1] == ["theirs"]
    assert sorted(gateway.delivered) == ["/frozen", "/ready"]
    other.close()


def test_while_another_courier_holds_a_distribution_nothing_of_it_is_looked_up(
    world, gateway
):
    world.release("/a")
    world.send_at_once()
    world.courier.stop()
    other = world.open()
    assert other.claim(E1, 60)
    world.run(50)
    assert gateway.looks == []
    other.close()


def test_a_dead_couriers_batch_is_repeated_unchanged(world, gateway):
    code = f"""
outbox = open_as()
outbox.release("", [Entry({E1!r}, "/a"), Entry({E1!r}, "/b")])
assert outbox.claim({E1!r}, 1e12)
outbox.freeze({E1!r}, "the dead courier's", ["/b", "/a"])
die()
"""
    run_process(f"sqlite:///{world.path}", code)
    world.courier.round()
    (call,) = gateway.calls
    assert (call.reference, call.items) == ("the dead courier's", ("/b", "/a"))
    assert world.outbox.frozen(E1) == []


@pytest.mark.parametrize("ahead", [3600.0, 86_400.0, 3.2e8])
def test_who_died_while_its_clock_was_ahead_is_waited_for_no_longer_than_others(
    world, gateway, ahead
):
    """In another container: nobody knows that it is dead. Then the clock is set right."""
    dead = world.open()
    dead.owner = "elsewhere/boot.1:4711.5:0123456789ab"
    world.clock.advance(ahead)
    dead.release("", [Entry(E1, "/a")])
    assert dead.claim(E1, 60)
    dead.freeze(E1, "r1", ["/a"])
    dead.prepare("t", [Entry(E1, "/b")])()
    dead.wait(
        E1, reason=plain("r"), advice=plain("a"), paused=True, until=world.clock() + 300
    )
    world.clock.advance(-ahead)
    took = world.run_until(lambda: sorted(gateway.delivered) == ["/a", "/b"])
    assert 60 <= took <= 60 + 10 + 2 * LONGEST_IDLE
    dead.end()


def test_a_courier_that_ends_leaves_its_claims_to_others(world, gateway):
    gateway.script = [TRANSIENT]
    world.release("/a")
    world.send_at_once()
    other = world.open()
    assert not other.claim(E1, 60)
    world.courier.stop()
    assert other.claim(E1, 60)
    other.close()


# --- several distributions, and those that nobody configured --------------------------


@pytest.mark.parametrize("backlog", ["/{}", "/{}/*"], ids=["exact", "wildcards"])
def test_a_backlog_of_one_distribution_keeps_no_other_one_waiting(
    world, gateway, backlog
):
    world.targets = {E1: Target(E1), E2: Target(E2)}
    world.release(*(backlog.format(number) for number in range(6000)))
    world.run(15)
    world.release("/b", distribution=E2)
    waited = world.run_until(lambda: "/b" in gateway.delivered)
    assert waited <= 5
    assert world.ready()


def test_what_nobody_configured_is_kept_and_said(world, gateway, caplog):
    world.targets = {}
    world.release("/a")
    world.run(600)
    assert gateway.calls == []
    assert world.ready() == ["/a"]
    (line,) = log_lines(caplog, logging.WARNING)
    assert f"Keeping 1 item for {E1}" in line
    world.targets = {E1: Target(E1)}
    world.run(1.5)
    assert gateway.delivered == ["/a"]


def test_targets_are_asked_for_only_when_there_is_work(world):
    asked = []
    courier = world.make_courier(world.outbox)
    courier.targets = lambda: asked.append(1) or world.targets
    for _ in range(5):
        courier.round()
    assert not asked
    world.release("/a")
    courier.round()
    assert asked


# --- trouble with the outbox ------------------------------------------------------------


def test_an_unavailable_outbox_is_said_once_a_minute(
    world, gateway, monkeypatch, caplog
):
    def locked(*what):
        raise module.OutboxUnavailable("database is locked")

    world.release("/a")
    with monkeypatch.context() as patched:
        patched.setattr(world.outbox, "poll", locked)
        for _ in range(125):
            assert 0 < world.courier.round() <= 1.0
            world.clock.advance(1)
    assert len(log_lines(caplog, logging.ERROR)) == 3
    assert "database is locked" in log_lines(caplog, logging.ERROR)[0]
    world.run(2)
    assert gateway.delivered == ["/a"]


def test_a_settlement_that_cannot_be_written_is_repeated(world, gateway, monkeypatch):
    def full(batch, invalidation, give_up):
        raise module.OutboxUnavailable("database or disk is full")

    world.release("/a")
    with monkeypatch.context() as patched:
        patched.setattr(world.outbox, "settle", full)
        world.run(20)
    assert len(gateway.calls) > 1
    world.run_until_sent()
    assert gateway.delivered == ["/a"]
    assert len({call.reference for call in gateway.calls}) == 1


def test_items_in_doubt_are_released_and_said(world, gateway, caplog):
    world.outbox.prepare("t", [Entry(E1, "/a")])
    world.run(50)
    assert gateway.calls == []
    world.run(25)
    assert gateway.delivered == ["/a"]
    assert "Released 1 item in doubt" in log_lines(caplog, logging.WARNING)[0]


def test_what_the_intake_keeps_is_brought_in(world, gateway):
    intake = Intake(world.outbox, clock=world.clock, wall_clock=world.clock)
    courier = world.courier = world.make_courier(world.outbox, intake=intake)
    intake.release("t", [Entry(E1, "/a")])
    courier.round()
    assert intake.kept == 0
    world.run(2)
    assert gateway.delivered == ["/a"]


def test_a_courier_that_ends_brings_in_what_the_intake_keeps(world):
    intake = Intake(world.outbox, clock=world.clock, wall_clock=world.clock)
    courier = world.make_courier(world.outbox, intake=intake)
    intake.release("t", [Entry(E1, "/a")])
    courier.stop()
    assert world.ready() == ["/a"]


def test_a_batch_whose_items_went_elsewhere_is_not_sent(world, gateway, monkeypatch):
    """The distribution id is corrected between planning and freezing."""
    freeze = world.outbox.freeze

    def retarget_and_freeze(*arguments):
        world.outbox.retarget(E1, E2)
        return freeze(*arguments)

    world.release("/a")
    monkeypatch.setattr(world.outbox, "freeze", retarget_and_freeze)
    world.send_at_once()
    assert gateway.calls == []
    assert world.frozen() == []
    assert world.quarantined() == []
    assert world.ready(E2) == ["/a"]


def test_a_bug_in_one_delivery_stops_no_other(world, gateway, caplog):
    def bug(call):
        if call.distribution == E1:
            raise ZeroDivisionError("a bug")
        return gateway.accept(call)

    world.targets = {E1: Target(E1), E2: Target(E2)}
    gateway.otherwise = bug
    world.release("/a")
    world.release("/b", distribution=E2)
    world.run(5)
    assert gateway.delivered == ["/b"]
    assert "a bug" in caplog.text
    gateway.otherwise = None
    world.run_until_sent()
    assert sorted(gateway.delivered) == ["/a", "/b"]
    assert len({call.reference for call in gateway.calls if "/a" in call.items}) == 1


def test_the_history_is_tidied_from_time_to_time(world, monkeypatch):
    monkeypatch.setattr(module, "KEEP_HISTORY", 3)
    for number in range(8):
        world.release(f"/{number}")
        world.run(10)
    world.run(700)
    assert len(world.outbox.history(99)) == 3


# --- a clock that is set back -------------------------------------------------------------


@pytest.mark.parametrize("back", [30.0, 3600.0, 1e6])
def test_a_clock_set_back_holds_nothing_up_for_hours(world, gateway, back):
    # Use up the calls, so that everything that counts time has something to count.
    for number in range(10):
        world.release(f"/{number}", f"/w{number}/*")
        world.run(2)
    world.release(*(f"/more/{number}" for number in range(3000)))
    world.run(3)
    world.clock.advance(-back)
    world.release("/after")
    rounds, run = [], world.courier.round
    world.courier.round = lambda: rounds.append(1) or run()
    assert world.run_until(lambda: "/after" in gateway.delivered) < 120
    assert world.run_until_idle() < 300
    # Nor does it come again and again in vain.
    assert len(rounds) < 300


def test_a_clock_set_back_ends_no_waiting_later_than_its_longest(world, gateway):
    gateway.script = [TRANSIENT] * 12
    world.release("/a")
    world.run_until(lambda: len(gateway.calls) == 12)
    world.clock.advance(-100_000)
    assert world.run_until_sent() < 20 * 60


@pytest.mark.parametrize("status", [DENIED, RUNNING, TRANSIENT])
def test_a_clock_set_back_ends_a_follow_up_as_it_would_have_ended(
    world, gateway, status
):
    gateway.status = status
    world.release("/a")
    world.send_at_once()
    world.clock.advance(-100_000)
    assert world.run_until_idle() < 3700


def test_a_clock_set_back_loses_no_prepared_entries(world, gateway):
    world.outbox.prepare("t", [Entry(E1, "/a")])
    world.courier.round()
    world.clock.advance(-3600)
    world.run(3600 + 75)
    assert gateway.delivered == ["/a"]


# --- the rate of calls -------------------------------------------------------------------


def test_a_stream_of_edits_never_exceeds_the_rate_of_calls(world, gateway):
    for number in range(600):
        world.release(f"/{number}")
        world.run(0.5)
    times = [call.time for call in gateway.calls]
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= 6 + 0.5 * (times[last] - times[first]) + 0.01
    assert len(gateway.delivered) > 590


def test_while_no_call_is_granted_items_may_still_join(world, gateway):
    while world.outbox.take_call(Limits()) == 0.0:
        pass
    world.release("/a")
    world.run(1.5)
    world.release("/b")
    world.run(1.0)
    assert [call.items for call in gateway.calls] == [("/a", "/b")]


@pytest.mark.parametrize("outcome", Outcome)
def test_no_outcome_leaves_a_batch_frozen_without_saying_why(world, gateway, outcome):
    gateway.script = [
        Answer(outcome, invalidation="I", reason=plain("r"), advice=plain("a"))
    ]
    world.release("/a")
    world.send_at_once()
    assert not world.frozen() or world.waiting() is not None


# --- the history ------------------------------------------------------------------------

DAY = 86400.0


def remember(world, age: float) -> None:
    """Record what a person did ``age`` seconds ago."""
    when = world.clock.now - age
    world.outbox.record_request(
        PurgeRequest(f"{age}", when, "jane", "", ("/a",), (E1,))
    )


def tidy(world) -> None:
    """Let the courier work, and come to its housekeeping after it."""
    world.release("/a")
    world.run(TIDY_EVERY + 2)


def test_what_people_did_is_kept_for_half_a_year(world):
    remember(world, 179 * DAY)
    remember(world, 181 * DAY)
    tidy(world)
    assert [each.id for each in world.outbox.requests(9)] == [f"{179 * DAY}"]


def test_what_people_did_is_kept_as_long_as_the_most_patient_target_says(world):
    world.targets = {
        E1: Target(E1, history_days=10),
        "E2": Target("E2", history_days=400),
    }
    remember(world, 399 * DAY)
    remember(world, 401 * DAY)
    tidy(world)
    assert [each.id for each in world.outbox.requests(9)] == [f"{399 * DAY}"]


def test_nothing_is_forgotten_for_its_age_while_no_target_is_known(world):
    world.targets = {}
    remember(world, 999 * DAY)
    tidy(world)
    assert len(world.outbox.requests(9)) == 1


# --- a refusal that is not about an item ------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["known good", "nothing known"])
@pytest.mark.parametrize("count", [1, 2, 61])
def test_when_everything_is_refused_nothing_goes_into_quarantine(
    world, gateway, caplog, known, count
):
    if known:
        deliver_something(world)
    items = [f"/{number}" for number in range(count)]
    gateway.otherwise = lambda call: REFUSED
    world.release(*items)
    world.run(20 * 60)
    assert world.quarantined() == []
    assert world.waiting().paused
    assert "refuses every item" in str(world.waiting().reason)
    assert len(log_lines(caplog, logging.ERROR)) <= 2, "once in 15 minutes"
    assert len(log_lines(caplog, logging.WARNING)) <= 3
    gateway.otherwise = None
    assert world.run_until_sent() < 400
    assert set(items) <= set(gateway.delivered)
    assert world.quarantined() == []
    if known:
        # Nor was anything billed to find that out.
        assert sorted(gateway.delivered) == sorted([*items, "/known"])


def test_what_is_known_to_be_good_is_repeated_and_not_billed_again(world, gateway):
    deliver_something(world)
    refuse_bad_items(gateway)
    world.release("/1", "/bad", "/3")
    world.run_until_sent()
    assert world.quarantined() == ["/bad"]
    assert sorted(gateway.delivered) == ["/1", "/3", "/known"]
    repeated = [call for call in gateway.calls if call.items == ("/known",)]
    assert len({call.reference for call in repeated}) == 1
    assert len(repeated) > 1
    assert [each.items for each in world.outbox.history(9)].count(("/known",)) == 1


def test_while_nothing_is_known_to_be_good_the_front_page_is_sent(world, gateway):
    refuse_bad_items(gateway)
    world.release("/bad")
    world.run_until_sent(60)
    assert world.quarantined() == ["/bad"]
    (settled,) = world.outbox.history(9)
    assert settled.items == ("/",)
    assert [str(cause) for cause in settled.causes.known] == [
        "test of what CloudFront accepts"
    ]


def test_a_refused_item_keeps_later_ones_waiting_for_seconds_only(world, gateway):
    refuse_bad_items(gateway)
    world.release("/bad")
    world.run(3)
    world.release("/b")
    assert world.run_until(lambda: "/b" in gateway.delivered) < 30
    world.run_until_sent(60)
    assert world.quarantined() == ["/bad"]


def test_when_everything_is_refused_other_distributions_are_served(world, gateway):
    world.targets = {E1: Target(E1), E2: Target(E2)}
    gateway.otherwise = lambda call: (
        REFUSED if call.distribution == E1 else gateway.accept(call)
    )
    world.release("/a")
    world.run(120)
    world.release("/b", distribution=E2)
    assert world.run_until(lambda: "/b" in gateway.delivered) < 5


def test_many_items_in_quarantine_are_a_few_lines_in_the_log(tmp_path, caplog):
    world = World(tmp_path, limits=FREE_CALLS)
    refuse_bad_items(world.gateway)
    deliver_something(world)
    world.release(*(f"/bad/{number}" for number in range(30)))
    world.run_until_sent(600)
    assert len(world.quarantined()) == 30
    assert len(log_lines(caplog, logging.ERROR)) == 1
    world.outbox.close()


def test_references_that_are_always_taken_are_tried_ever_more_rarely(
    world, gateway, caplog
):
    gateway.otherwise = lambda call: TAKEN
    world.release("/a")
    world.run(3600)
    assert len(gateway.calls) < 80
    assert len(log_lines(caplog, logging.WARNING)) <= 5
    gateway.otherwise = None
    world.run_until_sent(61)
    assert gateway.delivered == ["/a"]


# --- the log ------------------------------------------------------------------------------


def test_trouble_that_aws_words_differently_each_time_is_logged_once(
    world, gateway, caplog
):
    gateway.otherwise = lambda call: replace(
        DENIED,
        reason=message("refused", error=f"AccessDenied: at {world.clock.now}"),
        code="AccessDenied",
    )
    world.release("/a")
    world.run(800)
    assert len(gateway.calls) > 5
    assert len(log_lines(caplog, logging.ERROR)) == 1


def test_trouble_of_two_kinds_in_turn_is_logged_once_each(world, gateway, caplog):
    answers = [
        replace(DENIED, reason=message("refused", error="x"), code=code)
        for code in ("AccessDenied", "ExpiredToken")
    ]
    gateway.script = answers * 30
    world.release("/a")
    world.run(800)
    assert len(gateway.calls) > 5
    assert len(log_lines(caplog, logging.ERROR)) == 2


def test_trouble_that_comes_and_goes_is_a_few_lines_an_hour(world, gateway, caplog):
    for number in range(100):
        gateway.script = [DENIED]
        world.release(f"/{number}")
        world.run(36)
    assert len(gateway.delivered) == 100
    assert len(log_lines(caplog, logging.ERROR)) <= 6


def test_a_clock_that_was_ahead_keeps_nothing_out_of_the_log(world, gateway, caplog):
    gateway.otherwise = lambda call: DENIED
    world.release("/a")
    world.run(20)
    world.clock.set(world.clock.now - 10 * 365 * DAY)
    caplog.clear()
    world.run(3600)
    assert 2 <= len(log_lines(caplog, logging.ERROR)) <= 5


def test_a_backlog_under_the_quotas_is_logged_when_it_begins_and_ends(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    world = World(tmp_path)
    world.release(*(f"/w{number}/*" for number in range(90)))
    world.run_until_sent()
    warnings = log_lines(caplog, logging.WARNING)
    assert [
        line for line in warnings if "waiting for CloudFront's quotas" in line
    ] == warnings
    assert len(warnings) == 1
    ends = [
        line
        for line in log_lines(caplog, logging.INFO)
        if "no items are waiting" in line
    ]
    assert len(ends) == 1
    world.release("/after")
    world.run_until_sent()
    assert not [
        line
        for line in log_lines(caplog, logging.INFO)[-2:]
        if "no items are waiting" in line
    ][1:]
    world.outbox.close()


def test_pages_at_the_root_that_changed_together_are_no_hopeless_backlog(
    widening, caplog
):
    caplog.set_level(logging.INFO)
    widening.release(*(f"/{number}" for number in range(9)))
    widening.run(2)
    assert [call.items for call in widening.gateway.calls] == [("/*",)]
    assert not log_lines(caplog, logging.WARNING)
    assert "/* replaces 9 items" in caplog.text


# --- look-ups ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [DENIED, TRANSIENT])
def test_while_nobody_knows_what_is_completed_wildcards_go_out_all_the_same(
    world, gateway, status
):
    gateway.status = status
    for number in range(60):
        world.release(f"/w{number}/*")
        world.run(2)
    assert len(gateway.delivered) >= 30
    world.run_until_sent(200)
    assert len(gateway.delivered) == 60


def test_what_may_not_be_looked_up_is_asked_for_a_few_times_only(world, gateway):
    gateway.status = DENIED
    world.release("/a")
    world.run_until_idle(60)
    assert len(gateway.looks) <= 3
