"""Specification: the tags of pages that lead to their translations."""

from collections.abc import Iterator
from collective.cloudfront.reach.by_tag import change_at_place
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_change
from collective.cloudfront.tagging.vocabulary.spelling import group_tag
from collective.cloudfront.tests.tagging.conftest import HEADERS
from collective.cloudfront.tests.tagging.conftest import make
from collective.cloudfront.tests.tagging.conftest import named
from collective.cloudfront.tests.tagging.test_who_gets_tags import cached
from plone import api
from plone.app.multilingual.api import get_translation_manager
from plone.app.multilingual.interfaces import IPloneAppMultilingualInstalled
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.namedfile.file import NamedBlobImage
from plone.namedfile.tests import getFile
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from typing import Any
from zope.component import getUtility
from zope.globalrequest import getRequest
from zope.interface import alsoProvides

import pytest
import transaction


@pytest.fixture
def site(multilingual: Any, fixture: Any) -> Iterator[Any]:
    """A site with a page in two languages, and another one."""
    multilingual.testSetUp()
    site = multilingual["portal"]
    alsoProvides(getRequest(), IPloneAppMultilingualInstalled)
    setRoles(site, TEST_USER_ID, ["Manager"])
    getUtility(IRegistry)[HEADERS] = "headers"
    negotiating("content")
    site.portal_workflow.setDefaultChain("simple_publication_workflow")
    for language, name in (("en", "page"), ("de", "seite")):
        api.content.transition(site[language], "publish")
        make(site[language], "Document", name)
    make(site["en"], "Document", "other")
    get_translation_manager(site.en.page).register_translation("de", site.de.seite)
    transaction.commit()
    yield site
    multilingual.testTearDown()


def tags(site: Any, path: str) -> set[str]:
    visitor = Browser(site.getPhysicalRoot())
    visitor.followRedirects = False
    visitor.open(site.absolute_url() + path)
    return set(named(site, visitor.headers["Cache-Tag"]).split(","))


def test_a_page_depends_on_its_translations_only(site):
    group = get_translation_manager(site.en.page).tg
    for _stored in range(2):
        found = tags(site, "/en/page")
        assert {"page", named(site, f"{group}.g"), "en.l", "plone.l", "plone.m"} < found
        assert not found & {"plone.b", "en.b", "other", "other.l"}


def test_the_navigation_of_a_language_is_its_own(site):
    found = tags(site, "/en/page")
    assert "en.b3" in found
    assert not found & {"plone.b3", "de.b3", "plone.b"}


def test_the_selector_depends_on_the_translation_it_leads_to(site):
    group = get_translation_manager(site.en.page).tg
    found = tags(site, f"/@@multilingual-selector/{group}/de")
    assert {named(site, f"{group}.g"), "plone.m"} < found
    assert found & {"seite", "seite.l"}


def test_the_front_page_leads_to_a_language(site):
    found = tags(site, "")
    assert {"plone", "en.l"} < found


def test_a_change_purges_what_depends_on_its_translations(site):
    group = get_translation_manager(site.en.page).tg
    changed = tags_of_change(*change_at_place(site.de.seite, site))
    assert group_tag(group) in changed
    assert named(site, group_tag(group)) in tags(site, "/en/page")


# --- a language that the browser, or a cookie, chose ----------------------------------

LANGUAGE = "I18N_LANGUAGE"
SETTINGS = ("request", "cookie", "content", "path")


def negotiating(*used: str, **settings: Any) -> None:
    registry = getUtility(IRegistry)
    for name in SETTINGS:
        registry[f"plone.use_{name}_negotiation"] = name in used
    for name, value in settings.items():
        registry[f"plone.{name}"] = value
    transaction.commit()


def shared(site: Any, path: str, accept: str = "de", cookie: str = "") -> bool:
    visitor = Browser(site.getPhysicalRoot())
    visitor.followRedirects = False
    visitor.raiseHttpErrors = False
    visitor.handleErrors = True
    visitor.addHeader("Accept-Language", accept)
    if cookie:
        visitor.addHeader("Cookie", f"{LANGUAGE}={cookie}")
    visitor.open(site.absolute_url() + path)
    return visitor.headers.get("Cache-Control") != "private, no-store"


@pytest.mark.parametrize("mode", ["headers", "off"])
def test_a_language_that_the_browser_chose_is_not_shared(site, mode):
    negotiating("request")
    getUtility(IRegistry)[HEADERS] = mode
    transaction.commit()
    pages = ("", "/", "/en/page", "/++api++/en/page", "/en/nope", "/@@search")
    assert [path for path in pages if shared(site, path)] == []
    # Whoever says nothing is not answered for all either
    assert not shared(site, "", accept="")


def test_a_language_that_a_cookie_chose_is_not_shared(site):
    negotiating("cookie")
    assert not shared(site, "", cookie="de")
    assert not shared(site, "/en/page", cookie="de")
    negotiating("cookie", authenticated_users_only=True)
    assert shared(site, "", cookie="de")


def test_a_language_that_the_url_decides_is_shared(site):
    negotiating("request", "cookie", "content")
    paths = ["/en/page", "/de/seite", "/++api++/en/page", "/en", "/en/nope"]
    assert [path for path in paths if not shared(site, path)] == []
    assert not shared(site, "")
    negotiating("request", "cookie", "path")
    assert [path for path in paths if not shared(site, path)] == []
    assert not shared(site, "")


def test_without_negotiation_everything_is_shared(site):
    negotiating("content")
    assert shared(site, "")
    assert shared(site, "/en/page")
    negotiating("request", available_languages=["en"])
    assert shared(site, "/en/page")


def test_what_has_no_language_is_shared(site):
    negotiating("request")
    image = NamedBlobImage(getFile("image.png"), filename="image.png")
    make(site["en"], "Image", "picture", image=image)
    transaction.commit()
    assert shared(site, "/en/picture/@@images/image/mini")
    assert not shared(site, "/en/picture/view")


def test_what_says_by_what_it_varies_is_shared(site):
    negotiating("request")
    cached("plone.content.itemView", "moderateCaching", smaxage=60)
    assert not shared(site, "/en/page")
    cached(
        "plone.content.itemView",
        "moderateCaching",
        smaxage=60,
        vary="Accept-Language, X-Other",
    )
    assert shared(site, "/en/page")
    negotiating("request", "cookie")
    assert not shared(site, "/en/page")
