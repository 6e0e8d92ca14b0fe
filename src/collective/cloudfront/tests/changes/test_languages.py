"""Specification: in a site with several languages, what differs for a visitor after a
change has been reached.

With plone.app.multilingual, pages link to their translations in their head, and to
``/@@multilingual-selector/…`` in the language selector, which redirects to them.
"""

from Acquisition import aq_base
from Acquisition import aq_parent
from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.reach import relations as reach
from collective.cloudfront.testing import use_distributions
from datetime import timedelta
from plone import api
from plone.app.contenttypes.behaviors.richtext import IRichTextBehavior
from plone.app.dexterity.behaviors.metadata import IDublinCore
from plone.app.event.dx.behaviors import IEventBasic
from plone.app.multilingual.dx.interfaces import ILanguageIndependentField
from plone.app.multilingual.interfaces import ATTRIBUTE_NAME
from plone.app.multilingual.interfaces import IPloneAppMultilingualInstalled
from plone.app.multilingual.interfaces import ITranslationManager
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.app.textfield.value import RichTextValue
from plone.portlets.constants import CONTEXT_ASSIGNMENT_KEY
from plone.protect.interfaces import IDisableCSRFProtection
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from typing import Any
from zope.annotation.interfaces import IAnnotations
from zope.component import getUtility
from zope.event import notify
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from zope.interface import alsoProvides
from zope.lifecycleevent import Attributes
from zope.lifecycleevent import ObjectModifiedEvent
from ZPublisher.pubevents import PubBeforeCommit

import pytest
import re
import transaction


#: Deeper than the navigation, so that not every page is purged.
EN, DE = "/en/one/two/three", "/de/eins/zwei/drei"


@pytest.fixture
def site(multilingual: Any, fixture: Any) -> Iterator[Any]:
    """A site with ``/en`` and ``/de``, and deep folders in both."""
    multilingual.testSetUp()
    site = multilingual["portal"]
    alsoProvides(getRequest(), IPloneAppMultilingualInstalled)
    setRoles(site, TEST_USER_ID, ["Manager"])
    site.portal_workflow.setDefaultChain("simple_publication_workflow")
    # Portlets at the site would have every page purged when news or events change
    IAnnotations(site).pop(CONTEXT_ASSIGNMENT_KEY)
    for language in ("en", "de"):
        api.content.transition(site[language], "publish")
        api.content.transition(site[language].assets, "publish")
    for path in (EN, DE):
        folder = site[path.split("/")[1]]
        for name in path.split("/")[2:]:
            folder = create(folder, "Folder", name)
    use_distributions()
    transaction.commit()
    yield site
    multilingual.testTearDown()


def create(container: Any, portal_type: str, name: str, **fields: Any) -> Any:
    """Create and publish content."""
    content = api.content.create(container, portal_type, name, title=name, **fields)
    if api.portal.get_tool("portal_workflow").getChainFor(content):
        api.content.transition(content, "publish")
    return content


def link(obj: Any, translation: Any) -> None:
    ITranslationManager(obj).register_translation(translation.language, translation)


def unlink(obj: Any, language: str) -> None:
    ITranslationManager(obj).remove_translation(language)


def edited(obj: Any, schema: Any, *names: str) -> None:
    """Tell that these fields were edited, as forms and the REST API do."""
    notify(ObjectModifiedEvent(obj, Attributes(schema, *names)))


class Edge:
    """What visitors see, and which of it was reached."""

    def __init__(self, site: Any, app: Any):
        self.site, self.browser = site, Browser(app)
        self.browser.followRedirects = False
        self.browser.raiseHttpErrors = False
        self.urls: set[str] = set()
        self.request = getRequest()

    def look(self) -> dict[str, str]:
        """Return the answer at each URL that content has or ever had."""
        brains = self.site.portal_catalog.unrestrictedSearchResults(path="/plone")
        for path in (brain.getPath().removeprefix("/plone") for brain in brains):
            if path.count("/") >= EN.count("/"):  # the others show nothing of it
                self.urls.add(path)
        groups = {brain.TranslationGroup for brain in brains if brain.TranslationGroup}
        for group in groups:
            for language in ("en", "de"):
                self.urls.add(f"/@@multilingual-selector/{group}/{language}")
            self.urls.add(f"/@@multilingual-universal-link/{group}/en")
        return {url: self._answer(url) for url in sorted(self.urls)}

    def _answer(self, url: str) -> str:
        self.browser.open(self.site.absolute_url() + url)
        headers = self.browser.headers
        # What differs from one answer to the next although nothing changed.
        body = re.sub(rb"_authenticator=\w+", b"", self.browser._response.body)
        return f"{headers['Status']} {headers.get('Location')} {body.decode()}"

    def after(self, change: Callable[[], Any]) -> tuple[set[str], set[str]]:
        """Return which URLs have changed after ``change``, and the items sent."""
        transaction.commit()
        before = self.look()
        setRequest(self.request)  # the browser has cleared it
        change()
        notify(PubBeforeCommit(getRequest()))
        items = {entry.item for entry in changes_of(self.site).take() if entry.item}
        transaction.commit()
        now = self.look()
        return {url for url, was in before.items() if now[url] != was}, items


