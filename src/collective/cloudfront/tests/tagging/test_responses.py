"""Specification: the tags of what Plone answers to visitors."""

from collective.cloudfront.tagging.recording.callers import shows_titles
from collective.cloudfront.tests.tagging.conftest import EVENTS
from collective.cloudfront.tests.tagging.conftest import make
from DateTime import DateTime
from OFS.Image import Image
from plone import api
from plone.app.dexterity.behaviors.nextprevious import INextPreviousProvider
from plone.app.dexterity.behaviors.nextprevious import INextPreviousToggle
from plone.app.dexterity.behaviors.nextprevious import NextPreviousBase
from plone.app.dexterity.behaviors.nextprevious import NextPreviousToggle
from plone.app.discussion.interfaces import IConversation
from plone.app.layout.viewlets.common import GlobalSectionsViewlet
from plone.app.portlets.portlets import events as _events  # noqa: F401
from plone.app.portlets.portlets import navigation
from plone.app.portlets.portlets import news
from plone.app.portlets.portlets import recent
from plone.app.portlets.portlets import search
from plone.app.textfield.value import RichTextValue
from plone.base.interfaces.syndication import IFeedSettings
from plone.namedfile.file import NamedBlobImage
from plone.portlet.collection import collection as collection_portlet
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.portlets.interfaces import IPortletManager
from plone.registry.interfaces import IRegistry
from Products.CMFPlone.CatalogTool import CatalogTool
from Products.Five.browser import BrowserView
from z3c.relationfield import RelationValue
from zope.component import createObject
from zope.component import getGlobalSiteManager
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.event import notify
from zope.intid.interfaces import IIntIds
from zope.lifecycleevent import ObjectModifiedEvent

import base64
import pytest
import sys
import transaction


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAA"
    "AABJRU5ErkJggg=="
)
#: What each page of the site has: tabs with descriptions, navigation below them without,
#: title, chrome, and Plone's default portlet of events.
ALWAYS = {"plone.bl1", "plone.b3", "plone.l", "plone.x", "plone.m", EVENTS}
#: What one below the folder has: breadcrumbs, the navigation portlet.
BELOW_FOLDER = ALWAYS | {"folder.l", "folder.c"}


class Shown(BrowserView):
    """Shows nothing but itself."""

    def __call__(self) -> str:
        return "shown"


class OfAnAddOn(NextPreviousBase):
    """Says by itself whether pages link to next and previous."""

    enabled = False


ANY_TYPE = "plone.app.querystring.operation.selection.any"


@pytest.fixture
def assign():
    """Assign a portlet to a place, in the right column."""

    def to(place, assignment) -> None:
        manager = getUtility(IPortletManager, name="plone.rightcolumn")
        mapping = getMultiAdapter((place, manager), IPortletAssignmentMapping)
        mapping["portlet"] = assignment
        transaction.commit()

    return to


def query(*types, place=None):
    found = [{"i": "portal_type", "o": ANY_TYPE, "v": list(types)}]
    if place is not None:
        below = "plone.app.querystring.operation.string.absolutePath"
        found.append({"i": "path", "o": below, "v": place})
    return found


# --- pages ----------------------------------------------------------------------------


def test_the_front_page(get):
    assert get("").tags == ALWAYS - {"plone.l"} | {"plone", "plone.l"}


class TabsWithDescriptions(GlobalSectionsViewlet):
    """Tabs of an add-on."""

    def customize_entry(self, entry, brain):
        entry["title"] += brain.Description


@pytest.mark.parametrize(
    ("tabs", "titles"), [(GlobalSectionsViewlet, True), (TabsWithDescriptions, False)]
)
def test_tabs_of_an_add_on_may_show_more_than_titles(tagged, monkeypatch, tabs, titles):
    asked = []

    def search(self, *args, **criteria):
        asked.append(shows_titles(sys._getframe(1)))
        return ()

    monkeypatch.setattr(CatalogTool, "searchResults", search)
    viewlet = tabs(tagged, tagged.REQUEST, None, None)
    viewlet.__name__ = tabs.__name__
    assert set(viewlet.navtree) == {"/plone"}
    # The first search is for other kinds of tabs, which show descriptions
    assert asked == [False, titles]


def test_a_page(get):
    assert get("/folder/page").tags == BELOW_FOLDER | {"page", "page.c"}


