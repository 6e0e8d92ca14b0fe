"""Specification: what changes in Plone, and which items that means."""

from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.purge import purge_all
from collective.cloudfront.purge import purge_path
from collective.cloudfront.purge import suspended
from collective.cloudfront.reach.dates import moments
from collective.cloudfront.reach.dates import MOST_OCCURRENCES
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import use_distributions
from DateTime import DateTime
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from OFS.Image import Image
from plone import api
from plone.app.dexterity.behaviors.metadata import IDublinCore
from plone.app.theming.utils import getOrCreatePersistentResourceDirectory
from plone.app.workflow.events import LocalrolesModifiedEvent
from plone.base.interfaces.syndication import IFeedSettings
from plone.event.utils import pydt
from plone.registry import field
from plone.registry import Record
from plone.registry.interfaces import IRegistry
from Products.CMFCore.indexing import processQueue
from z3c.caching.interfaces import IPurgePaths
from z3c.caching.purge import Purge
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.container.contained import ContainerModifiedEvent
from zope.event import notify
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from zope.interface import implementer
from zope.interface import Interface
from zope.lifecycleevent import Attributes
from zope.lifecycleevent import modified
from zope.lifecycleevent import ObjectModifiedEvent

import logging
import pytest
import transaction


@pytest.fixture
def site(portal):
    """The site with a distribution, and nothing collected yet."""
    use_distributions()
    return portal


def setting(name: str, value) -> None:
    getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value


def collected(site) -> set[str]:
    """Return the items collected so far, and forget them.

    As planned if quota lets all of them out: ``/page`` is under ``/page*``.
    """
    items = {entry.item for entry in changes_of(site).take() if entry.item}
    return {item for item in items if f"{item}*" not in items}


def reached(items: set[str], *urls: str) -> bool:
    """Say whether the items remove what is cached for all the URLs."""
    return all(any(reaches(item, url) for item in items) for url in urls)


def create(container, portal_type: str = "Document", **fields):
    return api.content.create(container, portal_type, **fields)


FEEDS = ("RSS", "rss.xml", "atom.xml")
SELECTION = "plone.app.querystring.operation.selection.any"
BELOW = "plone.app.querystring.operation.string.absolutePath"


@pytest.fixture
def deep(site):
    """A folder whose contents are too deep for the navigation."""
    folder = site
    for name in ("one", "two", "three"):
        folder = create(folder, "Folder", id=name)
    transaction.savepoint(optimistic=True)
    collected(site)
    return folder


def edited(obj, *names: str) -> None:
    """Tell that these fields were edited, as forms and the REST API do."""
    notify(ObjectModifiedEvent(obj, Attributes(IDublinCore, *names)))


