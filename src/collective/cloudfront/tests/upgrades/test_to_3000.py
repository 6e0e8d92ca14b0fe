"""A site of 2.0 becomes one of 3.0 and keeps purging."""

from AccessControl.Permission import pname
from Acquisition import aq_base
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.changes.transaction import forget_settings
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import PURGE_CONTENT
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import read_settings
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.upgrades.to_3000 import OLD_PREFIX
from OFS.Folder import Folder
from OFS.PropertyManager import PropertyManager
from OFS.SimpleItem import SimpleItem
from plone import api
from plone.base.utils import get_installer
from plone.browserlayer.interfaces import ILocalBrowserLayerType
from plone.browserlayer.utils import register_layer
from plone.registry.interfaces import IRegistry
from types import ModuleType
from zope import schema
from zope.component import getUtilitiesFor
from zope.component import getUtility
from zope.interface.interface import InterfaceClass

import collective.cloudfront
import pickle
import pytest
import sys
import transaction


ADD_ON = "collective.cloudfront"
PROFILE = "collective.cloudfront:default"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NAMES = ("distribution_id", "aws_access_key_id", "aws_secret_access_key")


def old_interface():
    """Make the interface that 2.0 had, in a module that is gone."""
    module, _, name = OLD_PREFIX.rpartition(".")
    fields = {each: schema.TextLine(title=each, required=True) for each in NAMES}
    return InterfaceClass(name, __module__=module, attrs=fields)


def site_of_2_0(portal, interface):
    """Make the site one as 2.0 left it, with profile version 1001 and settings."""
    get_installer(portal).uninstall_product(ADD_ON)
    getUtility(IRegistry).registerInterface(interface)
    set_old(DISTRIBUTION, KEY_ID, SECRET)
    register_layer(ICloudFrontLayer, ADD_ON, portal.getSiteManager())
    api.portal.get_tool("portal_controlpanel").registerConfiglet(
        "CloudFrontConfiguration",
        "CloudFront Configuration",
        "string:${portal_url}/@@cloudfront-controlpanel",
        permission=MANAGE_PURGING,
        category="Products",
        appId="CloudFrontConfiguration",
    )
    portal.manage_permission(MANAGE_PURGING, ["Manager", "Editor"], acquire=1)
    api.portal.get_tool("portal_setup").setLastVersionForProfile(PROFILE, "1001")
    return portal


@pytest.fixture
def site(portal):
    return site_of_2_0(portal, old_interface())


def set_old(*values):
    for name, value in zip(NAMES, values, strict=True):
        getUtility(IRegistry).records[f"{OLD_PREFIX}.{name}"].value = value


def upgrade(portal):
    assert get_installer(portal).upgrade_product(ADD_ON)
    return read_settings(getUtility(IRegistry))


def traces_of_2_0(portal):
    """Return the names of what is left of 2.0."""
    panel = api.portal.get_tool("portal_controlpanel")
    return [
        *(name for name in getUtility(IRegistry).records if OLD_PREFIX in name),
        *(
            a.getId()
            for a in panel.listActions()
            if a.getId() == "CloudFrontConfiguration"
        ),
    ]


def test_the_settings_are_carried_over(site):
    settings = upgrade(site)
    assert settings.enabled
    assert settings.distribution_ids == (DISTRIBUTION,)
    assert settings.aws_access_key_id == KEY_ID
    assert settings.aws_secret_access_key == SECRET


def test_the_site_purges(site):
    assert not changes_of(site).active
    upgrade(site)
    forget_settings(site)
    assert changes_of(site).active


def test_nothing_of_2_0_is_left(site):
    assert len(traces_of_2_0(site)) == 4
    upgrade(site)
    assert traces_of_2_0(site) == []


def test_the_layer_is_ours(site):
    upgrade(site)
    layers = dict(getUtilitiesFor(ILocalBrowserLayerType))
    assert layers[ADD_ON] is ICloudFrontLayer


def test_site_setup_has_our_entry(site):
    upgrade(site)
    panel = api.portal.get_tool("portal_controlpanel")
    ids = [action.getId() for action in panel.listActions()]
    assert ids.count("collective.cloudfront") == 1


def roles_of(site, permission):
    """Return the roles that the site itself gives; a tuple if none are acquired."""
    return getattr(aq_base(site), pname(permission))


