"""The check of the Slack command: it says what is missing, and never the secret."""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.slack import Slack
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.tests.slack.people import CHANNEL
from collective.cloudfront.tests.slack.people import SECRET
from collective.cloudfront.tests.slack.people import TEAM
from collective.cloudfront.tests.slack.people import USERS
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.i18n import translate

import pytest


@pytest.fixture
def check(portal, http_request):
    return lambda: Slack(portal, http_request)


def set_up(**changes):
    values = {"team": TEAM, "channels": CHANNEL, "users": USERS, **changes}
    for name, value in values.items():
        getUtility(IRegistry)[f"{PREFIX}.slack_{name}"] = value


def test_who_does_not_use_slack_is_not_bothered(check):
    assert check().level is Level.OK
    assert check().advice == ""


def test_it_works_with_settings_and_a_secret(check, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_SLACK_SIGNING_SECRET", SECRET)
    set_up()
    assert check().level is Level.OK
    assert "can purge from Slack" in translate(check().text)
    assert SECRET not in translate(check().text)


def test_a_missing_secret_is_named(check):
    set_up()
    assert check().level is Level.WARNING
    assert "CLOUDFRONT_SLACK_SIGNING_SECRET" in translate(check().advice)


@pytest.mark.parametrize("missing", ["team", "channels", "users"])
def test_incomplete_settings_turn_it_off(check, missing, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_SLACK_SIGNING_SECRET", SECRET)
    set_up(**{missing: ""})
    assert check().level is Level.WARNING
    assert "incomplete" in translate(check().text)


def test_a_missing_package_is_named(check, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_SLACK_SIGNING_SECRET", SECRET)
    monkeypatch.setattr(
        "collective.cloudfront.controlpanel.checks.slack.find_spec", lambda name: None
    )
    set_up()
    assert "collective.cloudfront[slack]" in translate(check().advice)
