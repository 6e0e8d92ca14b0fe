"""The history, page by page and as a file, and the page of one invalidation."""

from collective.cloudfront.controlpanel import invalidations
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.controlpanel.test_page import Page
from datetime import datetime
from plone.registry.interfaces import IRegistry
from urllib.parse import parse_qs
from urllib.parse import urlsplit
from zExceptions import NotFound
from zoneinfo import ZoneInfo
from zope.component import getUtility

import codecs
import csv
import io
import pytest
import re
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
    known["time"] = time.time()
    request = PurgeRequest(
        f"a{number}", distributions=(DISTRIBUTION,), **{**known, **how}
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


def test_the_history_has_all_entries_on_pages(outbox, view, monkeypatch):
    monkeypatch.setattr(invalidations, "ROWS", 3)
    for number in range(8):
        settle(outbox, f"/{number}")
    pages = [["/7", "/6", "/5"], ["/4", "/3", "/2"], ["/1", "/0"]]
    shown, last = follow(view, "next")
    assert shown == pages
    back, _ = follow(view, "prev", **last)
    assert back == pages[::-1]


def follow(view, rel, **query):
    """Follow "Older" or "Newer" to the end; return the first item in each row of each
    page, and where the last one is.
    """
    found = []
    while True:
        shown = view("cloudfront-log", **query)
        found.append([row[1] for row in shown.rows("cloudfront-history")])
        links = shown.tree.xpath(f"//a[@rel='{rel}']/@href")
        if not links:
            return found, query
        query = query_of(links[0])


def query_of(url):
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def test_it_says_who_purged_what_by_hand_and_why(outbox, view):
    record(outbox, 1)
    record(outbox, 2, items=("/a", "/b", "/c", "/d"), due=time.time() + 60)
    record(outbox, 3, due=time.time() + 60, cancelled=time.time())
    third, second, first = view("cloudfront-log").rows("cloudfront-history")
    assert first[1:5] == ["/*", "jane: reason 1", DISTRIBUTION, "Requested"]
    assert second[1] == "/a /b /c and 1 more"
    assert second[4].startswith("Scheduled Not before ")
    assert third[4].startswith("Cancelled Not before ")


def test_it_says_what_is_refused_and_why(outbox, view):
    outbox.claim(DISTRIBUTION, 60)
    outbox.release("", [Entry(DISTRIBUTION, "/a", cause=JANE)])
    batch = outbox.freeze(DISTRIBUTION, "reference", ["/a"])
    outbox.quarantine(batch, plain("InvalidArgument: no"))
    (row,) = view("cloudfront-log").rows("cloudfront-history")
    assert row[1:5] == ["/a", "jane: /a", DISTRIBUTION, "Refused InvalidArgument: no"]


def test_times_have_seconds_and_the_site_s_time_zone(outbox, view):
    getUtility(IRegistry)["plone.portal_timezone"] = "Asia/Tokyo"
    record(outbox, 1, time=1_795_000_000.0)  # 2026-11-18T11:06:40Z
    shown = view("cloudfront-log")
    ((moment, *_),) = shown.rows("cloudfront-history")
    assert moment == "Nov 18, 2026 20:06:40 JST"
    assert "2026-11-18T11:06:40+00:00" in shown.contents
    assert "Asia/Tokyo" in shown.text("cloudfront-history")


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "UTC"])
def test_a_day_begins_at_the_site_s_midnight(outbox, view, zone):
    getUtility(IRegistry)["plone.portal_timezone"] = zone
    midnight = datetime(2026, 11, 18, tzinfo=ZoneInfo(zone)).timestamp()
    for second in (-1, 0):
        record(outbox, second, time=midnight + second)
    today, before = view("cloudfront-log").rows("cloudfront-history")
    assert today[0].startswith("Nov 18, 2026 00:00:00 ")
    assert before[0].startswith("Nov 17, 2026 23:59:59 ")


def test_a_line_may_end_after_a_slash_or_a_space_only(outbox, view):
    settle(outbox, "/news/prices?a=b&c=d*", cause=Cause("jane-1", ("/a/b-c",), 1))
    tree = view("cloudfront-log").tree
    (item,) = tree.xpath("//td/code")
    assert pieces(item) == ["/news/", "prices?", "a=b&", "c=d*"]
    (cause,) = tree.xpath("//td[@data-label='Cause']/span")
    assert pieces(cause) == ["jane-1:", "/a/", "b-c"]
    assert " ".join(cause.text_content().split()) == "jane-1: /a/b-c"


def pieces(element):
    return element.xpath("./span[@class='cloudfront-piece']/text()")


# --- the filter ---------------------------------------------------------------------


