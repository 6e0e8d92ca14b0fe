"""An outbox with a site in it; a local CloudFront for workers."""

from collections.abc import Iterator
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import E2
from collective.cloudfront.tests.cli.world import SITE
from collective.cloudfront.tests.cli.world import World
from collective.cloudfront.tests.delivery.world import MEMORY
from pathlib import Path
from tempfile import TemporaryDirectory

import os
import pytest
import subprocess
import time


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that takes no time."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _somebody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user is jane, in no special time zone, and has nothing of AWS."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("LOGNAME", "jane")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[World]:
    """An outbox in which nothing is published."""
    world = World(tmp_path)
    yield world
    world.outbox.end()


@pytest.fixture
def world(empty: World) -> World:
    """An outbox in which a site is published."""
    empty.publish(SITE)
    return empty


@pytest.fixture
def cloudfront(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloudFront]:
    """A local CloudFront; the environment leads boto3 there."""
    options = Options(
        distributions=(E1, E2), api_rate=None, completion_delay=0.2, effect_delay=0.0
    )
    with LocalCloudFront(options=options) as local:
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CLOUDFRONT_CALL_RATE", "50")
        yield local


@pytest.fixture
def workers() -> Iterator[list["subprocess.Popen[str]"]]:
    """Workers that end with the test; add to this list."""
    running: list[subprocess.Popen[str]] = []
    yield running
    for each in running:
        each.kill()
        each.communicate()
