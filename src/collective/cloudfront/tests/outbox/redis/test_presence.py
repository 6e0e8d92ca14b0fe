"""Specification: processes know of each other: who has ended, and that there is work."""

from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import ready
from collective.cloudfront.tests.outbox.redis import server as servers
from collective.cloudfront.tests.outbox.redis.server import until

import pytest
import threading
import time


#: A courier of another machine, which is heard of, and waits.
COURIER = """
outbox = open_as(args[0])
outbox.listen(lambda: None)
outbox.prepare("t", [Entry("E1", "/in-doubt")])
assert outbox.claim("E1", 60)
while not any(outbox.owner.encode() == each for each in heard()):
    pass
print(outbox.owner, flush=True)
input()
outbox.end()
"""
HEARD = """
import redis
heard = lambda: redis.Redis(port=int(args[1])).zrange(args[2], 0, -1)
"""


@pytest.fixture
def courier(url):
    """Another process."""
    prefix = url.partition("prefix=")[2]
    arguments = ["elsewhere", servers.shared().port, f"{{{prefix}}}:owners"]
    process = processes.start(url, HEARD + COURIER, *arguments)
    process.owner = process.stdout.readline().strip()
    yield process
    process.kill()
    process.communicate()


def test_another_courier_takes_over_when_a_machine_is_gone(url, user, courier):
    outbox = user(url)
    outbox.listen(lambda: None)
    assert not outbox.claim(E1, 60)
    assert outbox.release_abandoned(60) == 0
    courier.kill()
    until(lambda: outbox.claim(E1, 60))
    assert outbox.release_abandoned(60) == 1
    assert ready(outbox) == ["/in-doubt"]


def test_one_that_ends_in_an_orderly_way_has_ended_at_once(url, user, courier):
    outbox = user(url)
    assert not outbox.store.has_ended(courier.owner)
    courier.stdin.write("\n")
    courier.stdin.flush()
    until(lambda: outbox.store.has_ended(courier.owner))


def test_of_one_that_has_never_joined_nobody_knows(url, user):
    outbox, other = user(url), user(url)
    outbox.listen(lambda: None)
    other.end()
    assert not outbox.store.has_ended(other.owner)
    assert not outbox.store.has_ended("elsewhere:1:2")


def test_nobody_has_ended_because_the_server_was_away(server, user):
    """All were silent then."""
    outbox, other = user(server.url), user(server.url)
    outbox.listen(lambda: None)
    with server.client() as client:
        key = "{cloudfront}:owners"
        until(lambda: client.zscore(key, outbox.owner))
        client.zadd(key, {other.owner: time.time() - 100})
        # Nobody has been heard of for long enough to know.
        assert not outbox.store.has_ended(other.owner)
        until(lambda: outbox.store.has_ended(other.owner))
        server.kill()
        server.start()
        until(lambda: client.zscore(key, outbox.owner))
        client.zadd(key, {other.owner: time.time() - 100})
        assert not outbox.store.has_ended(other.owner)


def test_who_makes_something_ready_wakes_the_others(url, user):
    outbox, other = user(url), user(url)
    woken, self_woken = threading.Event(), threading.Event()
    other.listen(woken.set)
    outbox.listen(self_woken.set)

    def is_woken() -> bool:
        outbox.release("", entries("/a"))
        outbox.claim(E1, 60)
        outbox.freeze(E1, f"r{len(outbox.frozen(E1))}", ["/a"])
        return woken.wait(0.05)

    until(is_woken)  # when it listens
    assert not self_woken.is_set()


def test_what_makes_nothing_ready_wakes_nobody(url, user):
    outbox, other = user(url), user(url)
    woken = threading.Event()
    other.listen(woken.set)
    wake = threading.Event()
    outbox.listen(wake.set)

    def is_woken() -> bool:
        other.release("", entries("/a"))
        other.claim(E1, 60)
        other.freeze(E1, f"r{len(other.frozen(E1))}", ["/a"])
        return wake.wait(0.05)

    until(is_woken)
    outbox.prepare("t", entries("/b"))
    outbox.discard("t")
    outbox.spend_calls()
    assert not woken.wait(0.3)


def test_a_child_shares_no_connection_and_is_heard_of_by_itself(url, user):
    code = (
        HEARD
        + """
outbox = open_as()
outbox.listen(lambda: None)
outbox.release("", [Entry("E1", "/parent")])
with outbox.together():
    outbox.claim("E1", 60)
    child = os.fork()
    if not child:
        assert outbox.pending("E1", 10)
        outbox.listen(lambda: None)
        outbox.release("", [Entry("E2", "/child")])
        while outbox.owner.encode() not in heard():
            pass
        os._exit(0)
    outbox.release("", [Entry("E1", "/parent-again")])
assert os.waitpid(child, 0)[1] == 0
assert outbox.claim("E1", 60)
print("done")
"""
    )
    prefix = url.partition("prefix=")[2]
    port = servers.shared().port
    assert processes.run(url, code, "", port, f"{{{prefix}}}:owners") == "done"
    outbox = user(url)
    assert sorted(ready(outbox)) == ["/parent", "/parent-again"]
    assert ready(outbox, "E2") == ["/child"]
