"""Specification: which responses carry tags, and that none are lost."""

from collective.cloudfront.interfaces import IDependencies
from collective.cloudfront.planning.late import Purge
from collective.cloudfront.process import this_process
from collective.cloudfront.tagging import depends_on
from collective.cloudfront.tagging import header
from collective.cloudfront.tagging.recording.integrators import PURGE_BY_ID
from collective.cloudfront.tagging.recording.readset import ReadSet
from collective.cloudfront.tagging.vocabulary.fit import MOST_TAGS
from collective.cloudfront.tests.tagging.conftest import HEADERS
from collective.cloudfront.tests.tagging.conftest import make
from plone import api
from plone.memoize import ram
from plone.registry.interfaces import IRegistry
from plone.subrequest import subrequest
from plone.testing.zope import Browser
from Products.CMFCore.interfaces import IContentish
from Products.Five import BrowserView
from zope.annotation.interfaces import IAnnotations
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.publisher.interfaces.browser import IBrowserRequest

import pytest
import threading
import time
import transaction


CACHING = "plone.app.caching"
OWNER = "admin"


def cached(rule, operation, **options) -> None:
    """Have plone.app.caching use an operation for a ruleset."""
    registry = getUtility(IRegistry)
    registry["plone.caching.interfaces.ICacheSettings.enabled"] = True
    mapping = dict(
        registry["plone.caching.interfaces.ICacheSettings.operationMapping"] or {}
    )
    mapping[rule] = f"{CACHING}.{operation}"
    registry["plone.caching.interfaces.ICacheSettings.operationMapping"] = mapping
    for name, value in options.items():
        registry[f"{CACHING}.{operation}.{name}"] = value
    transaction.commit()


# --- who ------------------------------------------------------------------------------


def test_nobody_while_it_is_off(tagged, get):
    getUtility(IRegistry)[HEADERS] = "off"
    transaction.commit()
    assert get("/folder/page").tags is None


def test_nobody_who_is_logged_in(get):
    assert get("/folder/page", who=OWNER).tags is None
    assert get("/nope", who=OWNER).status == 404


def test_no_other_site(tagged, get):
    """The browser layer says where the add-on is installed."""
    from plone.browserlayer.utils import unregister_layer

    unregister_layer("collective.cloudfront")
    transaction.commit()
    assert get("/folder/page").tags is None


def test_no_answers_to_posts(tagged, browser):
    visitor = browser(None)
    visitor.post(tagged.absolute_url() + "/folder/page", "a=1")
    assert "Cache-Tag" not in visitor.headers


@pytest.mark.parametrize(("data", "again"), [(None, True), ("a=1", False)])
def test_answers_to_posts_are_never_late(tagged, browser, data, again):
    """CloudFront does not store them: a save purges nothing a second time."""
    lately = this_process().lately
    lately.transit = 10.0
    lately.learn([])
    visitor = browser(None)
    visitor.open(f"{tagged.absolute_url()}/folder/page", data)
    purge = Purge({"E1": ("/*",)}, at=time.time(), transaction=2**62)
    assert bool(lately.learn([purge])) is again


def test_answers_to_head_requests(tagged, browser, get):
    from plone.testing._z2_testbrowser import Zope2Caller
    from webtest import TestApp

    application = TestApp(Zope2Caller(browser(None), tagged.getPhysicalRoot()))
    response = application.head("/plone/folder/page")
    assert tagged["folder"]["page"].UID() in response.headers["Cache-Tag"].split(",")


def test_the_header_has_the_name_that_is_set(tagged, get):
    getUtility(IRegistry)["collective.cloudfront.tag_header"] = "X-Tags"
    transaction.commit()
    assert "X-Tags" in get("/folder/page").headers
    assert get("/folder/page").tags is None


def test_each_distribution_finds_the_tags_in_its_header(tagged, get):
    registry = getUtility(IRegistry)
    registry["collective.cloudfront.distribution_id"] = "E1AAA E2BBB;header=X-Tags"
    transaction.commit()
    headers = get("/folder/page").headers
    assert headers["X-Tags"] == headers["Cache-Tag"]


@pytest.mark.parametrize(
    ("operation", "options", "carries"),
    [
        ("weakCaching", {}, False),  # private, to be asked for again
        ("moderateCaching", {"smaxage": 60}, True),
        ("strongCaching", {"maxage": 60}, True),
        ("noCaching", {}, False),
    ],
)
def test_what_a_shared_cache_may_store(tagged, get, operation, options, carries):
    cached("plone.content.itemView", operation, **options)
    response = get("/folder/page")
    assert ("private" in response.headers["Cache-Control"]) is not carries
    assert (response.tags is not None) is carries


