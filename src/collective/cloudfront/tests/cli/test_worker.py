"""Specification: ``cloudfront worker`` delivers without Zope, as a process of its own."""

from collections import Counter
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import E2
from collective.cloudfront.tests.cli.world import end
from collective.cloudfront.tests.cli.world import eventually
from collective.cloudfront.tests.cli.world import GIVE_UP
from collective.cloudfront.tests.cli.world import KEYS
from collective.cloudfront.tests.cli.world import sent
from collective.cloudfront.tests.cli.world import SITE
from collective.cloudfront.tests.cli.world import start
from collective.cloudfront.tests.cli.world import users
from collective.cloudfront.tests.cli.world import VOLTO
from dataclasses import replace
from urllib.request import urlopen

import math
import signal
import socket
import subprocess
import sys
import time


def test_it_delivers_what_is_there_and_what_comes(world, cloudfront, workers):
    world.release("/a")
    workers.append(world.start("worker"))
    eventually(lambda: sent(cloudfront) == ["/a"])
    world.release("/b")
    eventually(lambda: sent(cloudfront) == ["/a", "/b"])
    eventually(lambda: not any(each.in_progress for each in world.outbox.work()))
    assert users(world) == [workers[0].pid]
    log = end(workers.pop())
    assert f"Delivering to: {E1}." in log
    assert users(world) == []


