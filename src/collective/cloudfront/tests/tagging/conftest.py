"""A site whose responses carry tags, and a visitor who asks for pages."""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_site
from collective.cloudfront.tagging.vocabulary.spelling import type_tag
from dataclasses import dataclass
from plone import api
from plone.app.testing import applyProfile
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from typing import Any
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.interface import Interface
from zope.publisher.interfaces.browser import IBrowserRequest

import pytest
import transaction


HEADERS = "collective.cloudfront.cache_tags"
EVENTS = type_tag("plone", "plone.event.interfaces.IEvent")


@dataclass
class Response:
    """What a visitor got, with the names of content for its UIDs."""

    status: int
    headers: Any
    body: str
    tags: set[str] | None


@pytest.fixture
def tagged(functional_portal: Any) -> Any:
    """A site with a folder that has a page in it, all published."""
    site = functional_portal
    getUtility(IRegistry)[HEADERS] = "headers"
    applyProfile(site, "plone.restapi:default")
    site.portal_workflow.setDefaultChain("simple_publication_workflow")
    make(site, "Folder", "folder")
    make(site["folder"], "Document", "page")
    transaction.commit()
    return site


def make(container: Any, portal_type: str, name: str, **values: Any) -> Any:
    """Make something and publish it. Commit yourself."""
    title = values.pop("title", name.title())
    obj = api.content.create(container, portal_type, name, title=title, **values)
    if api.content.get_state(obj, default="") == "private":
        api.content.transition(obj, "publish")
    return obj


@pytest.fixture
def get(tagged: Any, browser: Callable[..., Browser]) -> Callable[..., Response]:
    """Ask for a path below the site, as somebody who is not logged in."""

    def ask(path: str = "", who: str | None = None, **headers: str) -> Response:
        visitor = browser(who)
        visitor.handleErrors = True
        visitor.raiseHttpErrors = False
        visitor.followRedirects = False
        for name, value in headers.items():
            visitor.addHeader(name.replace("_", "-"), value)
        visitor.open(tagged.absolute_url() + path)
        header = visitor.headers.get("Cache-Tag")
        tags = None if header is None else set(named(tagged, header).split(","))
        assert tags is None or tags & tags_of_site("plone"), "cannot be purged with all"
        status = int(visitor.headers["Status"].split()[0])
        return Response(status, visitor.headers, visitor.contents, tags)

    return ask


@pytest.fixture
def view() -> Iterator[Callable[[str, Any], None]]:
    """Register views for this test."""
    registry = getGlobalSiteManager()
    registered = []

    def register(name: str, factory: Any) -> None:
        how = (factory, (Interface, IBrowserRequest), Interface, name)
        registry.registerAdapter(*how)
        registered.append(how)

    yield register
    for how in registered:
        registry.unregisterAdapter(*how)


def named(site: Any, tags: str) -> str:
    """Return tags with the ids of content for its UIDs."""
    names = {site.UID(): site.getId()}
    for brain in site.portal_catalog.unrestrictedSearchResults(path="/plone"):
        names[brain.UID] = brain.getId
    for uid, name in names.items():
        tags = tags.replace(uid, name)
    return tags
