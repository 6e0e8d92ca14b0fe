"""Other processes that use an outbox, and die if they are told to."""

import os
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
    return open_outbox(sys.argv[1])
"""


def start(url: str, code: str, *args: object) -> subprocess.Popen:
    """Start a process that runs ``code`` with the outbox at ``url``."""
    return subprocess.Popen(
        [sys.executable, "-c", _BEGINNING + code, url, *map(str, args)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(url: str, code: str, *args: object) -> str:
    """Run ``code`` to its end, or death, and return what it printed."""
    process = start(url, code, *args)
    output, errors = process.communicate(timeout=600)
    assert process.returncode in (0, -9), errors
    return output.strip()
