"""Specification: what a signal does to a process that has work. Each is a real one."""

from collective.cloudfront.delivery.ending import SIGNALS
from collective.cloudfront.tests.outbox.processes import container
from pathlib import Path

import os
import pytest
import signal
import subprocess
import sys
import time


pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals as in POSIX")

#: What the processes begin with; ``say`` takes no lock, so that handlers may call it.
BEGINNING = """
from collective.cloudfront.delivery.ending import Ending
import logging, os, signal, sys, threading, time

logging.basicConfig(level=logging.INFO, format="%(message)s")

# Who runs the tests in the background, or by nohup, ignores them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

def say(word):
    os.write(1, f"{word}\\n".encode())

def finish():
    say("finished")

ending = Ending(finish, lambda: say("unfinished"), lambda: say("resumed"), lambda: 60.0)

def rest():
    say("ready")
    while True:
        time.sleep(0.05)
"""


class Ended:
    """A process that runs ``code`` and then rests, till a signal ends it."""

    def __init__(self, code, before=()):
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", BEGINNING + code],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.read() == "ready"

    def read(self):
        return self.process.stdout.readline().strip()

    def send(self, number):
        self.process.send_signal(number)

    def send_until_it_ends(self, number):
        """Python loses a signal that comes just before a thread waits for a lock."""
        while self.process.poll() is None:
            self.send(number)
            time.sleep(0.5)

    def end(self):
        """Return what it still said, its exit code and its log."""
        output, log = self.process.communicate(timeout=300)
        return output.split(), self.process.returncode, log

    def kill(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def started():
    processes = []

    def start(code, **how):
        processes.append(Ended(code, **how))
        return processes[-1]

    yield start
    for each in processes:
        if each.process.poll() is None:
            each.kill()


@pytest.mark.parametrize("number", SIGNALS)
def test_it_finishes_and_then_the_signal_ends_it_as_before(started, number):
    process = started("ending.watch(); rest()")
    process.send(number)
    said, code, log = process.end()
    assert said == ["finished"]
    assert code == -number
    assert f"Received {number.name}. This process is shutting down." in log


def test_sigint_is_pythons(started):
    process = started("""
ending.watch()
try:
    rest()
except KeyboardInterrupt:
    say("interrupted")
""")
    process.send(signal.SIGINT)
    assert process.end()[:2] == (["interrupted"], 0)


def test_a_handler_of_others_comes_next_and_decides_how_it_ends(started):
    process = started("""
def theirs(number, frame):
    say("theirs")
    sys.exit(3)

signal.signal(signal.SIGTERM, theirs)
ending.watch()
rest()
""")
    process.send(signal.SIGTERM)
    said, code, _log = process.end()
    assert said[:2] == ["finished", "theirs"]
    assert code == 3


def test_where_a_handler_of_others_does_not_end_it_work_goes_on(started):
    process = started("""
signal.signal(signal.SIGTERM, lambda number, frame: say("theirs"))
ending.watch()
rest()
""")
    for _ in range(2):
        process.send(signal.SIGTERM)
        assert [process.read() for _ in range(3)] == ["finished", "theirs", "resumed"]


def test_a_signal_that_is_ignored_stays_so(started):
    process = started("""
signal.signal(signal.SIGHUP, signal.SIG_IGN)
ending.watch()
assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
rest()
""")
    process.kill()


def test_only_the_main_thread_watches(started):
    process = started("""
thread = threading.Thread(target=ending.watch)
thread.start()
thread.join()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
rest()
""")
    process.send(signal.SIGTERM)
    assert process.end()[:2] == ([], -signal.SIGTERM)


def test_watching_twice_and_no_more_leaves_what_was(started):
    process = started("""
ending.watch()
ending.watch()
ending.unwatch()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
rest()
""")
    process.kill()


def test_more_signals_meanwhile_do_not_hurry_it(started):
    process = started("""
may_end = threading.Event()

def finish():
    say("finishing")
    may_end.wait()
    say("finished")

ending._finish = finish
ending.watch()
say("ready")
sys.stdin.readline()
may_end.set()
while True:
    time.sleep(0.05)
""")
    process.send(signal.SIGTERM)
    assert process.read() == "finishing"
    for _ in range(5):
        process.send(signal.SIGTERM)
    process.process.stdin.write("\n")
    said, code, _log = process.end()
    assert said == ["finished"]
    assert code == -signal.SIGTERM


def test_a_signal_in_the_middle_of_a_save_lets_the_save_end(started):
    """What finishes waits for a lock that the main thread holds, which is in a save."""
    process = started("""
lock = threading.Lock()

def finish():
    with lock:
        say("finished")

ending._finish = finish
ending.watch()
with lock:
    logging._acquireLock() if hasattr(logging, "_acquireLock") else logging._lock.acquire()
    threading._active_limbo_lock.acquire()
    say("ready")
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    threading._active_limbo_lock.release()
    logging._releaseLock() if hasattr(logging, "_releaseLock") else logging._lock.release()
    say("saved")
while True:
    time.sleep(0.05)
""")
    process.send(signal.SIGTERM)
    said, code, _log = process.end()
    assert said == ["saved", "finished"]
    assert code == -signal.SIGTERM


def test_what_hangs_does_not_keep_it_alive(started):
    process = started("""
ending._finish = lambda: threading.Event().wait()
ending._most = lambda: 0.1
ending.watch()
rest()
""")
    process.send(signal.SIGTERM)
    assert process.end()[:2] == (["unfinished"], -signal.SIGTERM)


def test_what_fails_does_not_keep_it_alive(started):
    process = started("""
def fail():
    raise ZeroDivisionError("a bug")

ending._unfinished = fail
ending._finish = lambda: threading.Event().wait()
ending._most = lambda: 0.1
ending.watch()
rest()
""")
    process.send(signal.SIGTERM)
    said, code, log = process.end()
    assert code == -signal.SIGTERM
    assert "a bug" in log


def test_a_main_thread_that_waits_is_ended(started):
    process = started("""
ending.watch()
say("ready")
threading.Event().wait()
""")
    process.send_until_it_ends(signal.SIGTERM)
    assert process.end()[:2] == (["finished"], -signal.SIGTERM)


def test_a_signal_that_the_main_thread_has_missed_is_sent_again(started):
    process = started("""
kill, lost = signal.pthread_kill, []

def lose_the_first(*what):
    kill(*what) if lost else lost.append(what)

signal.pthread_kill = lose_the_first
ending.watch()
rest()
""")
    process.send(signal.SIGTERM)
    assert process.end()[:2] == (["finished"], -signal.SIGTERM)


# --- containers ---------------------------------------------------------------------------


def test_process_1_of_a_container_is_not_ended_by_the_signal_and_goes_on(started):
    """The system drops signals for it that nobody handles; in the end comes SIGKILL."""
    process = started("ending.watch(); rest()", before=container())
    for _ in range(2):
        os.kill(child_of(process.process.pid), signal.SIGTERM)
        assert [process.read(), process.read()] == ["finished", "resumed"]
    process.kill()


def child_of(pid):
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)