def test_it_imports_no_zope(world):
    code = """
import collective.cloudfront.cli.main, sys
# Namespaces without anything in them are loaded at the start of Python 3.10.
zopes = {"Zope2", "ZODB", "zope.interface", "zope.component", "plone.api", "OFS"}
found = {*zopes, "boto3", "transaction"} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_site_that_is_published_later_is_served(empty, cloudfront, workers):
    workers.append(empty.start("worker"))
    eventually(lambda: users(empty))
    empty.release("/a")
    empty.publish(SITE)
    eventually(lambda: sent(cloudfront) == ["/a"])
    log = end(workers.pop())
    assert "No site is known" in log


def test_sigterm_sends_what_is_ready_whatever_its_window(world, cloudfront, workers):
    target = replace(SITE.targets[E1], window=60.0)
    world.publish(replace(SITE, targets={E1: target}))
    workers.append(world.start("worker", CLOUDFRONT_DRAIN="60"))
    eventually(lambda: users(world))
    world.release("/a")
    log = end(workers.pop())
    assert sent(cloudfront) == ["/a"]
    assert "Received SIGTERM" in log


def test_what_is_left_at_the_end_is_said_and_kept(world, cloudfront, workers):
    cloudfront.control.inject(
        "error", code="ServiceUnavailable", status=503, times=1000
    )
    workers.append(world.start("worker", CLOUDFRONT_DRAIN="0.1"))
    world.release("/a")
    eventually(lambda: world.outbox.work()[0].waiting)
    assert "ends with 1 item waiting" in end(workers.pop())
    assert world.outbox.work()[0].pending == 1


def test_one_of_two_is_killed_and_nothing_is_lost_or_billed_twice(
    world, cloudfront, workers
):
    workers += [world.start("worker"), world.start("worker")]
    eventually(lambda: len(users(world)) == 2)
    for number in range(60):
        world.release(f"/p{number}/a", f"/q{number}/a")
        if number == 30:
            eventually(lambda: sent(cloudfront))
            victim = _who_claims(world, workers)
            victim.kill()
            victim.wait()
    expected = {f"/{kind}{number}/a" for kind in "pq" for number in range(60)}
    eventually(lambda: expected <= set(sent(cloudfront)))
    eventually(lambda: not any(each.pending for each in world.outbox.work()))
    # An accepted batch is repeated unchanged under its reference, and billed once.
    assert Counter(sent(cloudfront)) == Counter(expected)
    month = time.strftime("%Y-%m", time.gmtime())
    assert world.outbox.billed(month) == {E1: len(expected)}


def _who_claims(world, workers):
    """Return the worker that sent last, or one of them if none claims more."""
    backlogs = world.outbox.poll([], 1, math.inf).backlogs
    owners = [each.memo.owner or "" for each in backlogs]
    claiming = [each for each in workers if f":{each.pid}." in "".join(owners)]
    return (claiming or workers)[0]


def test_a_key_pair_is_zopes_and_the_worker_says_so(world, cloudfront, workers):
    world.publish(KEYS, VOLTO)
    world.release("/a")
    world.release("/b", distribution=E2)
    workers.append(world.start("worker"))
    eventually(lambda: sent(cloudfront) == ["/b"])
    log = end(workers.pop())
    assert f"{E1}: a worker cannot serve this distribution" in log
    assert world.ready() == ["/a"]


def test_it_uses_the_credentials_of_its_own_process(world, cloudfront, workers):
    cloudfront.control.change_options(accepted_access_keys=("AKIDOFTHEWORKER",))
    world.release("/a")
    workers.append(world.start("worker", AWS_ACCESS_KEY_ID="AKIDOFTHEWORKER"))
    eventually(lambda: sent(cloudfront) == ["/a"])


def test_without_an_outbox_it_says_so():
    process = start("", "worker")
    _output, error = process.communicate(timeout=GIVE_UP)
    assert process.returncode == 2
    assert "CLOUDFRONT_OUTBOX" in error


def test_ctrl_c_ends_it_too(world, cloudfront, workers):
    workers.append(world.start("worker"))
    eventually(lambda: users(world))
    workers[0].send_signal(signal.SIGINT)
    _output, log = workers[0].communicate(timeout=GIVE_UP)
    assert workers[0].returncode == 0, log
    assert users(world) == []


# --- draining -----------------------------------------------------------------------------


def test_draining_sends_everything_and_ends(world, cloudfront):
    target = replace(SITE.targets[E1], window=60.0)
    world.publish(replace(SITE, targets={E1: target}))
    world.release("/a", "/b")
    result = world.run("drain")
    assert result.exit_code == 0, result.output
    assert sorted(sent(cloudfront)) == ["/a", "/b"]
    assert users(world) == []
    assert world.run("drain").exit_code == 0


def test_draining_ends_where_a_person_must_do_something(world, cloudfront):
    cloudfront.control.change_options(denied_actions=("CreateInvalidation",))
    world.release("/a")
    result = world.run("drain")
    assert result.exit_code == 1
    assert "Allow cloudfront:CreateInvalidation" in result.stderr


def test_draining_does_not_wait_for_what_only_zope_can_send(world, cloudfront):
    world.publish(KEYS)
    world.release("/a")
    result = world.run("drain")
    assert result.exit_code == 1
    assert "CLOUDFRONT_COURIER=on" in result.stderr


def test_draining_has_an_end(world, cloudfront):
    world.release("/a")
    result = world.run("drain", "--timeout", "0")
    assert result.exit_code == 4
    assert "1 item" in result.stderr


def test_it_shows_figures_for_prometheus(world, cloudfront, workers):
    world.release("/a")
    workers.append(world.start("worker", "--metrics-port", "0"))
    eventually(lambda: sent(cloudfront) == ["/a"])
    # The port is in the log, which is read without waiting for its end
    port = next(
        int(line.rpartition(":")[2].partition("/")[0])
        for line in workers[0].stderr
        if "Metrics are at" in line
    )
    expected = f'cloudfront_accepted_items_total{{distribution="{E1}"}} 1.0'

    def page() -> str:
        return urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()

    # CloudFront has accepted it a moment before the worker knows
    eventually(lambda: expected in page())


def test_a_port_that_is_taken_is_said(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = world.start("worker", "--metrics-port", port)
        _output, error = process.communicate(timeout=GIVE_UP)
    assert process.returncode == 2
    assert f"Port {port} of 127.0.0.1 cannot be used" in error