def test_roles_given_to_the_permission_stay_and_may_still_purge_everything(site):
    upgrade(site)
    assert sorted(roles_of(site, MANAGE_PURGING)) == ["Editor", "Manager"]
    assert sorted(roles_of(site, PURGE_EVERYTHING)) == ["Editor", "Manager"]
    assert sorted(roles_of(site, VIEW_STATUS)) == ["Editor", "Manager"]


def test_roles_that_were_not_acquired_are_not(site):
    site.manage_permission(MANAGE_PURGING, ["Manager"], acquire=0)
    upgrade(site)
    assert roles_of(site, MANAGE_PURGING) == ("Manager",)
    assert roles_of(site, PURGE_EVERYTHING) == ("Manager",)


def test_a_permission_that_nobody_had_is_given_to_nobody(site):
    site.manage_permission(MANAGE_PURGING, [], acquire=0)
    upgrade(site)
    assert roles_of(site, MANAGE_PURGING) == roles_of(site, PURGE_EVERYTHING) == ()


def test_the_permission_to_purge_content_has_the_roles_of_a_new_site(site):
    upgrade(site)
    assert sorted(roles_of(site, PURGE_CONTENT)) == [
        "Editor",
        "Manager",
        "Reviewer",
        "Site Administrator",
    ]


@pytest.mark.parametrize("permission", [MANAGE_PURGING, PURGE_EVERYTHING, VIEW_STATUS])
def test_a_site_without_roles_for_the_permission_gets_them(site, permission):
    site.manage_permission(MANAGE_PURGING, [], acquire=1)
    upgrade(site)
    assert sorted(roles_of(site, permission)) == ["Manager", "Site Administrator"]


@pytest.mark.parametrize("permission", [PURGE_EVERYTHING, PURGE_CONTENT])
def test_roles_given_since_stay_when_the_step_is_repeated(site, permission):
    upgrade(site)
    site.manage_permission(permission, ["Contributor"], acquire=0)
    api.portal.get_tool("portal_setup").setLastVersionForProfile(PROFILE, "1001")
    upgrade(site)
    assert roles_of(site, permission) == ("Contributor",)


@pytest.mark.parametrize("version", ["1000", "1001"])
def test_each_version_before_is_upgraded(site, version):
    setup = api.portal.get_tool("portal_setup")
    setup.setLastVersionForProfile(PROFILE, version)
    upgrade(site)
    assert setup.getLastVersionForProfile(PROFILE) == ("3003",)
    assert not setup.listUpgrades(PROFILE)


def test_a_new_site_has_nothing_to_upgrade(portal):
    assert not api.portal.get_tool("portal_setup").listUpgrades(PROFILE)


def test_white_space_around_values_is_removed(site):
    set_old(f" {DISTRIBUTION}\t", f"{KEY_ID} ", f" {SECRET}")
    settings = upgrade(site)
    assert settings.distribution_ids == (DISTRIBUTION,)
    assert settings.aws_access_key_id == KEY_ID
    assert settings.aws_secret_access_key == SECRET


def test_an_invalid_distribution_is_reported_and_the_rest_carried_over(site, caplog):
    set_old("d111111abcdef8.cloudfront.net", KEY_ID, SECRET)
    settings = upgrade(site)
    assert settings.distribution_ids == ()
    assert settings.aws_access_key_id == KEY_ID
    assert "the value of distribution_id is not valid" in caplog.text
    assert "no valid distribution ID was found" in caplog.text


@pytest.mark.parametrize(
    ("key_id", "secret"),
    [("my key", SECRET), (KEY_ID, ""), (KEY_ID, "  "), ("", SECRET), (KEY_ID, None)],
)
def test_half_a_key_pair_is_not_carried_over(site, caplog, key_id, secret):
    registry = getUtility(IRegistry)
    for name, value in zip(NAMES[1:], (key_id, secret), strict=True):
        registry.records._values[f"{OLD_PREFIX}.{name}"] = value
    settings = upgrade(site)
    assert settings.distribution_ids == (DISTRIBUTION,)
    assert settings.aws_access_key_id == ""
    assert settings.aws_secret_access_key == ""
    assert "the key pair is incomplete or not valid" in caplog.text