def test_a_listing_depends_on_the_children_not_on_their_texts(tagged, get):
    make(tagged["folder"], "News Item", "news")
    make(tagged["folder"], "Event", "event")
    transaction.commit()
    for layout in ("listing_view", "summary_view", "tabular_view"):
        tagged["folder"].setLayout(layout)
        transaction.commit()
        assert get("/folder").tags == BELOW_FOLDER | {"folder"}


def test_a_listing_of_texts_depends_on_them(tagged, get):
    tagged["folder"].setLayout("full_view")
    transaction.commit()
    assert {"folder.c", "page"} < get("/folder").tags


@pytest.mark.parametrize("layout", ["listing_view", "summary_view", "tabular_view"])
def test_a_listing_that_tells_when_something_was_changed(tagged, get, layout):
    getUtility(IRegistry)["plone.allow_anon_views_about"] = True
    tagged["folder"].setLayout(layout)
    transaction.commit()
    assert "page" in get("/folder").tags


def test_a_default_page_answers_for_its_folder(tagged, get):
    tagged["folder"].setDefaultPage("page")
    transaction.commit()
    assert get("/folder").tags == BELOW_FOLDER | {"page", "page.c"}


def test_a_view_of_the_site(get):
    assert {"plone.b", "plone.x"} < get("/sitemap").tags


def test_the_site_map_for_robots(tagged, get):
    getUtility(IRegistry)["plone.enable_sitemap"] = True
    transaction.commit()
    for path in ("/sitemap.xml.gz", "/sitemap.xml.gz?page=1"):
        assert {"plone.b", "plone.x", "folder", "page"} < get(path).tags


def test_search_results_depend_on_texts(get):
    assert {"plone.b", "plone.be"} < get("/@@search?SearchableText=page").tags


@pytest.fixture
def without_navigation(view):
    """The path of a page that does not show its folder's content in any other way."""
    view("bare", Shown)
    return "/folder/page/@@bare"


def test_next_and_previous(tagged, get, without_navigation):
    assert "folder.c" not in get(without_navigation).tags
    tagged["folder"].nextPreviousEnabled = True
    transaction.commit()
    assert "folder.c" in get(without_navigation).tags


def test_next_and_previous_where_an_add_on_decides(
    get, without_navigation, monkeypatch
):
    how = (INextPreviousToggle,), INextPreviousProvider
    getGlobalSiteManager().registerAdapter(OfAnAddOn, *how)
    try:
        assert "folder.c" not in get(without_navigation).tags
        monkeypatch.setattr(OfAnAddOn, "enabled", True)
        assert "folder.c" in get(without_navigation).tags
    finally:
        getGlobalSiteManager().registerAdapter(NextPreviousToggle, *how)


def test_related_items(tagged, get):
    make(tagged, "Folder", "elsewhere")
    target = make(tagged["elsewhere"], "Document", "related")
    page = tagged["folder"]["page"]
    page.relatedItems = [RelationValue(getUtility(IIntIds).getId(target))]
    notify(ObjectModifiedEvent(page))
    transaction.commit()
    response = get("/folder/page")
    assert "Related" in response.body
    # It may move with its folder
    assert {"related.l", "plone.m"} < response.tags


def test_links_and_images_in_a_text(tagged, get):
    target = make(tagged["folder"], "Document", "target")
    picture = make(tagged["folder"], "Image", "picture")
    picture.image = NamedBlobImage(PIXEL, filename="pixel.png")
    html = (
        f'<a href="resolveuid/{target.UID()}">there</a>'
        f'<img class="captioned" src="resolveuid/{picture.UID()}/@@images/image/mini">'
        '<a href="resolveuid/00000000000000000000000000000000">nowhere</a>'
    )
    page = tagged["folder"]["page"]
    page.text = RichTextValue(html, "text/html", "text/x-html-safe")
    transaction.commit()
    tags = get("/folder/page").tags
    assert {"target.l", "picture"} < tags
    assert "00000000000000000000000000000000.l" in tags


def test_a_lead_image(tagged, get):
    news = make(tagged["folder"], "News Item", "news")
    news.image = NamedBlobImage(PIXEL, filename="pixel.png")
    transaction.commit()
    assert "news" in get("/folder/news").tags
    response = get("/folder/news/@@images/image/preview")
    assert response.headers["Content-Type"].startswith("image/")
    assert response.tags == {"news", "folder.l", "plone.l"}


