"""A site of an earlier 3.0 uses cache tags by itself, unless somebody has chosen."""

from AccessControl.Permission import pname
from Acquisition import aq_base
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import SINCE
from collective.cloudfront.settings import value_in_force
from plone import api
from plone.registry import field
from plone.registry import Record
from plone.registry.interfaces import IRegistry
from zope import schema
from zope.component import getUtility

import pytest


PROFILE = "collective.cloudfront:default"
NAME = f"{PREFIX}.cache_tags"


@pytest.fixture
def site(portal):
    """A site of profile version 3000: the record does not take the new value."""
    registry = getUtility(IRegistry)
    choice = field.Choice(title="Cache tags", values=["off", "headers", "invalidate"])
    registry.records[NAME] = Record(choice, "off")
    registry[f"{PREFIX}.{SINCE}"] = ""
    with pytest.raises(schema.ValidationError):
        registry[NAME] = "auto"
    portal.manage_permission(VIEW_STATUS, [], acquire=1)
    api.portal.get_tool("portal_setup").setLastVersionForProfile(PROFILE, "3000")
    return portal


def upgrade():
    api.portal.get_tool("portal_setup").upgradeProfile(PROFILE)


def test_tags_that_were_never_switched_on_are_used_by_themselves(site):
    upgrade()
    registry = getUtility(IRegistry)
    assert value_in_force(registry, "cache_tags", {}) == "auto"
    # Earlier copies have none
    assert registry[f"{PREFIX}.{SINCE}"]


@pytest.mark.parametrize("chosen", ["headers", "invalidate"])
def test_what_somebody_has_chosen_stays(site, chosen):
    registry = getUtility(IRegistry)
    registry[NAME] = chosen
    since = registry[f"{PREFIX}.{SINCE}"]
    upgrade()
    assert registry[NAME] == chosen
    assert registry[f"{PREFIX}.{SINCE}"] == since


def test_other_settings_stay(site):
    registry = getUtility(IRegistry)
    registry[f"{PREFIX}.window"] = 7.5
    upgrade()
    assert registry[f"{PREFIX}.window"] == 7.5
    names = {name for name in registry.records if name.startswith(f"{PREFIX}.")}
    assert names == {f"{PREFIX}.{name}" for name in ICloudFrontSettings}


def roles_of(site, permission):
    """Return the roles that the site itself gives; a tuple if none are acquired."""
    return getattr(aq_base(site), pname(permission))


def test_who_may_configure_may_see_the_status(site):
    site.manage_permission(MANAGE_PURGING, ["Editor", "Manager"], acquire=1)
    upgrade()
    assert sorted(roles_of(site, VIEW_STATUS)) == ["Editor", "Manager"]


def test_roles_that_are_not_acquired_stay_so(site):
    site.manage_permission(MANAGE_PURGING, ["Manager"], acquire=0)
    upgrade()
    assert roles_of(site, VIEW_STATUS) == ("Manager",)


def test_who_was_given_the_status_alone_keeps_it(site):
    site.manage_permission(VIEW_STATUS, ["Reviewer"], acquire=0)
    upgrade()
    assert roles_of(site, VIEW_STATUS) == ("Reviewer",)


def test_site_setup_shows_the_page_to_who_may_see_it(site):
    panel = api.portal.get_tool("portal_controlpanel")
    entry = "plone-advanced/collective.cloudfront"
    panel.getActionObject(entry).permissions = (MANAGE_PURGING,)
    upgrade()
    assert panel.getActionObject(entry).getPermissions() == (VIEW_STATUS,)
    ids = [action.getId() for action in panel.listActions()]
    assert ids.count("collective.cloudfront") == 1
