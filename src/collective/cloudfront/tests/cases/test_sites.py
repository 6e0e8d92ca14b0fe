"""Specification: a site that is renamed, moved, copied, deleted, or beside another one."""

from collective.cloudfront.process import this_process
from collective.cloudfront.tests.cases.conftest import make
from plone import api
from plone.app.testing import login
from plone.app.testing import logout
from plone.app.testing import SITE_OWNER_NAME
from zope.component.hooks import setSite

import pytest
import transaction


PAGES = ("", "/folder/page", "/listing", "/folder/page application/json")


@pytest.fixture
def root(site, functional):
    """Zope's root; its owner is logged in there."""
    app = functional["app"]
    logout()
    login(app, SITE_OWNER_NAME)
    return app


@pytest.fixture(params=["by tag", "by path"])
def kept(edge, site, request):
    """An edge with pages of the site."""
    if request.param == "by path":
        edge.go_by_path()
    edge.visit(*PAGES)
    edge.sent_to(site.aq_parent)
    return edge


def test_it_is_renamed(kept, root):
    with kept.change(at_root=True):
        root.manage_renameObject("plone", "other")
    assert kept.kept
    assert not kept.wrong()
    assert not kept.kept


def test_it_moves_into_a_folder(kept, root):
    root.manage_addFolder("sites")
    transaction.commit()
    with kept.change(at_root=True):
        root["sites"].manage_pasteObjects(root.manage_cutObjects(["plone"]))
    assert root["sites"]["plone"]["folder"]["page"]
    assert not kept.wrong()
    assert not kept.kept


def test_it_is_deleted(kept, root):
    with kept.change(at_root=True):
        root.manage_delObjects(["plone"])
    assert not kept.wrong()
    assert not kept.kept


def test_its_copy_is_edited(kept, root, site):
    root.manage_pasteObjects(root.manage_copyObjects(["plone"]))
    transaction.commit()
    copy = root["copy_of_plone"]
    this_process().start(root._p_jar.db())
    kept.base, kept.kept = copy.absolute_url(), {}
    kept.visit(*PAGES)
    with kept.change():
        setSite(copy)
        page = copy["folder"]["page"]
        page.title = "Copied"
        page.reindexObject()
        transaction.savepoint(optimistic=True)
    assert kept.items
    assert not kept.wrong()


def test_what_is_edited_in_a_site_leaves_its_copy_alone(edge, root, site):
    root.manage_pasteObjects(root.manage_copyObjects(["plone"]))
    transaction.commit()
    copy = root["copy_of_plone"]
    edge.base = copy.absolute_url()
    edge.visit(*PAGES)
    with edge.change():
        site["folder"]["page"].title = "Edited"
        site["folder"]["page"].reindexObject()
    assert edge.items
    assert not edge.wrong()


def test_a_folder_moves_from_one_site_to_another(kept, root, site):
    root.manage_pasteObjects(root.manage_copyObjects(["plone"]))
    transaction.commit()
    copy = root["copy_of_plone"]
    setSite(site)
    kept.visit("/folder/two/three/four/deep")
    with kept.change():
        copy.manage_pasteObjects(site["folder"].manage_cutObjects(["two"]))
    assert copy["two"]["three"]
    assert not kept.wrong()


def test_it_is_edited_in_a_folder_of_zope(kept, root):
    root.manage_addFolder("sites")
    root["sites"].manage_pasteObjects(root.manage_cutObjects(["plone"]))
    transaction.commit()
    moved = root["sites"]["plone"]
    this_process().start(root._p_jar.db())
    kept.base, kept.kept = moved.absolute_url(), {}
    kept.visit(*PAGES)
    with kept.change():
        setSite(moved)
        make(moved["folder"], "Document", "new")
        api.content.transition(moved["folder"]["page"], "retract")
    assert not kept.wrong()