class TestEdits:
    def test_of_a_text_reach_all_urls_of_the_page_and_no_other(self, site):
        page = create(site, id="page")
        collected(site)
        edited(page, "IRichTextBehavior.text")
        assert collected(site) == {"/page*"}

    def test_of_a_text_spare_pages_whose_names_begin_alike(self, site):
        page = create(site, id="page")
        create(site, id="page-2")
        collected(site)
        edited(page, "IRichTextBehavior.text")
        assert collected(site) == {"/page", "/page?*", "/page/*"}

    def test_of_a_folder_spare_what_is_below(self, site, deep):
        edited(deep, "IRichTextBehavior.text")
        assert collected(site) == {"/one/two/three*"}
        create(deep, id="page")
        collected(site)
        edited(deep, "IRichTextBehavior.text")
        items = collected(site)
        url = "/one/two/three"
        assert reached(
            items, url, f"{url}?b_start:int=20", f"{url}/@@images/image/mini"
        )
        assert reached(
            items, f"{url}/view", f"{url}/listing_view", f"{url}/@navigation"
        )
        assert not reached(items, f"{url}/page")

    def test_of_a_title_in_the_navigation_reach_every_page(self, site):
        page = create(site, id="page")
        collected(site)
        edited(page, "IDublinCore.title")
        assert collected(site) == {"/page*", "/*"}

    def test_of_a_title_below_the_navigation_reach_the_folder(self, site, deep):
        page = create(deep, id="page")
        collected(site)
        edited(page, "IDublinCore.title")
        assert collected(site) == {"/one/two/three/page*", "/one/two/three*"}

    def test_of_a_title_reach_a_site_map_that_is_deeper_than_the_navigation(self, site):
        folder = create(site, "Folder", id="folder")
        page = create(folder, id="page")
        create(folder, id="other")
        getUtility(IRegistry)["plone.navigation_depth"] = 1
        collected(site)
        edited(page, "IDublinCore.title")
        items = collected(site)
        assert not reached(items, "/other")
        assert reached(items, "/sitemap", "/sitemap.xml.gz?page=1")
        notify(ContainerModifiedEvent(folder))
        assert reached(collected(site), "/sitemap")

    def test_with_unknown_fields_count_as_edits_of_everything(self, site):
        page = create(site, id="page")
        collected(site)
        modified(page)
        assert collected(site) == {"/page*", "/*"}

    def test_reach_no_other_page_if_so_set(self, site):
        setting("navigation_changes", "object")
        page = create(site, id="page")
        collected(site)
        edited(page, "IDublinCore.title")
        items = collected(site)
        assert "/*" not in items
        assert reached(items, "/page", "/", "/?x=1")

    def test_of_an_image_are_few_items(self, site):
        from plone.namedfile.file import NamedBlobImage
        from plone.namedfile.tests import getFile

        image = create(site, "Image", id="image")
        image.image = NamedBlobImage(getFile("image.png"), filename="ä ö.png")
        collected(site)
        edited(image, "image")
        items = collected(site)
        assert len(items) <= 3
        assert reached(
            items,
            "/image",
            "/image/@@images/image/preview",
            "/image/@@download/image/%C3%A4%20%C3%B6.png",
        )

    def test_of_a_private_title_reach_no_other_page(self, site):
        site.portal_workflow.setDefaultChain("simple_publication_workflow")
        page = create(site, id="page")
        collected(site)
        edited(page, "IDublinCore.title")
        assert collected(site) == {"/page*"}

    def test_of_a_default_page_reach_its_folders(self, site, deep):
        page = create(deep, id="page")
        deep.setDefaultPage("page")
        deep.aq_parent.setDefaultPage("three")
        collected(site)
        edited(page, "IRichTextBehavior.text")
        items = collected(site)
        assert reached(items, "/one/two/three/page", "/one/two/three", "/one/two?x=1")
        assert not reached(items, "/one")

    def test_of_a_text_reach_a_folder_that_shows_whole_texts(self, site, deep):
        page = create(deep, id="page")
        deep.setLayout("full_view")
        collected(site)
        edited(page, "IRichTextBehavior.text")
        assert reached(collected(site), "/one/two/three")

    def test_of_a_text_reach_the_feeds_that_show_dates_of_change(self, site, deep):
        page = create(deep, id="page")
        page.effective_date = DateTime("2026/01/01")
        IFeedSettings(deep).enabled = True
        collected(site)
        edited(page, "IRichTextBehavior.text")
        feed = "/one/two/three/atom.xml"
        assert collected(site) == {"/one/two/three/page*", f"{feed}*"}

    def test_of_a_text_reach_the_feeds_that_show_whole_texts(self, site, deep):
        page = create(deep, id="page")
        page.effective_date = DateTime("2026/01/01")
        IFeedSettings(deep).enabled = True
        IFeedSettings(deep).render_body = True
        collected(site)
        edited(page, "IRichTextBehavior.text")
        items = collected(site)
        assert reached(items, *(f"/one/two/three/{name}" for name in FEEDS))

    def test_reach_the_robots_site_map_that_dates_them_coalesced(self, site, deep):
        page = create(deep, id="page")
        getUtility(IRegistry)["plone.enable_sitemap"] = True
        collected(site)
        edited(page, "IRichTextBehavior.text")
        entries = {entry.item: entry.every for entry in changes_of(site).take()}
        assert entries["/sitemap.xml.gz*"] == 60.0
        edited(page, "IDublinCore.title")
        assert "/sitemap.xml.gz*" in collected(site)

    def test_of_what_a_folder_holds_reach_the_feed_that_dates_the_folder(self, site):
        folder = create(site, "Folder", id="folder")
        inner = create(folder, "Folder", id="inner")
        inner.effective_date = DateTime("2026/01/01")
        IFeedSettings(folder).enabled = True
        site.portal_workflow.setDefaultChain("simple_publication_workflow")
        collected(site)
        create(inner, id="private")
        feed = "/folder/atom.xml"
        assert collected(site) == {"/folder/inner/private*", f"{feed}*"}

    def test_of_a_title_reach_all_feeds(self, site, deep):
        page = create(deep, id="page")
        IFeedSettings(deep).enabled = True
        collected(site)
        edited(page, "IDublinCore.title")
        items = collected(site)
        assert reached(items, *(f"/one/two/three/{name}" for name in FEEDS))

    def test_in_a_folder_reach_the_feeds_that_show_its_date_of_change(self, site, deep):
        above = site["one"]["two"]
        IFeedSettings(above).enabled = True
        collected(site)
        create(deep, id="page")
        items = collected(site)
        assert reached(items, *(f"/one/two/{name}" for name in FEEDS))
        assert not reached(items, "/one/two")

    def test_reach_the_collections_that_may_show_the_object(self, site, deep):
        def collection(name, **criteria):
            query = [
                {"i": "portal_type", "o": SELECTION, "v": [criteria["type"]]},
                {"i": "path", "o": BELOW, "v": criteria.get("path", "/")},
            ]
            return create(site, "Collection", id=name, query=query, sort_on="effective")

        collection("pages", type="Document")
        collection("elsewhere", type="Document", path="/news")
        collection("here", type="Document", path="/one::2")
        collection("news", type="News Item")
        page = create(deep, id="page")
        transaction.savepoint(optimistic=True)
        site.portal_catalog(portal_type="Collection")  # brings the catalog up to date
        collected(site)
        edited(page, "IDublinCore.title")
        items = collected(site)
        assert reached(items, "/pages", "/here", "/pages/RSS", "/pages?b_start:int=20")
        assert not any(reached(items, url) for url in ("/elsewhere", "/news", "/"))
        edited(page, "IRichTextBehavior.text")
        items = collected(site)
        assert not reached(items, "/pages")
        site["pages"].sort_on = "modified"
        edited(page, "IRichTextBehavior.text")
        assert reached(collected(site), "/pages")

    def test_of_a_folders_order_reach_the_navigation(self, site):
        folder = create(site, "Folder", id="folder")
        create(folder, id="one"), create(folder, id="two")
        collected(site)
        folder.moveObjectsToTop(["two"])
        notify(ContainerModifiedEvent(folder))
        assert "/*" in collected(site)


