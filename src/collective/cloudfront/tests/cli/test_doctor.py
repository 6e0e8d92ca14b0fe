"""Specification: ``cloudfront doctor``."""

from click.testing import CliRunner
from collective.cloudfront.cli.main import main
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import KEYS
from collective.cloudfront.tests.cli.world import SITE
from collective.cloudfront.tests.doctor.cdn import serving
from collective.cloudfront.tests.doctor.cdn import Site
from dataclasses import replace

import json
import pytest


HIDDEN = {"response_policy": "own", "removed_headers": ["Cache-Tag"]}


@pytest.fixture(autouse=True)
def _no_sts(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.delenv("CLOUDFRONT_OUTBOX", raising=False)


@pytest.fixture
def right(cloudfront):
    """A distribution of which nothing is wrong."""
    cloudfront.control.change_options(
        aliases=("www.example.com",),
        cache_tag_header="Cache-Tag",
        default_behavior=HIDDEN,
    )
    return cloudfront.control


def run(*arguments, **options):
    """Run the command without an outbox."""
    return CliRunner().invoke(main, ["doctor", *arguments], **options)


def problems(result):
    (found,) = json.loads(result.stdout)["distributions"]
    assert found["distribution"] == E1
    wrong = ("info", "warning", "error")
    return {each["code"]: each for each in found["items"] if each["level"] in wrong}


def operations(control):
    return [
        entry.operation
        for entry in control.log()
        if entry.operation.startswith(("Update", "Create"))
        and entry.operation != "CreateInvalidation"
    ]


def test_a_right_distribution_exits_with_0(world, right):
    result = world.run("doctor")
    assert result.exit_code == 0, result.output
    assert "checks without findings" in result.stdout
    assert "With the AWS CLI" not in result.stdout
    assert operations(right) == []


def test_a_mistake_has_its_consequence_and_three_ways_to_correct_it(world, right):
    right.change_options(default_behavior=HIDDEN | {"min_ttl": 60, "default_ttl": 60})
    right.change_options(default_behavior=HIDDEN | {"min_ttl": 60})
    result = world.run("doctor")
    assert result.exit_code == 1
    assert "warning  Minimum TTL: Visitors may get a page that" in result.stdout
    assert "Set the minimum TTL of these cache behaviors to 0." in result.stdout
    assert "aws cloudfront update-cache-policy --id local " in result.stdout
    assert "CachePolicyConfig:" in result.stdout
    assert operations(right) == []


def test_json_has_the_change_for_machines(world, right):
    right.change_options(default_behavior=HIDDEN | {"min_ttl": 60})
    result = world.run("doctor", "--json")
    assert result.exit_code == 1
    change = problems(result)["minimum_ttl_above"]["change"]
    assert change["distribution"] == E1
    (edit,) = change["edits"]
    assert (edit["kind"], edit["id"]) == ("CachePolicy", "local")
    assert (edit["path"], edit["value"]) == (["MinTTL"], 0)
    assert change["commands"][0].startswith("aws cloudfront get-cache-policy-config")
    assert "MinTTL: 0" in change["cloudformation"]


def test_without_an_outbox_a_distribution_is_named(right):
    result = run("--distribution", E1, "--json")
    assert problems(result) == {}
    assert result.exit_code == 0
    assert run().exit_code == 2
    volto = run("--distribution", E1, "--volto", "--json")
    assert {"api_missing", "lifetime_volto"} <= problems(volto).keys()


def test_the_site_is_asked_as_well(right):
    right.change_options(aliases=("127.0.0.1",))
    with serving(Site()) as url:
        result = run("--distribution", E1, "--site", url, "--origin", f"{url}/Plone")
        assert result.exit_code == 0, result.output
    with serving(Site(compresses=False, authorization=False)) as url:
        result = run("--distribution", E1, "--site", url, "--json")
    assert problems(result).keys() == {"site_not_compressed", "site_token_shared"}
    assert result.exit_code == 1


def test_a_site_that_is_no_url_is_wrong_usage():
    assert run("--distribution", E1, "--site", "www.example.com").exit_code == 2
    assert run("--distribution", E1, "--origin", "http://a").exit_code == 2
    assert run("--distribution", E1, "--fix", "--json").exit_code == 2


def test_what_cannot_be_asked_has_another_exit_code(right, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", "http://127.0.0.1:9")
    assert run("--distribution", E1).exit_code == 3
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert run("--distribution", E1).exit_code == 3


def test_a_missing_permission_is_named(right):
    right.change_options(denied_actions={"GetCachePolicy"})
    result = run("--distribution", E1)
    assert result.exit_code == 1
    assert "Not checked: the permission cloudfront:GetCachePolicy" in result.stdout


def test_an_unknown_distribution_is_named(right):
    result = run("--distribution", "EUNKNOWN12345")
    assert result.exit_code == 1
    assert "EUNKNOWN12345 does not exist" in result.stdout


def test_a_key_pair_of_zope_cannot_be_used_here(world, right):
    world.publish(KEYS)
    result = world.run("doctor")
    assert result.exit_code == 1
    assert "key pair" in result.stderr


# --- --fix ----------------------------------------------------------------------------


@pytest.fixture
def tagless(right):
    """A distribution that reads no tags, and shows their header."""
    right.change_options(cache_tag_header="", default_behavior={})
    return right


def test_fix_shows_the_change_and_asks(tagless):
    result = run("--distribution", E1, "--fix", input="n\nn\n")
    assert "+     HeaderName: Cache-Tag" in result.stdout
    assert result.stderr.count("Change this?") == 2
    assert operations(tagless) == []
    assert result.exit_code == 1


def test_fix_changes_what_a_person_agrees_to(tagless):
    result = run("--distribution", E1, "--fix", input="y\nn\n")
    assert operations(tagless) == ["UpdateDistribution"]
    assert tagless.options.cache_tag_header == "Cache-Tag"
    assert result.exit_code == 1
    result = run("--distribution", E1, "--fix", "--yes")
    assert result.exit_code == 0, result.output
    assert operations(tagless)[1:] == [
        "CreateResponseHeadersPolicy",
        "UpdateDistribution",
    ]
    assert "some minutes" in result.stderr
    assert run("--distribution", E1, "--fix").stderr.startswith("There is nothing")


def test_fix_changes_nothing_else(tagless):
    tagless.change_options(default_behavior=HIDDEN | {"min_ttl": 60, "max_ttl": 60})
    result = run("--distribution", E1, "--fix", "--yes", "--json")
    assert problems(result).keys() == {"minimum_ttl_above", "lifetime_short"}
    assert operations(tagless) == ["UpdateDistribution"]


def test_what_two_credentials_see_is_changed_once(world, tagless):
    two = Target(E1, credentials=(Credentials(), Credentials(profile="other")))
    world.publish(replace(SITE, targets={E1: two}))
    result = world.run("doctor", "--fix", "--yes")
    assert operations(tagless) == [
        "UpdateDistribution",
        "CreateResponseHeadersPolicy",
        "UpdateDistribution",
    ]
    # The other profile does not exist
    assert result.exit_code == 3


def test_fix_says_why_it_could_not(tagless):
    tagless.change_options(denied_actions={"UpdateDistribution"})
    result = run("--distribution", E1, "--fix", "--yes")
    assert result.exit_code == 1
    assert f"{E1} was not changed: AWS denies cloudfront:UpdateDist" in result.stderr
    assert "Traceback" not in result.output
