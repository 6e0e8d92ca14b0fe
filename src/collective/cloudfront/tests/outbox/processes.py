"""Other processes that use an outbox, and die if they are told to."""

from collections.abc import Sequence

import os
import pytest
import shutil
import subprocess
import sys


#: What every one of them begins with; its arguments are ``args``.
_BEGINNING = """
import os, socket, sys
from collective.cloudfront.outbox import open_outbox, OutboxUnavailable
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.pacing import Limits, Pace
outbox, args = None, sys.argv[2:]

def die():
    os.kill(os.getpid(), 9)

def open_as(host=None):
    if host:
        socket.gethostname = lambda: host
    if sys.argv[1].startswith("postgresql"):
        from collective.cloudfront.outbox.postgresql import store
        # The machine of the tests may be busy
        store.SAVE_PATIENCE = store.SAVE_DEADLINE = 100.0
    return open_outbox(sys.argv[1])
"""


def container() -> list[str]:
    """Return what to write before a command so that it is process 1 of a container.

    It has this machine's host name. Skips the test where nobody may make containers.
    """
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    command += ["--mount-proc", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"]).returncode:
        pytest.skip("no containers here")
    return command


def start(
    url: str, code: str, *args: object, before: Sequence[str] = ()
) -> subprocess.Popen:
    """Start a process that runs ``code`` with the outbox at ``url``; ``before`` comes
    before its command.
    """
    return subprocess.Popen(
        [*before, sys.executable, "-c", _BEGINNING + code, url, *map(str, args)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def go_together(running: Sequence[subprocess.Popen]) -> None:
    """Let processes that have printed a line, and wait for one, go on at once; return
    when all have ended well.
    """
    for process in running:
        assert process.stdout.readline()
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        output_of(process)


def output_of(process: subprocess.Popen) -> str:
    """Return what a process printed that ends well."""
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return output


def run(url: str, code: str, *args: object) -> str:
    """Run ``code`` to its end, or death, and return what it printed."""
    process = start(url, code, *args)
    output, errors = process.communicate(timeout=600)
    assert process.returncode in (0, -9), errors
    return output.strip()
