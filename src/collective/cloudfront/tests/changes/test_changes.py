"""Specification: what changes in Plone, and which items that means."""

from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.purge import purge_all
from collective.cloudfront.purge import purge_path
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from plone.registry.interfaces import IRegistry
from z3c.caching.interfaces import IPurgePaths
from z3c.caching.purge import Purge
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.event import notify
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from zope.interface import implementer
from zope.interface import Interface
from zope.lifecycleevent import modified

import logging
import pytest
import transaction


@pytest.fixture
def site(portal):
    """The site with a distribution, and nothing collected yet."""
    getUtility(IRegistry)["collective.cloudfront.distribution_id"] = DISTRIBUTION
    return portal


def setting(name: str, value) -> None:
    getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value


def collected(site) -> set[str]:
    """Return the items collected so far, and forget them."""
    return {entry.item for entry in changes_of(site).take()}


def create(container, portal_type: str = "Document", **fields):
    return api.content.create(container, portal_type, **fields)


class TestWhatIsHeard:
    def test_an_edited_page_although_pages_are_not_among_the_purged_types(self, site):
        page = create(site, id="page")
        collected(site)
        modified(page)
        assert collected(site) == {
            "/page",
            "/page/",
            "/page/view",
            "/page/document_view",
        }

    def test_a_created_object_and_its_container(self, site):
        folder = create(site, "Folder", id="folder")
        collected(site)
        create(folder, id="page")
        assert {"/folder/page", "/folder", "/folder/"} <= collected(site)

    def test_a_published_object_and_its_container(self, site):
        site.portal_workflow.setDefaultChain("simple_publication_workflow")
        folder = create(site, "Folder", id="folder")
        page = create(folder, id="page")
        collected(site)
        api.content.transition(page, "publish")
        assert {"/folder/page", "/folder"} <= collected(site)

    def test_a_reordered_folder(self, site):
        folder = create(site, "Folder", id="folder")
        create(folder, id="one"), create(folder, id="two")
        collected(site)
        folder.moveObjectsToTop(["two"])
        modified(folder)
        assert "/folder" in collected(site)

    def test_an_image_with_its_scales(self, site):
        from plone.namedfile.file import NamedBlobImage
        from plone.namedfile.tests import getFile

        image = create(site, "Image", id="image")
        image.image = NamedBlobImage(getFile("image.png"), filename="ä ö.png")
        collected(site)
        modified(image)
        items = collected(site)
        assert "/image/@@images/image/preview" in items
        assert "/image/@@download/image/%C3%A4%20%C3%B6.png" in items

    def test_a_default_page_and_the_path_of_its_container(self, site):
        folder = create(site, "Folder", id="folder")
        page = create(folder, id="page")
        folder.setDefaultPage("page")
        collected(site)
        modified(page)
        assert {"/folder/page", "/folder", "/folder/"} <= collected(site)

    def test_the_front_page(self, site):
        notify(Purge(site))
        items = collected(site)
        assert "/" in items
        assert "/view" in items
        assert not any("//" in item for item in items)

    def test_whatever_somebody_sends_a_purge_event_for(self, site):
        page = create(site, id="page")
        collected(site)
        notify(Purge(page))
        assert "/page" in collected(site)


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
        assert {"/old*", "/new*", "/"} <= items
        assert not any(item.startswith(("/old/", "/new/")) for item in items)

    def test_a_move_is_both_places_and_both_containers(self, site, folder):
        target = create(site, "Folder", id="target")
        transaction.savepoint(optimistic=True)
        collected(site)
        api.content.move(folder["page-0"], target)
        items = collected(site)
        assert {"/old/page-0*", "/target/page-0*", "/old", "/target"} <= items

    def test_a_removal_is_the_subtree_and_the_container(self, site, folder):
        api.content.delete(folder)
        items = collected(site)
        assert {"/old*", "/"} <= items
        assert not any(item.startswith("/old/") for item in items)

    def test_a_copy_is_no_move(self, site, folder):
        api.content.copy(folder["page-0"], site)
        items = collected(site)
        assert "/page-0" in items
        assert not any(item.endswith("*") for item in items)


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
        assert {f"{expected}/folder/page", f"{expected}/folder"} <= items
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
        assert "/page" in collected(site)

    def test_a_rest_request_names_the_view_and_not_the_method(self, site):
        page = create(site, id="page")
        collected(site)
        request = getRequest()
        method, request.environ["REQUEST_METHOD"] = (
            request.environ.get("REQUEST_METHOD", "GET"),
            "PATCH",
        )
        request.method = "PATCH"
        try:
            notify(Purge(page))
        finally:
            request.environ["REQUEST_METHOD"] = request.method = method
        items = collected(site)
        assert not any("PATCH" in item for item in items)

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
