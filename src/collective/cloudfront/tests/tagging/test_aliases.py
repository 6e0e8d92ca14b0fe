"""Specification: what answers at another path than its own is not shared."""

from Acquisition import aq_base
from collective.cloudfront.tests.tagging.conftest import HEADERS
from collective.cloudfront.tests.tagging.conftest import make
from plone import api
from plone.namedfile.file import NamedBlobImage
from plone.namedfile.tests import getFile
from plone.registry.interfaces import IRegistry
from Products.SiteAccess.VirtualHostMonster import manage_addVirtualHostMonster
from zope.component import getUtility

import pytest
import transaction


PRIVATE = "private, no-store"
#: How a proxy asks for "/" of a host: the site, the site at a prefix, a folder of it.
ROOT = "/VirtualHostBase/http/example.org:80/plone/VirtualHostRoot"
PREFIX = f"{ROOT}/_vh_a/_vh_b"
FOLDER_ROOT = "/VirtualHostBase/http/example.org:80/plone/folder/VirtualHostRoot"
API_ROOT = "/VirtualHostBase/http/example.org:80/plone/++api++/VirtualHostRoot"


#: Paths that lead to content by acquisition, or around it.
ALIASES = [
    "/plone/folder/other",
    "/plone/folder/folder",
    "/plone/folder/Site",
    "/plone/Site",
    "/plone/folder/page/page",
    "/plone/folder/page/page/view",
    "/plone/other/start",
    "/plone/other/start/front",
    "/plone/other/picture/../../start/../folder//page",
    "/plone/portal_catalog/folder/page",
    "/plone/++api++/other/start",
    "/plone/++api++/Site/folder/page",
    "/plone/other/++api++/start",
    "/plone/folder/++api++/page",
    "/plone/++webresource++0a1b",
    "/plone/++webresource++0a1b/",
    "/plone/++webresource++0a1b/folder/page",
    "/plone/++webresource++0a1b/sitemap",
    "/plone/++webresource++0a1b/++api++/folder/page",
    "/plone/start/folder/picture/@@images/image",
    "/plone/start/folder/picture/@@images/image/mini",
    "/plone/start/folder/page/nope",
    "/plone/++webresource++1/folder/page",
    "/plone/++webresource++1/sitemap",
    "/plone/folder/page/page/++webresource++1/view",
    "/plone/folder/page/page/++webresource++1/++plone++static/plone-fullscreen/fullscreen.css",
    f"{ROOT}/++webresource++1/folder/page",
    f"{ROOT}/Site",
    f"{ROOT}/Site/folder/page",
    f"{ROOT}/other/start",
    f"{ROOT}/++api++/Site/folder/page",
    f"{ROOT}/++api++/other/start",
    f"{PREFIX}/Site/folder/page",
    f"{FOLDER_ROOT}/other",
    f"{FOLDER_ROOT}/Site/folder/page",
    f"{API_ROOT}/other/start",
    f"{API_ROOT}/Site/folder/page",
]
#: The paths that Plone itself makes, and what they answer; None: not looked at.
OWN = [
    ("/plone", 200),
    ("/plone/", 200),
    ("/plone/folder", 200),
    ("/plone/folder/", 200),
    ("/plone/folder/page", 200),
    ("/plone/folder/page/", 200),
    ("/plone/folder/page/view", 200),
    ("/plone/folder/page/@@view", 200),
    ("/plone/folder/page/document_view", 200),
    ("/plone/folder/sub/below", 200),
    ("/plone/folder/summary_view?b_start:int=20", 200),
    ("/plone/start", 200),
    ("/plone/start/front", 200),
    ("/plone/folder/picture", 200),
    ("/plone/folder/picture/view", 200),
    ("/plone/folder/picture/@@images/image", 200),
    ("/plone/folder/picture/@@images/image/mini", 200),
    ("/plone/folder/picture/@@download/image/image.png", 200),
    ("/plone/@@search?SearchableText=page", 200),
    ("/plone/sitemap", 200),
    ("/plone/++plone++static/plone-logo.svg", None),
    ("/plone/++resource++plone-logo.svg", None),
    ("/plone/++webresource++1/++plone++static/plone-fullscreen/fullscreen.css", 200),
    (
        "/plone/folder/++webresource++1/++plone++static/plone-fullscreen/fullscreen.css",
        200,
    ),
    ("/plone/portal_css/any.css", None),
    ("/plone/@@site-logo", None),
    ("/plone/nope", 404),
    ("/plone/nope/folder", 404),
    ("/plone/folder/nope", 404),
    ("/plone/folder/page/nope", 404),
    ("/plone/++api++", 200),
    ("/plone/++api++/", 200),
    ("/plone/++api++/folder", 200),
    ("/plone/++api++/folder/page", 200),
    ("/plone/++api++/folder/page/@types", None),
    ("/plone/++api++/folder/page/@breadcrumbs", 200),
    ("/plone/++api++/folder/picture/@@images/image/mini", 200),
    ("/plone/++api++/folder/nope", 404),
    ("/plone/++api++/start", 200),
    (f"{ROOT}", 200),
    (f"{ROOT}/", 200),
    (f"{ROOT}//folder/page", 200),
    (f"{ROOT}/folder/page", 200),
    (f"{ROOT}/folder/page/view", 200),
    (f"{ROOT}/folder/picture/@@images/image/mini", 200),
    (f"{ROOT}/++webresource++1/++plone++static/plone-fullscreen/fullscreen.css", 200),
    (f"{PREFIX}/++webresource++1/++plone++static/plone-fullscreen/fullscreen.css", 200),
    (f"{ROOT}/start", 200),
    (f"{ROOT}/nope", 404),
    (f"{ROOT}/++api++", 200),
    (f"{ROOT}/++api++/folder/page", 200),
    (f"{PREFIX}", 200),
    (f"{PREFIX}/start", 200),
    (f"{PREFIX}/folder/page/view", 200),
    (f"{PREFIX}/++api++/folder/page", 200),
    (f"{FOLDER_ROOT}", 200),
    (f"{FOLDER_ROOT}/", 200),
    (f"{FOLDER_ROOT}/page", 200),
    (f"{FOLDER_ROOT}/sub/below/view", 200),
    (f"{API_ROOT}", 200),
    (f"{API_ROOT}/folder/page", 200),
    (f"{API_ROOT}/folder/page/@breadcrumbs", 200),
]


