"""Slack, and AWS Lambda, on this machine."""

from collections.abc import Iterator
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.tests.alerts.receivers import serving
from collective.cloudfront.tests.slack.awslambda import AwsServices
from collective.cloudfront.tests.slack.receiver import SlackReceiver

import pytest


DISTRIBUTION = "E2TESTTESTTEST"


@pytest.fixture
def slack(tmp_path, monkeypatch) -> Iterator[SlackReceiver]:
    """What is posted to Slack arrives here."""
    with serving(SlackReceiver(tmp_path)) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def aws() -> Iterator[AwsServices]:
    """Secrets Manager, and Lambda's API."""
    with serving(AwsServices()) as server:
        yield server


@pytest.fixture
def cloudfront() -> Iterator[LocalCloudFront]:
    options = Options(
        distributions=(DISTRIBUTION,), effect_delay=0.01, completion_delay=0.2
    )
    with LocalCloudFront(options=options) as local:
        yield local
