"""Specification: entries of content that is gone make no purge broader, and none fail."""

from collective.cloudfront.reach.portlets import remember_all_places
from collective.cloudfront.tests.cases.conftest import make
from collective.cloudfront.tests.changes.test_changes import edited
from plone import api
from plone.app.portlets.portlets import navigation
from plone.portlet.collection import collection
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.portlets.interfaces import IPortletManager
from z3c.relationfield import RelationValue
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.intid.interfaces import IIntIds

import pytest
import transaction


def portlets(place):
    manager = getUtility(IPortletManager, name="plone.leftcolumn")
    return getMultiAdapter((place, manager), IPortletAssignmentMapping)


@pytest.fixture
def gone(site):
    """A folder with portlets, a collection, a related page, and a page in the folder
    are gone, and nobody told the catalog.
    """
    folder, page = site["folder"], site["folder"]["two"]["three"]["four"]["deep"]
    number = getUtility(IIntIds).getId(page)
    section = make(folder, "Folder", "section")
    shown = make(folder, "Collection", "shown")
    make(folder, "Document", "related", relatedItems=[RelationValue(number)])
    make(folder["two"], "Document", "lost")
    portlets(section)["one"] = navigation.Assignment(root_uid=section.UID())
    kept = portlets(folder)
    kept["one"] = collection.Assignment(header="Shown", uid=shown.UID())
    kept["two"] = navigation.Assignment(root_uid=section.UID())
    transaction.commit()
    for container, name in (
        (folder, "section"),
        (folder, "shown"),
        (folder, "related"),
        (folder["two"], "lost"),
    ):
        del container._tree[name]
    transaction.commit()
    return page


CHANGES = {
    "title": lambda page: edited(page, "IDublinCore.title"),
    "text": lambda page: edited(page, "IRichTextBehavior.text"),
    "retract": lambda page: api.content.transition(page, "retract"),
    "retract a folder": lambda page: api.content.transition(
        page.aq_parent.aq_parent.aq_parent, "retract"
    ),
    "rename": lambda page: api.content.rename(page, "renamed"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("by_path", [False, True])
def test_what_is_gone_is_passed_over(edge, gone, caplog, change, by_path):
    if by_path:
        edge.go_by_path()
    with edge.change():
        CHANGES[change](gone)
    errors = [record for record in caplog.records if record.exc_info]
    assert not errors
    assert edge.items
    assert by_path or "/*" not in edge.items


def test_by_path_a_title_below_the_navigation_does_not_purge_everything(edge, gone):
    edge.go_by_path()
    with edge.change():
        edited(gone, "IDublinCore.title")
    assert "/*" not in edge.items


def test_places_with_portlets_are_found(site, gone):
    remember_all_places(site)
