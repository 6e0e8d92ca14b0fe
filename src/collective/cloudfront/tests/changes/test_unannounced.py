"""Specification: changes that no event tells of are seen before a request's commit."""

from collective.cloudfront.changes import unannounced
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.purge import suspended
from collective.cloudfront.testing import use_distributions
from dataclasses import replace
from persistent.list import PersistentList
from plone import api
from plone.app.discussion.interfaces import IConversation
from plone.app.redirector.interfaces import IRedirectionStorage
from plone.app.viewletmanager.interfaces import IViewletSettingsStorage
from plone.base.interfaces import INavigationRoot
from plone.locking.interfaces import ILockable
from plone.registry.interfaces import IRegistry
from plone.uuid.interfaces import IUUID
from Products.PythonScripts.PythonScript import manage_addPythonScript
from z3c.caching.interfaces import IPurgeable
from zope.annotation.interfaces import IAnnotations
from zope.component import createObject
from zope.component import getUtility
from zope.event import notify
from zope.globalrequest import getRequest
from zope.interface import alsoProvides
from zope.lifecycleevent import Attributes
from zope.lifecycleevent import ObjectModifiedEvent
from ZPublisher.pubevents import PubBeforeCommit

import pytest
import transaction


def collected(site) -> set[str]:
    """Return the items collected so far, and forget them."""
    items = {entry.item for entry in changes_of(site).take() if entry.item}
    return {item for item in items if f"{item}*" not in items}


def reached(items: set[str], *urls: str) -> bool:
    """Say whether the items remove what is cached for all the URLs."""
    return all(any(reaches(item, url) for item in items) for url in urls)


def commit() -> None:
    """Do what the publisher does before it commits."""
    notify(PubBeforeCommit(getRequest()))


@pytest.fixture
def site(functional_portal):
    use_distributions()
    return functional_portal


@pytest.fixture
def folder(site):
    folder = api.content.create(site, "Folder", id="folder")
    api.content.create(folder, "Document", id="page")
    collected(site)
    transaction.commit()
    return folder


def test_a_request_that_stores_nothing_reads_no_settings(site, folder, monkeypatch):
    asked = []
    monkeypatch.setattr(unannounced, "changes_here", lambda: asked.append(1))
    commit()
    assert not asked
    folder.setLayout("summary_view")
    commit()
    assert asked


def test_a_default_page_of_a_folder_that_is_not_public_changes_navigation_below(
    site, folder
):
    site.portal_workflow.setDefaultChain("simple_publication_workflow")
    site.portal_workflow.updateRoleMappings()
    api.content.transition(folder["page"], "publish")
    commit()
    collected(site)
    transaction.commit()
    folder.setDefaultPage("page")
    commit()
    assert reached(collected(site), "/folder/page", "/folder/other")


def test_a_default_page(site, folder):
    folder.setDefaultPage("page")
    commit()
    assert reached(collected(site), "/folder", "/folder?x=1", "/")


def test_a_default_page_of_a_private_folder_is_seen_in_the_navigation_below(
    site, folder
):
    folder.manage_permission("View", ["Manager"], acquire=0)
    folder["page"].manage_permission("View", ["Anonymous"], acquire=0)
    commit()
    collected(site)
    transaction.commit()
    folder.setDefaultPage("page")
    commit()
    assert reached(
        collected(site), "/folder/page", "/folder/other", "/sitemap.xml.gz?page=1"
    )


def test_a_layout(site, folder):
    folder.setLayout("summary_view")
    commit()
    assert reached(collected(site), "/folder", "/folder/summary_view")


def test_an_attribute_set_by_code(site, folder):
    folder["page"].title = "Another"
    commit()
    assert "/*" in collected(site)


def test_what_was_changed_before_a_savepoint(site, folder):
    folder["page"].text = "Another"
    transaction.savepoint(optimistic=True)
    commit()
    assert collected(site) == {"/folder/page*"}