def test_files_and_images(tagged, get):
    picture = make(tagged["folder"], "Image", "picture")
    picture.image = NamedBlobImage(PIXEL, filename="pixel.png")
    transaction.commit()
    assert get("/folder/picture").tags == {"picture", "folder.l", "plone.l"}


def test_pictures_that_are_no_content_depend_on_settings(tagged, get):
    logo = b"filenameb64:bG9nby5wbmc=;datab64:" + base64.b64encode(PIXEL)
    getUtility(IRegistry)["plone.site_logo"] = logo
    portrait = Image("jane", "", PIXEL, "image/png")
    tagged.portal_memberdata._setPortrait(portrait, "jane")
    transaction.commit()
    for path in ("@@site-logo/logo.png", "portal_memberdata/portraits/jane"):
        response = get(f"/{path}")
        assert response.headers["Content-Type"].startswith("image/")
        assert "plone.x" in response.tags


def test_a_table_of_sizes_depends_on_any_edit(collection, get):
    collection.setLayout("tabular_view")
    collection.customViewFields = ("Title", "getObjSize")
    transaction.commit()
    assert "news" in get("/collection").tags


def test_what_is_acquired_is_not_shared(get):
    response = get("/folder/page/folder/page")
    assert response.tags is None
    assert "private" in response.headers["Cache-Control"]


# --- collections and feeds ------------------------------------------------------------


@pytest.fixture
def collection(tagged):
    obj = make(tagged, "Collection", "collection", query=query("News Item"))
    make(tagged["folder"], "News Item", "news")
    transaction.commit()
    return obj


def test_a_collection_depends_on_its_types(collection, get):
    assert "plone.t.news-item" in get("/collection").tags
    assert "plone.te.news-item" not in get("/collection").tags
    assert "plone.b" not in get("/collection").tags


def test_a_collection_by_date_of_change_depends_on_any_edit(collection, get):
    collection.sort_on = "modified"
    transaction.commit()
    assert {"plone.t.news-item", "plone.te.news-item"} < get("/collection").tags


def test_a_collection_of_a_place_depends_on_what_is_below(collection, tagged, get):
    collection.query = query("News Item", place=f"{tagged['folder'].UID()}::-1")
    transaction.commit()
    tags = get("/collection").tags
    assert {"folder.b", "folder.l"} < tags
    assert "plone.t.news-item" not in tags


@pytest.mark.parametrize("feed", ["RSS", "rss.xml", "atom.xml", "itunes.xml"])
def test_feeds_show_texts(collection, get, feed):
    IFeedSettings(collection).enabled = True
    IFeedSettings(collection).feed_types = ("RSS", "rss.xml", "atom.xml", "itunes.xml")
    transaction.commit()
    response = get(f"/collection/{feed}")
    assert response.status == 200
    assert {"plone.t.news-item", "news", "collection"} < response.tags


# --- portlets -------------------------------------------------------------------------


@pytest.mark.parametrize("dated", [True, False])
def test_the_portlet_of_news(tagged, get, assign, dated):
    item = make(tagged["folder"], "News Item", "news")
    item.effective_date = DateTime("2026-01-01") if dated else None
    item.reindexObject()
    assign(tagged, news.Assignment(state=("published",)))
    for _stored in range(2):
        tags = get("/folder/page").tags
        assert {"plone.t.news-item", "plone.d.news-item"} < tags
        assert "plone.te.news-item" not in tags
        # Without a date of publication it shows that of the last change
        assert ("news" in tags) is not dated


def test_the_portlet_of_events(tagged, get):
    make(tagged["folder"], "Event", "event")
    transaction.commit()
    for _stored in range(2):
        response = get("/folder/page")
        assert EVENTS in response.tags
        assert "event" not in response.tags


def test_the_portlet_of_a_collection(collection, tagged, get, assign):
    assign(tagged, collection_portlet.Assignment(uid=collection.UID()))
    for _stored in range(2):
        assert {"plone.t.news-item", "collection"} < get("/folder/page").tags


def test_the_portlet_of_navigation(tagged, get, assign):
    tagged["folder"]["page"].exclude_from_nav = True
    assign(tagged, navigation.Assignment(topLevel=0, bottomLevel=2))
    assert {"plone.c", "folder.c"} < get("/folder/page").tags


