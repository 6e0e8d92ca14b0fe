from collective.cloudfront.outbox.owner import forget
from collective.cloudfront.outbox.owner import is_known_dead
from collective.cloudfront.outbox.owner import new_owner
from collective.cloudfront.outbox.owner import remember

import os
import pytest
import socket
import subprocess
import sys


@pytest.fixture
def me():
    me = remember(new_owner())
    yield me
    forget(me)


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
    earlier = f"{socket.gethostname()}:{os.getpid()}:0123456789ab"
    assert is_known_dead(earlier, me)


def test_a_running_process_lives_and_an_ended_one_is_dead(me):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
    owner = f"{socket.gethostname()}:{process.pid}:0123456789ab"
    assert not is_known_dead(owner, me)
    process.communicate(b"\n")
    assert is_known_dead(owner, me)


def test_somebody_elses_process_lives(me):
    # Process 1 is always there; without being root, it cannot be signalled.
    assert not is_known_dead(f"{socket.gethostname()}:1:0123456789ab", me)


def test_nothing_is_known_of_another_host(me):
    assert not is_known_dead("elsewhere:999999999:0123456789ab", me)


def test_a_host_name_may_hold_colons(me):
    assert not is_known_dead("fe80::1:4711:0123456789ab", me)
