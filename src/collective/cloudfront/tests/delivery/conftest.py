"""A local CloudFront for boto3; property tests take the time they need."""

from botocore.loaders import create_loader
from collections.abc import Iterator
from collective.cloudfront.delivery.aws import probe
from collective.cloudfront.delivery.aws import session
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.delivery.gateways import TENANT
from collective.cloudfront.tests.delivery.sts import make_sts
from collective.cloudfront.tests.delivery.world import MEMORY
from functools import cache
from http.server import HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import botocore.session
import os
import pytest
import threading


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that takes no time."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _models_read_once() -> Iterator[None]:
    """Read boto3's descriptions of services once: that takes most of the time that it
    takes to make a client, and each session would do it anew.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(botocore.session, "create_loader", cache(create_loader))
        yield


@pytest.fixture(scope="session")
def _server() -> Iterator[LocalCloudFront]:
    options = Options(distributions=(E1, E2, TENANT), api_rate=None)
    with LocalCloudFront(options=options) as cloudfront:
        yield cloudfront


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No AWS setting of this machine or its user reaches a test."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cloudfront(
    _server: LocalCloudFront, bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> LocalCloudFront:
    """A local CloudFront as at its start; the environment leads boto3 there."""
    _server.control.reset()
    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    return _server


@pytest.fixture
def gateway(cloudfront: LocalCloudFront) -> Boto3Gateway:
    return Boto3Gateway()


@pytest.fixture
def sts(cloudfront, monkeypatch):
    """Amazon STS, where the environment leads boto3: who may assume roles, who asked."""
    handler = make_sts()
    server = HTTPServer(("127.0.0.1", 0), handler)
    handler.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", handler.url)
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(cloudfront, monkeypatch):
    """Make clients once: that takes longer than all the calls."""
    own, clients = session.make_session(Credentials()), {}
    make = own.client

    def make_once(service, **rest):
        if service not in clients:
            clients[service] = make(service, **rest)
        return clients[service]

    own.client = make_once
    monkeypatch.setattr(probe, "make_session", lambda credentials: own)