@pytest.mark.parametrize(
    ("status", "cache_control", "shared"),
    [
        (200, None, True),
        (200, "max-age=0, s-maxage=86400, must-revalidate", True),
        (200, "max-age=0, must-revalidate, private", False),
        (200, 'Private="set-cookie"', False),
        (200, "no-store", False),
        (404, None, True),
        (302, None, True),
        (304, None, False),
        (500, None, False),
    ],
)
def test_what_may_be_shared(status, cache_control, shared):
    assert header.may_be_shared(status, cache_control) is shared


def test_setting_it_on_notes_when(tagged):
    registry = getUtility(IRegistry)
    since = "collective.cloudfront.cache_tags_since"
    began = registry[since]
    assert began.endswith("+00:00")
    registry[HEADERS] = "headers"
    registry[since] = "2020-01-01T00:00:00+00:00"
    registry[HEADERS] = "headers"
    assert registry[since].startswith("2020")
    # What the distribution stored before it read them has none
    registry[HEADERS] = "invalidate"
    assert registry[since] >= began
    registry[HEADERS] = "off"
    assert registry[since] == ""


# --- what is kept in memory -----------------------------------------------------------


def test_responses_from_memory_carry_the_tags_they_were_stored_with(tagged, get):
    cached("plone.content.itemView", "strongCaching", maxage=60, ramCache=True)
    first = get("/folder/page")
    again = get("/folder/page")
    assert "X-Ramcache" not in first.headers
    assert "X-Ramcache" in again.headers
    assert again.tags == first.tags
    assert "page" in again.tags


def test_responses_from_before_are_made_again(tagged, get):
    getUtility(IRegistry)[HEADERS] = "off"
    cached("plone.content.itemView", "strongCaching", maxage=60, ramCache=True)
    get("/folder/page")
    assert "X-Ramcache" in get("/folder/page").headers
    getUtility(IRegistry)[HEADERS] = "headers"
    transaction.commit()
    response = get("/folder/page")
    assert "X-Ramcache" not in response.headers
    assert "page" in response.tags


class ResultView(BrowserView):
    """Shows a result that is kept in memory; a part of it fails the first time."""

    made = 0

    def __call__(self):
        try:
            self.failing()
        except ValueError:
            pass
        return f"{self.result()}"

    @ram.cache(lambda method, self: "result")
    def result(self):
        ResultView.made += 1
        return self.nested()

    @ram.cache(lambda method, self: "nested")
    def nested(self):
        depends_on(tags=["From-Memory"])
        catalog = api.portal.get_tool("portal_catalog")
        return len(catalog(portal_type="News Item"))

    @ram.cache(lambda method, self: "failing")
    def failing(self):
        depends_on(tags=["failed"])
        raise ValueError("not today")


@pytest.fixture
def memoized(tagged, view):
    view("result-view", ResultView)
    ResultView.made = 0
    ram.global_cache.invalidateAll()
    return "/@@result-view"


def test_results_from_memory_carry_their_tags(memoized, get):
    for _time in range(2):
        tags = get(memoized).tags
        assert {"plone.t.news-item", "from-memory", "failed"} < tags
    assert ResultView.made == 1


def test_results_that_were_made_for_others_are_made_again(memoized, get):
    get(memoized, who=OWNER)
    assert "plone.t.news-item" in get(memoized).tags
    assert ResultView.made == 2


# --- what does not fit into tags ------------------------------------------------------


class ManyTags(BrowserView):
    def __call__(self):
        depends_on(self.request, tags=[f"t{n}" for n in range(MOST_TAGS)])
        return "many"


def test_what_does_not_fit_into_tags_is_not_cached(
    tagged, get, view, caplog, monkeypatch
):
    monkeypatch.setattr(header, "_last_logged", 0.0)
    view("many-tags", ManyTags)
    for _time in range(2):
        response = get("/@@many-tags")
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.tags is None
    logged = [each for each in caplog.messages if "cannot be cached" in each]
    assert len(logged) == 1


