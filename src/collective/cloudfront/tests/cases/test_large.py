"""Specification: what a save makes stale does not grow with the site."""

from collective.cloudfront.tests.cases.conftest import make
from collective.cloudfront.tests.changes.test_changes import edited
from plone import api
from time import process_time

import pytest
import transaction


pytestmark = pytest.mark.only_long


@pytest.fixture
def crowd(site):
    """Two folders, of 10 and of 2,000 pages."""
    for name, many in (("few", 10), ("many", 2_000)):
        folder = make(site, "Folder", name)
        for number in range(many):
            make(folder, "Document", f"page-{number}")
        transaction.commit()
    return site


def timed(edge, change):
    began = process_time()
    with edge.change():
        change()
    return process_time() - began, set(edge.items)


@pytest.mark.parametrize("by_path", [False, True])
def test_a_page_in_a_large_folder_costs_as_many_items(edge, crowd, by_path):
    if by_path:
        edge.go_by_path()
    changes = {
        "text": lambda obj: edited(obj, "IRichTextBehavior.text"),
        "title": lambda obj: edited(obj, "IDublinCore.title"),
        "retract": lambda obj: api.content.transition(obj, "retract"),
        "delete": lambda obj: api.content.delete(obj, check_linkintegrity=False),
    }
    for name, change in changes.items():
        small, few = timed(edge, lambda: change(crowd["few"]["page-5"]))  # noqa: B023
        large, many = timed(edge, lambda: change(crowd["many"]["page-5"]))  # noqa: B023
        print(
            f"{name}: {len(few)}, {len(many)} items; {large / small:.2f} times as long"
        )
        # A name that others begin with takes three items
        assert len(many) <= len(few) + 4
        assert by_path or "/*" not in many
