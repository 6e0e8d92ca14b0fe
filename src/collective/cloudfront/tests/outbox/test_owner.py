from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import owner as module
from collective.cloudfront.outbox.owner import forget
from collective.cloudfront.outbox.owner import identity
from collective.cloudfront.outbox.owner import is_known_dead
from collective.cloudfront.outbox.owner import new_owner
from collective.cloudfront.outbox.owner import remember
from collective.cloudfront.tests.outbox import processes
from pathlib import Path

import os
import pytest
import socket
import subprocess
import sys


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")


@pytest.fixture
def me():
    me = remember(new_owner())
    yield me
    forget(me)


@pytest.fixture
def process():
    """Another process; it ends when it reads a line, or is killed."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
    yield process
    process.kill()
    process.communicate()


def start_of(pid):
    """Return an identity's ``pid.start``."""
    return identity(pid, "x").rsplit(":", 2)[1]


def test_identities_differ_within_a_process(me):
    assert new_owner() != me
    assert new_owner().rsplit(":", 1)[0] == me.rsplit(":", 1)[0]


def test_i_am_not_dead(me):
    assert not is_known_dead(me, me)


def test_another_identity_in_new_owner_lives_until_it_is_forgotten(me):
    other = remember(new_owner())
    assert not is_known_dead(other, me)
    forget(other)
    assert is_known_dead(other, me)


def test_an_earlier_life_of_a_container_under_the_same_name_and_pid_is_dead(me):
    assert is_known_dead(identity(os.getpid(), "0123456789ab"), me)


@linux
def test_an_earlier_life_that_began_at_another_time_is_dead(me):
    place, process, unique = me.rsplit(":", 2)
    assert is_known_dead(f"{place}:{os.getpid()}.1:{unique}", me)


def test_a_running_process_lives_and_an_ended_one_is_dead(me, process):
    owner = identity(process.pid, "0123456789ab")
    assert not is_known_dead(owner, me)
    process.communicate(b"\n")
    assert is_known_dead(owner, me)


@linux
def test_a_process_that_was_killed_and_not_waited_for_is_dead(me, process):
    owner = identity(process.pid, "0123456789ab")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    os.kill(process.pid, 0)  # a zombie takes signals
    assert is_known_dead(owner, me)


@linux
def test_a_process_id_that_was_used_again_is_no_life(me, process):
    """The owner died, and its process id went to another process."""
    place = me.rsplit(":", 2)[0]
    assert not is_known_dead(f"{place}:{start_of(process.pid)}:0123456789ab", me)
    assert is_known_dead(f"{place}:{process.pid}.1:0123456789ab", me)


def test_somebody_elses_process_lives(me):
    # Process 1 is always there; without being root, it cannot be signalled.
    assert not is_known_dead(identity(1, "0123456789ab"), me)


def test_nothing_is_known_of_another_host(me):
    assert not is_known_dead("elsewhere:999999999:0123456789ab", me)
    assert not is_known_dead("elsewhere/b.1:999999999.1:0123456789ab", me)


@pytest.mark.parametrize("what", ["_boot", "_namespace"])
def test_nothing_is_known_of_another_container_or_machine_with_the_same_host_name(
    me, monkeypatch, what
):
    with monkeypatch.context() as patched:
        patched.setattr(module, what, lambda: "4711")
        one = new_owner()
        # There, its process id is another process's, or nobody's.
        gone = one.replace(f":{os.getpid()}.", ":999999999.")
    assert not is_known_dead(one, me)
    assert not is_known_dead(gone, me)
    assert not is_known_dead(me, one)


def test_a_live_claim_of_a_container_with_the_same_host_name_is_not_taken(tmp_path):
    url = f"sqlite:///{tmp_path}/outbox.sqlite"
    code = """
outbox = open_as()
assert outbox.claim("E1", 60)
outbox.prepare("t", [Entry("E1", "/a")])()
print(outbox.owner, flush=True)
input()
die()
"""
    process = processes.start(url, code, before=processes.container())
    outbox = open_outbox(url)
    try:
        theirs, mine = process.stdout.readline(), outbox.owner
        assert theirs.partition("/")[0] == mine.partition("/")[0], "one host name"
        assert not outbox.claim("E1", 60)
        assert outbox.release_abandoned(60) == 0
        assert not outbox.poll((), 10, 60).is_abandoned
    finally:
        process.kill()
        process.communicate()
        outbox.end()


def test_nothing_is_known_of_an_owner_that_an_earlier_version_wrote(me):
    owner = f"{socket.gethostname()}:{os.getpid()}:0123456789ab"
    assert not is_known_dead(owner, me)


def test_a_host_name_may_hold_colons(me):
    assert not is_known_dead("fe80::1:4711:0123456789ab", me)


def test_without_proc_only_the_process_id_tells(monkeypatch, tmp_path, process):
    monkeypatch.setattr(module, "_PROC", tmp_path)
    module._boot.cache_clear()
    try:
        me = remember(new_owner())
        owner = identity(process.pid, "0123456789ab")
        assert owner == f"{socket.gethostname()}/.:{process.pid}.:0123456789ab"
        assert not is_known_dead(owner, me)
        process.communicate(b"\n")
        assert is_known_dead(owner, me)
    finally:
        forget(me)
        module._boot.cache_clear()
