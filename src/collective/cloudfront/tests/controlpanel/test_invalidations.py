"""The log, page by page, and the page of one invalidation."""

from collective.cloudfront.controlpanel import invalidations
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.controlpanel.test_page import Page
from urllib.parse import parse_qs
from urllib.parse import urlsplit
from zExceptions import NotFound

import pytest
import time


PACE = Pace.fresh(0.0, Limits())
EVIL = "<script>alert('&')</script>"


@pytest.fixture
def outbox(portal, process):
    """The outbox of a site with a distribution."""
    use_distributions()
    return process.outbox


@pytest.fixture
def view(outbox, portal):
    """Render a view with a query string; returns its parts by id."""

    def render(name, **query):
        found = portal.restrictedTraverse(f"@@{name}")
        found.request.form.update(query)
        try:
            return Page(found())
        finally:
            for key in query:
                del found.request.form[key]

    return render


JANE = Cause("jane", ("/a",), 1)


def settle(outbox, *items, distribution=DISTRIBUTION, cause=JANE):
    outbox.claim(distribution, 60)
    outbox.release("", [Entry(distribution, item, cause=cause) for item in items])
    reference = f"reference of {items[0]}"
    batch = outbox.freeze(distribution, reference, items)
    return outbox.settle(batch, f"I{items[0].strip('/')}")


def record(outbox, number, **how):
    known = {"user": "jane", "reason": f"reason {number}", "items": ("/*",)}
    request = PurgeRequest(
        f"a{number}", time.time(), distributions=(DISTRIBUTION,), **{**known, **how}
    )
    outbox.record_request(request)


def test_an_invalidation_is_shown_with_all_its_items_and_causes(outbox, view):
    items = [f"/{number}" for number in range(12)]
    settled = settle(outbox, *items)
    shown = view("cloudfront-invalidation", id=settled.invalidation)
    assert shown.text("cloudfront-items").split() == items
    assert shown.text("cloudfront-causes") == "jane: /a"
    facts = shown.text("cloudfront-invalidation")
    assert f"Distribution {DISTRIBUTION} Status In progress" in facts
    assert "Items billed 12 Caller reference reference of /0" in facts


def test_the_history_links_to_it(outbox, view):
    settle(outbox, "/a", "/b", "/c", "/d")
    links = view("cloudfront-controlpanel").tree.xpath(
        "//*[@id='cloudfront-history']//td//a/@href"
    )
    (link,) = links
    parts = urlsplit(link)
    assert parts.path.endswith("/@@cloudfront-invalidation")
    query = {name: value for name, (value,) in parse_qs(parts.query).items()}
    assert "/d" in view("cloudfront-invalidation", **query).text("cloudfront-items")


@pytest.mark.parametrize("query", [{}, {"id": "I2"}, {"id": ["Ia"]}, {"id": "Iother"}])
def test_an_unknown_invalidation_is_not_found(outbox, view, query):
    settle(outbox, "/a")
    settle(outbox, "/other", distribution="E2OTHER")
    with pytest.raises(NotFound):
        view("cloudfront-invalidation", **query)


def test_the_log_has_all_invalidations_on_pages(outbox, view, monkeypatch):
    monkeypatch.setattr(invalidations, "ROWS", 3)
    for number in range(8):
        settle(outbox, f"/{number}")
    assert pages(view) == [["/7", "/6", "/5"], ["/4", "/3", "/2"], ["/1", "/0"]]


def pages(view):
    """Follow "Older" to the end; return the first item in each row."""
    found, query = [], {}
    while query is not None:
        shown = view("cloudfront-log", **query)
        found.append([row[1] for row in shown.rows("cloudfront-history")])
        older = shown.tree.xpath("//a[@rel='next']/@href")
        query = (
            {"before": parse_qs(urlsplit(older[0]).query)["before"][0]}
            if older
            else None
        )
    return found


def test_the_log_says_who_purged_what_and_why(outbox, view):
    record(outbox, 1)
    record(outbox, 2, items=("/a", "/b", "/c", "/d"), due=time.time() + 60)
    record(outbox, 3, due=time.time() + 60, cancelled=time.time())
    third, second, first = view("cloudfront-log").rows("cloudfront-purges")
    assert first[1:] == ["jane", "/*", "reason 1", ""]
    assert second[2] == "/a /b /c and 1 more"
    assert second[4]
    assert third[4].endswith("Cancelled")


def test_no_row_of_either_list_is_left_out_or_shown_twice(outbox, view, monkeypatch):
    monkeypatch.setattr(invalidations, "ROWS", 2)
    for number in range(3):
        settle(outbox, f"/{number}")
        record(outbox, f"{number}a")
        record(outbox, f"{number}b")
    settled, reasons, query = [], [], {}
    while query is not None:
        shown = view("cloudfront-log", **query)
        settled += [row[1] for row in shown.rows("cloudfront-history")]
        reasons += [row[3] for row in shown.rows("cloudfront-purges")]
        older = shown.tree.xpath("//a[@rel='next']/@href")
        query = (
            {"before": parse_qs(urlsplit(older[0]).query)["before"][0]}
            if older
            else None
        )
    assert settled == ["/2", "/1", "/0"]
    assert reasons == [
        f"reason {number}{half}" for number in (2, 1, 0) for half in "ba"
    ]


@pytest.mark.parametrize("before", ["", "yesterday", "nan", "inf", ["1"], "1e400"])
def test_a_strange_page_is_the_first_one(outbox, view, before):
    settle(outbox, "/a")
    assert view("cloudfront-log", before=before).rows("cloudfront-history")


def test_other_sites_invalidations_and_purge_requests_are_not_shown(outbox, view):
    settle(outbox, "/theirs", distribution="E2OTHER")
    outbox.record_request(
        PurgeRequest("a", time.time(), "joe", "why", ("/theirs",), ("E2OTHER",))
    )
    assert "/theirs" not in view("cloudfront-log").contents


@pytest.mark.parametrize("name", ["cloudfront-log", "cloudfront-invalidation"])
def test_an_outbox_that_cannot_be_read_is_a_message(outbox, view, monkeypatch, name):
    def fail(*arguments):
        raise OutboxUnavailable(f"disk I/O error {EVIL}")

    monkeypatch.setattr(outbox, "history", fail)
    monkeypatch.setattr(outbox, "settled", fail)
    shown = view(name, id="I1")
    assert f"disk I/O error {EVIL}" in shown.text("cloudfront-unavailable")
    assert EVIL not in shown.contents


def test_everything_from_outside_is_escaped(outbox, view):
    settle(outbox, f"/{EVIL}", cause=Cause(EVIL, (EVIL,), 1))
    record(outbox, 1, user=EVIL, reason=EVIL, items=(EVIL,))
    assert EVIL not in view("cloudfront-log").contents
    invalidation = outbox.history(1)[0].invalidation
    shown = view("cloudfront-invalidation", id=invalidation)
    assert EVIL not in shown.contents
    assert EVIL in shown.text("cloudfront-causes")
