"""Specification: purging from the command line."""

from collective.cloudfront.cli.purge import system_user
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import E2
from collective.cloudfront.tests.cli.world import SITE
from collective.cloudfront.tests.cli.world import VOLTO
from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from datetime import timezone

import getpass
import json
import pytest
import time


def items(world, *arguments):
    """Return what a purge would send, by distribution."""
    world.json("purge", *arguments)
    return {each: world.ready(each) for each in (E1, E2)}


# --- what is sent -----------------------------------------------------------------------


def test_paths_are_sent_as_visitors_see_them(world):
    result = world.run("purge", "/news", "/a b")
    assert result.exit_code == 0
    assert world.ready() == ["/a%20b", "/news"]
    assert "2 items" in result.stdout


def test_below_reaches_the_page_and_everything_below_it_but_no_neighbour(world):
    assert items(world, "/news/", "--below")[E1] == ["/news", "/news/*", "/news?*"]


def test_below_the_front_page_is_everything(world):
    assert items(world, "/", "--below")[E1] == ["/*"]


def test_everything_is_one_wildcard(world):
    assert items(world, "--all")[E1] == ["/*"]


def test_everything_of_a_site_behind_a_prefix_is_below_it(world):
    world.publish(VOLTO)
    assert items(world, "--all") == {E1: ["/*"], E2: ["/intranet*"]}


def test_a_cache_tag_goes_to_every_distribution(world):
    world.publish(VOLTO)
    assert items(world, "--tag", "9f") == {E1: ["#9f"], E2: ["#9f"]}


def test_with_volto_the_responses_of_the_rest_api_are_purged_too(world):
    world.publish(VOLTO)
    found = items(world, "/intranet/news", "/other", "--distribution", E2)
    assert found[E2] == ["/intranet/++api++/news", "/intranet/news", "/other"]
    assert found[E1] == []


def test_with_volto_also_those_below(world):
    world.publish(VOLTO)
    assert items(world, "/intranet/a", "--below")[E2] == [
        "/intranet/++api++/a",
        "/intranet/++api++/a/*",
        "/intranet/++api++/a?*",
        "/intranet/a",
        "/intranet/a/*",
        "/intranet/a?*",
    ]


def test_a_url_goes_to_the_site_with_its_host(world):
    world.publish(VOLTO)
    found = items(world, "https://intranet.example.com:443/intranet/a", "/b")
    assert found[E1] == ["/b"]
    assert "/intranet/a" in found[E2]


def test_a_chosen_distribution_gets_it_alone(world):
    world.publish(VOLTO)
    assert items(world, "/a", "--distribution", E1) == {E1: ["/a"], E2: []}


def test_it_is_urgent_and_purged_again_after_answers_have_arrived(world):
    world.publish(replace(SITE, targets={E1: Target(E1, again_after=10.0)}))
    before = time.time()
    world.json("purge", "/a")
    assert [each.urgent for each in world.outbox.pending(E1, 9)] == [True]
    (again,) = world.outbox.scheduled(9)
    assert again.item == "/a"
    assert again.due >= before + 10


def test_zopes_learn_of_it_for_the_answers_that_they_make(world):
    world.json("purge", "/a")
    (purge,) = world.outbox.poll([], 9, 1e12, 0).purges
    assert purge.items == {E1: ["/a"]}


def test_that_nobody_delivers_is_said(world):
    assert "Nobody delivers at the moment" in world.run("purge", "/a").stderr
    Presence(world.outbox, Kind.WORKER).say()
    assert world.run("purge", "/a").stderr == ""


def test_many_paths_are_sent_too(world):
    paths = [f"/p{number}" for number in range(600)]
    assert len(items(world, *paths)[E1]) == 600


# --- what is recorded -------------------------------------------------------------------


def test_it_is_recorded_with_the_name_of_the_systems_user(world):
    result = world.json("purge", "/a", "--reason", "new\nlogo")
    (request,) = world.outbox.requests(9)
    assert (request.id, request.user, request.reason) == (
        result["id"],
        "jane",
        "new logo",
    )
    assert (request.items, request.distributions) == (("/a",), (E1,))


def test_who_has_no_name_is_a_number(monkeypatch):
    def no_name():
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", no_name)
    assert system_user().startswith("uid ")


# --- a preview --------------------------------------------------------------------------


