"""Specification: by paths, an answer of REST with whole objects is purged or not stored."""

from collective.cloudfront.local.rules import reaches
from collective.cloudfront.process import this_process
from collective.cloudfront.tests.tagging.conftest import HEADERS
from collective.cloudfront.tests.tagging.conftest import make
from collective.cloudfront.tests.tagging.test_responses import query
from plone.app.contenttypes.behaviors.richtext import IRichText
from plone.app.textfield.value import RichTextValue
from plone.registry.interfaces import IRegistry
from urllib.parse import quote
from zope.component import getUtility
from zope.event import notify
from zope.lifecycleevent import Attributes
from zope.lifecycleevent import ObjectModifiedEvent

import json
import pytest
import transaction


PRIVATE = "private, no-store"
CRITERION = {
    "i": "portal_type",
    "o": "plone.app.querystring.operation.selection.any",
    "v": ["Document"],
}


def asked(**more) -> str:
    """Return the path of a listing block's question."""
    question = json.dumps({"query": [CRITERION], **more})
    return f"@querystring-search?query={quote(question)}"


#: Answers that show whole objects of a folder only, or dates of theirs.
OF_FOLDER = [
    "folder?fullobjects=1",
    "folder?fullobjects",
    "folder?b_size=10&fullobjects=1",
    "folder?metadata_fields=modified",
    "folder?metadata_fields=_all",
]
#: Answers that may show whole objects, or dates, from anywhere.
OF_ANYTHING = [
    "@search?fullobjects=1",
    "folder/@search?portal_type=Document&fullobjects",
    "folder/@search?metadata_fields=modified",
    "folder/@search?metadata_fields=created&metadata_fields=ModificationDate",
    asked(fullobjects=True),
    asked(metadata_fields="modified"),
    asked(metadata_fields=["created", "Date"]),
    "collection?fullobjects=1",
    "collection?metadata_fields=modified",
    "folder?fullobjects=1&include_items=1",
]
#: Answers with labels.
OF_LABELS = [
    "folder",
    "folder?b_size=10",
    "folder?include_items=1",
    "@search?portal_type=Document",
    "@search?metadata_fields=created",
    asked(metadata_fields="_all", fullobjects=False),
    "collection",
    "collection?b_size=10",
]


@pytest.fixture
def site(tagged):
    """A site that purges by paths, also those of REST."""
    make(tagged, "Collection", "collection", query=query("Document"))
    getUtility(IRegistry)["collective.cloudfront.api_paths"] = "on"
    by("off")
    return tagged


def by(cache_tags: str) -> None:
    getUtility(IRegistry)[HEADERS] = cache_tags
    transaction.commit()


def edit(page) -> set[str]:
    """Edit the text of a page; return what that purges."""
    this_process().deliver()
    this_process().gateway.batches.clear()
    page.text = RichTextValue("<p>New</p>", "text/html", "text/x-html-safe")
    notify(ObjectModifiedEvent(page, Attributes(IRichText, "IRichTextBehavior.text")))
    transaction.commit()
    return set(this_process().deliver())


@pytest.mark.parametrize("path", OF_FOLDER)
def test_a_folder_with_whole_objects_is_purged_when_a_text_is_edited(site, get, path):
    answer = get(f"/++api++/{path}")
    assert answer.status == 200
    assert answer.headers.get("Cache-Control") != PRIVATE
    items = edit(site["folder"]["page"])
    assert any(reaches(item, f"/++api++/{path}") for item in items)


def test_the_site_with_whole_objects_is_purged_when_a_text_is_edited(site, get):
    make(site, "Document", "top")
    transaction.commit()
    items = edit(site["top"])
    for path in ("/++api++?fullobjects=1", "/++api++/?fullobjects=1"):
        assert b"top" in get(path).body
        assert any(reaches(item, path) for item in items)


def test_that_costs_one_item_where_rest_is_purged_and_none_elsewhere(site):
    cost = len(edit(site["folder"]["page"]))
    getUtility(IRegistry)["collective.cloudfront.api_paths"] = "off"
    # The answers of the page itself have twins in REST
    assert len(edit(site["folder"]["page"])) == (cost - 1) / 2


@pytest.mark.parametrize("path", OF_ANYTHING)
def test_an_answer_with_whole_objects_from_anywhere_is_not_stored(site, get, path):
    answer = get(f"/++api++/{path}")
    assert answer.status == 200
    assert answer.headers.get("Cache-Control") == PRIVATE
    plain = get(f"/{path}", Accept="application/json")
    assert plain.headers.get("Cache-Control") == PRIVATE


@pytest.mark.parametrize("path", OF_LABELS)
def test_an_answer_with_labels_is(site, get, path):
    answer = get(f"/++api++/{path}")
    assert answer.status == 200
    assert answer.headers.get("Cache-Control") != PRIVATE


@pytest.mark.parametrize("path", OF_ANYTHING)
def test_by_tags_an_answer_with_whole_objects_is_stored(site, get, path):
    by("invalidate")
    answer = get(f"/++api++/{path}")
    assert answer.headers.get("Cache-Control") != PRIVATE
    assert answer.tags


def test_a_page_of_classic_ui_is_stored_whatever_its_query(site, get):
    assert get("/folder?fullobjects=1").headers.get("Cache-Control") != PRIVATE
