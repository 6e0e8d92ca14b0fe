"""Specification: GET @cloudfront/history."""

from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.testing import DISTRIBUTION

import pytest
import time


@pytest.fixture
def history(client, process):
    """Ask for what there is: an invalidation, a refused item and a purge by hand."""
    outbox = process.outbox
    for item, user in (("/news/a", "jane"), ("/b", "joe")):
        cause = Cause(user, (item,), 1)
        outbox.release("", [Entry(DISTRIBUTION, item, cause=cause)])
        outbox.claim(DISTRIBUTION, 60.0)
        batch = outbox.freeze(DISTRIBUTION, f"reference of {item}", [item])
        if user == "jane":
            outbox.complete(outbox.settle(batch, "I1"), "Completed")
        else:
            outbox.quarantine(batch, plain("InvalidArgument: no"))
    due = time.time() + 99
    request = PurgeRequest(
        "a1", time.time(), "anna", "prices", ("/news*",), (DISTRIBUTION,), due
    )
    outbox.record_request(request)
    return lambda query="": client().get(f"@cloudfront/history{query}")


def states(reply):
    return [item["state"] for item in reply.json["items"]]


def test_all_kinds_of_entries_newest_first(history):
    reply = history()
    planned, refused, done = reply.json["items"]
    assert (planned["type"], planned["state"]) == ("purge_by_hand", "scheduled")
    assert (planned["user"], planned["reason"]) == ("anna", "prices")
    assert planned["at"].endswith("+00:00")
    assert (refused["type"], refused["state"]) == ("refused_item", "refused")
    assert refused["reason"] == "InvalidArgument: no"
    assert (done["type"], done["state"]) == ("invalidation", "completed")
    assert done["causes"] == ["jane: /news/a"]
    assert done["items"] == ["/news/a"]
    assert done["distributions"] == [DISTRIBUTION]
    assert done["caller_reference"] == "reference of /news/a"
    assert (reply.json["older"], reply.json["newer"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?person=joe", ["refused"]),
        ("?path=/news", ["scheduled", "completed"]),
        ("?state=by_hand", ["scheduled"]),
        ("?search=invalidargument", ["refused"]),
        (f"?distribution={DISTRIBUTION}&person=jane", ["completed"]),
        ("?person=nobody", []),
    ],
)
def test_the_parameters_are_those_of_the_page(history, query, found):
    assert states(history(query)) == found


def test_links_lead_from_page_to_page(history, client):
    first = history("?limit=1&path=/")
    assert states(first) == ["scheduled"]
    second = client().get("@cloudfront" + first.json["older"].split("@cloudfront")[1])
    assert states(second) == ["refused"]
    again = client().get("@cloudfront" + second.json["newer"].split("@cloudfront")[1])
    assert states(again) == ["scheduled"]
    assert again.json["newer"] is None


def test_a_long_search_says_where_to_go_on(history, client, monkeypatch):
    monkeypatch.setattr("collective.cloudfront.outbox.history.MOST_ROWS", 2)
    reply = history("?person=jane")
    assert states(reply) == []
    assert reply.json["searched_to"].endswith("+00:00")
    older = reply.json["older"].split("@cloudfront")[1]
    assert states(client().get(f"@cloudfront{older}")) == ["completed"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?state=lost", "state"),
        ("?distribution=E2OTHER", "distribution"),
        ("?path=news", "path"),
        ("?person=a&person=b", "person"),
        ("?person:int=7", "person"),
        ("?search=" + 300 * "x", "search"),
        ("?before=yesterday", "before"),
        ("?after=nan,x", "after"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=many", "limit"),
        ("?limit=%C2%B2", "limit"),
        ("?persn=jane", "persn"),
    ],
)
def test_a_wrong_parameter_is_named(history, query, parameter):
    reply = history(query)
    assert reply.status == 400
    (detail,) = reply.json["error"]["details"]
    assert detail["parameter"] == parameter
    assert detail["message"]


def test_an_outbox_that_cannot_be_read(history, process, monkeypatch):
    def fail(*arguments):
        raise OutboxUnavailable("disk I/O error")

    monkeypatch.setattr(process.outbox, "find", fail)
    reply = history()
    assert reply.status == 503
    assert "disk I/O error" in reply.json["error"]["message"]


def test_visitors_may_not_see_it(history, client):
    assert client("").get("@cloudfront/history").status == 401
