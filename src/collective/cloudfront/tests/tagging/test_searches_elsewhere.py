"""Specification: searches that another engine than Plone's catalog answers.

collective.elasticsearch and collective.solr replace methods of the catalog tool as
``replace`` does here, at Zope's start.
"""

from collective.cloudfront.controlpanel.checks.searches import searches
from collective.cloudfront.planning.late import INDEX_LAG
from collective.cloudfront.planning.late import Lately
from collective.cloudfront.planning.late import Purge
from collective.cloudfront.process import this_process
from collective.cloudfront.tagging.recording import patches
from collective.cloudfront.tagging.recording.readset import ReadSet
from DateTime import DateTime
from plone import api
from Products.CMFPlone.CatalogTool import CatalogTool
from Products.Five.browser import BrowserView
from types import SimpleNamespace
from typing import Any

import pytest
import sys
import time


#: Any edit decides whether this finds something.
EVER = {"query": DateTime(2000, 1, 1), "range": "min"}
SEARCHES = ("searchResults", "unrestrictedSearchResults", "__call__")


@pytest.fixture
def replace(tagged, monkeypatch):
    """Let another engine answer all searches, as it does before the first response."""

    def searches():
        # Not Plone's search results, whose columns are noted when they are read
        found = [
            SimpleNamespace(Title=brain.Title, UID=brain.UID, getId=brain.getId)
            for brain in tagged.portal_catalog(path="/plone")
        ]

        def search(self, REQUEST=None, **kw):
            return found

        patches.apply()
        for name in SEARCHES:
            monkeypatch.setattr(CatalogTool, name, search)
        patches.watch_catalog_tool()

    return searches


class Listing(BrowserView):
    """Shows what a search finds."""

    criteria: dict[str, Any] = {}

    def __call__(self):
        found = api.portal.get_tool("portal_catalog")(self.criteria)
        return ", ".join(each.Title for each in found)


def listing(**criteria):
    return type("Listing", (Listing,), {"criteria": criteria})


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"SearchableText": "page"},
        {"path": {"query": "/plone/folder", "depth": 1}},
        {"portal_type": "Document", "sort_on": "effective"},
        {"portal_type": "Document", "sort_on": "getObjPositionInParent"},
    ],
)
def test_it_depends_on_any_edit_of_what_the_query_may_find(
    replace, get, view, criteria
):
    view("any", listing(**{**criteria, "modified": EVER}))
    view("same", listing(**criteria))
    of_any_edit = get("/folder/@@any").tags
    replace()
    found = get("/folder/@@same")
    assert "Page" in found.body
    assert found.tags == of_any_edit


def test_what_the_tool_is_given_otherwise_counts_too(replace, get, view):
    class Kinds(BrowserView):
        def __call__(self):
            tool = api.portal.get_tool("portal_catalog")
            tool.unrestrictedSearchResults(UID="1" * 32)
            tool.searchResults(self.request, UID="2" * 32)
            return ""

    replace()
    view("kinds", Kinds)
    tags = get("/folder/@@kinds").tags
    assert {"1" * 32, "2" * 32} <= {tag.partition(".")[0] for tag in tags}


def test_a_tool_without_an_inner_catalog_is_taken_for_the_whole_site(tagged):
    readset = ReadSet(tagged, tagged.portal_registry)
    readset.note_search_elsewhere(SimpleNamespace(), (), {"UID": "1" * 32})
    [fact] = readset.facts()
    assert fact.key == "/plone"
    assert fact.edit


def test_a_search_that_passes_by_the_tool_is_taken_for_the_whole_site(
    tagged, get, view, monkeypatch
):
    class SolrConnection:
        def search(self, **params):
            return "found"

    solr = SimpleNamespace(SolrConnection=SolrConnection)
    monkeypatch.setitem(sys.modules, "collective.solr.solr", solr)
    patches.watch_solr()

    class Raw(BrowserView):
        def __call__(self):
            return SolrConnection().search(q="page")

    view("raw", Raw)
    view("any", listing(modified=EVER))
    assert get("/folder/@@raw").tags == get("/folder/@@any").tags


# --- the index is behind ----------------------------------------------------------


@pytest.fixture
def purged(get, monkeypatch):
    """Have everything purged, by a transaction that all responses show."""
    lately = Lately(time.time)
    monkeypatch.setattr(this_process(), "lately", lately)

    def everything(ago):
        lately.learn([Purge({"E1": ("/*",)}, time.time() - ago, 1)])

    return everything


@pytest.mark.parametrize(("ago", "stored"), [(0, False), (INDEX_LAG + 5, True)])
def test_after_a_purge_no_page_that_it_may_have_answered_wrongly_is_stored(
    replace, get, view, purged, ago, stored
):
    view("same", listing())
    purged(ago)
    assert is_stored(get("/folder/@@same"))
    replace()
    assert is_stored(get("/folder/@@same")) == stored


def is_stored(response):
    return "private" not in response.headers.get("Cache-Control", "")


# --- what people see --------------------------------------------------------------


@pytest.fixture
def check(tagged):
    return lambda: searches(tagged, tagged.REQUEST)


def test_the_catalog_answers(check):
    assert check() is None


def test_another_engine_answers(check, replace):
    replace()
    assert check().text.mapping["module"] == __name__
