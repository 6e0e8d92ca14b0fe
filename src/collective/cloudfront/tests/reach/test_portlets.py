"""Specification: which pages a change reaches because of portlets."""

from Acquisition import aq_base
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.purge import suspended
from collective.cloudfront.reach.portlets import forget_all_places
from collective.cloudfront.reach.portlets import remember_all_places
from collective.cloudfront.testing import use_distributions
from io import BytesIO
from plone import api
from plone.app.dexterity.behaviors.metadata import IDublinCore
from plone.app.portlets.portlets import news
from plone.app.portlets.portlets import recent
from plone.portlet.collection import collection as collection_portlet
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.portlets.interfaces import IPortletManager
from plone.registry.interfaces import IRegistry
from plone.uuid.interfaces import ATTRIBUTE_NAME
from uuid import uuid4
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.lifecycleevent import Attributes
from zope.lifecycleevent import modified

import pytest
import transaction


TYPES = "plone.app.querystring.operation.selection.any"


@pytest.fixture
def site(portal):
    """A site whose navigation shows nothing, with nothing collected yet."""
    use_distributions()
    getUtility(IRegistry)["plone.displayed_types"] = ()
    for name in ("one", "other"):
        api.content.create(portal, "Folder", name)
    api.content.create(portal["other"], "News Item", "news")
    api.content.create(portal["other"], "Document", "page")
    changes_of(portal).take()
    return portal


def collected(site) -> set[str]:
    items = {entry.item for entry in changes_of(site).take() if entry.item}
    return {item for item in items if f"{item}*" not in items}


def assign(place, assignment) -> None:
    """Assign a portlet, as code does: without saying where that is."""
    manager = getUtility(IPortletManager, name="plone.rightcolumn")
    mapping = getMultiAdapter((place, manager), IPortletAssignmentMapping)
    mapping["portlet"] = assignment
    site = api.portal.get()
    assert collected(site) == {"/*"}


def titled(content) -> set[str]:
    modified(content, Attributes(IDublinCore, "IDublinCore.title"))
    return collected(api.portal.get())


def written(content) -> set[str]:
    modified(content, Attributes(IDublinCore, "IRichTextBehavior.text"))
    return collected(api.portal.get())


def collection_of(site, **fields):
    found = api.content.create(
        site,
        "Collection",
        "collection",
        query=[{"i": "portal_type", "o": TYPES, "v": ["News Item"]}],
        **fields,
    )
    collected(site)
    return collection_portlet.Assignment(uid=found.UID())


class TestAPortlet:
    def test_of_news_at_the_root_is_on_every_page(self, site):
        assign(site, news.Assignment())
        assert titled(site["other"]["news"]) == {"/other/news*", "/*"}

    def test_of_news_shows_no_page(self, site):
        assign(site, news.Assignment())
        assert titled(site["other"]["page"]) == {"/other/page*", "/other*"}

    def test_of_news_shows_no_text(self, site):
        assign(site, news.Assignment())
        assert written(site["other"]["news"]) == {"/other/news*"}

    def test_of_a_folder_is_on_all_pages_below(self, site):
        assign(site["one"], news.Assignment())
        assert titled(site["other"]["news"]) == {"/other/news*", "/other*", "/one*"}

    def test_that_was_removed_is_on_no_page(self, site):
        assign(site["one"], news.Assignment())
        manager = getUtility(IPortletManager, name="plone.rightcolumn")
        del getMultiAdapter((site["one"], manager), IPortletAssignmentMapping)[
            "portlet"
        ]
        collected(site)
        assert "/one*" not in titled(site["other"]["news"])

    def test_of_recent_changes_is_not_for_visitors(self, site):
        assign(site, recent.Assignment())
        assert written(site["other"]["page"]) == {"/other/page*"}

    def test_of_a_collection_shows_what_its_query_may_find(self, site):
        assign(site["one"], collection_of(site))
        assert "/one*" in titled(site["other"]["news"])
        assert "/one*" not in titled(site["other"]["page"])
        assert "/one*" not in written(site["other"]["news"])

    def test_of_a_collection_by_date_shows_any_edit(self, site):
        assign(site, collection_of(site, sort_on="modified"))
        modified(
            site["other"]["news"], Attributes(IDublinCore, "IRichTextBehavior.text")
        )
        entries = {entry.item: entry.every for entry in changes_of(site).take()}
        assert entries["/*"] == 60.0

    def test_that_was_there_before_is_found_at_the_installation(self, site):
        assign(site["one"], news.Assignment())
        forget_all_places(site)
        assert "/one*" not in titled(site["other"]["news"])
        remember_all_places(site)
        assert "/one*" in titled(site["other"]["news"])


def imported(folder, into, name):
    """Export ``folder`` as zexp, and import that as ``name``."""
    file = BytesIO()
    transaction.savepoint()
    folder._p_jar.exportFile(folder._p_oid, file)
    file.seek(0)
    copy = into._p_jar.importFile(file)
    copy.id = name
    copy = aq_base(copy)
    # Another site's folder has another UID
    setattr(copy, ATTRIBUTE_NAME, uuid4().hex)
    into._setObject(name, copy)


def copied(folder, into, name):
    api.content.copy(folder, into, id=name)


def moved_elsewhere(folder, into, name):
    api.content.move(folder, into, id=name)


@pytest.mark.parametrize("arrive", [copied, imported, moved_elsewhere])
class TestAPortletThatComesWithItsFolder:
    def test_is_on_all_pages_below(self, site, arrive):
        assign(site["one"], collection_of(site))
        forget_all_places(site)
        arrive(site["one"], site, "arrived")
        collected(site)
        assert "/arrived*" in titled(site["other"]["news"])

    def test_is_found_deep_below_what_arrives(self, site, arrive):
        inner = api.content.create(site["one"], "Folder", "inner")
        collected(site)
        assign(inner, news.Assignment())
        forget_all_places(site)
        transaction.savepoint()
        arrive(site["one"], site, "arrived")
        if arrive is imported:
            # Its contents keep their UIDs, which Plone does not allow twice
            site.manage_delObjects(["one"])
        collected(site)
        assert "/arrived/inner*" in titled(site["other"]["news"])

    def test_is_found_while_nothing_is_purged(self, site, arrive):
        assign(site["one"], news.Assignment())
        forget_all_places(site)
        with suspended():
            arrive(site["one"], site, "arrived")
        collected(site)
        assert "/arrived*" in titled(site["other"]["news"])
