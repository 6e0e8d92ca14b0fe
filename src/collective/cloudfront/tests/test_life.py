"""Specification: the life of a Zope process, from its start to its end.

Each process here is a real one, without a database: it is told which sites there are.
"""

from collections.abc import Iterator
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.outbox import open_outbox

import os
import pytest
import signal
import subprocess
import sys


pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals as in POSIX")

E1 = "E1LIFE"
BEGINNING = f"""
from collective.cloudfront import life, process as module
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.process import this_process
from types import SimpleNamespace
from zope.component import provideHandler
from zope.event import notify
from ZPublisher.pubevents import PubStart
import logging, os, sys, threading, time

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
module.read_targets = lambda *_args: {{"{E1}": Target("{E1}", window=0.05)}}
module.default_outbox_url = lambda: sys.argv[1]

def start():
    life.start(SimpleNamespace(database="a database"))

def save(*items):
    this_process().intake.release("", [Entry("{E1}", item) for item in items])

def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)

def history():
    return [item for each in this_process().outbox.history(100) for item in each.items]

def say(word):
    print(word, flush=True)

def rest():
    # As servers do. Python loses a signal that comes just before a wait without end.
    while True:
        time.sleep(0.05)

"""


@pytest.fixture(scope="module")
def server() -> Iterator[LocalCloudFront]:
    with LocalCloudFront(options=Options(distributions=(E1,), api_rate=None)) as local:
        yield local


@pytest.fixture
def cloudfront(server) -> LocalCloudFront:
    server.control.reset()
    return server


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/outbox.sqlite"


@pytest.fixture
def outbox(url):
    outbox = open_outbox(url)
    # In another container: who knows of no process whether it lives
    outbox.owner = "elsewhere/boot.1:4711.5:0123456789ab"
    yield outbox
    outbox.close()


