"""The courier in its thread, in real time."""

from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.delivery.thread import CourierThread
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.tests.delivery.gateways import DENIED
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import ScriptedGateway
from collective.cloudfront.tests.delivery.gateways import TRANSIENT

import collective.cloudfront.delivery.courier as courier_module
import collective.cloudfront.delivery.outcomes as outcomes_module
import collective.cloudfront.delivery.thread as thread_module
import pytest
import threading
import time


WINDOW = 0.05


@pytest.fixture
def gateway():
    return ScriptedGateway(time.time)


@pytest.fixture
def make_thread(tmp_path, gateway):
    """Make a courier thread on the outbox of this test; all are stopped at its end."""
    threads = []

    def make(**options):
        outbox = SqliteOutbox(tmp_path / "outbox.sqlite")
        targets = {E1: Target(E1, window=WINDOW)}
        courier = Courier(outbox, gateway, lambda: targets, **options)
        threads.append(CourierThread(courier))
        return threads[-1]

    yield make
    gateway.script = []
    for thread in threads:
        thread.stop()
        thread.courier.outbox.end()


@pytest.fixture
def never_idle_enough(monkeypatch):
    """Whoever waits for the end of an idle spell waits for ever."""
    monkeypatch.setattr(courier_module, "LONGEST_IDLE", 3600.0)
    monkeypatch.setattr(thread_module, "LONGEST_IDLE", 3600.0)


@pytest.fixture
def thread(make_thread):
    return make_thread()


@pytest.fixture
def outbox(thread):
    return thread.courier.outbox


def release(outbox, *items):
    outbox.release("", [Entry(E1, item) for item in items])


