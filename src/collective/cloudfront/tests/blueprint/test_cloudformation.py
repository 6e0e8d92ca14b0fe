"""Specification: the CloudFormation template of a blueprint.

cfn-lint checks it against AWS's own schemas of the resources. Nobody has created a
distribution from it at AWS.
"""

from cfnlint.api import lint
from cfnlint.config import ManualArgs
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.cloudformation import render
from collective.cloudfront.blueprint.cloudformation import render_plone
from collective.cloudfront.blueprint.cloudformation import template
from collective.cloudfront.tests.blueprint.reading import read_yaml
from collective.cloudfront.tests.blueprint.world import any_options
from collective.cloudfront.tests.blueprint.world import COMBINATIONS
from collective.cloudfront.tests.blueprint.world import EVERYTHING
from collective.cloudfront.tests.profile import only_long
from collective.cloudfront.tests.profile import repetitions
from hypothesis import given
from hypothesis import settings

import pytest
import re


def problems(options):
    """Return what cfn-lint says of the template."""
    # CloudFront reads certificates and web ACLs only there
    config = ManualArgs(regions=["us-east-1"])
    return [str(each) for each in lint(render(right(options)), config=config)]


def test_cfn_lint_finds_nothing():
    assert problems(EVERYTHING) == []


@pytest.mark.long
@only_long
@pytest.mark.parametrize("name", COMBINATIONS)
def test_cfn_lint_finds_nothing_in_any_combination(name):
    assert problems(COMBINATIONS[name]) == []


def test_cfn_lint_finds_nothing_in_plone_alone():
    config = ManualArgs(regions=["eu-central-1"])
    assert [str(each) for each in lint(render_plone(), config=config)] == []


def test_cfn_lint_would_find_a_wrong_property():
    text = render(right(Options())).replace("DefaultTTL", "DefaultTtl", 1)
    config = ManualArgs(regions=["us-east-1"])
    assert any("DefaultTtl" in str(each) for each in lint(text, config=config))


# What is in it


def resources(options, kind):
    """Return the properties of resources of a kind by logical id."""
    return {
        name: each.get("Properties", {})
        for name, each in template(right(options))["Resources"].items()
        if each["Type"] == f"AWS::{kind}"
    }


def config_of(options, name="Distribution"):
    """Return the DistributionConfig."""
    return resources(options, "CloudFront::Distribution")[name]["DistributionConfig"]


def test_it_says_what_the_blueprint_says():
    config = config_of(Options())
    assert config["CacheTagConfig"] == {"HeaderName": "Cache-Tag"}
    assert config["HttpVersion"] == "http2and3"
    assert config["Aliases"] == ["www.example.com"]
    patterns = [each["PathPattern"] for each in config["CacheBehaviors"]]
    behaviors = right(Options()).distribution.behaviors
    assert patterns == [each.path_pattern for each in behaviors]
    errors = {
        each["ErrorCode"]: each["ErrorCachingMinTTL"]
        for each in config["CustomErrorResponses"]
    }
    assert errors[404] == 10