@pytest.fixture
def started(cloudfront, url):
    processes = []

    def start(code, **environ):
        process = subprocess.Popen(
            [sys.executable, "-c", BEGINNING + code, url],
            env={
                **os.environ,
                **cloudfront.environment,
                "AWS_EC2_METADATA_DISABLED": "true",
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "CLOUDFRONT_CALL_RATE": "100",
                **environ,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


def end(process, expected=0):
    output, log = process.communicate(timeout=45)
    assert process.returncode == expected, log
    return output.split(), log


def items_of(cloudfront):
    return [item for each in cloudfront.control.invalidations() for item in each.items]


# --- the start ----------------------------------------------------------------------------


def test_the_start_reads_no_site_and_waits_for_nothing(started):
    process = started("""
may_read, reading = threading.Event(), threading.Event()

def read(*_args):
    reading.set()
    may_read.wait(300)
    return {}

module.read_targets = read
start()
reading.wait(300)
assert not may_read.is_set(), "the start is over, and the courier reads"
may_read.set()
say("started")
""")
    assert end(process)[0] == ["started"]


# --- the end ------------------------------------------------------------------------------


def test_at_its_end_it_sends_what_is_left(started, cloudfront, outbox):
    process = started("""
start()
save("/a")
wait_for(lambda: history() == ["/a"])
save("/b")
""")
    _said, log = end(process)
    assert items_of(cloudfront) == ["/a", "/b"], log
    assert outbox.claim(E1, 60)


def test_at_sigterm_it_sends_what_is_left_and_gives_up_its_claims(
    started, cloudfront, outbox
):
    process = started("""
start()
save("/a", "/b")
say("saved")
rest()
""")
    assert process.stdout.readline() == "saved\n"
    process.send_signal(signal.SIGTERM)
    end(process, -signal.SIGTERM)
    assert sorted(items_of(cloudfront)) == ["/a", "/b"]
    assert outbox.work()[0].ready + outbox.work()[0].frozen == 0
    assert outbox.claim(E1, 60)


def test_a_call_that_outlasts_the_drain_leaves_no_claim_and_the_log_says_so(
    started, cloudfront, outbox
):
    cloudfront.control.inject("slow_answer", seconds=600.0)
    process = started(
        """
start()
save("/a")
wait_for(lambda: this_process().outbox.frozen("E1LIFE"))
say("calling")
rest()
""",
        CLOUDFRONT_DRAIN="0.5",
    )
    assert process.stdout.readline() == "calling\n"
    process.send_signal(signal.SIGTERM)
    _said, log = end(process, -signal.SIGTERM)
    assert "waiting in <SqliteOutbox" in log
    assert "A request to CloudFront is still in progress and will be repeated." in log
    assert outbox.claim(E1, 60)


def test_what_is_in_memory_only_is_an_error(started, tmp_path):
    (tmp_path / "file").write_text("")
    process = started(
        """
start()
save("/a", "/b")
wait_for(lambda: this_process().intake.trouble)
say("saved")
rest()
""",
        CLOUDFRONT_OUTBOX=f"sqlite:///{tmp_path}/file/outbox.sqlite",
        CLOUDFRONT_DRAIN="0.2",
    )
    assert process.stdout.readline() == "saved\n"
    process.send_signal(signal.SIGTERM)
    _said, log = end(process, -signal.SIGTERM)
    assert "ERROR Lost 2 items because this process ends" in log


def test_with_a_drain_of_zero_signals_are_left_alone(started, outbox):
    process = started(
        """
import signal
start()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
""",
        CLOUDFRONT_DRAIN="0",
    )
    end(process)


@pytest.mark.parametrize("wrong", ["five", "-1", "inf", "nan"])
def test_a_drain_that_is_no_number_is_said_and_the_default_is_used(started, wrong):
    process = started("say(this_process().drain)", CLOUDFRONT_DRAIN=wrong)
    said, log = end(process)
    assert said == ["5.0"]
    assert f"Environment variable CLOUDFRONT_DRAIN: '{wrong}'" in log


# --- children -----------------------------------------------------------------------------


def test_a_child_has_its_own_courier_from_its_first_request_on(started, cloudfront):
    """As with a server that loads Zope and forks, or becomes a daemon."""
    process = started("""
start()
save("/parent")
wait_for(lambda: history() == ["/parent"])
parent = this_process().outbox.owner
client = this_process().courier.gateway
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
    assert this_process().courier.gateway is client
    save("/again")
    wait_for(lambda: "/again" in history())
    say("parent")
else:
    assert this_process().outbox.owner != parent
    assert this_process().courier.gateway is not client
    names = [each.name for each in threading.enumerate()]
    assert "cloudfront-courier" not in names, "it may be no server"
    this_process().outbox.release("", [Entry("E1LIFE", "/left")])
    notify(PubStart(None))
    notify(PubStart(None))
    wait_for(lambda: "/left" in history())
    save("/child")
    wait_for(lambda: "/child" in history())
    say("child")
""")
    said, log = end(process)
    assert said == ["child", "parent"], log
    assert sorted(items_of(cloudfront)) == ["/again", "/child", "/left", "/parent"]


def test_children_that_work_at_once_send_nothing_twice(started, cloudfront):
    process = started("""
start()
save("/parent")
children = []
for number in range(3):
    child = os.fork()
    if not child:
        for each in range(5):
            save(f"/{number}/{each}")
            time.sleep(0.02)
        life.stop()
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
wait_for(lambda: len(history()) >= 16)
""")
    end(process)
    items = items_of(cloudfront)
    assert len(items) == len(set(items)) == 16
    references = [each.caller_reference for each in cloudfront.control.invalidations()]
    assert len(references) == len(set(references))
    assert cloudfront.control.state()["replayed"] == 0


def test_sigterm_ends_a_child_that_its_parent_made_while_it_was_ending(started):
    process = started("""
import signal
start()
life.ending._is_ending_in = os.getpid()
ready, is_ready = os.pipe()
child = os.fork()
if not child:
    os.write(is_ready, b"x")
    rest()
os.read(ready, 1)
os.kill(child, signal.SIGTERM)
assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
say("ended")
""")
    assert end(process)[0] == ["ended"]


# --- damage -------------------------------------------------------------------------------


def test_damage_found_before_the_sites_are_known_purges_them_when_they_are(
    started, cloudfront, tmp_path
):
    (tmp_path / "outbox.sqlite").write_bytes(b"no database at all " * 500)
    process = started("""
this_process().outbox.close()
this_process().intake.release("", [])
save("/a")
this_process().intake.retry()
assert "E1LIFE" not in this_process()._targets
start()
wait_for(lambda: "/*" in history())
""")
    _said, log = end(process)
    assert "everything in every distribution is purged once" in log
    assert "/*" in items_of(cloudfront)