@pytest.fixture
def edge(site: Any, multilingual: Any) -> Edge:
    return Edge(site, multilingual["app"])


def check(edge: Edge, change: Callable[[], Any], *expected: str) -> set[str]:
    """Assert that all URLs that differ were reached, the expected among them, and not
    because every page was.
    """
    changed, items = edge.after(change)
    assert not expected or changed.issuperset(expected), changed
    assert "/*" not in items
    stale = {url for url in changed if not any(reaches(i, url) for i in items)}
    assert not stale, items
    return items


@pytest.fixture
def page(site: Any) -> Any:
    """A page in English."""
    return create(site.en.one.two.three, "Document", "page")


@pytest.fixture
def seite(site: Any) -> Any:
    """A page in German."""
    return create(site.de.eins.zwei.drei, "Document", "seite")


@pytest.fixture
def linked(page: Any, seite: Any) -> None:
    link(page, seite)
    transaction.commit()


PAGE, SEITE = f"{EN}/page", f"{DE}/seite"


class TestTranslations:
    def test_are_reached_when_they_are_linked(self, edge, page, seite):
        check(edge, lambda: link(page, seite), PAGE, SEITE)

    def test_are_reached_when_they_are_unlinked(self, edge, linked, page):
        check(edge, lambda: unlink(page, "de"), PAGE, SEITE)

    def test_are_reached_when_a_page_unlinks_itself(self, edge, linked, seite):
        check(edge, lambda: unlink(seite, "de"), PAGE, SEITE)

    def test_are_reached_when_one_is_linked_to_another_page(
        self, edge, site, linked, seite
    ):
        other = create(site.en.one.two.three, "Folder", "other")
        page = create(other, "Document", "page")
        check(edge, lambda: link(page, seite), PAGE, SEITE, f"{EN}/other/page")

    def test_are_reached_when_one_is_added(self, edge, site, page):
        def add():
            create(site.de.eins.zwei.drei, "Document", "seite")
            link(page, site.de.eins.zwei.drei.seite)

        check(edge, add, PAGE)

    @pytest.mark.usefixtures("linked")
    def test_are_reached_when_one_is_retracted(self, edge, seite):
        check(edge, lambda: api.content.transition(seite, "retract"), PAGE, SEITE)

    @pytest.mark.usefixtures("linked")
    def test_are_reached_when_one_is_published(self, edge, seite):
        api.content.transition(seite, "retract")
        check(edge, lambda: api.content.transition(seite, "publish"), PAGE, SEITE)

    @pytest.mark.usefixtures("linked")
    def test_are_reached_when_one_is_renamed(self, edge, seite):
        check(edge, lambda: api.content.rename(seite, "neu"), PAGE, SEITE)

    @pytest.mark.usefixtures("linked")
    def test_are_reached_when_one_is_removed(self, edge, seite):
        check(edge, lambda: api.content.delete(seite), PAGE, SEITE)

    @pytest.mark.usefixtures("linked")
    def test_are_reached_by_a_new_title(self, edge, seite):
        """A theme may show it."""

        def edit():
            seite.title = "Neu"
            seite.reindexObject()
            edited(seite, IDublinCore, "title")

        items = check(edge, edit, SEITE)
        assert any(reaches(item, PAGE) for item in items)

    @pytest.mark.usefixtures("linked")
    def test_are_reached_where_the_navigation_is_left_to_expire(self, edge, site):
        registry = getUtility(IRegistry)
        registry["collective.cloudfront.navigation_changes"] = "object"
        oben = create(site.de, "Document", "oben")
        link(create(site.en, "Document", "top"), oben)
        items = check(edge, lambda: edited(oben, IDublinCore, "title"))
        assert any(reaches(item, "/en/top") for item in items)

    def test_of_a_page_that_has_no_group_are_not_looked_for(self, edge, site, page):
        """Looking for them with plone.app.multilingual would write, and switch the
        protection against forged requests off.
        """
        delattr(aq_base(page), ATTRIBUTE_NAME)
        edge.after(lambda: api.content.delete(page))
        assert not IDisableCSRFProtection.providedBy(edge.request)