class TestComingAndGoing:
    @pytest.fixture(autouse=True)
    def workflow(self, site):
        site.portal_workflow.setDefaultChain("simple_publication_workflow")

    def entries(self, site):
        return [entry for entry in changes_of(site).take() if entry.item]

    def test_a_created_draft_reaches_its_path_where_a_404_may_be_cached(self, site):
        create(site, id="page")
        items = collected(site)
        assert items == {"/page*"}

    def test_a_published_page_reaches_all_that_list_it(self, site):
        page = create(site, id="page")
        collected(site)
        api.content.transition(page, "publish")
        assert reached(collected(site), "/page", "/", "/sitemap")

    def test_a_retracted_page_is_urgent_with_all_below(self, site):
        folder = create(site, "Folder", id="folder")
        create(folder, id="page")
        api.content.transition(folder, "publish")
        collected(site)
        api.content.transition(folder, "retract")
        entries = self.entries(site)
        # The navigation of every page shows it
        urgent = {e.item for e in entries if e.urgent}
        assert urgent == {"/folder", "/folder*", "/*"}

    def test_a_published_page_is_not_urgent(self, site):
        page = create(site, id="page")
        collected(site)
        api.content.transition(page, "publish")
        assert not any(entry.urgent for entry in self.entries(site))

    def test_sharing_is_urgent_with_all_below(self, site):
        folder = create(site, "Folder", id="folder")
        collected(site)
        notify(LocalrolesModifiedEvent(folder, getRequest()))
        assert ("/folder*", True) in {(e.item, e.urgent) for e in self.entries(site)}

    def test_what_comes_and_goes_below_the_navigation_reaches_the_site_maps(
        self, site, deep
    ):
        page = create(deep, id="page")
        collected(site)
        api.content.transition(page, "publish")
        maps = [e for e in self.entries(site) if e.item == "/sitemap*"]
        assert [entry.every for entry in maps] == [60]
        deep.manage_delObjects([page.getId()])
        assert reached(collected(site), "/sitemap", "/sitemap.xml.gz?page=1")


