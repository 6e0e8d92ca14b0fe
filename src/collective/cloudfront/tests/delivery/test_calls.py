"""Specification: a call ends, or is given up; its answer is used once or not at all."""

from collective.cloudfront.delivery.calls import Call
from collective.cloudfront.delivery.calls import current
from collective.cloudfront.delivery.calls import GivenUp
from collective.cloudfront.delivery.calls import InPlace
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.calls import MOST_HANGING
from collective.cloudfront.delivery.calls import NoThread
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.world import World

import pytest
import threading


@pytest.fixture
def stuck():
    """Something that hangs until the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def test_a_call_returns_what_its_job_returns_and_raises_what_it_raises():
    calls = InThreads()
    good, bad = calls.begin("a", lambda: 1), calls.begin("b", lambda: 1 // 0)
    assert good.wait(120)
    assert bad.wait(120)
    assert good.result() == 1
    with pytest.raises(ZeroDivisionError):
        bad.result()


def test_a_call_that_has_ended_cannot_be_given_up():
    call = Call(lambda: 1)
    call.run()
    call.give_up()
    assert call.result() == 1


def test_what_comes_after_a_call_was_given_up_is_not_used(stuck):
    call = InThreads().begin("a", lambda: stuck.wait(600))
    call.give_up()
    assert call.is_over
    stuck.set()
    assert call.wait(120)
    with pytest.raises(GivenUp):
        call.result()


def test_what_was_not_sent_in_time_is_never_sent():
    call = Call(lambda: current().sending())
    call.give_up()
    call.run()
    assert not call.sent
    with pytest.raises(GivenUp):
        call.result()


def test_what_a_call_waits_for_is_closed_when_it_is_given_up():
    closed = []
    call = Call(object)
    call.when_given_up("connection", lambda: closed.append("first"))
    call.when_given_up("connection", lambda: closed.append("second"))
    call.when_given_up("process", lambda: closed.append("process"))
    call.give_up()
    assert closed == ["second", "process"]
    with pytest.raises(GivenUp):
        call.when_given_up("connection", lambda: closed.append("late"))
    assert closed[-1] == "late"


def test_a_job_knows_its_call_and_nobody_elses():
    outer = Call(lambda: [current(), inner.run(), current()])
    inner = Call(current)
    outer.run()
    assert outer.result() == [outer, None, outer]
    assert inner.result() is inner
    assert current() is not current()


def test_what_is_past_its_deadline_is_given_up(stuck):
    calls = InThreads(deadline=0.0)
    call = calls.begin("a", lambda: stuck.wait(600))
    calls.wait(0.0)
    assert call.given_up


def test_few_calls_hang_for_one_key(stuck):
    calls = InThreads(deadline=0.0)
    for _ in range(MOST_HANGING):
        calls.begin("a", lambda: stuck.wait(600))
    with pytest.raises(NoThread):
        calls.begin("a", lambda: 1)
    calls.begin("b", lambda: 1)
    stuck.set()
    while True:
        try:
            calls.begin("a", lambda: 1)
        except NoThread:
            continue
        break


def test_in_place_an_error_is_raised_where_the_call_begins():
    with pytest.raises(ZeroDivisionError):
        InPlace().begin("a", lambda: 1 // 0)


def test_without_a_thread_to_be_had_the_courier_waits_and_says_so(
    tmp_path, monkeypatch
):
    def start(thread):
        raise RuntimeError("can't start new thread")

    world = World(tmp_path, calls=InThreads())
    world.release("/a")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        world.send_at_once()
    assert "can't start new thread" in str(world.waiting(E1).reason)
    world.run_until_sent()
    assert world.gateway.delivered == ["/a"]
    world.outbox.close()
