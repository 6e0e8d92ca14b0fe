"""Specification: processes on one PostgreSQL wake each other, and know which have ended."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.postgresql import listening
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.outbox import processes

import pytest
import threading
import time


#: Another process that claims what there is, on another machine, and goes on living.
CLAIM = """
import threading, time
outbox = open_as("another-machine")
woken = threading.Event()
outbox.listen(woken.set)
woken.wait()
assert outbox.claim("E1", 3600)
outbox.prepare("t", [Entry("E1", "/in-doubt")])()
print("claimed", flush=True)
sys.stdin.readline()
if args and args[0] == "end":
    outbox.end()
    print("ended", flush=True)
sys.stdin.readline()
"""


def until(condition) -> None:
    while not condition():
        time.sleep(0.02)


@pytest.fixture
def url(running_server, schema) -> str:
    return running_server.url(schema)


@pytest.fixture
def opened():
    """A function that opens outboxes, which are ended after the test."""
    outboxes = []

    def open_one(url: str, wake=lambda: None):
        outbox = open_outbox(url)
        outbox.listen(wake)
        outboxes.append(outbox)
        return outbox

    yield open_one
    for each in outboxes:
        each.end()


@pytest.fixture(autouse=True)
def new_connections_are_believed(monkeypatch):
    """So that no test has to wait."""
    monkeypatch.setattr(listening, "CONNECTED_FOR", 0.0)


def test_a_process_is_woken_when_another_makes_something_ready(url, opened):
    woken = threading.Event()
    one, two = opened(url, woken.set), opened(url)
    # It is once when it begins to listen: something may have been there before.
    assert woken.wait(60)
    woken.clear()
    two.release("", [Entry("E1", "/a")])
    assert woken.wait(60)
    assert [each.item for each in one.pending("E1", 9)] == ["/a"]


def test_it_is_not_woken_by_what_it_makes_ready_itself(url, opened):
    woken = []
    mine, other = opened(url, lambda: woken.append("mine")), threading.Event()
    opened(url, other.set)
    until(lambda: woken and other.is_set())
    del woken[:]
    other.clear()
    mine.release("", [Entry("E1", "/a")])
    # It would have come no later than to the other.
    assert other.wait(60)
    assert woken == []


def test_nothing_is_claimed_from_a_process_that_lives(url, opened):
    outbox = opened(url)
    other = processes.start(url, CLAIM)
    assert other.stdout.readline()
    end = time.monotonic() + listening.FREE_FOR + 2 * listening.LOOK_EVERY
    while time.monotonic() < end:
        assert not outbox.claim("E1", 60)
        time.sleep(0.1)
    assert outbox.release_abandoned(3600) == 0
    other.kill()
    other.communicate()


def test_what_a_killed_process_of_another_machine_has_claimed_is_taken_over(
    url, opened
):
    outbox = opened(url)
    other = processes.start(url, CLAIM)
    assert other.stdout.readline()
    assert not outbox.claim("E1", 60)
    other.kill()
    other.communicate()
    until(lambda: outbox.claim("E1", 60))
    # What it had prepared is in doubt, too.
    until(lambda: outbox.release_abandoned(3600))
    assert [each.item for each in outbox.pending("E1", 9)] == ["/in-doubt"]


def test_a_courier_that_is_told_no_is_woken_when_the_other_has_ended(url, opened):
    woken = threading.Event()
    outbox = opened(url, woken.set)
    other = processes.start(url, CLAIM)
    assert other.stdout.readline()
    assert not outbox.claim("E1", 60)
    woken.clear()
    other.kill()
    other.communicate()
    assert woken.wait(60)
    assert outbox.claim("E1", 60)


def test_a_process_that_leaves_has_ended_although_it_lives(url, opened):
    outbox = opened(url)
    other = processes.start(url, CLAIM, "end")
    assert other.stdout.readline()
    other.stdin.write("go\n")
    other.stdin.flush()
    assert other.stdout.readline() == "ended\n"
    until(lambda: outbox.claim("E1", 60))
    other.kill()
    other.communicate()


def test_whoever_has_just_connected_does_not_believe_who_has_ended(
    url, opened, monkeypatch
):
    """A server may have started, or taken over: then all locks are free, until their owners
    have come back.
    """
    monkeypatch.setattr(listening, "CONNECTED_FOR", 1e9)
    outbox = opened(url)
    other = processes.start(url, CLAIM)
    assert other.stdout.readline()
    other.kill()
    other.communicate()
    end = time.monotonic() + listening.FREE_FOR + 2 * listening.LOOK_EVERY
    while time.monotonic() < end:
        assert not outbox.claim("E1", 60)
        time.sleep(0.1)


def test_whoever_has_lost_the_connection_comes_back(
    url, opened, running_server, schema
):
    woken = threading.Event()
    opened(url, woken.set)
    other = opened(url)
    assert woken.wait(60)
    woken.clear()
    running_server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE query LIKE 'LISTEN%{schema}\"'"
    )
    assert woken.wait(60)
    woken.clear()

    def is_woken() -> bool:
        other.release("", [Entry("E1", "/a")])
        other.claim("E1", 60)
        other.freeze("E1", f"r{time.time_ns()}", ["/a"])
        return woken.wait(0.1)

    until(is_woken)