class TestDates:
    def schedule(self, site):
        return {
            (e.key.partition(":")[2], e.item): e
            for e in changes_of(site).take()
            if e.key and e.item
        }

    def test_in_the_future_are_kept_for_then(self, site):
        page = create(site, id="page")
        collected(site)
        page.effective_date = DateTime() + 1
        page.expiration_date = DateTime("2099/01/01 10:00:30 UTC")
        edited(page, "IPublication.effective", "IPublication.expires")
        kept = self.schedule(site)
        assert kept["effective", "/page*"].due == page.effective_date.timeTime()
        expires = kept["expires", "/page*"]
        assert expires.due == DateTime("2099/01/01 10:01:01 UTC").timeTime()
        assert expires.urgent
        assert ("expires", "/*") in kept

    def test_that_are_over_or_removed_cancel_what_was_kept(self, site):
        page = create(site, id="page")
        collected(site)
        page.expiration_date = DateTime() - 1
        edited(page, "IPublication.expires")
        entries = changes_of(site).take()
        cancelled = {e.key.partition(":")[2] for e in entries if not e.item}
        assert cancelled == {"effective", "expires"}
        assert not any(e.due for e in entries)

    def test_of_an_event_are_its_end_and_its_start_where_a_collection_asks(self, site):
        soon = datetime.now(timezone.utc) + timedelta(days=1)
        event = create(
            site, "Event", id="event", start=soon, end=soon + timedelta(hours=1)
        )
        kept = self.schedule(site)
        minute = 60 * (event.end.timestamp() // 60)
        assert kept["end", "/*"].due == minute + 61  # the catalog knows no seconds
        assert ("start", "/*") not in kept
        operation = "plone.app.querystring.operation.date.beforeToday"
        query = [{"i": "start", "o": operation, "v": ""}]
        create(site, "Collection", id="begun", query=query)
        site.portal_catalog(portal_type="Collection")  # brings the catalog up to date
        collected(site)
        edited(event, "IEventBasic.start")
        kept = self.schedule(site)
        assert kept["start", "/*"].due == event.start.timestamp()
        assert ("started", "/*") in kept

    def test_of_a_recurring_event_are_the_ends_of_what_is_to_come(self, site):
        """The first is over, the third is left out. Portlets that list occurrences know
        seconds, the catalog does not.
        """
        start = pydt(DateTime("2026/01/05 18:00:00 UTC"))
        end = start + timedelta(hours=2)
        left_out = (start + timedelta(days=14)).strftime("%Y%m%dT%H%M%S")
        event = create(site, "Event", id="event", start=start, end=end)
        event.recurrence = f"RRULE:FREQ=WEEKLY;COUNT=5\nEXDATE:{left_out}"
        now = end.timestamp() + 3600
        ends = [m.due for m in moments(event, now) if m.name == "end"]
        later = [end + timedelta(days=7 * week) for week in (1, 3, 4)]
        assert ends == [each.timestamp() + late for each in later for late in (1, 61)]
        event.recurrence = "RRULE:FREQ=DAILY"
        ends = [m.due for m in moments(event, now) if m.name == "end"]
        assert MOST_OCCURRENCES - 1 <= len(ends) // 2 <= MOST_OCCURRENCES + 1
        event.recurrence = "every now and then"
        assert [m.due for m in moments(event, now) if m.name == "end"] == [None]

    def test_each_occurrence_is_kept_and_all_are_cancelled_at_once(self, site):
        tomorrow = pydt(DateTime() + 1)
        end = tomorrow + timedelta(hours=1)
        event = create(site, "Event", id="event", start=tomorrow, end=end)
        event.recurrence = "RRULE:FREQ=WEEKLY;COUNT=3"
        collected(site)
        edited(event, "IEventRecurrence.recurrence")
        ends = [e for e in changes_of(site).take() if e.key.endswith(":end")]
        kept = {entry.due for entry in ends if entry.item == "/*"}
        assert len(kept) == 2 * 3
        assert [entry.item for entry in ends].count("") == 1
        assert len({entry.key for entry in ends}) == 1

    def test_of_what_is_removed_are_cancelled_with_all_below(self, site):
        folder = create(site, "Folder", id="folder")
        page = create(folder, id="page")
        page.expiration_date = DateTime() + 1
        transaction.savepoint(optimistic=True)
        collected(site)
        uid = page.UID()
        api.content.delete(folder)
        entries = changes_of(site).take()
        assert f"{uid}:expires" in {e.key for e in entries if not e.item}
        assert not any(e.due for e in entries)

    def test_of_what_moves_are_kept_for_the_new_place(self, site):
        folder = create(site, "Folder", id="folder")
        page = create(folder, id="page")
        page.expiration_date = DateTime() + 1
        transaction.savepoint(optimistic=True)
        collected(site)
        api.content.rename(folder, "new")
        kept = self.schedule(site)
        assert ("expires", "/new/page*") in kept
        assert not any("folder" in item for _, item in kept)


class TestTheSite:
    def test_settings_of_plone_reach_every_page_coalesced(self, site):
        collected(site)
        getUtility(IRegistry)["plone.site_title"] = "Another"
        entries = changes_of(site).take()
        assert [(e.item, e.every) for e in entries] == [("/*", 60.0)]

    def test_switching_on_purges_everything_once(self, site):
        setting("enabled", False)
        collected(site)
        setting("enabled", True)
        assert collected(site) == {"/*"}

    def test_what_is_done_while_suspended_ends_in_one_purge(self, site):
        with suspended():
            modified(create(site, id="page"))
            purge_path("/a")
            assert collected(site) == set()
        assert collected(site) == {"/*"}

    def test_purging_is_resumed_after_an_error(self, site):
        with pytest.raises(RuntimeError), suspended():
            raise RuntimeError("on purpose")
        purge_path("/a")
        assert collected(site) == {"/*", "/a"}

    def test_an_own_purge_event_reaches_the_front_page(self, site):
        notify(Purge(site))
        items = collected(site)
        assert reached(items, "/", "/?x=1")
        assert not any("//" in item for item in items)

    def test_a_purge_event_reaches_the_object(self, site):
        page = create(site, id="page")
        collected(site)
        notify(Purge(page))
        assert collected(site) == {"/page*"}

    def test_with_volto_the_api_has_a_twin_of_each_item(self, site, deep):
        setting("api_paths", "on")
        page = create(deep, id="page")
        collected(site)
        edited(page, "IRichTextBehavior.text")
        path = "/one/two/three"
        # A listing of whole objects is asked for by a query
        listing = f"/++api++{path}?*"
        assert collected(site) == {f"{path}/page*", f"/++api++{path}/page*", listing}

    def test_with_volto_a_folder_tells_when_something_came(self, site, deep):
        setting("api_paths", "on")
        site.portal_workflow.setDefaultChain("simple_publication_workflow")
        collected(site)
        create(deep, id="page")
        create(site, id="page")
        items = collected(site)
        assert reached(items, "/++api++/one/two/three?expand=x", "/++api++?expand=x")
        assert "/*" not in items

    def test_with_volto_pages_that_hold_pages_have_no_classic_views(self, site, deep):
        create(deep, id="page")
        getUtility(IRegistry).records["volto.frontend_domain"] = Record(
            field.TextLine(), "https://example.org"
        )
        setting("api_paths", "on")
        collected(site)
        edited(deep, "IRichTextBehavior.text")
        pages = {f"/one/two/three{end}" for end in ("", "?*", "/", "/@*")}
        twins = {f"/++api++{page}" for page in (*pages, "/one/two?*")}
        assert collected(site) == pages | twins

    def test_a_setting_that_comes_or_goes_is_on_every_page(self, site):
        registry = getUtility(IRegistry)
        registry.records["hunt.bundle"] = Record(field.TextLine())
        assert collected(site) == {"/*"}
        del registry.records["hunt.bundle"]
        assert collected(site) == {"/*"}

    def test_an_add_on_may_change_every_page(self, site):
        site.portal_setup.runAllImportStepsFromProfile("plone.session:default")
        assert "/*" in collected(site)

    def test_the_name_of_an_author_is_on_pages(self, site):
        api.user.create("jane@example.org", "jane", "secret-secret")
        collected(site)
        api.user.get("jane").setMemberProperties({"fullname": "Jane"})
        assert collected(site) == set()
        create(site, id="page", creators=("jane",))
        processQueue()
        collected(site)
        api.user.get("jane").setMemberProperties({"fullname": "Jane Doe"})
        assert collected(site) == {"/*"}
        api.user.delete("jane")
        assert "/*" in collected(site)

    def test_a_file_of_a_theme_is_on_every_page(self, site):
        themes = getOrCreatePersistentResourceDirectory()
        themes.makeDirectory("theme/mine")
        collected(site)
        for text in ("p {}", "q {}"):
            themes.writeFile("theme/mine/styles.css", text)
            assert "/*" in collected(site)

    def test_a_portrait_is_on_pages(self, site):
        picture = Image("jane", "", b"GIF89a", "image/gif")
        site.portal_memberdata._setPortrait(picture, "jane")
        assert collected(site) == {"/*"}


class TestMovingAndRemoving:
    @pytest.fixture
    def folder(self, site):
        folder = create(site, "Folder", id="old")
        for number in range(3):
            create(folder, id=f"page-{number}")
        transaction.savepoint(optimistic=True)  # moving needs a ZODB connection
        collected(site)
        return folder

    def test_a_rename_is_the_old_and_the_new_subtree(self, site, folder):
        api.content.rename(folder, "new")
        items = collected(site)
        assert items == {"/old*", "/new*", "/*"}
        assert len(items) <= 6
        assert not any(item.startswith(("/old/", "/new/")) for item in items)

    def test_a_move_is_both_places_and_both_containers(self, site, folder):
        target = create(site, "Folder", id="target")
        transaction.savepoint(optimistic=True)
        collected(site)
        api.content.move(folder["page-0"], target)
        items = collected(site)
        assert {"/old/page-0*", "/target/page-0*"} <= items
        assert reached(items - {"/*"}, "/old", "/target", "/target?x=1")

    def test_a_removal_is_the_subtree_and_the_container(self, site, folder):
        api.content.delete(folder)
        items = collected(site)
        assert {"/old*", "/*"} <= items
        assert len(items) <= 6
        assert not any(item.startswith("/old/") for item in items)

    @pytest.fixture
    def collection(self, site, deep):
        """A collection that lists what is in a deep folder, but not the folder."""
        create(create(deep, "Folder", id="folder"), id="page")
        query = [{"i": "portal_type", "o": SELECTION, "v": ["Document"]}]
        create(site, "Collection", id="collection", query=query)
        transaction.savepoint(optimistic=True)
        site.portal_catalog(portal_type="Collection")  # brings the catalog up to date
        collected(site)

    @pytest.mark.usefixtures("collection")
    def test_a_rename_reaches_who_shows_what_is_below(self, site, deep):
        api.content.rename(deep["folder"], "new")
        items = collected(site)
        assert reached(items, "/collection")
        assert "/*" not in items

    @pytest.mark.usefixtures("collection")
    def test_a_removal_reaches_who_shows_what_is_below(self, site, deep):
        api.content.delete(deep["folder"])
        items = collected(site)
        assert reached(items, "/collection")
        assert "/*" not in items

    def test_a_copy_is_no_move(self, site, folder):
        api.content.copy(folder["page-0"], site)
        items = collected(site)
        assert reached(items, "/page-0")
        assert not any(item.startswith("/old/") for item in items)

    def test_reach_the_redirects_that_led_to_the_place(self, site, deep):
        page = create(deep, id="page")
        transaction.savepoint(optimistic=True)
        api.content.rename(deep, "four")
        transaction.savepoint(optimistic=True)
        collected(site)
        api.content.rename(page.aq_parent["page"], "other")
        items = collected(site)
        assert reached(items, "/one/two/three/page", "/one/two/three/page/view")
        assert not reached(items, "/one/two/three")
        transaction.savepoint(optimistic=True)
        api.content.delete(site["one"]["two"]["four"])
        assert reached(collected(site), "/one/two/three", "/one/two/three/page")

    def test_a_draft_that_moves_has_left_links_to_it(self, site, deep):
        site.portal_workflow.setDefaultChain("simple_publication_workflow")
        pages = [create(site, id=f"page-{number}") for number in range(6)]
        draft = create(site, id="draft")
        api.relation.create(pages[0], draft, "linking")
        transaction.savepoint(optimistic=True)
        collected(site)
        draft = api.content.move(draft, deep)
        items = collected(site)
        assert reached(items, "/page-0", "/page-0?x=1")
        assert not reached(items, "/page-1")
        for page in pages[1:]:
            api.relation.create(page, draft, "linking")
        api.content.rename(draft, "renamed")
        assert "/*" in collected(site)


class TestPublicPaths:
    """Visitors' paths are the same whatever host an editor works on."""

    HOSTS = {
        "without virtual hosting": (),
        "the site as root": ("", "plone"),
        "a subfolder as root": ("", "plone", "folder"),
        "a sibling folder as root": ("", "plone", "other"),
    }

    @pytest.mark.parametrize("host", HOSTS)
    @pytest.mark.parametrize("prefix", ["", "/intranet", "/ä b"])
    def test_do_not_depend_on_the_editors_virtual_host(self, site, host, prefix):
        if prefix != "/ä b":
            setting("public_prefix", prefix)
        folder = create(site, "Folder", id="folder")
        page = create(folder, id="page")
        folder.setDefaultPage("page")
        collected(site)
        root = self.HOSTS[host]
        request = getRequest()
        if root:
            request.other["VirtualRootPhysicalPath"] = root
        try:
            notify(Purge(page))
        finally:
            request.other.pop("VirtualRootPhysicalPath", None)
        expected = "" if prefix == "/ä b" else prefix
        items = collected(site)
        assert {f"{expected}/folder/page*", f"{expected}/folder"} <= items
        assert all(item.startswith(f"{expected}/folder") for item in items)

    def test_need_no_request(self, site):
        page = create(site, id="page")
        collected(site)
        request = getRequest()
        clearRequest()
        try:
            notify(Purge(page))
        finally:
            setRequest(request)
        assert "/page*" in collected(site)

    def test_nothing_for_proxies_leaves(self, site, adapter_for):
        adapter_for(
            relative=["/@@purgebyid/abc", "/VirtualHostBase/http/x/VirtualHostRoot/y"],
            absolute=["/@@purgebyid/def", "//VirtualHostBase/http/x", "/elsewhere"],
        )
        page = create(site, id="page")
        collected(site)
        notify(Purge(page))
        items = collected(site)
        assert not any("purgebyid" in item or "Virtual" in item for item in items)
        assert "/elsewhere" in items


@pytest.fixture
def adapter_for():
    """Register a further IPurgePaths adapter for everything."""
    manager = getGlobalSiteManager()
    registered = []

    def register(relative=(), absolute=(), error=None):
        @implementer(IPurgePaths)
        class Paths:
            def __init__(self, context):
                """Adapts anything."""

            def getRelativePaths(self):
                if error is not None:
                    raise error
                return relative

            def getAbsolutePaths(self):
                return absolute

        manager.registerAdapter(Paths, (Interface,), IPurgePaths, name="test")
        registered.append(Paths)

    yield register
    for factory in registered:
        manager.unregisterAdapter(factory, (Interface,), IPurgePaths, name="test")


class TestFailures:
    def test_a_failing_adapter_costs_a_subtree_and_no_save(
        self, site, adapter_for, caplog
    ):
        page = create(site, id="page")
        collected(site)
        adapter_for(error=RuntimeError("broken add-on"))
        with caplog.at_level(logging.ERROR):
            modified(page)
        assert "/page*" in collected(site)
        assert "IPurgePaths adapter 'test' failed" in caplog.text

    def test_a_conflict_is_not_swallowed(self, site, adapter_for):
        page = create(site, id="page")
        adapter_for(error=ConflictError("try again"))
        with pytest.raises(ConflictError):
            notify(Purge(page))


class TestWhenItIsOff:
    def test_without_a_distribution_nothing_is_collected(self, site):
        setting("distribution_id", "")
        modified(create(site, id="page"))
        assert collected(site) == set()

    def test_disabled_nothing_is_collected(self, site):
        setting("enabled", False)
        modified(create(site, id="page"))
        assert collected(site) == set()

    def test_with_purging_disabled_in_caching_nothing_is_collected(self, site):
        getUtility(IRegistry)[PURGING_ENABLED] = False
        modified(create(site, id="page"))
        assert collected(site) == set()

    def test_the_environment_switches_it_off(self, site, monkeypatch):
        monkeypatch.setenv("CLOUDFRONT_ENABLED", "false")
        transaction.abort()
        setting("distribution_id", DISTRIBUTION)
        modified(create(site, id="page"))
        assert collected(site) == set()

    def test_an_unreadable_switch_in_the_environment_is_off(
        self, site, monkeypatch, caplog
    ):
        monkeypatch.setenv("CLOUDFRONT_ENABLED", "flase")
        transaction.abort()
        setting("distribution_id", DISTRIBUTION)
        modified(create(site, id="page"))
        assert collected(site) == set()
        assert "CLOUDFRONT_ENABLED: 'flase' is not valid" in caplog.text


class TestFromCode:
    def test_a_path(self, site):
        purge_path("/käse?page=2")
        assert collected(site) == {"/k%C3%A4se?page=2"}

    def test_a_path_with_all_below(self, site):
        purge_path("/news", below=True)
        assert collected(site) == {"/news*"}

    def test_everything(self, site):
        purge_all()
        assert collected(site) == {"/*"}

    def test_everything_of_a_site_below_a_path(self, site):
        setting("public_prefix", "/intranet")
        purge_all()
        assert collected(site) == {"/intranet*"}

    def test_a_path_without_a_slash_is_refused(self, site):
        with pytest.raises(ValueError, match="does not start with a slash"):
            purge_path("news")

    def test_each_distribution_gets_it(self, site):
        setting("distribution_id", "E1AAA, E2BBB dt_CCC")
        purge_path("/a")
        entries = changes_of(site).take()
        assert {e.distribution for e in entries} == {"E1AAA", "E2BBB", "dt_CCC"}