def test_the_portlets_of_search_and_of_recent_items(tagged, get, assign):
    assign(tagged, search.Assignment())
    assert get("/folder/page").tags == BELOW_FOLDER | {"page", "page.c"}
    # People who are not logged in do not see it
    assign(tagged["folder"], recent.Assignment())
    assert get("/folder/page").tags == BELOW_FOLDER | {"page", "page.c"}


# --- what is not there ----------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/html"}])
def test_what_is_not_found_depends_on_what_may_come(get, headers):
    response = get("/folder/new", **headers)
    assert response.status == 404
    assert {"folder.c", "folder.l", "plone.x"} < response.tags
    assert {"plone.c"} < get("/new/below").tags


def test_a_redirect_depends_on_both_ends(tagged, get):
    page = api.content.rename(tagged["folder"]["page"], "renamed")
    transaction.commit()
    response = get("/folder/page")
    assert response.status == 302
    assert response.headers["Location"] == page.absolute_url()
    assert {"folder.c", "renamed.l", "plone.x"} < response.tags


def test_what_visitors_may_not_see(tagged, get):
    api.content.transition(tagged["folder"]["page"], "retract")
    transaction.commit()
    response = get("/folder/page")
    assert response.status in (302, 401)
    assert {"page", "folder.l"} < response.tags


def test_a_link_leads_elsewhere(tagged, get):
    make(tagged["folder"], "Link", "link", remoteUrl="${portal_url}/folder/page")
    transaction.commit()
    response = get("/folder/link")
    assert response.status == 302
    assert {"link", "page.l"} < response.tags


# --- for Volto ------------------------------------------------------------------------

JSON = {"Accept": "application/json"}


def api_tags(get, path):
    response = get(f"/++api++{path}", **JSON)
    assert response.status == 200, response.body
    return response.tags


def test_content_by_the_api(get):
    expected = {"page", "folder.l", "plone.l", "plone.x"}
    assert api_tags(get, "/folder/page") == expected
    assert api_tags(get, "/folder") == {"folder", "folder.c", "plone.l", "plone.x"}
    # The site's own answer lists what is in it
    assert {"plone", "plone.c", "plone.x"} <= api_tags(get, "")


def test_all_of_the_children_by_the_api(get):
    assert "page" in api_tags(get, "/folder?fullobjects")


def test_navigation_by_the_api(get):
    # Descriptions, too
    tabs = {"plone.b1", "plone.bl1"}
    assert tabs < api_tags(get, "/folder/page/@navigation")
    deep = "/folder/page/@navigation?expand.navigation.depth=3"
    assert {"plone.b3", "plone.bl3"} < api_tags(get, deep)
    deep = "/folder/page?expand=navigation&expand.navigation.depth=3"
    assert {"page", "plone.b3"} < api_tags(get, deep)


def test_breadcrumbs_by_the_api(get):
    expected = {"page", "folder.l", "plone.l", "plone.x"}
    assert api_tags(get, "/folder/page/@breadcrumbs") == expected


def test_navigation_from_here_by_the_api(get):
    tags = api_tags(get, "/folder/page/@contextnavigation")
    assert {"plone.b", "folder.l"} < tags


def test_searches_by_the_api(get):
    assert "plone.t.document" in api_tags(get, "/@search?portal_type=Document")
    assert "folder.b" in api_tags(get, "/folder/@search")
    assert "plone.be" in api_tags(get, "/@search?SearchableText=page")
    dated = api_tags(get, "/@search?portal_type=Document&metadata_fields=modified")
    assert "page" in dated


def test_a_comment_in_a_listing_by_the_api(tagged, get):
    comment = createObject("plone.Comment")
    comment.text = "Well said"
    IConversation(tagged["folder"]["page"]).addComment(comment)
    transaction.commit()
    path = "/folder/@search?metadata_fields=_all"
    assert b"Discussion Item" in get(f"/++api++{path}", **JSON).body
    assert "folder.b" in api_tags(get, path)


def test_comments_by_the_api(get):
    assert "page" in api_tags(get, "/folder/page/@comments")


def test_relations_by_the_api(tagged, get):
    target = make(tagged, "Document", "related")
    page = tagged["folder"]["page"]
    page.relatedItems = [RelationValue(getUtility(IIntIds).getId(target))]
    notify(ObjectModifiedEvent(page))
    transaction.commit()
    assert "related.l" in api_tags(get, "/folder/page")


def test_what_the_api_does_not_find(get):
    response = get("/++api++/folder/new", **JSON)
    assert response.status == 404
    assert {"folder.c", "folder.l"} < response.tags
