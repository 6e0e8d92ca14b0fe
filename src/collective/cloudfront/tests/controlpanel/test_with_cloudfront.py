"""The caching profile "With CloudFront": imported by a person, and what it does."""

from base64 import b64decode
from collective.cloudfront.settings import PURGING_ENABLED
from plone import api
from plone.app.textfield.value import RichTextValue
from plone.namedfile.file import NamedBlobFile
from plone.namedfile.file import NamedBlobImage
from plone.registry.interfaces import IRegistry
from types import SimpleNamespace
from zope.component import getUtility

import pytest
import transaction


ENABLED = "plone.caching.interfaces.ICacheSettings.enabled"
MAPPING = "plone.caching.interfaces.ICacheSettings.operationMapping"
RULES = "plone.app.caching.interfaces.IPloneCacheSettings.templateRulesetMapping"
PROXIES = "plone.cachepurging.interfaces.ICachePurgingSettings.cachingProxies"
SYNDICATION = "plone.base.interfaces.syndication.ISiteSyndicationSettings"

GIF = b64decode(b"R0lGODlhAQABAIAAAP8AAAAAACwAAAAAAQABAAACAkQBADs=")

AT_THE_EDGE = "max-age=0, s-maxage=86400, must-revalidate"
FOR_A_YEAR = "max-age=31536000, proxy-revalidate, public"
PRIVATE = "max-age=0, must-revalidate, private"

PAGES = ["/page", "/folder", "/folder/rss.xml"]
FILES = ["/file/@@download/file", "/image/@@images/image/mini"]
RESOURCES = ["/++resource++plone-logo.svg", "/++resource++plone.app.caching.gif"]


@pytest.fixture
def site(functional_portal):
    """A site with one of everything, all published."""
    registry = getUtility(IRegistry)
    registry[f"{SYNDICATION}.default_enabled"] = True
    registry[PURGING_ENABLED] = False
    api.portal.get_tool("portal_workflow").setDefaultChain(
        "simple_publication_workflow"
    )
    text = RichTextValue("<p>Text</p>", "text/html", "text/x-html-safe")
    for portal_type, name, fields in (
        ("Document", "page", {"text": text}),
        ("Document", "draft", {}),
        ("Folder", "folder", {}),
        ("File", "file", {"file": NamedBlobFile(b"%PDF", "application/pdf", "a.pdf")}),
        ("Image", "image", {"image": NamedBlobImage(GIF, "image/gif", "a.gif")}),
    ):
        content = api.content.create(functional_portal, portal_type, name, **fields)
        if portal_type in ("Document", "Folder") and name != "draft":
            api.content.transition(content, "publish")
    transaction.commit()
    return functional_portal


def import_profile(profile="collective.cloudfront:with-cloudfront"):
    setup = api.portal.get_tool("portal_setup")
    setup.runAllImportStepsFromProfile(f"profile-{profile}")
    transaction.commit()


@pytest.fixture
def imported(site):
    import_profile()
    return site


@pytest.fixture
def headers(imported, browser):
    """Return the headers that matter of an answer, to whoever asks."""

    def ask(path, person=None):
        person = person or browser(None)
        person.open(imported.absolute_url() + path)
        return SimpleNamespace(
            **{
                name: person.headers.get(header)
                for name, header in (
                    ("control", "Cache-Control"),
                    ("etag", "ETag"),
                    ("modified", "Last-Modified"),
                    ("rule", "X-Cache-Rule"),
                )
            }
        )

    return ask


# --- the import ------------------------------------------------------------------


def test_a_person_imports_it_which_enables_caching_and_purging(site, browser):
    person = browser()
    person.open(f"{site.absolute_url()}/@@caching-controlpanel-import")
    person.getControl(name="profile").value = ["collective.cloudfront:with-cloudfront"]
    assert "With CloudFront and cache tags" in person.contents
    # Of the whole site, which takes its time
    person.getControl("Take a snapshot").selected = False
    person.getControl(name="form.button.Import").click()
    assert "Import complete." in person.contents
    transaction.begin()
    registry = getUtility(IRegistry)
    assert registry[ENABLED] is True
    assert registry[PURGING_ENABLED] is True
    assert not registry[PROXIES]


