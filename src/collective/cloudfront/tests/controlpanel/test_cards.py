"""Specification: the few numbers that the status begins with."""

from collective.cloudfront.controlpanel.cards import cards
from collective.cloudfront.controlpanel.health import health
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.planning.price import FREE
from datetime import datetime
from datetime import timezone
from zope.i18n import translate

import pytest


NOW = datetime(2026, 11, 16, 12, tzinfo=timezone.utc).timestamp()
pytestmark = pytest.mark.usefixtures("portal")  # dates are written in its language


def work(**facts):
    facts = {"ready": 0, "frozen": 0, "in_progress": 0, "oldest": None, **facts}
    return Work(distribution="E1", waiting=None, **facts)


def settled(since, accepted, completed=None):
    """An invalidation, by how many seconds ago."""
    done = None if completed is None else NOW - completed
    return Settled("I1", "E1", "r1", ("/a",), NOW - since, NOW - accepted, done)


def shown(**facts):
    """Return the texts of the cards by name."""
    state = Overview(**{"work": (work(),), **facts})
    return {
        card.name: [translate(text) for text in (card.label, card.value, *card.notes)]
        for card in cards(state, health(state, False, NOW), NOW)
    }


def test_what_is_delivered_is_fresh_since_the_last_completion():
    label, value, note = shown(history=(settled(12, 11, 8),))["fresh"]
    assert label == "Fresh since"
    assert value != "—"
    assert note == "Last invalidation 11 s ago."


def test_what_is_on_its_way_is_as_old_as_the_oldest_change():
    waiting = shown(work=(work(ready=2, oldest=NOW - 7),))
    assert waiting["fresh"] == ["Oldest change on its way", "7 s"]
    assert waiting["waiting"] == ["Waiting items", "2"]
    sent = shown(work=(work(in_progress=1),), history=(settled(9, 8),))
    assert sent["fresh"] == ["Oldest change on its way", "9 s"]
    assert sent["waiting"][1:] == ["0", "Invalidations in progress: 1."]


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (99, "99 s"),
        (100, "2 min"),
        (7_200, "2 h"),
        (90_000, "25 h"),
        (345_600, "4 days"),
    ],
)
def test_an_age_has_one_unit(seconds, age):
    found = shown(work=(work(ready=2, oldest=NOW - seconds),))
    assert found["fresh"][1] == age


def test_where_nothing_was_ever_purged_there_is_nothing_to_say():
    found = shown()
    assert found["fresh"] == ["Last completed", "—"]
    assert found["speed"] == ["From saving to CloudFront", "—"]


def test_every_page_that_waits_for_its_interval_says_when():
    found = shown(work=(work(coalesced=1, coalesced_until=NOW + 43),))
    assert found["waiting"] == ["Waiting items", "1", "Every page: in 43 s."]


def test_the_free_items_cost_nothing():
    assert shown(billed_by_all=FREE // 2)["month"] == [
        "Items this month",
        "500",
        "Free of charge: the first 1,000 a month.",
    ]


def test_further_items_have_a_price_and_the_month_an_estimate():
    assert shown(billed_by_all=1_874)["month"] == [
        "Items this month",
        "1,874",
        "≈ $4.37 above the free 1,000.",
        "Estimate for the whole month: 3,627 items, ≈ $13.14.",
    ]


def test_numbers_are_written_as_in_the_language_of_the_person(portal, http_request):
    http_request["LANGUAGE"] = "de"
    month = shown(billed_by_all=1_874)["month"]
    assert month[1] == "1.874"
    assert "4,37" in month[2]


def test_the_time_from_saving_to_acceptance_is_an_average():
    history = (settled(10, 9.5, 5), settled(20, 18.5, 15))
    assert shown(history=history)["speed"] == [
        "From saving to CloudFront",
        "1.0\N{NO-BREAK SPACE}s",
        "Average of the last 2 invalidations.",
        "Completed everywhere after 5.0\N{NO-BREAK SPACE}s.",
    ]


def test_an_outbox_that_cannot_be_read_has_no_numbers():
    assert shown(unavailable=message("text", text="disk I/O error"), work=()) == {}
