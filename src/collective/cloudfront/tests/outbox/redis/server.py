"""Redis servers, which tests start on free ports."""

from collections.abc import Callable
from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.outbox.redis.engine import RedisOutbox
from collective.cloudfront.outbox.redis.server import Address
from functools import lru_cache
from pathlib import Path
from redis import Redis
from redis.exceptions import RedisError
from tempfile import mkdtemp

import atexit
import os
import pytest
import shutil
import signal
import subprocess
import time
import uuid


def program() -> str:
    """Return the path of a server; skips the test where there is none."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        pytest.skip("Redis is missing. On Debian: apt-get install redis-server")
    return found


class Server:
    """A server with a folder of its own."""

    def __init__(self, folder: Path, *options: str, port: int = 0):
        self.folder = folder
        self.port = port or free_port()
        self.options = options
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen | None = None

    def start(self, *options: str) -> "Server":
        """Start it; return when it answers."""
        command = [program(), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", ""]
        # Replicas begin at once.
        command += ["--repl-diskless-sync-delay", "0", *self.options, *options]
        return self.start_as(command)

    def start_as(self, command: list[str]) -> "Server":
        """Start it by a command."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "redis.log").open("a"),
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the clients, which are to end first.
            start_new_session=True,
        )
        until(self._answers)
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except RedisError as error:
            return "NOAUTH" in str(error) or "Authentication" in str(error)

    def client(self, **how) -> Redis:
        """Return somebody else's client."""
        return Redis(port=self.port, socket_timeout=60, **how)

    def kill(self) -> None:
        """Have it die at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Have it stand still, with its connections."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)


def until(condition: Callable[[], object]) -> None:
    """Wait for something that comes."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "It does not come."
        time.sleep(0.01)


@lru_cache(maxsize=1)
def shared() -> Server:
    """Return the server that the tests of this worker share."""
    folder = Path(mkdtemp(prefix="redis-", dir="/tmp"))
    server = Server(folder).start()

    def end() -> None:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return server


class RedisEngine:
    """An outbox of its own in the shared server."""

    def __init__(self, folder: Path):
        self.url = f"{shared().url}?prefix={uuid.uuid4().hex}"

    def open(self, clock: Callable[[], float]) -> RedisOutbox:
        """See ``contract.Engine``."""
        return RedisOutbox(Address(self.url), clock=clock)