def test_an_error_of_ours_is_not_cached_either(tagged, get, monkeypatch):
    monkeypatch.setattr(header, "tags_for", lambda *args: 1 / 0)
    response = get("/folder/page")
    assert response.status == 200
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_large_site_has_few_tags(tagged, get):
    for number in range(12):
        folder = make(tagged, "Folder", f"f{number}")
        for page in range(24):
            make(folder, "Document", f"f{number}p{page}")
    getUtility(IRegistry)["plone.enable_sitemap"] = True
    transaction.commit()
    paths = ["", "/f1", "/f1/f1p1", "/sitemap", "/sitemap.xml.gz", "/f1/full_view"]
    for path in [*paths, "/++api++/f1?fullobjects", "/@@search?SearchableText=f1p1"]:
        response = get(path)
        assert response.status == 200
        assert len(response.tags) <= MOST_TAGS
        assert len(response.headers["Cache-Tag"]) <= 3000


# --- many at once ---------------------------------------------------------------------


class Meeting(BrowserView):
    """Waits for the other request while it is made."""

    barrier = threading.Barrier(2, timeout=120)

    def __call__(self):
        catalog = api.portal.get_tool("portal_catalog")
        for portal_type in ("Document", "News Item"):
            if portal_type in self.request.form["types"]:
                Meeting.barrier.wait()
                catalog(portal_type=portal_type)
                Meeting.barrier.wait()
        return "met"


def test_two_threads_do_not_mix(tagged, functional, view):
    view("meeting", Meeting)
    found = {}

    def ask(portal_type):
        visitor = Browser(functional["app"])
        visitor.open(f"{tagged.absolute_url()}/@@meeting?types={portal_type}")
        found[portal_type] = visitor.headers["Cache-Tag"]

    types = ("Document", "News%20Item")
    threads = [threading.Thread(target=ask, args=[each]) for each in types]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ".t.document" in found["Document"]
    assert ".t.news-item" not in found["Document"]
    assert ".t.news-item" in found["News%20Item"]
    assert ".t.document" not in found["News%20Item"]


# --- add-ons --------------------------------------------------------------------------


class Reported:
    """A subscription adapter."""

    def __init__(self, context, request):
        self.context = context

    def objects(self):
        yield api.portal.get()["reported"]
        yield "0123456789abcdef0123456789abcdef"

    def tags(self):
        return ["weather"]


def test_adapters_tell_of_more(tagged, get):
    make(tagged, "Document", "reported")
    transaction.commit()
    how = (Reported, (IContentish, IBrowserRequest), IDependencies)
    getGlobalSiteManager().registerSubscriptionAdapter(*how)
    try:
        tags = get("/folder/page").tags
    finally:
        getGlobalSiteManager().unregisterSubscriptionAdapter(*how)
    missing = "0123456789abcdef0123456789abcdef.l"
    assert {"reported", missing, "weather", "page"} < tags


def test_ids_of_purgebyid_are_honoured(tagged, get, view):
    """Its annotation of the request; the package itself is not needed."""

    class Involved(BrowserView):
        def __call__(self):
            IAnnotations(self.request)[PURGE_BY_ID] = {"involved-id"}
            return "involved"

    view("involved", Involved)
    assert "involved-id" in get("/@@involved").tags


def test_subrequests_add_to_the_response(tagged, get, view):
    class Outer(BrowserView):
        def __call__(self):
            return subrequest("/plone/@@search?SearchableText=x").getBody()

    view("outer", Outer)
    response = get("/@@outer")
    assert response.status == 200
    assert {"plone", "plone.be"} < response.tags


def test_what_cannot_be_noted_breaks_no_page(tagged, get, monkeypatch):
    monkeypatch.setattr(ReadSet, "note_search", lambda *args: 1 / 0)
    response = get("/folder/page")
    assert response.status == 200
    assert response.headers["Cache-Control"] == "private, no-store"


# --- copies from before ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "status"),
    [("2020-01-01T00:00:00+00:00", 304), ("", 200), (None, 200)],
)
def test_a_copy_that_may_have_no_tags_is_replaced_and_not_renewed(
    tagged, get, since, status
):
    cached(
        "plone.content.itemView", "moderateCaching", smaxage=60, etags=("lastModified",)
    )
    etag = get("/folder/page").headers["ETag"]
    if since is not None:
        getUtility(IRegistry)[f"{HEADERS}_since"] = since
        transaction.commit()
    assert get("/folder/page", If_None_Match=etag).status == status


def test_without_tags_copies_are_renewed_as_ever(tagged, get):
    cached(
        "plone.content.itemView", "moderateCaching", smaxage=60, etags=("lastModified",)
    )
    getUtility(IRegistry)[HEADERS] = "off"
    transaction.commit()
    etag = get("/folder/page").headers["ETag"]
    assert get("/folder/page", If_None_Match=etag).status == 304