def eventually(condition, seconds=120.0):
    """Wait until ``condition`` is true; fail if it never is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.005)
    return True


def courier_threads():
    return [each for each in threading.enumerate() if each.name == "cloudfront-courier"]


# --- starting ----------------------------------------------------------------------------


def test_without_work_there_is_no_thread(thread):
    assert courier_threads() == []


def test_waking_starts_a_daemon_thread_once(thread):
    for _ in range(20):
        thread.wake()
    (started,) = courier_threads()
    assert started.daemon


def test_many_threads_that_wake_it_start_it_once(thread):
    barrier = threading.Barrier(8)

    def wake():
        barrier.wait()
        thread.wake()

    wakers = [threading.Thread(target=wake) for _ in range(8)]
    for waker in wakers:
        waker.start()
    for waker in wakers:
        waker.join()
    assert len(courier_threads()) == 1


def test_what_is_released_is_delivered(thread, outbox, gateway):
    release(outbox, "/a", "/b")
    thread.wake()
    eventually(lambda: gateway.delivered == ["/a", "/b"])


def test_what_an_earlier_process_left_is_delivered(thread, outbox, gateway):
    release(outbox, "/a")
    assert outbox.claim(E1, 60)
    outbox.freeze(E1, "left behind", ["/a"])
    thread.wake()
    eventually(lambda: gateway.accepted == {"left behind": ("/a",)})


def test_what_is_urgent_does_not_wait_for_a_running_window(make_thread, gateway):
    thread = make_thread()
    targets = {E1: Target(E1, window=3600.0)}
    thread.courier.targets = lambda: targets
    release(thread.courier.outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.prepared)
    thread.courier.outbox.release("", [Entry(E1, "/secret", urgent=True)])
    thread.hurry()
    eventually(lambda: gateway.calls)
    assert gateway.calls[0].items == ("/secret", "/a")


def test_what_is_scheduled_is_delivered_though_nobody_wakes_it(thread, gateway):
    thread.wake()
    due = time.time() + 0.3
    thread.courier.outbox.release("", [Entry(E1, "/a", due=due)])
    eventually(lambda: gateway.delivered == ["/a"])
    assert gateway.calls[0].time >= due


def test_waking_keeps_nobody_waiting(thread, gateway):
    busy = threading.Event()
    gateway.script = [lambda call: busy.wait(600) and TRANSIENT]
    release(thread.courier.outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.calls)
    for _ in range(1000):
        thread.wake()
    assert len(thread.courier.outbox.frozen(E1)) == 1, "the call is over"
    busy.set()


def test_a_wake_during_a_round_is_not_lost(never_idle_enough, thread, outbox, gateway):
    """Nothing waits for the end of an idle second that began before it came."""

    def add_more(call):
        release(outbox, "/b")
        thread.wake()
        return gateway.accept(call)

    gateway.script = [add_more]
    release(outbox, "/a")
    thread.wake()
    eventually(lambda: len(gateway.calls) == 2)


def test_an_idle_thread_does_not_spin(thread, monkeypatch):
    rounds = []
    run = thread.courier.round
    thread.courier.round = lambda: rounds.append(1) or run()
    started = time.monotonic()
    thread.wake()
    eventually(lambda: rounds)
    time.sleep(0.5)
    assert len(rounds) <= 3 + time.monotonic() - started


# --- bugs ----------------------------------------------------------------------------------


def test_a_bug_in_a_round_does_not_end_the_thread(thread, outbox, gateway, caplog):
    run, faults = thread.courier.round, [ZeroDivisionError("a bug")]

    def round():
        if faults:
            raise faults.pop()
        return run()

    thread.courier.round = round
    release(outbox, "/a")
    thread.wake()
    eventually(lambda: not faults)
    thread.wake()
    eventually(lambda: gateway.delivered == ["/a"])
    assert len(courier_threads()) == 1
    assert "a bug" in caplog.text


def test_after_a_bug_it_does_not_spin(thread):
    rounds = []

    def round():
        rounds.append(1)
        raise ZeroDivisionError

    thread.courier.round = round
    thread.wake()
    eventually(lambda: rounds)
    time.sleep(0.3)
    assert len(rounds) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_started_again(thread, outbox, gateway):
    run = thread.courier.round

    def end():
        raise SystemExit

    thread.courier.round = end
    thread.wake()
    eventually(lambda: not courier_threads())
    thread.courier.round = run
    release(outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.delivered == ["/a"])


# --- stopping ------------------------------------------------------------------------------


def test_stopping_ends_the_thread_at_once(never_idle_enough, thread):
    thread.wake()
    time.sleep(0.1)
    thread.stop(timeout=600)
    assert courier_threads() == []


def test_stopping_before_starting_does_no_harm(thread):
    thread.stop()
    thread.stop()
    assert courier_threads() == []


def test_nothing_starts_again_after_stopping(thread, outbox, gateway):
    thread.stop()
    release(outbox, "/a")
    thread.wake()
    time.sleep(3 * WINDOW)
    assert courier_threads() == []
    assert gateway.calls == []


def test_stopping_finishes_the_call_in_flight(thread, outbox, gateway):
    called = threading.Event()

    def slow(call):
        called.set()
        time.sleep(0.3)
        return gateway.accept(call)

    gateway.script = [slow]
    release(outbox, "/a")
    thread.wake()
    assert called.wait(120)
    thread.stop()
    assert outbox.frozen(E1) == []
    assert [settled.items for settled in outbox.history(10)] == [("/a",)]


def test_stopping_does_not_wait_for_ever_and_leaves_the_batch_for_the_next_start(
    thread, make_thread, outbox, gateway
):
    called, hang = threading.Event(), threading.Event()

    def hanging(call):
        gateway.accept(call)
        called.set()
        hang.wait(600)
        return TRANSIENT

    gateway.script = [hanging]
    release(outbox, "/a")
    thread.wake()
    assert called.wait(120)
    started = time.monotonic()
    thread.stop(timeout=0.2)
    assert time.monotonic() - started > 0.15
    assert not hang.is_set()
    assert len(outbox.frozen(E1)) == 1

    # The process ends here; its thread, a daemon, with it.
    outbox.end()
    following = make_thread()
    following.wake()
    eventually(lambda: following.courier.outbox.history(10))
    assert gateway.delivered == ["/a"]
    assert len({call.reference for call in gateway.calls}) == 1
    hang.set()
    eventually(lambda: len(courier_threads()) == 1)


def test_stopping_leaves_the_rest_in_the_outbox(thread, outbox, gateway):
    gateway.otherwise = lambda call: TRANSIENT
    release(outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.calls)
    thread.stop()
    assert [batch.items for batch in outbox.frozen(E1)] == [("/a",)]


def test_after_stopping_another_courier_need_not_wait(thread, make_thread, gateway):
    gateway.script = [TRANSIENT]
    release(thread.courier.outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.calls)
    thread.stop()
    following = make_thread()
    following.wake()
    eventually(lambda: gateway.delivered == ["/a"])


def test_a_subscriber_may_stop_the_thread_that_it_is_called_in(
    make_thread, gateway, caplog
):
    thread = make_thread(notify=lambda event: thread.stop())
    release(thread.courier.outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.delivered == ["/a"])
    eventually(lambda: not courier_threads())
    assert caplog.records == []


def test_what_is_kept_in_memory_is_brought_in_before_the_end(make_thread, tmp_path):
    intake = Intake(SqliteOutbox(tmp_path / "outbox.sqlite"))
    thread = make_thread(intake=intake)
    thread.wake()
    eventually(courier_threads)
    run = thread.courier.round
    thread.courier.round = lambda: run() if not intake.kept else 1.0
    intake.release("t", [Entry(E1, "/a")])
    thread.stop()
    assert intake.kept == 0
    assert [each.item for each in intake.outbox.pending(E1, 10)] == ["/a"]
    intake.outbox.close()


# --- draining ------------------------------------------------------------------------------


def test_draining_sends_what_is_ready_and_waits_for_no_window(make_thread, gateway):
    thread = make_thread()
    thread.courier.targets = lambda: {E1: Target(E1, window=3600.0)}
    release(thread.courier.outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.prepared)
    assert thread.drain(600)
    assert gateway.delivered == ["/a"]
    assert courier_threads() == []


def test_draining_brings_in_what_is_in_memory_and_sends_it(
    make_thread, gateway, tmp_path
):
    intake = Intake(SqliteOutbox(tmp_path / "outbox.sqlite"))
    thread = make_thread(intake=intake)
    thread.courier.targets = lambda: {E1: Target(E1, window=3600.0)}
    thread.wake()
    eventually(courier_threads)
    intake.release("t", [Entry(E1, "/a")])
    assert thread.drain(600)
    assert gateway.delivered == ["/a"]


def test_draining_waits_for_nothing_where_there_is_nothing_to_do(
    never_idle_enough, thread
):
    thread.wake()
    assert thread.drain(3600)
    assert courier_threads() == []


@pytest.mark.parametrize("answer", [DENIED, TRANSIENT])
def test_draining_does_not_wait_for_what_waits_longer(
    thread, outbox, gateway, answer, monkeypatch
):
    monkeypatch.setattr(outcomes_module, "delay", lambda *args: 800.0)
    gateway.otherwise = lambda call: answer
    release(outbox, "/a")
    thread.wake()
    eventually(lambda: outbox.work() and outbox.work()[0].waiting)
    assert thread.drain(600)
    assert len(gateway.calls) == 1
    assert len(outbox.frozen(E1)) == 1


def test_draining_ends_in_time_though_there_is_more(thread, outbox, gateway):
    def accept(call):
        release(outbox, f"/{len(gateway.calls)}")
        return gateway.accept(call)

    gateway.otherwise = accept
    thread.courier.limits = Limits(call_rate=1e6)
    release(outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.calls)
    assert thread.drain(2.0)
    assert courier_threads() == []
    assert len(outbox.work()) == 1


def test_draining_leaves_to_others_what_they_claim(thread, make_thread, gateway):
    other = make_thread().courier.outbox
    assert other.claim(E1, 60)
    release(other, "/a")
    thread.wake()
    assert thread.drain(600)
    assert gateway.calls == []


def test_a_call_that_outlasts_the_drain_leaves_no_claim(
    thread, make_thread, outbox, gateway
):
    hang = threading.Event()

    def hanging(call):
        gateway.accept(call)
        hang.wait(600)
        return TRANSIENT

    gateway.script = [hanging]
    release(outbox, "/a")
    thread.wake()
    eventually(lambda: gateway.calls)
    assert not thread.drain(0.1)
    # The same batch under the same reference: CloudFront returns the earlier one.
    following = make_thread()
    following.wake()
    eventually(lambda: outbox.history(10))
    assert len(gateway.calls) == 2
    assert gateway.delivered == ["/a"]
    hang.set()
    eventually(lambda: len(courier_threads()) == 1)
    assert len(outbox.history(10)) == 1


def test_who_drained_and_lives_on_goes_on(thread, outbox, gateway):
    thread.wake()
    thread.drain(600)
    release(outbox, "/a")
    thread.wake()
    assert courier_threads() == []
    thread.resume()
    eventually(lambda: gateway.delivered == ["/a"])
    release(outbox, "/b")
    thread.drain(600)
    assert gateway.delivered == ["/a", "/b"]