@pytest.fixture
def busy(outbox):
    """A history with one entry of each kind."""
    outbox.complete(settle(outbox, "/news/a"), "Completed")
    settle(outbox, "/b", cause=Cause("joe", ("/b",), 1))
    record(outbox, 1, items=("/news*",))
    return outbox


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ({}, ["/news*", "/b", "/news/a"]),
        ({"person": "Joe"}, ["/b"]),
        ({"path": "/news"}, ["/news*", "/news/a"]),
        ({"path": "https://www.example.com/b?x=1"}, []),
        ({"path": "https://www.example.com/b"}, ["/b"]),
        ({"state": "completed"}, ["/news/a"]),
        ({"state": "by_hand"}, ["/news*"]),
        ({"search": "  REASON   jane "}, ["/news*"]),
        ({"distribution": DISTRIBUTION}, ["/news*", "/b", "/news/a"]),
        ({"person": "jane", "path": "/news", "state": "requested"}, ["/news*"]),
        ({"unknown": "x"}, ["/news*", "/b", "/news/a"]),
    ],
)
def test_only_what_is_asked_for_is_shown(busy, view, query, items):
    shown = view("cloudfront-log", **query)
    assert [row[1] for row in shown.rows("cloudfront-history")] == items


@pytest.mark.parametrize("query", [{"path": "/d"}, {"search": "/D jane"}])
def test_the_items_that_are_looked_for_are_not_hidden(outbox, view, query):
    settle(outbox, "/a", "/b", "/c", "/d")
    ((_, items, *_),) = view("cloudfront-log", **query).rows("cloudfront-history")
    assert items == "/d /a /b and 1 more"


def test_the_filter_is_said_in_words_and_can_be_cleared(busy, view):
    shown = view("cloudfront-log", person="jane", state="by_hand", path="/news")
    said = shown.text("cloudfront-filter")
    assert said == (
        "Only these entries are shown: Person: jane Path: /news Status: Manual purges"
    )
    (clear,) = shown.tree.xpath("//a[text()='Clear filter']/@href")
    assert clear.endswith("/@@cloudfront-log")
    plain = view("cloudfront-log")
    assert plain.text("cloudfront-filter") is None
    assert "Clear filter" not in plain.contents


def test_the_form_keeps_what_was_asked_for(busy, view):
    tree = view("cloudfront-log", person='ja"ne', state="requested").tree
    assert tree.xpath("//input[@name='person']/@value") == ['ja"ne']
    assert tree.xpath("//option[@selected]/@value") == ["requested"]


def test_pages_keep_the_filter(busy, view, monkeypatch):
    monkeypatch.setattr(invalidations, "ROWS", 1)
    shown = view("cloudfront-log", path="/news")
    (older,) = shown.tree.xpath("//a[@rel='next']/@href")
    shown = view("cloudfront-log", **query_of(older))
    assert [row[1] for row in shown.rows("cloudfront-history")] == ["/news/a"]
    assert shown.tree.xpath("//a[@rel='next']") == []
    (newer,) = shown.tree.xpath("//a[@rel='prev']/@href")
    assert query_of(newer)["path"] == "/news"


def test_distributions_can_be_chosen_if_there_are_several(busy, view):
    assert "cloudfront-filter-distribution" not in view("cloudfront-log").contents
    use_distributions(f"{DISTRIBUTION} E2OTHER")
    settle(busy, "/theirs", distribution="E2OTHER")
    shown = view("cloudfront-log", distribution="E2OTHER")
    assert [row[1] for row in shown.rows("cloudfront-history")] == ["/theirs"]
    assert shown.tree.xpath("//select[@name='distribution']/option/@value") == [
        "",
        DISTRIBUTION,
        "E2OTHER",
    ]


def test_nothing_found_is_said(busy, view):
    shown = view("cloudfront-log", person="nobody")
    assert shown.text("cloudfront-history-empty") == "No entry matches this filter."
    assert "Download as CSV" not in shown.contents


def test_an_empty_history_is_said(outbox, view):
    assert view("cloudfront-log").text("cloudfront-history-empty") == "None yet."


def test_a_long_search_says_how_far_it_is_and_can_go_on(busy, view, monkeypatch):
    monkeypatch.setattr("collective.cloudfront.outbox.history.MOST_ROWS", 2)
    shown = view("cloudfront-log", search="/news/a")
    assert "so far" in shown.text("cloudfront-history-empty")
    assert "The search has reached" in shown.text("cloudfront-searched-to")
    (link,) = shown.tree.xpath("//a[@rel='next']")
    assert link.text_content() == "Search older entries"
    shown = view("cloudfront-log", **query_of(link.get("href")))
    assert [row[1] for row in shown.rows("cloudfront-history")] == ["/news/a"]
    assert shown.text("cloudfront-searched-to") is None


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("person", "x" * 201, "at most 200 characters"),
        ("person", ["jane", "joe"], "one value"),
        ("search", "x" * 201, "at most 200 characters"),
        ("path", "/" + "x" * 4000, "at most 4000 characters"),
        ("path", "news", "begins with /"),
        ("path", "http://[", "begins with /"),
        ("state", "lost", "not one of the states"),
        ("state", {"a": 1}, "one value"),
    ],
)
def test_a_wrong_value_is_said_at_its_field(busy, view, name, value, error):
    shown = view("cloudfront-log", **{name: value})
    assert error in shown.text(f"cloudfront-filter-{name}-error")
    (field,) = shown.tree.xpath(f"//*[@name='{name}']")
    assert f"cloudfront-filter-{name}-error" in field.get("aria-describedby")
    assert "Correct the filter" in shown.text("cloudfront-filter-error")
    assert shown.rows("cloudfront-history") == []
    assert "Clear filter" in shown.contents


