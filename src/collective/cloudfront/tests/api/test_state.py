"""Specification: GET @cloudfront."""

from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import time
import transaction


JANE = Cause("jane", ("/a",), 1)


def test_what_waits_and_what_was_sent(client, process):
    process.outbox.release("token", [Entry(DISTRIBUTION, "/a", cause=JANE)])
    state = client().get("@cloudfront").json
    (work,) = state["distributions"]
    assert (work["distribution"], work["waiting"]) == (DISTRIBUTION, 1)
    assert work["trouble"] is None
    process.deliver()
    state = client().get("@cloudfront").json
    (row,) = state["history"]
    assert row["items"] == ["/a"]
    assert row["causes"] == ["jane: /a"]
    assert row["status"] == "InProgress"
    assert row["accepted"].endswith("+00:00")
    assert state["billed_this_month"] == 1


def test_what_people_read_is_in_their_language(client, process):
    registry = getUtility(IRegistry)
    registry["plone.available_languages"] = ["en", "de"]
    registry["plone.default_language"] = "de"
    transaction.commit()
    settings = Cause("jane", code="settings")
    later = time.time() + 9999
    process.outbox.release(
        "", [Entry(DISTRIBUTION, "/later", due=later, cause=settings)]
    )
    for item in ("/sent", "/refused", "/waits"):
        process.outbox.release("", [Entry(DISTRIBUTION, item, cause=settings)])
        process.outbox.claim(DISTRIBUTION, 60.0)
        batch = process.outbox.freeze(DISTRIBUTION, f"reference of {item}", [item])
        if item == "/sent":
            process.outbox.settle(batch, "I1")
        elif item == "/refused":
            process.outbox.quarantine(batch, message("throttled", error="503"))
    process.outbox.wait(
        DISTRIBUTION,
        reason=message("throttled", error="Rate exceeded"),
        advice=message("advice_clock"),
        paused=False,
        until=later,
    )
    state = client().get("@cloudfront").json
    ((work,), (sent,)) = state["distributions"], state["history"]
    ((refused,), (scheduled,)) = state["refused"], state["scheduled"]
    assert sent["causes"] == ["jane: Einstellungen"]
    assert scheduled["cause"] == "jane: Einstellungen"
    assert refused["reason"] == "CloudFront drosselt die Anfragen (503)"
    assert work["trouble"]["reason"] == (
        "CloudFront drosselt die Anfragen (Rate exceeded)"
    )
    assert "die Uhr dieses Rechners" in work["trouble"]["advice"]


def test_why_nothing_is_purged(client):
    getUtility(IRegistry)["collective.cloudfront.enabled"] = False
    transaction.commit()
    (obstacle,) = client().get("@cloudfront").json["obstacles"]
    assert "is off" in obstacle["text"]


def test_an_outbox_that_cannot_be_read(client, process, monkeypatch):
    def fail():
        raise OutboxUnavailable("disk I/O error")

    monkeypatch.setattr(process.outbox, "work", lambda most: fail())
    reply = client().get("@cloudfront")
    assert reply.status == 200
    assert reply.json["unavailable"] == "disk I/O error"


def test_what_the_checks_find(client):
    getUtility(IRegistry)[
        "plone.cachepurging.interfaces.ICachePurgingSettings.enabled"
    ] = False
    transaction.commit()
    items = client().get("@cloudfront/checks").json["items"]
    assert items[0]["level"] == "error"
    assert items[0]["text"] == "Nothing is purged."
    assert items[0]["advice"]
    assert {item["level"] for item in items} <= {"ok", "warning", "error"}
    assert client().get("@cloudfront/other").status == 404


def test_visitors_may_not_see_it(client):
    assert client("").get("@cloudfront").status == 401
