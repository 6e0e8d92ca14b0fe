"""A site of an earlier 3.0 gets the settings of alerts, and keeps all others."""

from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from plone import api
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest


PROFILE = "collective.cloudfront:default"


@pytest.fixture
def site(portal):
    """A site of profile version 3001."""
    registry = getUtility(IRegistry)
    for name in ICloudFrontSettings:
        if name.startswith("alert_"):
            del registry.records[f"{PREFIX}.{name}"]
    api.portal.get_tool("portal_setup").setLastVersionForProfile(PROFILE, "3001")
    return portal


def test_the_settings_of_alerts_are_added(site):
    api.portal.get_tool("portal_setup").upgradeProfile(PROFILE)
    registry = getUtility(IRegistry)
    assert registry[f"{PREFIX}.alert_minutes"] == 30
    for name in ("alert_emails", "alert_webhook", "alert_url"):
        assert registry[f"{PREFIX}.{name}"] == ""


def test_other_settings_stay(site):
    registry = getUtility(IRegistry)
    registry[f"{PREFIX}.window"] = 7.5
    api.portal.get_tool("portal_setup").upgradeProfile(PROFILE)
    assert registry[f"{PREFIX}.window"] == 7.5


def test_until_then_the_form_has_the_other_settings(site):
    contents = site.restrictedTraverse("@@cloudfront-settings")()
    assert "form.widgets.window" in contents
    assert "form.widgets.alert_minutes" not in contents
