"""A clock that moves only on request, a local CloudFront, an origin, boto3."""

from .fake_plone import FakePlone
from .helpers import Clock
from .helpers import DISTRIBUTION
from .helpers import Origin
from .helpers import TENANT
from botocore.config import Config
from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.local import ControlPlane
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from typing import Any

import boto3
import pytest
import requests
import threading


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_control(clock: Clock) -> Callable[..., ControlPlane]:
    """Make a control plane without API rate; waiting moves the clock."""

    def make(**options: Any) -> ControlPlane:
        options.setdefault("api_rate", None)
        options.setdefault("distributions", (DISTRIBUTION, "EOTHER", TENANT))
        return ControlPlane(Options(**options), clock, clock.advance)

    return make


@pytest.fixture
def control(make_control: Callable[..., ControlPlane]) -> ControlPlane:
    return make_control()


@pytest.fixture(scope="session")
def _origin() -> Iterator[Origin]:
    origin = Origin()
    thread = threading.Thread(target=origin.server.serve_forever, args=(0.01,))
    thread.start()
    yield origin
    origin.server.shutdown()
    origin.server.server_close()


@pytest.fixture
def origin(_origin: Origin) -> Origin:
    _origin.pages.clear()
    _origin.asked.clear()
    return _origin


@pytest.fixture(scope="session")
def _server(_origin: Origin) -> Iterator[tuple[LocalCloudFront, Clock]]:
    clock = Clock()
    options = Options(distributions=(DISTRIBUTION, "EOTHER", TENANT), api_rate=None)
    with LocalCloudFront(_origin.url, options, clock=clock) as cloudfront:
        yield cloudfront, clock


@pytest.fixture
def cloudfront(
    _server: tuple[LocalCloudFront, Clock], clock: Clock
) -> Iterator[LocalCloudFront]:
    """A running local CloudFront, as at its start."""
    cloudfront, server_clock = _server
    clock.advance = server_clock.advance
    cloudfront.control.reset()
    yield cloudfront
    cloudfront.control.clear_faults()


@pytest.fixture(scope="session")
def make_client(_server: tuple[LocalCloudFront, Clock]) -> Callable[..., Any]:
    """Make a boto3 client that asks once and does not wait long."""
    session = boto3.session.Session()

    def make(access_key: str = "AKIDLOCAL", **config: Any) -> Any:
        config.setdefault("read_timeout", 60)
        return session.client(
            "cloudfront",
            endpoint_url=_server[0].api_url,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key="secret",
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=60,
                **config,
            ),
        )

    return make


@pytest.fixture(scope="session")
def _client(make_client: Callable[..., Any]) -> Any:
    return make_client()


@pytest.fixture
def client(_client: Any, cloudfront: LocalCloudFront) -> Any:
    return _client


@pytest.fixture
def viewer(cloudfront: LocalCloudFront) -> Callable[..., requests.Response]:
    """Ask the edge for a path, as a browser would."""

    def get(path: str, method: str = "GET", **kwargs: Any) -> requests.Response:
        url = cloudfront.edge_url + path
        return requests.request(
            method, url, timeout=60, allow_redirects=False, **kwargs
        )

    return get


@pytest.fixture(scope="session")
def _plone() -> Iterator[tuple[FakePlone, str]]:
    plone = FakePlone()
    with plone.served() as url:
        yield plone, url


@pytest.fixture
def plone(_plone: tuple[FakePlone, str]) -> tuple[FakePlone, str]:
    """A Plone in this process, as at its start, and its URL."""
    _plone[0].reset()
    return _plone
