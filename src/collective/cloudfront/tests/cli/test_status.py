"""Specification: looking at an outbox from the command line."""

from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import E2
from collective.cloudfront.tests.cli.world import KEYS
from collective.cloudfront.tests.cli.world import VOLTO

import json
import pytest
import time


def attend(world, kind=Kind.WORKER):
    Presence(world.outbox, kind).say()


def code(world):
    return world.json("status")["health"]["code"]


# --- status -----------------------------------------------------------------------------


def test_nothing_waits(world):
    result = world.run("status")
    assert result.exit_code == 0
    assert "Everything is delivered." in result.stdout
    assert E1 in result.stdout
    assert code(world) == "delivered"


def test_what_waits_is_counted_by_distribution(world):
    attend(world)
    world.publish(VOLTO)
    world.release("/a", "/b")
    world.settle("/c", distribution=E2)
    found = world.json("status")
    assert found["health"]["code"] == "pending"
    assert found["pending"] == 2
    assert [
        (each["distribution"], each["waiting"], each["billed_this_month"])
        for each in found["distributions"]
    ] == [(E1, 2, 0), (E2, 0, 1)]
    assert found["billed_this_month"] == 1


def test_who_delivers_is_shown(world):
    attend(world)
    (process,) = world.json("status")["processes"]
    assert (process["kind"], process["delivers"]) == ("worker", True)
    assert "worker" in world.run("status").stdout


def test_that_nobody_delivers_is_shown(world):
    attend(world, Kind.SAVES_ONLY)
    world.release("/a")
    assert code(world) == "unattended"
    assert "Nobody has delivered for a minute." in world.run("status").stdout


def test_why_purging_is_paused_and_what_to_do_is_shown(world):
    world.release("/a")
    world.pause()
    found = world.json("status")
    assert (found["health"]["level"], found["health"]["code"]) == ("error", "paused")
    assert found["paused"] == [E1]
    text = world.run("status").stdout
    assert f"{E1}: No credentials were found. Provide some." in text
    assert "Next attempt: " in text


def test_what_cloudfront_refuses_is_shown(world):
    attend(world)
    world.refuse("/bad")
    assert code(world) == "quarantined"
    assert f"{E1} /bad: CloudFront does not like it" in world.run("status").stdout


def test_that_only_zope_can_deliver_is_shown(world):
    world.publish(KEYS)
    world.release("/a")
    attend(world)
    assert code(world) == "unattended"
    assert "Only Zope can" in world.run("status").stdout
    attend(world, Kind.ZOPE)
    assert code(world) == "pending"


def test_what_no_site_uses_is_shown(world):
    world.release("/a", distribution="EOTHER")
    assert "EOTHER: purging is not enabled" in world.run("status").stdout


def test_json_has_the_names_of_the_rest_api(world):
    found = world.json("status")
    assert found.keys() >= {
        "actions",
        "billed_this_month",
        "distributions",
        "health",
        "history",
        "in_progress",
        "paused",
        "pending",
        "refused",
        "scheduled",
    }
    assert found["distributions"][0].keys() == {
        "distribution",
        "waiting",
        "being_sent",
        "in_progress",
        "billed_this_month",
        "trouble",
    }


def test_no_password_is_shown():
    from collective.cloudfront.cli.console import without_secrets

    url = "postgresql://plone:s3cret@db:5432/plone?password=s3cret#s3cret"
    assert without_secrets(url) == "postgresql://db:5432/plone"


# --- a check for scripts ----------------------------------------------------------------


def test_a_check_is_one_line_and_a_code(world):
    result = world.run("status", "--check")
    assert (result.exit_code, result.stdout) == (0, "ok: Everything is delivered.\n")


@pytest.mark.parametrize("trouble", ["paused", "refused", "unattended"])
def test_a_check_fails_where_a_person_must_do_something(world, trouble):
    if trouble == "refused":
        attend(world)
        world.refuse("/bad")
    else:
        world.release("/a")
    if trouble == "paused":
        world.pause()
    result = world.run("status", "--check")
    assert result.exit_code == 1
    assert result.stdout.count("\n") == 1


def test_an_outbox_that_fails_has_a_code_of_its_own(world, tmp_path):
    (tmp_path / "file").write_text("")
    world.url = f"sqlite:///{tmp_path}/file/outbox.sqlite"
    assert world.run("status", "--check").exit_code == 3


# --- history ----------------------------------------------------------------------------


@pytest.fixture
def past(world):
    world.settle("/news")
    world.refuse("/bad")
    request = PurgeRequest("id1", time.time(), "joe", "logo", ("/*",), (E1,))
    world.outbox.record_request(request)
    return world


def types(world, *arguments):
    return {each["type"] for each in world.json("history", *arguments)["items"]}


def test_the_history_has_all_kinds_of_entries(past):
    assert types(past) == {"invalidation", "refused_item", "purge_by_hand"}
    text = past.run("history").stdout
    for part in ("/news", "completed", "/bad", "refused", "joe: logo", "requested"):
        assert part in text


def test_the_history_is_filtered(past):
    assert types(past, "--person", "joe") == {"purge_by_hand"}
    assert types(past, "--state", "refused") == {"refused_item"}
    assert types(past, "--path", "/news") == {"invalidation", "purge_by_hand"}
    assert types(past, "--search", "logo") == {"purge_by_hand"}
    assert types(past, "--distribution", "EOTHER") == set()
    assert "Nothing was found." in past.run("history", "--search", "xyz").stdout


def test_that_there_is_more_is_said(past):
    result = past.run("history", "--limit", "1")
    assert len(past.json("history", "--limit", "1")["items"]) == 1
    assert "older entries" in result.stdout


def test_an_entry_has_the_names_of_the_rest_api(past):
    (entry,) = past.json("history", "--state", "completed")["items"]
    assert entry.keys() == {
        "time",
        "state",
        "distributions",
        "items",
        "type",
        "causes",
        "committed",
        "invalidation",
        "status",
        "caller_reference",
        "accepted",
        "completed",
    }


def test_nothing_in_an_item_can_control_a_terminal(world):
    request = PurgeRequest("id1", time.time(), "joe", "", ("/\x1b[2J",), (E1,))
    world.outbox.record_request(request)
    assert "\x1b" not in world.run("history").stdout


# --- scheduled --------------------------------------------------------------------------


def test_dates_of_content_are_shown_with_their_cause(world):
    cause = Cause("jane", ("/event",), 1)
    due = time.time() + 3600
    world.outbox.release("", [Entry(E1, "/event", due=due, key="k", cause=cause)])
    (found,) = world.json("scheduled")["scheduled"]
    assert (found["item"], found["cause"]) == ("/event", "jane: /event")
    assert "jane: /event" in world.run("scheduled").stdout


def test_nothing_is_scheduled(world):
    assert world.run("scheduled").stdout == "Nothing is scheduled.\n"
    assert json.loads(world.run("scheduled", "--json").stdout) == {
        "items": [],
        "scheduled": [],
    }