class TestTranslationsBelowAFolder:
    @pytest.fixture
    def bereich(self, site, page):
        """A folder in German, with a translation of the page below."""
        bereich = create(site.de.eins.zwei.drei, "Folder", "bereich")
        link(page, create(create(bereich, "Folder", "innen"), "Document", "seite"))
        return bereich

    def test_are_reached_when_it_is_renamed(self, edge, bereich):
        check(edge, lambda: api.content.rename(bereich, "neu"), PAGE)

    def test_are_reached_when_it_is_removed(self, edge, bereich):
        check(edge, lambda: api.content.delete(bereich), PAGE)

    def test_are_reached_when_it_moves_to_another_language(self, edge, bereich, site):
        def move():
            api.content.move(bereich, site.en.one.two.three)

        check(edge, move, PAGE)

    def test_are_reached_when_it_is_private_and_removed(self, edge, bereich):
        api.content.transition(bereich, "retract")
        check(edge, lambda: api.content.delete(bereich), PAGE)

    def test_are_reached_when_what_has_no_workflow_is_retracted_with_it(
        self, edge, bereich, site
    ):
        site.portal_workflow.setChainForPortalTypes(["Event"], "")
        event = create(site.en.one.two.three, "Event", "event")
        link(event, create(bereich, "Event", "ereignis"))
        check(edge, lambda: api.content.transition(bereich, "retract"), f"{EN}/event")

    def test_every_page_is_reached_if_there_are_many(self, edge, bereich, monkeypatch):
        monkeypatch.setattr(reach, "MOST_BELOW", 1)
        _changed, items = edge.after(lambda: api.content.rename(bereich, "neu"))
        assert "/*" in items

    def test_where_there_is_none_the_language_selector_is_reached(
        self, edge, bereich, page, site
    ):
        """It leads to the translation of the folder then."""
        folder = create(site.en.one.two.three, "Folder", "folder")
        create(folder, "Document", "untranslated")
        changed, items = edge.after(lambda: link(folder, bereich))
        assert sum(url.startswith("/@@multilingual-selector") for url in changed) >= 2
        check(edge, lambda: api.content.transition(bereich, "retract"))


class TestFieldsThatAllLanguagesShare:
    def test_are_reached_in_each(self, edge, site):
        assert ILanguageIndependentField.providedBy(IEventBasic["start"])
        event = create(site.en.one.two.three, "Event", "event")
        ereignis = create(site.de.eins.zwei.drei, "Event", "ereignis")
        link(event, ereignis)

        def edit():
            event.start += timedelta(days=-40)
            edited(event, IEventBasic, "start")

        check(edge, edit, f"{EN}/event", f"{DE}/ereignis")
        assert ereignis.start == event.start


class TestAssets:
    """What is below ``/en/assets`` is below ``/de/assets``, too: the same content."""

    @pytest.fixture
    def asset(self, site):
        return self.make(site)

    def make(self, site):
        folder = create(site.en.assets, "Folder", "a")
        for name in "bc":
            folder = create(folder, "Folder", name)
        return create(folder, "Document", "asset")

    HERE, THERE = "/en/assets/a/b/c", "/de/assets/a/b/c"
    BOTH = (f"{HERE}/asset", f"{THERE}/asset")

    def test_are_reached_in_each_language_when_edited(self, edge, asset):
        def edit():
            asset.text = RichTextValue("<p>New</p>", "text/html", "text/html")
            edited(asset, IRichTextBehavior, "text")

        check(edge, edit, *self.BOTH)

    def test_are_reached_in_each_language_when_changed_by_code(self, edge, asset):
        def change():
            asset.text = RichTextValue("<p>New</p>", "text/html", "text/html")

        check(edge, change, *self.BOTH)

    def test_are_reached_in_each_language_when_added(self, edge, asset):
        folder = aq_parent(asset)
        check(edge, lambda: create(folder, "Document", "new"), self.HERE, self.THERE)

    def test_are_reached_in_each_language_when_renamed(self, edge, asset):
        check(edge, lambda: api.content.rename(asset, "new"), *self.BOTH)

    def test_are_urgent_in_each_language_when_retracted(self, edge, site, asset):
        transaction.commit()
        api.content.transition(asset, "retract")
        urgent = {entry.item for entry in changes_of(site).take() if entry.urgent}
        assert all(any(reaches(i, url) for i in urgent) for url in self.BOTH)

    def test_are_reached_in_each_language_when_removed(self, edge, asset):
        check(edge, lambda: api.content.delete(asset), *self.BOTH)

    def test_are_called_as_each_language_calls_them(self, edge, site):
        site.portal_types["LIF"].global_allow = True  # what a rename asks for
        api.content.rename(site.de.assets, "medien")
        asset = self.make(site)
        there = "/de/medien/a/b/c/asset"
        check(edge, lambda: api.content.delete(asset), self.BOTH[0], there)
