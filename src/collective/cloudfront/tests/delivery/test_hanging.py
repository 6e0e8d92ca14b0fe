"""Whatever hangs, for however long: it delays nothing else, and somebody says so.

Real boto3 in the threads that a process has, with the courier in its own.
"""

from collections.abc import Iterator
from collective.cloudfront.delivery import calls as calls_module
from collective.cloudfront.delivery.aws import bounds
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.follow_up import FollowUp
from collective.cloudfront.delivery.sending import CLAIM_SECONDS
from collective.cloudfront.delivery.sending import PATIENCE
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.delivery.thread import CourierThread
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.http.people import eventually
from contextlib import contextmanager

import os
import pytest
import socket
import threading
import time


#: Seconds; the real ones are tested below.
DEADLINE = 1.5
GOOD = (Credentials(profile="good"),)
HANGS = (Credentials(profile="hangs"),)


class Tap:
    """A server that answers one byte after the other, without an end."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = 0
        self.closed = 0
        self.ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.ended.is_set():
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection):
        connection.recv(100)
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drop: ")
            while not self.ended.wait(0.05):
                connection.sendall(b"a")
        except OSError:
            self.closed += 1
        connection.close()

    def end(self):
        self.ended.set()
        self._socket.close()


@pytest.fixture
def tap() -> Iterator[Tap]:
    tap = Tap()
    yield tap
    tap.end()


@pytest.fixture
def profile(cloudfront, tmp_path, monkeypatch):
    """Write the profile "hangs", beside a good one. The environment says nothing."""
    for name in list(os.environ):
        if name.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_ENDPOINT")):
            monkeypatch.delenv(name)
    url = cloudfront.environment["AWS_ENDPOINT_URL_CLOUDFRONT"]

    def write(**options):
        text = ""
        keys = {"aws_access_key_id": "AKID", "aws_secret_access_key": "s"}
        for name, more in {"hangs": options, "good": keys}.items():
            lines = {"endpoint_url": url, **more}
            text += f"[profile {name}]\n"
            text += "".join(f"{key} = {value}\n" for key, value in lines.items())
        (tmp_path / "config").write_text(text)

    return write


class Station:
    """A courier in its thread."""

    def __init__(self, folder, targets):
        self.outbox = SqliteOutbox(folder / "outbox.sqlite")
        self.calls = InThreads(DEADLINE)
        self.courier = Courier(
            self.outbox,
            Boto3Gateway(),
            lambda: targets,
            calls=self.calls,
            limits=Limits(call_rate=100.0, call_burst=100.0),
        )
        self.rounds = []
        run = self.courier.round

        def round():
            started = time.monotonic()
            try:
                return run()
            finally:
                self.rounds.append(time.monotonic() - started)

        self.courier.round = round
        self.thread = CourierThread(self.courier)

    def release(self, distribution, *items):
        self.outbox.release("", [Entry(distribution, item) for item in items])
        self.thread.wake()

    def waiting(self, distribution):
        found = {each.distribution: each for each in self.outbox.work()}
        return found[distribution].waiting if distribution in found else None

    def delivered(self, distribution):
        return [
            item
            for each in self.outbox.history(99, (distribution,))
            for item in each.items
        ]


@pytest.fixture
def station(cloudfront, tmp_path):
    targets = {
        E1: Target(E1, window=0.01, credentials=HANGS),
        E2: Target(E2, window=0.01, credentials=GOOD),
    }
    station = Station(tmp_path, targets)
    yield station
    station.thread.stop(60)
    station.outbox.end()


def threads():
    return [
        each.name for each in threading.enumerate() if each.name.startswith("cloud")
    ]


@contextmanager
def served_meanwhile(station):
    """Something is delivered to the other distribution while this one hangs."""
    station.calls.deadline = 600.0
    station.release(E1, "/a")
    eventually(lambda: station.outbox.frozen(E1))
    station.release(E2, "/b")
    eventually(lambda: station.delivered(E2) == ["/b"])
    assert station.waiting(E1) is None, "its end was not waited for"
    assert station.delivered(E1) == []
    station.calls.deadline = DEADLINE
    yield
    eventually(lambda: station.waiting(E1))


@pytest.fixture
def program(tmp_path):
    """A credential_process that hangs, and another one that it has started."""
    program = tmp_path / "program"
    program.write_text(
        f"#!/bin/sh\nsleep 3600 &\necho $$ $! >> {tmp_path}/pids\nwait\n"
    )
    program.chmod(0o755)
    return program


def _runs(program):
    pids = (program.parent / "pids").read_text().split()
    return any(_is_alive(int(pid)) for pid in pids)


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            # A zombie is none: its parent has not looked yet.
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_for_credentials_that_hangs_delays_no_other_distribution(
    station, profile, program
):
    profile(credential_process=program)
    with served_meanwhile(station):
        pass
    waiting = station.waiting(E1)
    assert waiting.paused
    assert waiting.reason.code == "credentials_timed_out"
    assert "credential_process" in str(waiting.advice)
    # The program, and what it has started, is gone.
    eventually(lambda: not _runs(program))


def test_a_program_that_hangs_is_ended_before_the_call_is_given_up(
    station, profile, monkeypatch
):
    monkeypatch.setattr(bounds, "PROCESS_SECONDS", 0.3)
    profile(credential_process="sleep 3600")
    station.release(E1, "/a")
    eventually(lambda: station.waiting(E1))
    waiting = station.waiting(E1)
    assert waiting.paused
    assert "credential_process takes longer than" in str(waiting.reason)


def test_what_was_wrong_with_credentials_is_over_when_it_is_corrected(
    station, profile, monkeypatch
):
    profile(credential_process="sleep 3600")
    station.release(E1, "/a")
    eventually(lambda: station.waiting(E1))
    profile(aws_access_key_id="AKIDNEW", aws_secret_access_key="s")
    station.outbox.resume()
    station.thread.wake()
    eventually(lambda: station.delivered(E1) == ["/a"])


def test_an_answer_byte_by_byte_delays_no_other_distribution(station, profile, tap):
    profile(
        aws_access_key_id="AKID",
        aws_secret_access_key="s",
        endpoint_url=tap.url,
    )
    with served_meanwhile(station):
        pass
    waiting = station.waiting(E1)
    assert waiting.reason.code == "timed_out"
    # Its connection is closed, and its thread ends.
    eventually(lambda: tap.closed == tap.asked)
    eventually(lambda: not any(E1 in name for name in threads()) or tap.asked > 1)


def test_a_call_that_hangs_is_repeated_unchanged(station, profile, cloudfront):
    profile(aws_access_key_id="AKID", aws_secret_access_key="s")
    cloudfront.control.inject("slow_answer", seconds=DEADLINE + 1, distribution=E1)
    station.release(E1, "/a")
    eventually(lambda: station.waiting(E1))
    (batch,) = station.outbox.frozen(E1)
    station.outbox.resume()
    station.thread.wake()
    eventually(lambda: station.delivered(E1) == ["/a"])
    made = [
        each for each in cloudfront.control.invalidations() if each.distribution == E1
    ]
    assert [each.caller_reference for each in made] == [batch.reference]
    assert len(station.outbox.history(9, (E1,))) == 1


def test_no_round_takes_long_whatever_hangs(station, profile, tap, monkeypatch):
    profile(credential_process="sleep 3600")
    waits, wait = [], station.calls.wait

    def waited(seconds):
        waits.append(seconds)
        wait(seconds)

    station.calls.wait = waited
    station.release(E1, "/a")
    station.release(E2, "/b")
    eventually(lambda: station.waiting(E1))
    # A round waits for so long only, but for what the machine is busy with.
    assert waits
    assert max(waits) <= PATIENCE
    assert sorted(station.rounds)[len(station.rounds) // 2] < 15


def test_stopping_waits_no_longer_than_it_was_told(station, profile, program):
    profile(credential_process=program)
    station.calls.deadline = 600.0
    station.release(E1, "/a")
    eventually(lambda: station.outbox.frozen(E1))
    eventually((program.parent / "pids").exists)
    finished = []
    station.courier._finish_calls = (
        lambda seconds, finish=(station.courier._finish_calls): finished.append(
            finish(0.2)
        )
    )
    station.thread.stop(60)
    assert finished == [None]
    assert [batch.items for batch in station.outbox.frozen(E1)] == [("/a",)]
    other = SqliteOutbox(station.outbox.store.path)
    assert other.claim(E1, 60), "nobody need wait for its claim"
    other.end()
    eventually(lambda: not _runs(program))


def test_stopping_finishes_a_call_in_a_thread(station, profile, cloudfront):
    profile(aws_access_key_id="AKID", aws_secret_access_key="s")
    cloudfront.control.inject("slow_answer", seconds=0.5, distribution=E1)
    station.release(E1, "/a")
    eventually(lambda: station.outbox.frozen(E1))
    station.thread.stop(60)
    assert station.delivered(E1) == ["/a"]


def test_a_target_that_hangs_for_ever_gets_few_threads(station, profile, monkeypatch):
    """Even where nothing can be closed, as a lock of a file system."""
    before = set(threading.enumerate())
    stuck = threading.Event()
    monkeypatch.setattr(
        station.courier.gateway, "create", lambda *what: stuck.wait(600)
    )
    station.calls.deadline = 0.05
    profile(aws_access_key_id="AKID", aws_secret_access_key="s")
    station.release(E1, "/a")
    for _ in range(8):
        eventually(lambda: station.waiting(E1) and station.waiting(E1).until > 0)
        station.outbox.resume()
        station.thread.wake()
        eventually(lambda: station.waiting(E1).until > 0)
    names = [each.name for each in set(threading.enumerate()) - before]
    assert names.count(f"cloudfront-call {E1}") <= calls_module.MOST_HANGING
    assert station.waiting(E1).reason.code in ("no_thread", "credentials_timed_out")
    stuck.set()


def test_look_ups_that_hang_delay_no_sending(station, profile, cloudfront):
    profile(aws_access_key_id="AKID", aws_secret_access_key="s")
    cloudfront.control.inject(
        "delay", seconds=5, operation="GetInvalidation", times=None
    )
    station.release(E2, "/first")
    eventually(lambda: station.delivered(E2) == ["/first"])
    eventually(
        lambda: any(name == f"cloudfront-call look up {E2}" for name in threads())
    )
    station.outbox.release("", [Entry(E2, "/secret", urgent=True)])
    station.thread.hurry()
    eventually(lambda: "/secret" in station.delivered(E2))
    cloudfront.control.clear_faults()


def test_a_look_up_that_hangs_is_given_up_though_nothing_else_happens():
    """Found by test_faults: its invalidation was in progress until the next edit."""
    hangs = threading.Event()
    settled = Settled("I1", E1, "reference", ("/a",), since=0.0, accepted=0.0)
    follow_up = FollowUp(
        lambda *args: hangs.wait(600), time.time, InThreads(deadline=0.1)
    )
    try:
        follow_up.start([settled], [Credentials()])
        (look,) = eventually(follow_up.answers)
        assert look.answer.outcome is Outcome.TRANSIENT
    finally:
        hangs.set()


def test_the_deadline_is_well_below_a_claim():
    assert calls_module.DEADLINE <= 13
    assert bounds.PROCESS_SECONDS < calls_module.DEADLINE
    assert calls_module.DEADLINE + PATIENCE < CLAIM_SECONDS / 2
    assert InThreads().deadline == calls_module.DEADLINE