def test_behaviors_name_policies_of_the_template_or_of_aws():
    config = config_of(Options())
    assert config["DefaultCacheBehavior"]["CachePolicyId"] == {
        "Ref": "PagesCachePolicy"
    }
    login = next(
        each for each in config["CacheBehaviors"] if each["PathPattern"] == "*/login"
    )
    assert login["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def test_each_value_that_people_wonder_about_has_a_comment_once():
    text = render(right(Options()))
    comments = " ".join(
        line.strip("# ") for line in text.splitlines() if line.lstrip()[:1] == "#"
    )
    assert comments.count("CloudFront keeps even answers that Plone marks as") == 1
    assert "VirtualHostMonster reads the public host name" in comments


def test_without_domains_there_is_no_certificate():
    config = config_of(COMBINATIONS["classic, no domain"])
    assert "ViewerCertificate" not in config
    assert "Parameters" not in template(right(COMBINATIONS["classic, no domain"]))


def test_a_multi_tenant_distribution_has_nothing_that_aws_refuses_there():
    config = config_of(COMBINATIONS["classic, tenants"])
    assert config["ConnectionMode"] == "tenant-only"
    for name in ("Aliases", "IPV6Enabled", "Staging", "ContinuousDeploymentPolicyId"):
        assert name not in config
    tenants = resources(
        COMBINATIONS["classic, tenants"], "CloudFront::DistributionTenant"
    )
    assert tenants["Tenant1"]["Parameters"] == [
        {"Name": "host", "Value": "a.example.com"},
        {"Name": "site", "Value": "Plone"},
    ]
    assert tenants["Tenant2"]["Parameters"][1]["Value"] == "sites/b"


def test_where_tenants_share_one_origin_they_have_no_parameters():
    options = COMBINATIONS["volto, tenants"]
    assert "TenantConfig" not in config_of(options)
    tenants = resources(options, "CloudFront::DistributionTenant")
    assert all("Parameters" not in each for each in tenants.values())


def test_staging_is_reached_with_a_header():
    assert config_of(EVERYTHING, "StagingDistribution")["Staging"] is True
    policy = resources(EVERYTHING, "CloudFront::ContinuousDeploymentPolicy")
    config = policy["DeploymentPolicy"]["ContinuousDeploymentPolicyConfig"]
    header = config["TrafficConfig"]["SingleHeaderConfig"]["Header"]
    assert header.startswith("aws-cf-cd-")
    assert config_of(EVERYTHING)["ContinuousDeploymentPolicyId"] == {
        "Ref": "DeploymentPolicy"
    }


def test_cloudfront_reaches_plone_on_ecs_through_its_load_balancer_only():
    options = COMBINATIONS["classic, ECS"]
    [origin] = config_of(options)["Origins"]
    assert origin["DomainName"] == {"Fn::GetAtt": ["LoadBalancer", "DNSName"]}
    assert origin["VpcOriginConfig"]["VpcOriginId"] == {"Ref": "PloneVpcOrigin"}
    balancer = resources(options, "ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["LoadBalancer"]["Scheme"] == "internal"
    groups = resources(options, "EC2::SecurityGroup")
    [ingress] = groups["LoadBalancerGroup"]["SecurityGroupIngress"]
    assert ingress["SourcePrefixListId"] == {"Ref": "CloudFrontPrefixList"}


def test_on_ecs_the_worker_purges_and_plone_has_no_credentials():
    tasks = resources(COMBINATIONS["classic, ECS"], "ECS::TaskDefinition")
    assert "TaskRoleArn" not in tasks["PloneTask"]
    assert tasks["WorkerTask"]["TaskRoleArn"] == {"Fn::GetAtt": ["PurgeRole", "Arn"]}
    [plone] = tasks["PloneTask"]["ContainerDefinitions"]
    variables = {each["Name"]: each["Value"] for each in plone["Environment"]}
    assert variables["CLOUDFRONT_COURIER"] == "off"
    assert variables["CLOUDFRONT_DISTRIBUTION_ID"] == {"Fn::Sub": "${Distribution}"}
    assert variables["CLOUDFRONT_TAG_HEADER"] == "Cache-Tag"


def test_the_outputs_have_the_variables_for_zope():
    outputs = template(right(EVERYTHING))["Outputs"]
    assert outputs["Environment"]["Value"]["Fn::Sub"].splitlines() == [
        "CLOUDFRONT_DISTRIBUTION_ID=${Distribution} ${StagingDistribution}",
        "CLOUDFRONT_TAG_HEADER=Cache-Tag",
        "CLOUDFRONT_API_PATHS=on",
    ]
    assert outputs["SlackRequestUrl"]["Value"]["Fn::GetAtt"] == [
        "SlackUrl",
        "FunctionUrl",
    ]


def test_no_secret_is_shown():
    parameters = template(right(EVERYTHING))["Parameters"]
    assert parameters["SlackWebhook"]["NoEcho"] is True
    assert "SlackSigningSecret" not in parameters


# Laws


@given(any_options())
@settings(max_examples=repetitions(100), deadline=None)
def test_law_any_options_give_a_template_that_is_read_as_it_is_meant(options):
    blueprint = right(options)
    text = render(blueprint)
    assert read_yaml(text) == template(blueprint)
    long = [line for line in text.splitlines() if "#" in line and len(line) > 88]
    assert [line for line in long if line.lstrip().startswith("#")] == []


@given(any_options())
@settings(max_examples=repetitions(100), deadline=None)
def test_law_every_reference_leads_somewhere(options):
    document = template(right(options))
    known = {*document["Resources"], *document.get("Parameters", {}), "AWS::Region"}
    assert references(document) - known == set()
    # What nobody refers to is an end in itself
    ends = ("Distribution", "Delivery", "Tenant", "Policy", "Permission", "Profile")
    ends += ("Service", "Listener")
    unused = set(document["Resources"]) - references(document)
    assert {name for name in unused if not re.search("|".join(ends), name)} == set()
    assert set(document.get("Parameters", {})) <= references(document)


@given(any_options())
@settings(max_examples=repetitions(100), deadline=None)
def test_law_names_stay_within_the_limits(options):
    for name, resource in template(right(options))["Resources"].items():
        assert re.fullmatch(r"[A-Za-z0-9]{1,255}", name)
        properties = resource.get("Properties", {})
        for config in (properties, *properties.values()):
            if isinstance(config, dict) and isinstance(config.get("Name"), str):
                logs = resource["Type"].startswith("AWS::Logs")
                assert re.fullmatch(r"[\w-]+", config["Name"])
                assert len(config["Name"]) <= (60 if logs else 128)
            if isinstance(config, dict) and isinstance(config.get("Comment"), str):
                assert len(config["Comment"]) <= 128


def references(value):
    """Return the names that functions of CloudFormation refer to."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    if "Ref" in value:
        return {value["Ref"]}
    if "Fn::GetAtt" in value:
        return {value["Fn::GetAtt"][0]}
    if "Fn::Sub" in value:
        names = re.findall(r"\$\{([^}]+)\}", value["Fn::Sub"])
        return {name for name in names if not name.startswith("AWS::")}
    return set().union(*map(references, value.values()))
