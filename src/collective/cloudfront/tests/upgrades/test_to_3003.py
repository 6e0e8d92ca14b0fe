"""A site of an earlier 3.0 gets the settings of the Slack command, and keeps all others."""

from collective.cloudfront.manual.proxies import PURGER
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from plone import api
from plone.cachepurging.interfaces import IPurger
from plone.cachepurging.purger import DEFAULT_PURGER
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest


PROFILE = "collective.cloudfront:default"
NAMES = ("slack_team", "slack_channels", "slack_users")


@pytest.fixture
def site(portal):
    """A site of profile version 3002."""
    registry = getUtility(IRegistry)
    for name in NAMES:
        assert name in ICloudFrontSettings
        del registry.records[f"{PREFIX}.{name}"]
    api.portal.get_tool("portal_setup").setLastVersionForProfile(PROFILE, "3002")
    return portal


def test_the_settings_are_added_and_others_stay(site):
    registry = getUtility(IRegistry)
    registry[f"{PREFIX}.window"] = 7.5
    api.portal.get_tool("portal_setup").upgradeProfile(PROFILE)
    assert [registry[f"{PREFIX}.{name}"] for name in NAMES] == ["", "", ""]
    assert registry[f"{PREFIX}.window"] == 7.5


def test_plones_own_tab_purges_cloudfront_as_well(site):
    components = site.getSiteManager()
    components.unregisterUtility(PURGER, IPurger)
    assert getUtility(IPurger) is DEFAULT_PURGER
    api.portal.get_tool("portal_setup").upgradeProfile(PROFILE)
    assert getUtility(IPurger) is PURGER


def test_until_then_the_form_has_the_other_settings(site):
    contents = site.restrictedTraverse("@@cloudfront-settings")()
    assert "form.widgets.window" in contents
    assert "form.widgets.slack_team" not in contents