def test_what_an_event_told_of_is_not_compared(site, folder, caplog):
    page = folder["page"]
    page.title = "Another"
    notify(ObjectModifiedEvent(page, Attributes(None, "text")))
    transaction.savepoint(optimistic=True)
    commit()
    assert collected(site) == {"/folder/page*"}
    assert not caplog.records


def test_a_lock_is_nothing_to_be_seen(site, folder):
    ILockable(folder["page"]).lock()
    IAnnotations(folder["page"])["scales"] = 1
    commit()
    assert collected(site) == set()


def test_a_comment(site, folder):
    page = folder["page"]
    conversation = IConversation(page)
    comment = createObject("plone.Comment")
    comment.text = "Well said"
    getUtility(IRegistry)["plone.enable_sitemap"] = True
    collected(site)
    identifier = conversation.addComment(comment)
    assert reached(collected(site), "/folder/page", "/sitemap.xml.gz")
    del conversation[identifier]
    assert reached(collected(site), "/folder/page")


class TestAScript:
    @pytest.fixture(autouse=True)
    def script(self, site, folder, process):
        """Transactions of a script: no publisher says that they commit."""
        process.deliver()
        process.gateway.batches.clear()
        transaction.manager.registerSynch(unannounced._watch)
        yield
        transaction.manager.unregisterSynch(unannounced._watch)

    def test_has_its_silent_changes_seen_when_it_commits(self, folder, process):
        folder.setDefaultPage("page")
        transaction.commit()
        assert reached(process.deliver(), "/folder", "/folder?x=1", "/")

    def test_has_no_change_seen_that_it_aborts(self, folder, process):
        folder.setDefaultPage("page")
        transaction.abort()
        transaction.commit()
        assert process.deliver() == []
        assert process.outbox.status().prepared == 0

    def test_has_other_changes_sent_once(self, folder, process):
        notify(ObjectModifiedEvent(folder["page"], Attributes(None, "text")))
        transaction.commit()
        assert process.deliver() == ["/folder/page*"]
        assert len(process.gateway.batches) == 1

    def test_may_leave_the_look_to_a_suspension(self, folder, process):
        with suspended():
            folder.setDefaultPage("page")
            transaction.commit()
        transaction.commit()
        assert process.deliver() == ["/*"]


def commit_at(view: str) -> None:
    """Commit as at the end of a request for a view of the site."""
    request = getRequest()
    url = request.get("ACTUAL_URL")
    request["ACTUAL_URL"] = f"http://x/plone/{view}"
    try:
        commit()
    finally:
        request["ACTUAL_URL"] = url


def test_undo_purges_everything(site):
    commit_at("manage_undo_transactions")
    assert collected(site) == {"/*"}


@pytest.mark.parametrize("view", ["@aliases", "@@manage-aliases", "manage-aliases"])
def test_a_redirect_given_by_hand_purges_every_page(site, folder, view):
    storage = getUtility(IRedirectionStorage)
    storage.add("/plone/old", "/plone/folder", manual=True)
    commit_at(view)
    entries = changes_of(site).take()
    assert [(entry.item, entry.every) for entry in entries] == [("/*", 60.0)]


@pytest.mark.parametrize(
    "view", ["manage-viewlets", "toggle-visibility", "manage_catalogClear"]
)
def test_what_is_hidden_without_an_event_purges_every_page(site, folder, view):
    storage = getUtility(IViewletSettingsStorage)
    storage.setHidden("plone.portalheader", "Plone Default", ("plone.searchbox",))
    commit_at(view)
    assert collected(site) == {"/*"}


def test_a_script_in_the_zmi_purges_every_page(site):
    custom = site.portal_skins.custom
    manage_addPythonScript(custom, "answer")
    assert collected(site) == {"/*"}
    transaction.commit()
    custom["answer"].write("return 1")
    commit()
    assert collected(site) == {"/*"}
    transaction.commit()
    custom.manage_delObjects(["answer"])
    assert collected(site) == {"/*"}


def test_a_mark_of_a_navigation_root_changes_all_pages_below(site, folder):
    alsoProvides(folder, INavigationRoot)
    commit()
    assert reached(collected(site), "/folder/page")


