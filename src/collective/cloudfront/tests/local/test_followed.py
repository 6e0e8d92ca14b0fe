"""The API tells what a template says, and the edge does what clients change there."""

from .helpers import DISTRIBUTION
from .site_template import parsed
from .viewers import EDITOR
from .viewers import get
from .viewers import HOST
from .viewers import World
from click.testing import CliRunner
from collective.cloudfront.blueprint import Options as Choices
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.cloudformation import render
from collective.cloudfront.cli.main import main
from collective.cloudfront.local.template import configs_of
from collective.cloudfront.local.template import parse_template
from collective.cloudfront.local.template.stored import documents
from collective.cloudfront.local.template.stored import not_stored
from collective.cloudfront.local.template.stored import resources_of
from collective.cloudfront.tests.blueprint.world import any_options
from collective.cloudfront.tests.profile import repetitions
from dataclasses import replace
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings

import boto3
import pytest
import re


CERTIFICATE = {"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x"}


@pytest.fixture
def world(plone):
    world = World(*plone, parsed())
    with world.cloudfront:
        yield world


@pytest.fixture
def client(world):
    return boto3.client(
        "cloudfront",
        endpoint_url=world.cloudfront.api_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def change(client, **changes):
    """Change members of the distribution's configuration."""
    answer = client.get_distribution_config(Id=DISTRIBUTION)
    config = answer["DistributionConfig"]
    config.update(changes)
    client.update_distribution(
        Id=DISTRIBUTION, IfMatch=answer["ETag"], DistributionConfig=config
    )


def all_in(text):
    """Return what a template says, with an ARN for each certificate."""
    names = re.findall(r"^  (\w*CertificateArn):$", text, re.MULTILINE)
    return parse_template(text, dict.fromkeys(names, CERTIFICATE["CertificateArn"]))


@settings(
    max_examples=repetitions(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(any_options())
def test_documents_of_the_api_say_what_any_template_of_ours_says(options):
    read = all_in(render(right(options)))
    found = (*resources_of(documents(read.resources, {})), *not_stored(read.resources))
    assert configs_of(found) == read.configs


def test_documents_of_the_api_say_what_any_other_template_says():
    read = parsed()
    assert configs_of(resources_of(documents(read.resources, {}))) == read.configs


def test_what_the_command_prints_can_be_read():
    arguments = ["--domain", HOST, "--origin", "https://origin.example.com"]
    printed = CliRunner().invoke(main, ["template", "cloudformation", *arguments])
    (made,) = all_in(printed.output).configs
    assert made.aliases == (HOST,)


def test_boto3_reads_everything(client):
    config = client.get_distribution_config(Id=DISTRIBUTION)["DistributionConfig"]
    assert config["Aliases"]["Items"] == ["www.example.com", "*.example.org"]
    assert config["CacheTagConfig"] == {"HeaderName": "Cache-Tag"}
    assert [
        (each["ErrorCode"], each["ErrorCachingMinTTL"])
        for each in config["CustomErrorResponses"]["Items"]
    ] == [(404, 30), (500, 5), (502, 5), (503, 0)]
    (origin,) = config["Origins"]["Items"]
    assert origin["DomainName"] == "plone.example.com"
    assert origin["CustomHeaders"]["Items"] == [
        {"HeaderName": "X-From-CloudFront", "HeaderValue": "s3cret"}
    ]
    behavior = config["DefaultCacheBehavior"]
    assert behavior["AllowedMethods"]["Quantity"] == 7
    assert behavior["AllowedMethods"]["CachedMethods"]["Items"] == ["GET", "HEAD"]
    policy = client.get_cache_policy(Id=behavior["CachePolicyId"])["CachePolicy"]
    key = policy["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["CookiesConfig"]["Cookies"]["Items"] == ["__ac", "auth_token"]
    headers = client.get_response_headers_policy(
        Id=behavior["ResponseHeadersPolicyId"]
    )["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    assert headers["RemoveHeadersConfig"]["Items"] == [
        {"Header": "Cache-Tag"},
        {"Header": "Server"},
    ]


def test_what_is_stored_again_unchanged_changes_nothing(client, world):
    before = world.cloudfront.edge.configs[DISTRIBUTION]
    change(client)
    after = world.cloudfront.edge.configs[DISTRIBUTION]
    assert replace(after, logical_id=before.logical_id) == before


def test_the_edge_does_what_a_client_has_changed(client, world):
    change(client, Enabled=False)
    assert world.ask(get("/page")).status == 403
    change(client, Enabled=True)
    assert world.ask(get("/page")).status == 200


def test_a_policy_that_a_client_changes_counts_at_once(client, world):
    assert "an editor" in world.ask(get("/page", **EDITOR)).text
    answer = client.get_cache_policy(Id="Pages")
    config = answer["CachePolicy"]["CachePolicyConfig"]
    key = config["ParametersInCacheKeyAndForwardedToOrigin"]
    key["CookiesConfig"] = {"CookieBehavior": "none"}
    client.update_cache_policy(
        Id="Pages", IfMatch=answer["ETag"], CachePolicyConfig=config
    )
    assert "anybody" in world.ask(get("/page", **EDITOR)).text


def test_a_policy_that_a_client_adds_can_be_named(client, world):
    made = client.create_response_headers_policy(
        ResponseHeadersPolicyConfig={
            "Name": "shows everything",
            "RemoveHeadersConfig": {"Quantity": 0},
        }
    )
    config = client.get_distribution_config(Id=DISTRIBUTION)["DistributionConfig"]
    behavior = config["DefaultCacheBehavior"]
    behavior["ResponseHeadersPolicyId"] = made["ResponseHeadersPolicy"]["Id"]
    change(client, DefaultCacheBehavior=behavior)
    assert world.ask(get("/page")).headers["Cache-Tag"] == "page-1,site"


def test_staging_stays_when_a_client_changes_something(plone):
    read = parse_template(render(right(Choices(staging=True))), CERTIFICATE)
    world = World(*plone, read)
    before = world.cloudfront.edge.configs[DISTRIBUTION].staging
    config = world.cloudfront.control.stored()[1]["distribution", DISTRIBUTION]
    assert config.findtext("ContinuousDeploymentPolicyId") == "DeploymentPolicy"
    assert configs_of(read.resources)[0].staging == before
    with world.cloudfront:
        client = boto3.client(
            "cloudfront",
            endpoint_url=world.cloudfront.api_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        change(client, Comment="changed")
    assert world.cloudfront.edge.configs[DISTRIBUTION].staging == before
    staged = get("/page", **{before.header: before.value})
    assert [world.ask(staged).x_cache, world.ask(get("/page")).x_cache] == ["Miss"] * 2


def test_tags_that_a_client_removes_do_nothing(client, world):
    change(client, CacheTagConfig={"HeaderName": "Other"})
    world.ask(get("/page"))
    world.invalidate("#page-1")
    assert world.ask(get("/page")).x_cache == "Hit"


def test_what_the_edge_does_not_know_is_said_to_viewers(client, world):
    change(client, DefaultRootObject="index.html")
    got = world.ask(get("/page"))
    assert got.status == 503
    assert f"Resources.{DISTRIBUTION}.DistributionConfig.DefaultRootObject" in got.text
    world.cloudfront.control.reset()
    assert world.ask(get("/page")).status == 200
