"""Specification: what a page shows of others, it does not keep when they change or go."""

from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.reach.test_portlets import assign
from collective.cloudfront.tests.reach.test_portlets import titled
from collective.cloudfront.tests.reach.test_portlets import TYPES
from collective.cloudfront.tests.reach.test_portlets import written
from plone import api
from plone.app.portlets.portlets import navigation
from plone.app.portlets.portlets import search
from plone.behavior.interfaces import IBehavior
from plone.behavior.registration import BehaviorRegistration
from plone.registry.interfaces import IRegistry
from Products.CMFCore.indexing import processQueue
from types import ModuleType
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.interface import Interface

import pytest
import sys


MOSAIC = "plone.app.blocks.layoutbehavior.ILayoutAware"


@pytest.fixture
def site(portal):
    """A site whose navigation shows nothing, with a published page deep in it."""
    use_distributions()
    getUtility(IRegistry)["plone.displayed_types"] = ()
    portal.portal_workflow.setDefaultChain("simple_publication_workflow")
    make(portal, "Folder", "one")
    make(make(portal, "Folder", "outer"), "Folder", "middle")
    make(make(portal["outer"]["middle"], "Folder", "inner"), "Document", "page")
    changes_of(portal).take()
    return portal


@pytest.fixture
def mosaic():
    """Mosaic's behavior, as far as it is asked for."""
    registry = getGlobalSiteManager()
    behavior = BehaviorRegistration("Layout", "", Interface, None, None)
    for name in (MOSAIC, "plone.layoutaware"):
        registry.registerUtility(behavior, IBehavior, name)
    yield
    for name in (MOSAIC, "plone.layoutaware"):
        registry.unregisterUtility(behavior, IBehavior, name)


def make(container, portal_type, name, **fields):
    obj = api.content.create(container, portal_type, name, **fields)
    api.content.transition(obj, "publish")
    return obj


def page_of(site):
    return site["outer"]["middle"]["inner"]["page"]


def retracted(site) -> dict[str, bool]:
    """Retract the page; returns items, and whether each of them is urgent."""
    changes_of(site).take()
    api.content.transition(page_of(site), "retract")
    return {entry.item: entry.urgent for entry in changes_of(site).take()}


def lay_out(**layouts):
    """Set the layouts of folders, by their names."""
    site = api.portal.get()
    folders = {"outer": site["outer"], "middle": site["outer"]["middle"]}
    folders["inner"] = folders["middle"]["inner"]
    for name, layout in layouts.items():
        folders[name].manage_addProperty("layout", layout, "string")
    changes_of(site).take()


class TestAPageThatEmbeds:
    def test_goes_when_what_it_embeds_goes(self, site):
        lay_out(outer="full_view", middle="full_view", inner="full_view")
        items = retracted(site)
        assert items["/outer"]
        assert items["/outer/middle"]

    def test_is_purged_when_a_text_in_it_changes(self, site):
        lay_out(outer="full_view", middle="full_view", inner="full_view")
        items = written(page_of(site))
        assert {"/outer", "/outer/middle", "/outer/middle/inner"} <= items

    def test_a_listing_is_purged_when_a_title_in_it_changes(self, site):
        lay_out(outer="full_view", middle="full_view")
        assert {"/outer", "/outer/middle"} <= titled(page_of(site))

    def test_ends_at_a_folder_that_only_links(self, site):
        lay_out(outer="full_view", inner="full_view")
        assert "/outer" not in written(page_of(site))

    def test_may_be_a_collection(self, site):
        lay_out(inner="full_view")
        query = [{"i": "portal_type", "o": TYPES, "v": ["Folder"]}]
        all_folders = make(site["one"], "Collection", "all", query=query)
        all_folders.setLayout("full_view")
        processQueue()
        changes_of(site).take()
        assert "/one/all*" in written(page_of(site))
        assert retracted(site)["/one/all*"]

    def test_has_a_layout_of_an_add_on(self, site):
        lay_out(middle="pretty_view", inner="pretty_view")
        assert "/outer/middle" in written(page_of(site))

    def test_is_one_of_too_many(self, site):
        query = [{"i": "portal_type", "o": TYPES, "v": ["Document"]}]
        for name in "abcdef":
            collection = make(site["one"], "Collection", name, query=query)
            collection.setLayout("full_view")
        processQueue()
        assert retracted(site)["/*"]

    @pytest.mark.parametrize("behavior", [MOSAIC, "plone.layoutaware"])
    def test_may_be_any_page_where_there_is_mosaic(self, site, mosaic, behavior):
        types = site["portal_types"]
        types["Document"].behaviors = (*types["Document"].behaviors, behavior)
        changes_of(site).take()
        assert "/*" in written(page_of(site))
        assert retracted(site)["/*"]


class TestANavigationPortlet:
    def test_with_another_root_shows_what_is_below_it(self, site):
        inner = site["outer"]["middle"]["inner"]
        assign(site["one"], navigation.Assignment(root_uid=inner.UID()))
        assert "/one*" in titled(page_of(site))
        assert "/one*" not in written(page_of(site))
        assert retracted(site)["/one*"]

    def test_shows_nothing_else(self, site):
        assign(site["one"], navigation.Assignment(root_uid=site["one"].UID()))
        assert "/one*" not in titled(page_of(site))
        assert "/one*" not in retracted(site)

    def test_at_the_root_of_the_site_is_on_every_page(self, site):
        inner = site["outer"]["middle"]["inner"]
        assign(site, navigation.Assignment(root_uid=inner.UID()))
        assert "/*" in titled(page_of(site))
        assert retracted(site)["/*"]


class TestAPortletOfAnAddOn:
    def test_may_show_anything_whatever_it_is_called(self, site, monkeypatch):
        names = {"__module__": "addon.search"}
        module = ModuleType("addon.search")
        module.Assignment = type("Assignment", (search.Assignment,), names)
        monkeypatch.setitem(sys.modules, "addon", ModuleType("addon"))
        monkeypatch.setitem(sys.modules, "addon.search", module)
        assign(site["one"], module.Assignment())
        assert "/one*" in titled(page_of(site))
        assert retracted(site)["/one*"]

    def test_of_plone_that_searches_shows_nothing(self, site):
        assign(site["one"], search.Assignment())
        assert "/one*" not in titled(page_of(site))


def test_what_goes_leaves_the_navigation_at_once(site):
    getUtility(IRegistry)["plone.displayed_types"] = ("Document", "Folder")
    getUtility(IRegistry)["plone.navigation_depth"] = 9
    assert retracted(site)["/*"]


def test_what_goes_leaves_all_pages_even_if_titles_may_stay(site):
    getUtility(IRegistry)["plone.displayed_types"] = ("Document", "Folder")
    getUtility(IRegistry)["plone.navigation_depth"] = 9
    getUtility(IRegistry)["collective.cloudfront.navigation_changes"] = "object"
    changes_of(site).take()
    assert "/*" not in titled(page_of(site))
    assert retracted(site)["/*"]
