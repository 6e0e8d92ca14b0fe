"""Specification: many processes on one outbox send like one.

Each is a real process with a courier of its own, as on a node of a cluster.
"""

from collective.cloudfront.delivery.sending import CLAIM_SECONDS
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.profile import LONG

import math
import os
import pytest
import subprocess
import sys
import time


pytestmark = [pytest.mark.slow, pytest.mark.long]

NODES = 30 if LONG else 8
ITEMS = 20 if LONG else 10
#: Calls a second that the account allows
RATE = 5.0
E1, E2 = "E1MANYNODES", "E2MANYNODES"

NODE = f"""
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.delivery.thread import CourierThread
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.pacing import Limits
import os, signal, sys, time

url, number, items = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
targets = {{name: Target(name, window=0.2) for name in ({E1!r}, {E2!r})}}
outbox = open_outbox(url)
outbox.listen(lambda: thread.wake())
courier = Courier(
    outbox, Boto3Gateway(), lambda: targets, calls=InThreads(),
    limits=Limits(call_rate={RATE}, siblings=10**6, wildcards=10**6),
)
thread = CourierThread(courier)
print(outbox.owner, flush=True)
sys.stdin.readline()
thread.wake()
for each in range(items):
    outbox.release("", [Entry({E1!r}, f"/{{number}}/{{each}}"), Entry({E2!r}, "/same")])
    time.sleep(0.2)
print("released", flush=True)
sys.stdin.readline()
thread.drain(1)
outbox.end()
"""


@pytest.fixture
def cloudfront():
    # Calls reach it a little later than they were begun, and then come closer together.
    options = Options(distributions=(E1, E2), api_rate=RATE, api_burst=12)
    with LocalCloudFront(options=options) as local:
        yield local


class Nodes:
    """Processes that start together."""

    def __init__(self, url, cloudfront, count):
        environ = {
            **os.environ,
            **cloudfront.environment,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        self.running = [
            subprocess.Popen(
                [sys.executable, "-c", NODE, url, str(number), str(ITEMS)],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(count)
        ]
        self.owners = [node.stdout.readline().strip() for node in self.running]

    def go_on(self):
        for node in self.running:
            node.stdin.write("go\n")
            node.stdin.flush()

    def read(self):
        return [node.stdout.readline().strip() for node in self.running]

    def kill(self, number):
        self.running[number].kill()
        self.running[number].communicate()
        del self.running[number], self.owners[number]

    def end(self):
        for node in self.running:
            node.kill()
            node.communicate()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/outbox.sqlite"


@pytest.fixture
def outbox(url):
    outbox = open_outbox(url)
    yield outbox
    outbox.end()


@pytest.fixture
def nodes(url, cloudfront):
    nodes = Nodes(url, cloudfront, NODES)
    yield nodes
    nodes.end()


def sent(cloudfront):
    made = cloudfront.control.invalidations()
    return [item for each in made if each.distribution == E1 for item in each.items]


def wait_for(condition):
    while not (found := condition()):
        time.sleep(0.05)
    return found


def claim_of(outbox, distribution):
    """Return who works on a distribution, and until when."""
    for backlog in outbox.poll([distribution], 1, math.inf).backlogs:
        if backlog.distribution == distribution and backlog.memo.owner:
            return backlog.memo.owner, backlog.memo.until
    return None


def test_they_send_each_item_once_within_the_rate_of_the_account(
    nodes, cloudfront, outbox
):
    nodes.go_on()
    nodes.read()
    wait_for(lambda: not sum(each.pending for each in outbox.work()))
    everything = [f"/{node}/{each}" for node in range(NODES) for each in range(ITEMS)]
    assert sorted(sent(cloudfront)) == sorted(everything)
    assert cloudfront.control.state()["refusals"] == {}


def test_where_one_is_killed_another_one_takes_over_before_its_claim_ends(
    nodes, cloudfront, outbox
):
    cloudfront.control.inject("delay", times=None, seconds=3.0)
    nodes.go_on()
    owner, until = wait_for(lambda: claim_of(outbox, E1))
    nodes.kill(nodes.owners.index(owner))
    cloudfront.control.clear_faults()
    after = wait_for(
        lambda: (found := claim_of(outbox, E1)) and found[0] != owner and found
    )
    assert after[1] - CLAIM_SECONDS < until
    nodes.read()
    wait_for(lambda: not sum(each.pending for each in outbox.work()))
    found = sent(cloudfront)
    assert len(found) == len(set(found))
