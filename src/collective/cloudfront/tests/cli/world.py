"""An outbox with a site in it, and the command line."""

from click.testing import CliRunner
from click.testing import Result
from collections.abc import Callable
from collective.cloudfront.cli.main import main
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.published import Place
from collective.cloudfront.delivery.published import publish
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from dataclasses import replace
from pathlib import Path
from typing import Any

import json
import os
import signal
import subprocess
import sys
import time


E1, E2 = "E1TESTTESTTEST", "E2TESTTESTTEST"
SITE = Site(
    key="uid",
    path="/Plone",
    targets={E1: Target(E1, window=0.1)},
    places=(Place(E1, tag_header="Cache-Tag"),),
    hosts=("www.example.com",),
)
#: Another one, of Volto, behind a prefix
VOLTO = Site(
    key="uid2",
    path="/Volto",
    targets={E2: Target(E2, window=0.1)},
    places=(Place(E2, prefix="/intranet", tag_header="Cache-Tag"),),
    hosts=("intranet.example.com",),
    has_api=True,
    is_classic=False,
)
KEYS = replace(
    SITE,
    targets={E1: Target(E1, credentials=())},
    with_keys=frozenset({E1}),
)
ROLE = Credentials(role_arn="arn:aws:iam::123456789012:role/purge")


class World:
    """What a test of the command line needs."""

    def __init__(self, folder: Path):
        self.url = f"sqlite:///{folder}/outbox.sqlite"
        self.outbox = open_outbox(self.url)

    def publish(self, *sites: Site) -> None:
        publish(self.outbox, sites, (), time.time())

    def run(self, *arguments: str, **options: Any) -> Result:
        """Run a command in this process."""
        return CliRunner().invoke(main, ["--outbox", self.url, *arguments], **options)

    def json(self, *arguments: str) -> Any:
        """Run a command, and return the JSON that it prints."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return start(self.url, *arguments, **environ)

    # --- what there is ------------------------------------------------------------

    def release(self, *items: str, distribution: str = E1) -> None:
        self.outbox.release("", [Entry(distribution, item) for item in items])

    def ready(self, distribution: str = E1) -> list[str]:
        pending = self.outbox.pending(distribution, 10_000)
        return sorted(each.item for each in pending)

    def settle(self, *items: str, distribution: str = E1) -> None:
        """Have ``items`` accepted and completed."""
        self.release(*items, distribution=distribution)
        assert self.outbox.claim(distribution, 60)
        batch = self.outbox.freeze(distribution, f"r{items}", items)
        settled = self.outbox.settle(batch, f"I{items[0]}", give_up=True)
        self.outbox.complete(settled, "Completed")

    def refuse(self, item: str, distribution: str = E1) -> None:
        """Have an item refused by CloudFront."""
        self.release(item, distribution=distribution)
        assert self.outbox.claim(distribution, 60)
        batch = self.outbox.freeze(distribution, f"r{item}", [item])
        self.outbox.quarantine(batch, plain("CloudFront does not like it"))
        self.outbox.give_up(distribution)

    def pause(self, distribution: str = E1) -> None:
        self.outbox.wait(
            distribution,
            reason=plain("No credentials were found"),
            advice=plain("Provide some."),
            paused=True,
            until=time.time() + 300,
        )


def start(url: str, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
    """Start ``cloudfront`` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "collective.cloudfront.cli", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "CLOUDFRONT_OUTBOX": url,
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Who runs the tests in the background, or by nohup, ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


#: Seconds after which a test that fails ends.
GIVE_UP = 300.0


def eventually(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + GIVE_UP
    while not is_so():
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.05)


def sent(cloudfront) -> list[str]:
    return [item for each in cloudfront.control.invalidations() for item in each.items]


def users(world) -> list[int]:
    """Return the process ids of the workers that are there."""
    found = present(world.outbox, time.time())
    return [each.pid for each in found if each.kind is Kind.WORKER]


def end(process) -> str:
    """End a worker as an operator does; return its log."""
    process.send_signal(signal.SIGTERM)
    _output, log = process.communicate(timeout=GIVE_UP)
    assert process.returncode == 0, log
    return log