@pytest.fixture(params=["headers", "off"])
def site(tagged, request):
    """A site with pages, a default page and a picture, with tags and without."""
    folder, other = tagged["folder"], make(tagged, "Folder", "other")
    make(other, "Folder", "folder")
    make(make(folder, "Folder", "sub"), "Document", "below")
    make(make(tagged, "Folder", "start"), "Document", "front")
    tagged["start"].setDefaultPage("front")
    image = NamedBlobImage(getFile("image.png"), filename="image.png")
    make(folder, "Image", "picture", image=image)
    root = tagged.getPhysicalRoot()
    if "virtual_hosting" not in root.objectIds():
        manage_addVirtualHostMonster(root, "virtual_hosting")
    # "plone" is the name of a view as well, so the site has another name
    aq_base(root).Site = aq_base(tagged)
    getUtility(IRegistry)[HEADERS] = request.param
    transaction.commit()
    return tagged


@pytest.fixture
def ask(site, browser):
    """Ask Zope for a path of its own; returns the status and ``Cache-Control``."""

    def ask(path):
        visitor = browser(None)
        visitor.handleErrors = True
        visitor.raiseHttpErrors = False
        visitor.followRedirects = False
        visitor.open("http://nohost" + path)
        status = int(visitor.headers["Status"].split()[0])
        return status, visitor.headers.get("Cache-Control")

    return ask


def test_an_alias_is_not_shared(ask):
    assert [path for path in ALIASES if ask(path)[1] != PRIVATE] == []


def test_what_answers_at_its_own_path_is_shared(ask):
    found = {path: ask(path) for path, _status in OWN}
    assert [path for path in found if found[path][1] == PRIVATE] == []
    statuses = {path: status for path, status in OWN if status}
    assert {path: found[path][0] for path in statuses} == statuses


def test_a_retracted_page_has_no_alias_at_the_edge(site, ask):
    """Whoever asks before and after: there is nothing that has to be purged."""
    before = ask(f"{ROOT}/start/folder/page")
    api.content.transition(site["folder"]["page"], "retract")
    transaction.commit()
    assert before == (200, PRIVATE)
    assert ask(f"{ROOT}/start/folder/page") == (302, PRIVATE)
