"""Installing and removing."""

from AccessControl.Permission import pname
from Acquisition import aq_base
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import PERMISSIONS
from collective.cloudfront.interfaces import PURGE_CONTENT
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.settings import ICloudFrontSettings
from dataclasses import dataclass
from plone import api
from plone.base.interfaces import INonInstallable
from plone.base.utils import get_installer
from plone.browserlayer.interfaces import ILocalBrowserLayerType
from plone.registry.interfaces import IRegistry
from Products.CMFPlone.factory import addPloneSite
from typing import Any
from zope.component import getUtilitiesFor
from zope.component import getUtility
from zope.component.hooks import setSite

import pytest


ADD_ON = "collective.cloudfront"


@dataclass(frozen=True)
class Traces:
    """What an add-on may leave in a site."""

    records: frozenset[str]
    layers: frozenset[tuple[str, str]]
    configlets: frozenset[str]
    roles: tuple[tuple[str, ...], ...]
    have_own_roles: tuple[bool, ...]
    import_steps: frozenset[str]
    components: frozenset[str]
    skins: frozenset[str]
    profile_version: Any


def roles_of(portal: Any, permission: str) -> tuple[str, ...]:
    roles = portal.rolesOfPermission(permission)
    return tuple(role["name"] for role in roles if role["selected"])


def traces(portal: Any) -> Traces:
    components = portal.getSiteManager()
    panel = api.portal.get_tool("portal_controlpanel")
    setup = api.portal.get_tool("portal_setup")
    return Traces(
        records=frozenset(getUtility(IRegistry).records.keys()),
        layers=frozenset(
            (name, layer.__identifier__)
            for name, layer in getUtilitiesFor(ILocalBrowserLayerType)
        ),
        configlets=frozenset(action.getId() for action in panel.listActions()),
        roles=tuple(roles_of(portal, permission) for permission in PERMISSIONS),
        have_own_roles=tuple(
            hasattr(aq_base(portal), pname(permission)) for permission in PERMISSIONS
        ),
        import_steps=frozenset(setup.getImportStepRegistry().listSteps()),
        components=frozenset(
            f"{each.provided.__identifier__} {each.name}"
            for each in (
                *components.registeredUtilities(),
                *components.registeredAdapters(),
            )
        ),
        skins=frozenset(api.portal.get_tool("portal_skins").objectIds()),
        profile_version=setup.getLastVersionForProfile(f"{ADD_ON}:default"),
    )


def test_it_is_installed(portal):
    assert get_installer(portal).is_product_installed(ADD_ON)


def test_the_records_have_the_names_that_scripts_rely_on(portal):
    registry = getUtility(IRegistry)
    names = [name for name in registry.records if name.startswith(f"{ADD_ON}.")]
    assert sorted(names) == sorted(f"{ADD_ON}.{name}" for name in ICloudFrontSettings)
    assert registry["collective.cloudfront.enabled"] is True
    assert registry["collective.cloudfront.distribution_id"] == ""
    assert registry["collective.cloudfront.public_prefix"] == ""
    assert registry["collective.cloudfront.window"] == 1.0


def test_requests_have_our_layer(portal):
    layers = dict(getUtilitiesFor(ILocalBrowserLayerType))
    assert layers[ADD_ON] is ICloudFrontLayer


@pytest.mark.parametrize("permission", [MANAGE_PURGING, PURGE_EVERYTHING, VIEW_STATUS])
def test_managers_and_site_administrators_may_configure_and_purge_everything(
    portal, permission
):
    assert roles_of(portal, permission) == ("Manager", "Site Administrator")


def test_editors_and_reviewers_may_purge_content_as_well(portal):
    assert roles_of(portal, PURGE_CONTENT) == (
        "Editor",
        "Manager",
        "Reviewer",
        "Site Administrator",
    )


def test_who_edits_a_folder_may_purge_what_is_in_it_and_nothing_else(portal):
    folder = api.content.create(portal, "Folder", "ours")
    page = api.content.create(folder, "Document", "page")
    api.user.create("e@example.com", "local", "correct horse")
    folder.manage_setLocalRoles("local", ["Editor"])
    with api.env.adopt_user("local"):
        assert api.user.has_permission(PURGE_CONTENT, obj=page)
        assert not api.user.has_permission(PURGE_CONTENT, obj=portal)
        assert not api.user.has_permission(PURGE_EVERYTHING, obj=portal)


def test_site_setup_has_an_entry_beside_caching(portal):
    panel = api.portal.get_tool("portal_controlpanel")
    ours = panel.getActionObject("plone-advanced/collective.cloudfront")
    caching = panel.getActionObject("plone-advanced/plone.app.caching")
    assert ours.category == caching.category
    assert ours.getPermissions() == (VIEW_STATUS,)


def test_the_icon_of_the_entry_exists(portal):
    panel = api.portal.get_tool("portal_controlpanel")
    icon = panel.getActionObject(
        "plone-advanced/collective.cloudfront"
    ).getIconExpression()
    assert f"plone.icon.{icon.removeprefix('string:')}" in getUtility(IRegistry)


def test_only_the_default_profile_is_offered(portal):
    installer = get_installer(portal)
    hidden = [
        profile
        for _, utility in getUtilitiesFor(INonInstallable)
        for profile in getattr(utility, "getNonInstallableProfiles", list)()
        if profile.startswith(ADD_ON)
    ]
    assert hidden == [
        f"{ADD_ON}:uninstall",
        f"{ADD_ON}:with-cloudfront",
        f"{ADD_ON}:with-cloudfront-tags",
    ]
    assert installer.get_install_profile(ADD_ON)["id"] == f"{ADD_ON}:default"
    assert installer.get_uninstall_profile(ADD_ON)["id"] == f"{ADD_ON}:uninstall"


@pytest.fixture
def fresh_site(portal):
    """A site that never had the add-on."""
    app = portal.aq_parent
    site = addPloneSite(
        app,
        "fresh",
        extension_ids=("plone.app.contenttypes:default", "plone.app.caching:default"),
    )
    setSite(site)
    yield site
    setSite(portal)


def test_uninstalling_leaves_nothing_behind(fresh_site):
    installer = get_installer(fresh_site)
    before = traces(fresh_site)
    assert installer.install_product(ADD_ON)
    assert traces(fresh_site) != before
    assert installer.uninstall_product(ADD_ON)
    assert traces(fresh_site) == before


def test_it_can_be_installed_again(fresh_site):
    installer = get_installer(fresh_site)
    assert installer.install_product(ADD_ON)
    installed = traces(fresh_site)
    assert installer.uninstall_product(ADD_ON)
    assert installer.install_product(ADD_ON)
    assert traces(fresh_site) == installed


def test_a_site_without_the_caching_add_on_gets_it(portal):
    installer = get_installer(portal)
    installer.uninstall_product(ADD_ON)
    installer.uninstall_product("plone.app.caching")
    installer.install_product(ADD_ON)
    assert installer.is_product_installed("plone.app.caching")


@pytest.mark.parametrize("name", list(ICloudFrontSettings))
def test_every_setting_can_be_read_back(portal, name):
    registry = getUtility(IRegistry)
    record = registry.records[f"{ADD_ON}.{name}"]
    registry[record.__name__] = record.value
    assert record.interface is ICloudFrontSettings