def test_values_never_set_are_no_error(site):
    for name in NAMES:
        getUtility(IRegistry).records._values[f"{OLD_PREFIX}.{name}"] = None
    assert upgrade(site).distribution_ids == ()
    assert traces_of_2_0(site) == []


def test_the_secret_is_in_no_log(site, caplog):
    set_old(DISTRIBUTION, "not a key id", SECRET)
    with caplog.at_level(0):
        upgrade(site)
    assert SECRET not in caplog.text


def test_the_step_can_be_repeated(site):
    upgrade(site)
    registry = getUtility(IRegistry)
    registry["collective.cloudfront.distribution_id"] = "E2CHANGEDSINCE"
    api.portal.get_tool("portal_setup").setLastVersionForProfile(PROFILE, "1001")
    assert upgrade(site).distribution_ids == ("E2CHANGEDSINCE",)


def test_uninstalling_instead_of_upgrading_leaves_nothing_of_2_0_either(site):
    get_installer(site).uninstall_product(ADD_ON)
    assert traces_of_2_0(site) == []
    assert ADD_ON not in dict(getUtilitiesFor(ILocalBrowserLayerType))


# --- what a site of 2.0 holds in its database ------------------------------------


def test_the_old_layer_can_be_loaded_from_the_database():
    by_name = b"ccollective.cloudfront.interfaces\nICollectiveCloudfrontLayer\n."
    assert pickle.loads(by_name) is ICloudFrontLayer


def test_old_records_can_be_read_though_their_interface_is_gone(site):
    record = getUtility(IRegistry).records[f"{OLD_PREFIX}.distribution_id"]
    assert record.interface is None
    assert record.value == DISTRIBUTION
    assert record.field.title == "distribution_id"


def test_a_database_that_refers_to_the_old_interface_is_upgraded(
    functional_portal, monkeypatch
):
    # Each record's field refers to the interface itself, not only to its name.
    interface = old_interface()
    with monkeypatch.context() as release_2_0:
        browser, interfaces = ModuleType("browser"), ModuleType("interfaces")
        release_2_0.setattr(collective.cloudfront, "browser", browser, raising=False)
        browser.interfaces = interfaces
        setattr(interfaces, interface.__name__, interface)
        release_2_0.setitem(sys.modules, f"{ADD_ON}.browser", browser)
        release_2_0.setitem(sys.modules, interface.__module__, interfaces)
        site_of_2_0(functional_portal, interface)
        transaction.commit()
    functional_portal._p_jar.cacheMinimize()

    assert upgrade(functional_portal).distribution_ids == (DISTRIBUTION,)
    transaction.commit()
    functional_portal._p_jar.cacheMinimize()
    assert read_settings(getUtility(IRegistry)).distribution_ids == (DISTRIBUTION,)
    assert traces_of_2_0(functional_portal) == []


def test_before_the_upgrade_the_site_works_and_purges_nothing(site):
    assert read_settings(getUtility(IRegistry)) is None


# --- the property sheet of releases before the registry --------------------------


class Sheet(PropertyManager, SimpleItem):
    """As much of a property sheet as Plone 5 had."""


@pytest.fixture
def sheet(site):
    tool = Folder("portal_properties")
    site._setOb("portal_properties", tool)
    sheet = Sheet()
    sheet.id = "cloudfront_properties"
    for name, value in zip(NAMES, ("E2FROMSHEET", KEY_ID, SECRET), strict=True):
        sheet._setProperty(name, value)
    tool._setObject(sheet.id, sheet)
    return tool


def test_a_property_sheet_is_read_where_the_records_are_empty(site, sheet):
    for name in NAMES:
        del getUtility(IRegistry).records[f"{OLD_PREFIX}.{name}"]
    settings = upgrade(site)
    assert settings.distribution_ids == ("E2FROMSHEET",)
    assert settings.aws_secret_access_key == SECRET
    assert "cloudfront_properties" not in sheet.objectIds()


def test_records_come_before_the_property_sheet(site, sheet):
    assert upgrade(site).distribution_ids == (DISTRIBUTION,)
    assert "cloudfront_properties" not in sheet.objectIds()


def test_all_names_are_still_settings():
    assert set(NAMES) <= set(ICloudFrontSettings)