def test_links_in_texts_lead_to_where_pages_are(imported, browser):
    target = api.content.create(imported, "Document", "target")
    page = api.content.create(imported, "Document", "linking")
    page.text = RichTextValue(
        f'<p><a href="resolveuid/{target.UID()}">There</a></p>',
        "text/html",
        "text/x-html-safe",
    )
    api.content.transition(page, "publish")
    transaction.commit()
    visitor = browser(None)
    for name in ("target", "renamed", "again"):
        if name != target.getId():
            api.content.rename(target, name)
            transaction.commit()
        visitor.open(page.absolute_url())
        assert f'href="{imported.absolute_url()}/{name}">There' in visitor.contents


def test_our_own_settings_and_the_rules_of_others_stay(site):
    registry = getUtility(IRegistry)
    registry[MAPPING] = {"our.rule": "plone.app.caching.noCaching"}
    registry[PROXIES] = ("http://127.0.0.1:6081",)
    registry["collective.cloudfront.window"] = 2.5
    transaction.commit()
    ours = {
        name: record.value
        for name, record in registry.records.items()
        if name.startswith("collective.cloudfront.")
    }
    import_profile()
    assert registry[MAPPING]["our.rule"] == "plone.app.caching.noCaching"
    assert registry[PROXIES] == ("http://127.0.0.1:6081",)
    assert ours == {name: registry[name] for name in ours}


# --- what visitors get -----------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_pages_and_feeds_stay_at_the_edge_for_a_day(headers, path):
    found = headers(path)
    assert found.control == AT_THE_EDGE


@pytest.mark.parametrize("path", PAGES)
def test_pages_and_feeds_have_nothing_that_an_old_copy_could_match(headers, path):
    found = headers(path)
    assert found.etag is None
    assert found.modified is None


@pytest.mark.parametrize("path", FILES)
def test_files_and_image_scales_do_too_and_can_be_revalidated(headers, path):
    found = headers(path)
    assert found.rule == "plone.content.file"
    assert found.control == AT_THE_EDGE
    assert found.modified
    assert found.etag is None


@pytest.mark.parametrize("path", RESOURCES)
def test_resources_do_too(headers, path):
    found = headers(path)
    assert found.rule == "plone.resource"
    assert found.control == AT_THE_EDGE
    assert found.modified


def test_what_is_called_stable_stays_a_year(imported, headers):
    # Which of Plone's resources are differs from release to release.
    api.portal.set_registry_record(RULES, {"sitemap": "plone.stableResource"})
    transaction.commit()
    assert headers("/sitemap").control == FOR_A_YEAR


def test_a_new_feed_is_not_answered_from_zopes_memory(imported, browser):
    visitor = browser(None)
    visitor.open(f"{imported.absolute_url()}/folder/rss.xml")
    imported["folder"].title = "Renamed"
    transaction.commit()
    visitor.open(f"{imported.absolute_url()}/folder/rss.xml")
    assert b"Renamed" in visitor.contents


# --- what is nobody else's business ----------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *FILES])
def test_what_logged_in_people_get_is_never_shared(headers, browser, path):
    assert headers(path, browser()).control == PRIVATE


def test_a_draft_is_never_shared(headers, browser):
    assert headers("/draft", browser()).control == PRIVATE


def test_a_page_with_a_status_message_is_never_shared(headers):
    assert headers("/page?statusmessages=1").control == PRIVATE


# --- after another profile -------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *FILES, *RESOURCES])
def test_what_was_imported_before_makes_no_difference(site, headers, path):
    import_profile("plone.app.caching:with-caching-proxy")
    import_profile()
    found = headers(path)
    assert found.control == AT_THE_EDGE
    # Zope gives resources one, which is made of size and time.
    assert found.etag is None or path in RESOURCES
