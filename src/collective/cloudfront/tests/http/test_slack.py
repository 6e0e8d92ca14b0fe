"""Specification: a Slack command purges from CloudFront, and the channel reads of the end.

A real Zope, the local CloudFront, and Slack's side on this machine.
"""

from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.alerts.receivers import serving
from collective.cloudfront.tests.http.conftest import new_zope
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import Viewer
from collective.cloudfront.tests.profile import only_long
from collective.cloudfront.tests.slack.people import CHANNEL
from collective.cloudfront.tests.slack.people import click_body
from collective.cloudfront.tests.slack.people import command_body
from collective.cloudfront.tests.slack.people import MANAGER
from collective.cloudfront.tests.slack.people import SECRET
from collective.cloudfront.tests.slack.people import signed
from collective.cloudfront.tests.slack.people import TEAM
from collective.cloudfront.tests.slack.people import USERS
from collective.cloudfront.tests.slack.receiver import SlackReceiver

import pytest
import requests


pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    only_long,
]

#: Settings, as an operator may set them.
SLACK = {
    "CLOUDFRONT_SLACK_SIGNING_SECRET": SECRET,
    "CLOUDFRONT_SLACK_TEAM": TEAM,
    "CLOUDFRONT_SLACK_CHANNELS": CHANNEL,
    "CLOUDFRONT_SLACK_USERS": USERS,
}


@pytest.fixture
def slack(tmp_path):
    with serving(SlackReceiver(tmp_path)) as server:
        yield server


@pytest.fixture
def zope(site_template, tmp_path, slack):
    environ = {**QUICK, **ONCE, **SLACK, **slack.environment}
    return new_zope(tmp_path / "zope", site_template, environ)


def test_from_slack_to_the_edge_and_back(zope, slack):
    with LocalCloudFront(
        origin=virtual_host_root(zope.url), options=options()
    ) as cloudfront:
        zope.environ |= cloudfront.environment
        zope.start()
        zope.wait_until_ready()
        try:
            _pages(zope, slack, cloudfront)
            _everything(zope, slack, cloudfront)
            _refused(zope, cloudfront)
        finally:
            zope.stop()
        log = zope.log.read_text()
    for each in (SECRET, "xyzz0WbapA4vBCDEFasx0q6G", "hooks.slack.com/commands"):
        assert each not in log
    assert f"User 'roadrunner (Slack {MANAGER})' purges /news" in log
    assert log.count("its signature is missing or wrong") == 1


def _post(zope, body, headers=None):
    return requests.post(
        f"{zope.site_url}/@@cloudfront-slack",
        data=body,
        headers=signed(body) if headers is None else headers,
        timeout=600,
    )


def _items(cloudfront):
    return [each.items for each in cloudfront.control.invalidations()]


def _pages(zope, slack, cloudfront):
    viewer = Viewer(cloudfront.edge_url)
    viewer.warm("/news")
    assert "Hit" in viewer.get("/news").headers["X-Cache"]
    body = command_body("/news below")
    first = _post(zope, body)
    assert first.status_code == 200
    assert "On its way to CloudFront" in first.json()["text"]
    # Slack has not seen the answer, and asks again
    again = _post(zope, body, {**signed(body), "X-Slack-Retry-Num": "1"})
    assert "received before" in again.json()["text"]
    slack.wait()
    assert "CloudFront has completed it." in slack.messages[-1]["text"]
    (items,) = _items(cloudfront)
    assert set(items) == {"/news", "/news/*", "/news?*"}
    assert "Miss" in viewer.get("/news").headers["X-Cache"]


def _everything(zope, slack, cloudfront):
    question = _post(zope, command_body("all")).json()
    for _ in range(2):  # a double click
        assert _post(zope, click_body(question)).status_code == 200
    end = f"<@{MANAGER}> purged `/*`. CloudFront has completed it."
    while not any(each["text"] == end for each in slack.messages):
        slack.wait()
    assert sum(items == ("/*",) for items in _items(cloudfront)) == 1


def _refused(zope, cloudfront):
    before = len(_items(cloudfront))
    body = command_body("/about")
    for _ in range(3):
        assert _post(zope, body, signed(body, secret="other")).status_code == 401
    assert _post(zope, b"text=" + b"x" * 100_000).status_code == 413
    huge = _post(zope, b"text=" + b"x" * 3_000_000)
    assert huge.status_code in (400, 413)
    assert len(_items(cloudfront)) == before
    assert Editor(zope.site_url).view("/@@cloudfront-health").status_code == 200