def test_a_dry_run_sends_and_records_nothing(world):
    assert world.json("purge", "/a", "--below", "--dry-run") == {
        "dry_run": True,
        "items": ["/a", "/a?*", "/a/*"],
        "distributions": [E1],
        "billed": 3,
        "at": None,
    }
    assert world.ready() == []
    assert world.outbox.requests(9) == []
    assert "AWS would bill 1 item." in world.run("purge", "/a", "--dry-run").stdout


# --- later ------------------------------------------------------------------------------


def test_it_can_be_scheduled_shown_and_cancelled(world):
    at = (datetime.now(timezone.utc) + timedelta(hours=2)).replace(microsecond=0)
    result = world.json("purge", "/sale", "--at", at.isoformat())
    assert result["at"] == at.isoformat()
    assert world.ready() == []
    (planned,) = world.json("scheduled")["items"]
    assert (planned["id"], planned["at"]) == (result["id"], at.isoformat())
    assert f"{at:%Y-%m-%d %H:%M:%S} UTC" in world.run("scheduled").stdout
    assert world.run("cancel", result["id"]).exit_code == 0
    assert world.outbox.scheduled(9) == []
    again = world.run("cancel", result["id"])
    assert again.exit_code == 1
    assert "no scheduled purge" in again.stderr


def test_a_time_without_offset_is_local_and_shown_in_both(world, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    at = (datetime.now() + timedelta(hours=2)).replace(microsecond=0)
    result = world.run("purge", "/sale", "--at", at.isoformat())
    assert world.outbox.scheduled(9)[0].due == at.timestamp()
    assert f"{at:%Y-%m-%d %H:%M:%S} JST (" in result.stdout
    assert "UTC)" in result.stdout


@pytest.mark.parametrize("at", ["tomorrow", "2001-01-01", "2999-01-01", ""])
def test_an_impossible_time_is_wrong_usage(world, at):
    assert world.run("purge", "/a", "--at", at).exit_code == 2


# --- what is wrong ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Say what to purge"),
        (["--all", "/a"], "Use --all alone"),
        (["--tag", "a", "--below"], "--below is for PATH"),
        (["--tag", "a,b"], "no cache tag"),
        (["news"], "neither a path"),
        (["/a*b"], "only at the end"),
        (["https://elsewhere.example.com/a"], "not a domain of a known site"),
        (["ftp://www.example.com/a"], "only http and https"),
        (["/a", "--distribution", "EOTHER"], f"Known are: {E1}."),
        (["/a", "--wait", "--at", "2030-01-01"], "in the future, and at most"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(world, arguments, says):
    result = world.run("purge", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert world.ready() == []


def test_without_a_site_it_says_what_to_do(empty):
    result = empty.run("purge", "/a")
    assert result.exit_code == 1
    assert "Start Zope with the same outbox" in result.stderr


def test_an_outbox_that_fails_has_a_code_of_its_own(world, tmp_path):
    (tmp_path / "file").write_text("")
    world.url = f"sqlite:///{tmp_path}/file/outbox.sqlite"
    result = world.run("purge", "/a")
    assert result.exit_code == 3
    assert "cannot be used" in result.stderr


def test_an_outbox_that_is_none_is_wrong_usage(world):
    world.url = "nonsense://jane:s3cret@host/x"
    result = world.run("purge", "/a")
    assert result.exit_code == 2
    assert "s3cret" not in result.output


# --- waiting ----------------------------------------------------------------------------


def test_waiting_in_vain_has_a_code_of_its_own_and_says_why(world):
    result = world.run("purge", "/a", "--wait", "--timeout", "0")
    assert result.exit_code == 4
    assert "Nobody delivers" in result.stderr
    assert world.ready() == ["/a"]


def test_it_waits_until_cloudfront_has_completed_it(world, cloudfront, workers):
    workers.append(world.start("worker"))
    result = world.run("purge", "/a", "/b", "--wait")
    assert result.exit_code == 0, result.output
    assert "completed" in result.stderr
    (invalidation,) = cloudfront.control.invalidations()
    assert sorted(invalidation.items) == ["/a", "/b"]
    assert invalidation.status == "Completed"


def test_output_of_json_is_not_mixed_with_what_is_for_people(world):
    result = world.run("purge", "/a", "--wait", "--timeout", "0", "--json")
    assert json.loads(result.stdout)["items"] == ["/a"]
