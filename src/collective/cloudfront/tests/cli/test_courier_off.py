"""Specification: with ``CLOUDFRONT_COURIER=off`` Zope only saves, and workers deliver.

Each Zope here is a process of its own, without a database: it is told which sites there
are.
"""

from collections import Counter
from collective.cloudfront.delivery.handing_over import HandingOver
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.late import Lately
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import end
from collective.cloudfront.tests.cli.world import eventually
from collective.cloudfront.tests.cli.world import GIVE_UP
from collective.cloudfront.tests.cli.world import sent
from collective.cloudfront.tests.cli.world import SITE
from collective.cloudfront.tests.cli.world import users
from collective.cloudfront.tests.test_life import BEGINNING
from dataclasses import replace

import os
import pytest
import signal
import subprocess
import sys
import time


ZOPE = (
    BEGINNING.replace("E1LIFE", E1)
    + """
from collective.cloudfront.process import Process
Process._read_sites = lambda *_args: []
start()
"""
)
#: Saves an item for each line that it reads, as a transaction would.
SAVING = """
import uuid
say("ready")
for line in sys.stdin:
    entries, token = [Entry(%r, line.strip())], uuid.uuid4().hex
    this_process().intake.prepare(token, entries)()
    this_process().intake.release(token, entries)
    say("saved")
"""


@pytest.fixture
def zopes(world):
    """Return a function that starts a Zope that delivers nothing."""
    running = []

    def start(code, **environ):
        process = subprocess.Popen(
            [sys.executable, "-c", ZOPE + code % E1, world.url],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "CLOUDFRONT_OUTBOX": world.url,
                "CLOUDFRONT_COURIER": "off",
                **environ,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for each in running:
        each.kill()
        each.communicate()


def save(zope, item):
    zope.stdin.write(f"{item}\n")
    zope.stdin.flush()
    assert zope.stdout.readline() == "saved\n"


def started(zopes):
    zope = zopes(SAVING)
    assert zope.stdout.readline() == "ready\n"
    return zope


def test_a_save_is_in_the_outbox_and_nothing_is_sent(world, zopes, cloudfront):
    zope = started(zopes)
    save(zope, "/a")
    eventually(lambda: world.ready() == ["/a"])
    eventually(lambda: present(world.outbox, time.time()))
    (user,) = present(world.outbox, time.time())
    assert (user.kind, user.pid) == (Kind.SAVES_ONLY, zope.pid)
    assert sent(cloudfront) == []


def test_no_boto3_is_imported(world, zopes, cloudfront):
    code = """
save("/a")
wait_for(lambda: this_process().outbox.work())
assert %r
this_process().stop()
found = {"boto3", "botocore", "click"} & set(sys.modules)
say(sorted(found))
"""
    zope = zopes(code)
    output, log = zope.communicate(timeout=GIVE_UP)
    assert zope.returncode == 0, log
    assert output == "[]\n"
    assert world.ready() == ["/a"]


def test_what_a_killed_zope_has_saved_is_delivered(world, zopes, cloudfront, workers):
    zope = started(zopes)
    for number in range(20):
        save(zope, f"/{number}/a")
    zope.kill()
    zope.wait()
    workers.append(world.start("worker", CLOUDFRONT_GRACE="1"))
    eventually(
        lambda: {f"/{number}/a" for number in range(20)} <= set(sent(cloudfront))
    )


def test_a_rolling_update_loses_and_doubles_nothing(world, zopes, cloudfront, workers):
    zope = started(zopes)
    workers.append(world.start("worker"))
    eventually(lambda: users(world))
    expected = []

    def edit(count):
        for _ in range(count):
            expected.append(f"/{len(expected)}/a")
            save(zope, expected[-1])

    edit(10)
    # The workers: the next one begins before this one ends.
    workers.append(world.start("worker"))
    eventually(lambda: len(users(world)) == 2)
    edit(10)
    end(workers.pop(0))
    edit(10)
    # Zope: likewise.
    next_zope = started(zopes)
    zope.send_signal(signal.SIGTERM)
    zope.wait(GIVE_UP)
    zope = next_zope
    edit(10)
    eventually(lambda: set(expected) <= set(sent(cloudfront)))
    eventually(lambda: not any(each.pending for each in world.outbox.work()))
    assert Counter(sent(cloudfront)) == Counter(expected)
    assert present(world.outbox, time.time())


def test_zope_learns_what_others_purged_for_its_own_answers(world, zopes, cloudfront):
    # So that an answer that was made before goes out as private
    code = """
assert %r
lately = this_process().lately
learn, learnt = lately.learn, []
lately.learn = lambda purges: learnt.extend(purges) or learn(purges)
say("ready")
wait_for(lambda: learnt)
say(dict(learnt[0].items))
"""
    zope = zopes(code)
    assert zope.stdout.readline() == "ready\n"
    world.json("purge", "/a")
    assert zope.stdout.readline() == f"{ {E1: ['/a']} }\n"


def test_changed_settings_reach_a_worker(world, cloudfront, workers):
    workers.append(world.start("worker"))
    eventually(lambda: users(world))
    cloudfront.control.change_options(accepted_access_keys=("AKIDOTHER",))
    world.release("/a")
    eventually(lambda: world.outbox.work()[0].waiting)
    # A person mends it, and saves
    cloudfront.control.change_options(accepted_access_keys=None)
    world.publish(replace(SITE, hosts=()))
    world.outbox.resume()
    eventually(lambda: sent(cloudfront) == ["/a"])


def test_what_an_earlier_process_has_left_is_taken_over(world, tmp_path):
    """Workers do not know where that is."""
    left = open_outbox(f"sqlite:///{tmp_path}/left.sqlite")
    left.release("", [Entry(E1, "/left")])
    left.end()
    intake = Intake(world.outbox)
    handing_over = HandingOver(
        world.outbox, intake, Lately(time.time), earlier=lambda: [left.path]
    )
    handing_over.round()
    assert world.ready() == ["/left"]
    assert not left.path.exists()