def test_another_mark_changes_the_folder_only(site, folder):
    alsoProvides(folder, IPurgeable)
    commit()
    assert not reached(collected(site), "/folder/page")


def test_an_action_in_the_footer_purges_every_page(site):
    site.portal_actions.site_actions.accessibility.title = "Another"
    commit()
    assert collected(site) == {"/*"}


def test_a_page_that_code_hides_leaves_listings(site, folder):
    folder["page"].manage_permission("View", ["Manager"], acquire=0)
    commit()
    assert reached(collected(site), "/folder", "/folder/page", "/")


@pytest.mark.parametrize("public", [True, False])
def test_cache_tags_of_listings_are_purged_if_visitors_saw_the_page(
    site, folder, public
):
    page = folder["page"]
    page.manage_permission("View", ["Anonymous"] * public, acquire=0)
    transaction.commit()
    changes = changes_of(site)
    changes.settings = replace(changes.settings, by_tags=True, by_paths=False)
    page.manage_permission("View", ["Manager"], acquire=0)
    commit()
    items = collected(site)
    assert f"#{IUUID(page)}" in items
    assert (f"#{IUUID(folder)}.c" in items) is public


def test_a_permission_that_code_changed_leaves_the_edge_at_once(site, folder):
    folder.manage_permission("View", ["Manager"], acquire=0)
    commit()
    entries = changes_of(site).take()
    urgent = {entry.item for entry in entries if entry.urgent}
    assert urgent == {"/folder", "/folder*", "/*"}


# --- the order of a folder, which is in an annotation -----------------------------------


@pytest.fixture(params=["paths", "tags"])
def ordered(site, request):
    """A folder below the navigation with some pages, purged by paths or by tags."""
    folder = site
    for name in ("a", "b", "c", "d", "e"):
        folder = api.content.create(folder, "Folder", id=name)
    for name in ("page", "other", "third"):
        api.content.create(folder, "Document", id=name)
        # Things of the same id elsewhere
        api.content.create(site, "Document", id=name)
    commit()
    collected(site)
    transaction.commit()
    by_tags = request.param == "tags"
    changes = changes_of(site)
    changes.settings = replace(changes.settings, by_tags=by_tags, by_paths=not by_tags)
    return folder


AT = "/a/b/c/d/e"


def is_listing_purged(site, folder):
    items = collected(site)
    if any(item.startswith("#") for item in items):
        return f"#{IUUID(folder)}.c" in items
    return reached(items, AT, f"{AT}/listing_view", f"{AT}?b_start:int=20")


def test_an_order_that_is_changed_without_an_event(site, ordered):
    ordering = ordered.getOrdering()
    ordering.moveObjectToPosition("third", 0, suppress_events=True)
    commit()
    assert is_listing_purged(site, ordered)


def test_an_order_that_is_changed_before_a_savepoint(site, ordered):
    ordered.getOrdering().moveObjectToPosition("third", 0, suppress_events=True)
    transaction.savepoint()
    commit()
    assert is_listing_purged(site, ordered)


def test_an_order_by_a_key(site, ordered):
    ordered.getOrdering().orderObjects("getId")
    commit()
    assert is_listing_purged(site, ordered)


def test_another_way_to_order(site, ordered):
    ordered.setOrdering("unordered")
    commit()
    assert is_listing_purged(site, ordered)


def test_the_order_of_the_site(site, ordered):
    site.getOrdering().moveObjectToPosition("third", 0, suppress_events=True)
    commit()
    assert collected(site)


def test_an_order_that_is_as_before_purges_nothing(site, ordered):
    ordering = ordered.getOrdering()
    ordering.moveObjectToPosition("third", 0, suppress_events=True)
    ordering.moveObjectToPosition("third", 2, suppress_events=True)
    commit()
    assert not collected(site)


def test_a_list_of_something_else_is_no_order(site, ordered):
    IAnnotations(ordered)["mine"] = PersistentList(["page", "other"])
    commit()
    collected(site)
    transaction.commit()
    IAnnotations(ordered)["mine"].reverse()
    commit()
    assert not collected(site)