def test_a_distribution_of_others_is_a_wrong_value(busy, view):
    use_distributions(f"{DISTRIBUTION} E3MINE")
    shown = view("cloudfront-log", distribution="E2OTHER")
    error = shown.text("cloudfront-filter-distribution-error")
    assert error == "This is not a distribution of this site."


@pytest.mark.parametrize("name", ["before", "after"])
@pytest.mark.parametrize(
    "value", ["yesterday", "nan,i", "inf,i", ["1,i"], "1e400,i", "1", "1," + 300 * "x"]
)
def test_a_page_that_is_none_is_said(busy, view, name, value):
    shown = view("cloudfront-log", **{name: value})
    assert "no such page" in shown.text("cloudfront-filter-error")
    assert shown.rows("cloudfront-history") == []


# --- the file -----------------------------------------------------------------------


@pytest.fixture
def download(view, portal):
    """Return the rows of the file, each by column."""

    def read(**query):
        found = portal.restrictedTraverse("@@cloudfront-history-csv")
        found.request.form.clear()
        found.request.form.update(query)
        data = b"".join(found())
        text = data.decode("utf-8-sig")
        assert data.startswith(codecs.BOM_UTF8)
        return list(csv.DictReader(io.StringIO(text, newline="")))

    return read


def test_the_file_has_what_the_filter_finds(busy, download, portal):
    busy.complete(busy.history(1)[0], "Completed")
    asked, second, first = download()
    assert (asked["state"], asked["people"], asked["reason"]) == (
        "requested",
        "jane",
        "reason 1",
    )
    assert first["items"] == "/news/a"
    assert first["invalidation"] == "Inews/a"
    assert first["billed_items"] == "1"
    assert first["causes"] == "jane: /a"
    assert first["distribution"] == DISTRIBUTION
    for name in ("time", "accepted", "completed", "oldest_change"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first[name])
    assert [row["items"] for row in download(person="joe")] == ["/b"]
    assert download(person="nobody") == []
    response = portal.REQUEST.response
    assert response.getHeader("Content-Type") == "text/csv; charset=utf-8"
    host = urlsplit(portal.absolute_url()).hostname
    name = rf"cloudfront-history-{host}-plone-\d{{4}}-\d\d-\d\d\.csv"
    assert re.fullmatch(
        f'attachment; filename="{name}"', response.getHeader("Content-Disposition")
    )


def test_the_file_has_all_pages(outbox, download, monkeypatch):
    monkeypatch.setattr(invalidations, "AT_ONCE", 2)
    for number in range(5):
        settle(outbox, f"/{number}")
    assert [row["items"] for row in download()] == ["/4", "/3", "/2", "/1", "/0"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(outbox, download, text):
    record(outbox, 1, user=text, reason=text, items=(text,))
    (row,) = download()
    assert (row["people"], row["reason"], row["items"]) == (f"'{text}",) * 3


def test_any_text_comes_back_from_the_file(outbox, download):
    text = 'comma, "quote"; é 日本 🎈'
    record(outbox, 1, user=text, reason=text)
    (row,) = download()
    assert (row["people"], row["reason"]) == (text, text)


def test_a_wrong_filter_is_a_page_and_no_file(busy, view):
    shown = view("cloudfront-history-csv", state="lost")
    assert "not one of the states" in shown.text("cloudfront-filter-state-error")


def test_the_file_is_sent_to_who_may_see_the_status(
    functional_portal, browser, process
):
    process.outbox.release("", [Entry(DISTRIBUTION, "/é")])
    process.deliver()
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-log")
    person.getLink("Download as CSV").click()
    assert person.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "/é" in person.contents or "%C3%A9" in person.contents


# --- what is not shown, and how -----------------------------------------------------


def test_other_sites_invalidations_and_purge_requests_are_not_shown(outbox, view):
    settle(outbox, "/theirs", distribution="E2OTHER")
    outbox.record_request(
        PurgeRequest("a", time.time(), "joe", "why", ("/theirs",), ("E2OTHER",))
    )
    assert "/theirs" not in view("cloudfront-log").contents


@pytest.mark.parametrize(
    "name", ["cloudfront-log", "cloudfront-history-csv", "cloudfront-invalidation"]
)
def test_an_outbox_that_cannot_be_read_is_a_message(outbox, view, monkeypatch, name):
    def fail(*arguments):
        raise OutboxUnavailable(f"disk I/O error {EVIL}")

    monkeypatch.setattr(outbox, "find", lambda *arguments, **named: fail())
    monkeypatch.setattr(outbox, "settled", fail)
    shown = view(name, id="I1", distribution=DISTRIBUTION)
    assert shown.text("cloudfront-filter-error") is None
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
