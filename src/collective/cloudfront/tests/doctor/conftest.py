"""A local CloudFront whose configurations a test can build, and the environment for it."""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.blueprint import Blueprint
from collective.cloudfront.delivery.aws import probe
from collective.cloudfront.delivery.aws import session
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.doctor.connection import test_connection as examine
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.tests.doctor.configs import Built
from typing import Any

import itertools
import os
import pytest


PRIMARY, STAGING, TENANT = "EPRIMARY12345", "ESTAGING12345", "dt_tenant1"


@pytest.fixture(scope="session")
def _server() -> Iterator[LocalCloudFront]:
    options = Options(distributions=(PRIMARY, STAGING, TENANT), api_rate=None)
    with LocalCloudFront(options=options) as cloudfront:
        yield cloudfront


@pytest.fixture(scope="session")
def _clients(_server: LocalCloudFront) -> Callable[..., Any]:
    """Make each client once: that takes longer than all the calls."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in _server.environment.items():
            patched.setenv(name, value)
        own, clients = session.make_session(Credentials()), {}
        make = own.client
        clients["cloudfront"] = make("cloudfront", region_name="us-east-1")
        clients["sts"] = _Sts()

    def make_once(service: str, **rest: Any) -> Any:
        return clients[service]

    own.client = make_once
    return own


class _Sts:
    """Knows who asks."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/plone"}


@pytest.fixture
def cloudfront(
    _server: LocalCloudFront, _clients: Any, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> LocalCloudFront:
    """A local CloudFront as at its start; boto3 asks it."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(probe, "make_session", lambda credentials: _clients)
    _server.control.reset()
    return _server


@pytest.fixture
def client(cloudfront: LocalCloudFront, _clients: Any) -> Any:
    return _clients.client("cloudfront")


_numbers = itertools.count()


@pytest.fixture
def build(client: Any) -> Callable[..., Built]:
    """Store a blueprint as the configuration of a distribution."""

    def build(blueprint: Blueprint, id: str = PRIMARY) -> Built:
        return Built(client, id, blueprint, f"test{next(_numbers)}")

    return build


@pytest.fixture
def look(cloudfront: LocalCloudFront) -> Callable[..., list[Finding]]:
    """Return what the doctor finds: what is not as it should be, or not known."""

    def look(
        distribution: str = PRIMARY,
        is_classic: bool = True,
        tag_header: str = "Cache-Tag",
        hosts: tuple[str, ...] = ("www.example.com",),
    ) -> list[Finding]:
        found = examine(
            distribution, Credentials(), hosts, tag_header, is_classic=is_classic
        )
        assert cloudfront.control.invalidations() == []
        return [each for each in found if each.level is not Level.OK]

    return look
