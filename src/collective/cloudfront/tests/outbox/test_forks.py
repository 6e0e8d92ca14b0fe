"""Specification: a process that forks shares no claim and no connection with its child."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.owner import is_known_dead
from collective.cloudfront.tests.outbox import processes

import os
import pytest


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/outbox.sqlite"


@pytest.fixture
def outbox(url):
    outbox = open_outbox(url)
    yield outbox
    outbox.end()


def test_the_child_of_a_process_that_has_become_a_daemon_lives(url, outbox):
    code = """
outbox = open_as()
assert outbox.claim("E1", 60)
if os.fork():
    os._exit(0)
while not outbox.claim("E1", 60):
    pass  # until the parent has ended
outbox.prepare("t", [Entry("E1", "/a")])()
print(outbox.owner, flush=True)
input()
os._exit(0)
"""
    process = processes.start(url, code)
    owner = process.stdout.readline().strip()
    process.wait(300)
    try:
        assert not is_known_dead(owner, outbox.owner)
        assert not outbox.claim("E1", 60)
        assert outbox.release_abandoned(60) == 0
    finally:
        process.stdin.close()
        process.stdout.read()
        process.stdout.close()
        process.stderr.close()


def test_parent_and_children_claim_for_themselves(url):
    code = """
outbox = open_as()
assert outbox.claim("E1", 60)
for number in range(3):
    child = os.fork()
    if not child:
        assert not outbox.claim("E1", 60)
        assert outbox.claim(f"E{number + 2}", 60)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
outbox.give_up("E1")
child = os.fork()
if not child:
    assert outbox.claim("E1", 60)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert outbox.claim("E1", 60), "the child is dead"
print("done")
"""
    assert processes.run(url, code) == "done"


def test_a_fork_in_the_midst_of_another_threads_transaction_harms_nothing(url, outbox):
    code = """
import threading
outbox = open_as()
outbox.release("", [Entry("E1", "/before")])
begun, forked = threading.Event(), threading.Event()

def write():
    with outbox.together():
        for number in range(200):
            outbox.release("", [Entry("E1", f"/{number}")])
        begun.set()
        forked.wait(0.5)
        for number in range(200, 400):
            outbox.release("", [Entry("E1", f"/{number}")])

thread = threading.Thread(target=write)
thread.start()
begun.wait()
child = os.fork()
if not child:
    outbox.release("", [Entry("E1", "/child")])
    sys.exit(0)
forked.set()
assert os.waitpid(child, 0)[1] == 0
thread.join()
outbox.release("", [Entry("E1", "/after")])
print(len(outbox.pending("E1", 1000)))
"""
    assert processes.run(url, code) == "403"
    assert len(outbox.pending("E1", 1000)) == 403


def test_whoever_forks_in_its_own_transaction_goes_on_with_it(url, outbox):
    code = """
outbox = open_as()
with outbox.together():
    outbox.release("", [Entry("E1", "/a")])
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    outbox.release("", [Entry("E1", "/b")])
print(len(outbox.pending("E1", 10)))
"""
    assert processes.run(url, code) == "2"


def test_many_threads_write_while_children_come_and_go(url, outbox):
    code = """
import threading
outbox = open_as()

def write(name):
    for number in range(100):
        outbox.release("", [Entry("E1", f"/{name}/{number}")])

threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
for thread in threads:
    thread.start()
children = []
for number in range(20):
    child = os.fork()
    if not child:
        outbox.release("", [Entry("E1", f"/child/{number}")])
        os._exit(0)
    children.append(child)
for thread in threads:
    thread.join()
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 20
print(len(outbox.pending("E1", 1000)))
"""
    assert processes.run(url, code) == "320"
    assert len(outbox.pending("E1", 1000)) == 320
