"""Specification: ``template`` prints the right distribution."""

from click.testing import CliRunner
from collective.cloudfront.blueprint import Flaw
from collective.cloudfront.blueprint import WrongOptions
from collective.cloudfront.cli.choices import explain
from collective.cloudfront.cli.main import main
from collective.cloudfront.tests.blueprint.reading import read_yaml

import json
import pytest


ORIGIN = ("--origin", "https://origin.example.com")
SITE = (*ORIGIN, "--domain", "www.example.com")


def run(*arguments):
    """Run ``cloudfront template`` without an outbox."""
    runner = CliRunner(env={"CLOUDFRONT_OUTBOX": None})
    return runner.invoke(main, ["template", *arguments])


def printed(*arguments):
    """Return what the command prints; it must succeed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_cloudformation_prints_a_template_with_comments():
    text = printed("cloudformation", *SITE)
    assert text.startswith("# CloudFront for Plone")
    config = read_yaml(text)["Resources"]["Distribution"]["Properties"]
    assert config["DistributionConfig"]["Aliases"] == ["www.example.com"]


def test_terraform_prints_a_configuration():
    text = printed("terraform", *SITE)
    assert text.startswith("# CloudFront for Plone")
    assert 'resource "aws_cloudfront_distribution" "public" {' in text


def test_a_server_without_a_scheme_is_asked_over_https():
    text = printed("cloudformation", "--origin", "o.example.com", *SITE[2:])
    resources = read_yaml(text)["Resources"]
    origin = resources["Distribution"]["Properties"]["DistributionConfig"]["Origins"][0]
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert origin["CustomOriginConfig"]["HTTPSPort"] == 443


def test_each_option_has_its_effect():
    text = printed(
        "cloudformation",
        *("--volto", *SITE, "--api-origin", "http://plone.example.com:8080"),
        *("--editors", "host", "--editors-domain", "edit.example.com"),
        *("--no-tags", "--slack", "--staging", "--runs-on", "irsa", "--no-hsts"),
        *("--oidc-provider", "oidc.example.com/id/1", "--name", "site-a"),
        *("--vpc", "arn:aws:ec2:eu-central-1:123456789012:instance/i-1"),
    )
    resources = read_yaml(text)["Resources"]
    assert {
        "EditorsDistribution",
        "StagingDistribution",
        "PloneApiVpcOrigin",
        "SlackFunction",
    } < set(resources)
    assert "CacheTagConfig" not in text
    assert "StrictTransportSecurity" not in text
    assert "oidc.example.com/id/1:sub" in text
    assert "Name: site-a-pages" in text


def test_tenants_are_given_with_their_domains():
    text = printed("cloudformation", *ORIGIN, "--tenant", "a=a.example.com/sites/a")
    tenant = read_yaml(text)["Resources"]["Tenant1"]["Properties"]
    assert tenant["Domains"] == ["a.example.com"]
    assert {"Name": "site", "Value": "sites/a"} in tenant["Parameters"]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("--domain", "https://www.example.com", *ORIGIN), "without https://"),
        (ORIGIN, "Give it with --domain"),
        (SITE[2:], "--origin"),
        (("--domain", "a.de", "--origin", "https://a.de"), "ask itself"),
        (("--domain", "a.de", "--origin", "192.0.2.7"), "no IP address"),
        (("--domain", "a.de", "--origin", "https://b.de/Plone"), "Use --site"),
        (("--domain", "a.de", "--origin", "ftp://b.de"), "is not such as"),
        ((*ORIGIN, "--tenant", "a.example.com"), "intranet=intranet.example.com"),
        ((*SITE, "--name", "my site"), "letters, digits and hyphens"),
        (("--volto", "--domain", "a.de", "--ecs"), "--origin"),
        ((*SITE, "--runs-on", "irsa"), "--oidc-provider"),
        ((*SITE, "--editors-domain", "e.de"), "--editors host"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(arguments, advice):
    result = run("cloudformation", *arguments)
    assert result.exit_code == 2
    assert advice in " ".join(result.stderr.split())


@pytest.mark.parametrize("flaw", Flaw)
def test_each_flaw_has_a_sentence(flaw):
    text = explain(WrongOptions(flaw, "x\x1by"))
    assert text.endswith(".")
    assert "\x1b" not in text


def test_iam_prints_what_plone_needs_and_no_more():
    policy = json.loads(
        printed("iam", "--distribution", "E2QWRUHAPOMQZL", "--account", "123456789012")
    )
    purge = policy["Statement"][0]
    assert purge["Action"] == [
        "cloudfront:CreateInvalidation",
        "cloudfront:GetInvalidation",
    ]
    assert purge["Resource"] == [
        "arn:aws:cloudfront::123456789012:distribution/E2QWRUHAPOMQZL"
    ]


def test_iam_knows_tenants():
    policy = json.loads(printed("iam", "--distribution", "dt_abc"))
    assert policy["Statement"][0]["Resource"] == [
        "arn:aws:cloudfront::*:distribution-tenant/dt_abc"
    ]
    assert (
        "cloudfront:CreateInvalidationForDistributionTenant"
        in (policy["Statement"][0]["Action"])
    )


@pytest.mark.parametrize(
    ("runs_on", "principal"),
    [
        ("ec2", {"Service": "ec2.amazonaws.com"}),
        ("ecs", {"Service": "ecs-tasks.amazonaws.com"}),
        ("pod-identity", {"Service": "pods.eks.amazonaws.com"}),
        (
            "irsa",
            {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/1"},
        ),
    ],
)
def test_iam_prints_who_may_assume_the_role(runs_on, principal):
    arguments = ("--distribution", "E1", "--trust", "--account", "123456789012")
    text = printed(
        "iam",
        *arguments,
        *("--runs-on", runs_on, "--oidc-provider", "oidc.example.com/1"),
    )
    assert json.loads(text)["Statement"][0]["Principal"] == principal


def test_iam_says_what_is_not_an_id():
    result = run("iam", "--distribution", "www.example.com")
    assert result.exit_code == 2
    assert "E2QWRUHAPOMQZL" in result.stderr


def test_cdk_prints_an_app():
    text = printed("cdk", *SITE)
    assert text.startswith("// CloudFront for Plone")
    assert "new cloudfront.CfnDistribution(stack, 'Distribution', {" in text


def test_plone_itself_can_be_in_the_template():
    text = printed("cloudformation", "--domain", "www.example.com", "--ecs")
    resources = read_yaml(text)["Resources"]
    assert {"Distribution", "PloneService", "WorkerService"} < set(resources)


def test_ecs_prints_plone_alone():
    document = read_yaml(printed("ecs"))
    kinds = {each["Type"] for each in document["Resources"].values()}
    assert "AWS::ECS::Service" in kinds
    assert not any("CloudFront" in kind for kind in kinds)
    assert set(document["Outputs"]) == {"LoadBalancerArn", "Origin"}


def test_terraform_says_that_it_has_no_ecs():
    result = run("terraform", "--domain", "www.example.com", "--ecs")
    assert result.exit_code == 2
    assert "not for Terraform" in result.stderr


def test_the_command_is_in_the_template_without_what_is_secret(monkeypatch):
    command = ["cloudfront", "--outbox", "redis://:secret@host", "template", "ecs"]
    monkeypatch.setattr("sys.argv", command)
    text = printed("ecs")
    assert "# cloudfront template ecs" in text
    assert "secret@" not in text
