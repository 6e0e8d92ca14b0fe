"""Specification: what is no content, and changes without an event, is seen on pages."""

from collective.cloudfront.tests.cases.conftest import make
from persistent import Persistent
from persistent.mapping import PersistentMapping
from plone import api
from plone.locking.interfaces import ILockable
from plone.portlets.constants import CONTEXT_CATEGORY
from plone.portlets.interfaces import ILocalPortletAssignmentManager
from plone.portlets.interfaces import IPortletManager
from plone.registry.interfaces import IRegistry
from Products.Five.browser import BrowserView
from zope.annotation.interfaces import IAnnotations
from zope.component import getGlobalSiteManager
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.component import queryUtility
from zope.interface import Interface
from zope.publisher.interfaces.browser import IBrowserRequest

import pytest
import transaction


PAGE = "/folder/page"
VOTES = "example.votes"


class IPoll(Interface):
    """A utility of an add-on."""


class Poll(Persistent):
    """What an add-on keeps in the site."""

    def __init__(self):
        self.votes = PersistentMapping(n=0)


class Votes(BrowserView):
    """Shows annotations of an add-on: of this, and of the section it is in."""

    def __call__(self):
        found = []
        for obj in self.context.aq_chain:
            annotations = IAnnotations(obj, None)
            votes = annotations and annotations.get(VOTES)
            if votes is not None:
                found.append(votes["n"] if hasattr(votes, "keys") else votes)
        return f"<html><body>{found}</body></html>"


class Vote(BrowserView):
    """Counts one more."""

    def __call__(self):
        votes = IAnnotations(self.context)[VOTES]
        votes["n"] = votes["n"] + 1


class PollView(BrowserView):
    def __call__(self):
        poll = queryUtility(IPoll)
        return f"<html><body>{poll and poll.votes['n']}</body></html>"


@pytest.fixture
def add_on(site):
    """Views of an add-on that show what it keeps, and that."""
    views = {"votes": Votes, "vote": Vote, "poll": PollView}
    registry = getGlobalSiteManager()
    for name, view in views.items():
        how = (view, (Interface, IBrowserRequest), Interface, name)
        registry.registerAdapter(*how)
    poll = Poll()
    poll.__name__ = "poll"
    site.getSiteManager().registerUtility(poll, IPoll)
    IAnnotations(site["folder"]["page"])[VOTES] = PersistentMapping(n=1)
    IAnnotations(site["folder"])[VOTES] = 1
    transaction.commit()
    yield poll
    for name, view in views.items():
        how = (view, (Interface, IBrowserRequest), Interface, name)
        registry.unregisterAdapter(*how)


@pytest.fixture
def at(edge, site, add_on):
    """Say that a request was sent to content."""

    def be(obj, method="POST"):
        edge.sent_to(obj, method)
        return obj

    return be


def test_what_an_add_on_keeps_in_an_annotation_changes(edge, site, at):
    page = at(site["folder"]["page"])
    edge.visit(f"{PAGE}/@@votes")
    with edge.change():
        IAnnotations(page)[VOTES]["n"] = 2
    assert edge.items
    assert not edge.wrong()


def test_an_annotation_of_an_add_on_comes_and_goes(edge, site, at):
    page = at(site["folder"]["page"])
    for value in (5, 6, None):
        edge.visit(f"{PAGE}/@@votes")
        with edge.change():
            if value:
                IAnnotations(page)[VOTES] = value
            else:
                del IAnnotations(page)[VOTES]
        assert edge.items
        assert not edge.wrong()


def test_an_annotation_among_many_changes(edge, site, at):
    page = at(site["folder"]["page"])
    for number in range(100):
        IAnnotations(page)[f"plone.scale.{number}"] = number
    transaction.commit()
    edge.visit(f"{PAGE}/@@votes")
    with edge.change():
        IAnnotations(page)[VOTES] = 7
    assert edge.items
    assert not edge.wrong()


def test_the_annotation_of_a_section_is_seen_on_pages_below(edge, site, at):
    at(site["folder"])
    edge.visit(f"{PAGE}/@@votes")
    with edge.change():
        IAnnotations(site["folder"])[VOTES] = 2
    assert not edge.wrong()


def test_annotations_that_nobody_sees_purge_nothing(edge, site, at):
    page = at(site["folder"]["page"])
    with edge.change():
        ILockable(page).lock()
        IAnnotations(page)["plone.scale"] = PersistentMapping()
    assert not edge.items


def test_to_count_readers_purges_nothing(edge, site, at, add_on):
    page = at(site["folder"]["page"], "GET")
    with edge.change():
        IAnnotations(page)[VOTES]["n"] = 2
        add_on.votes["n"] = 1
    assert not edge.items


def test_a_visitor_s_vote_purges_the_page_and_no_section(edge, site, at):
    site["folder"].manage_permission("View", ["Anonymous"], 1)
    IAnnotations(site["folder"])[VOTES] = PersistentMapping(n=1)
    transaction.commit()
    edge.visit("/folder/@@votes")
    edge.entries.clear()
    edge.post("/folder/@@vote")
    assert not edge.wrong()
    assert f"#{site['folder'].UID()}" in edge.items
    assert f"#{site['folder'].UID()}.l" not in edge.items


def test_which_portlets_are_hidden_is_set_by_code(edge, site, at):
    folder = at(site["folder"])
    manager = getUtility(IPortletManager, name="plone.leftcolumn")
    edge.visit("/folder", PAGE)
    with edge.change():
        local = getMultiAdapter((folder, manager), ILocalPortletAssignmentManager)
        local.setBlacklistStatus(CONTEXT_CATEGORY, True)
    assert f"#{folder.UID()}.l" in edge.items


def test_the_utility_of_an_add_on_changes(edge, site, at, add_on):
    at(site)
    edge.visit("/@@poll")
    with edge.change():
        add_on.votes["n"] = 1
    assert edge.items
    assert not edge.wrong()


def test_a_state_of_a_workflow_gets_another_title(edge, site):
    edge.visit("/@querystring application/json")
    states = site.portal_workflow.simple_publication_workflow.states
    with edge.change():
        states.published.title = "Public"
    assert edge.items
    assert not edge.wrong()


@pytest.mark.parametrize("by_path", [False, True])
def test_others_may_see_what_holds_the_site(edge, site, by_path):
    root = site.aq_parent
    if by_path:
        edge.go_by_path()
    edge.visit("", PAGE, f"{PAGE} application/json")
    edge.sent_to(root)
    with edge.change(at_root=True):
        root.manage_permission("View", ["Manager"], 0)
    assert edge.kept
    assert not edge.wrong()
    assert not edge.kept
    edge.visit("", PAGE)
    with edge.change(at_root=True):
        root.manage_permission("View", ["Anonymous", "Manager"], 0)
    assert not edge.wrong()


def test_the_settings_of_mail_are_on_no_page(edge, site):
    with edge.change():
        getUtility(IRegistry)["plone.smtp_host"] = "mail.example.org"
    assert not edge.items


def test_pages_of_another_section_stay(edge, site, at):
    make(make(site, "Folder", "elsewhere"), "Document", "page")
    page = at(site["folder"]["page"])
    transaction.commit()
    edge.visit("/elsewhere/page")
    with edge.change():
        IAnnotations(page)[VOTES]["n"] = 2
    assert not edge.wrong()
    assert edge.kept
    assert api.content.get_state(page) == "published"
