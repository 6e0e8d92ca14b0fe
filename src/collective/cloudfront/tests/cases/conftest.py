"""A site with some of everything, behind an edge."""

from collective.cloudfront.tests.cases.edge import Edge
from plone import api
from plone.app.testing import applyProfile
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility

import pytest
import transaction


_LONG_AGO = "2020-01-01T00:00:00+00:00"


def make(container: Any, portal_type: str, name: str, **values: Any) -> Any:
    """Make something and publish it. Commit yourself."""
    title = values.pop("title", name.title())
    obj = api.content.create(container, portal_type, name, title=title, **values)
    if api.content.get_state(obj, default="") == "private":
        api.content.transition(obj, "publish")
    return obj


@pytest.fixture
def site(functional_portal: Any) -> Any:
    """A folder with pages, a folder below the navigation, and a collection of pages."""
    site = functional_portal
    registry = getUtility(IRegistry)
    registry["collective.cloudfront.cache_tags"] = "invalidate"
    registry["collective.cloudfront.cache_tags_since"] = _LONG_AGO
    applyProfile(site, "plone.restapi:default")
    site.portal_workflow.setDefaultChain("simple_publication_workflow")
    folder = make(site, "Folder", "folder")
    make(folder, "Document", "page")
    make(folder, "Document", "other")
    deep = make(make(folder, "Folder", "two"), "Folder", "three")
    make(make(deep, "Folder", "four"), "Document", "deep")
    make(
        site,
        "Collection",
        "listing",
        query=[
            {
                "i": "portal_type",
                "o": "plone.app.querystring.operation.selection.any",
                "v": ["Document"],
            }
        ],
    )
    transaction.commit()
    return site


@pytest.fixture
def edge(site: Any, functional: Any, monkeypatch: Any) -> Edge:
    """An edge before ``site``, which is purged by cache tag."""
    return Edge(functional["app"], site, functional["request"], monkeypatch)
