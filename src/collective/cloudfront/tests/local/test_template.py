"""A template: what is read of it, and that nothing is passed over in silence."""

from .site_template import config
from .site_template import key_of
from .site_template import ORIGIN_PATH
from .site_template import site
from .site_template import TEMPLATE
from .site_template import template
from collective.cloudfront.local.distribution import Choice
from collective.cloudfront.local.template import parse_template
from collective.cloudfront.local.template import read_template
from collective.cloudfront.local.template import TemplateError
from collective.cloudfront.local.template.managed import CACHE_POLICIES

import json
import pytest


def patterns(made):
    return [each.path_pattern for each in made.behaviors]


def test_a_distribution_has_what_the_template_says():
    made = site()
    assert made.aliases == ("www.example.com", "*.example.org")
    assert made.cache_tag_header == "Cache-Tag"
    assert made.error_ttls == {404: 30, 500: 5, 502: 5, 503: 0}
    assert patterns(made) == ["/++plone++*", "/++api++/*", "*login"]
    assert made.default.origin.domain == "plone.example.com"
    assert made.default.origin.path == ORIGIN_PATH
    assert made.default.cache.name == "local-pages"
    assert made.default.cache.cookies.names == {"__ac", "auth_token"}
    assert made.default.cache.query_strings.choice is Choice.ALL_EXCEPT
    static, api, login = made.behaviors
    assert (static.cache.min_ttl, static.cache.default_ttl) == (1, 86400)
    assert api.request.headers.names == {"accept"}
    assert login.cache.name == "Managed-CachingDisabled"
    assert login.request.name == "Managed-AllViewer"


def test_parameters_and_conditions_change_it():
    made = site(DomainName="cms.example.net", SiteId="site-2", Tags="no")
    assert made.aliases[0] == "cms.example.net"
    assert made.cache_tag_header == ""
    assert made.default.origin.path.endswith(
        "cms.example.net:443/site-2/VirtualHostRoot"
    )


def test_the_template_may_be_json(tmp_path):
    path = tmp_path / "template.json"
    path.write_text(template())
    assert read_template(path).configs == (site(),)


def test_short_tags_are_the_long_functions():
    assert parse_template(TEMPLATE, {}).configs == (site(),)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"Tags": "maybe"}, "Parameters.Tags: 'maybe' is none of yes, no."),
        ({"SiteId": "a/b"}, "Parameters.SiteId: 'a/b': does not match"),
        ({"Domain": "x"}, "Parameters: There is no parameter Domain."),
    ],
)
def test_a_wrong_parameter_is_named(parameters, problem):
    with pytest.raises(TemplateError) as caught:
        parse_template(TEMPLATE, parameters)
    assert problem in str(caught.value)


def test_a_parameter_without_default_must_be_given():
    text = TEMPLATE.replace("Type: String, Default: www.example.com", "Type: String")
    with pytest.raises(TemplateError, match="--parameter DomainName="):
        parse_template(text, {})


def _set(where, name, value):
    return lambda resources: where(resources).update({name: value})


def _default(resources):
    return config(resources)["DefaultCacheBehavior"]


def _origin(resources):
    return config(resources)["Origins"][0]


def _policy(resources):
    return resources["Pages"]["CachePolicyConfig"]


def _request(resources):
    return resources["ForApi"]["OriginRequestPolicyConfig"]


def _response(resources):
    return resources["ForViewers"]["ResponseHeadersPolicyConfig"]


WRONG = [
    (_set(config, "Surprise", 1), "Surprise: The local CloudFront does not know this"),
    (
        _set(config, "OriginGroups", {}),
        "OriginGroups: The local CloudFront does not know",
    ),
    (_set(config, "DefaultRootObject", "index.html"), "DefaultRootObject: The local"),
    (
        _set(config, "Enabled", "perhaps"),
        "Enabled: 'perhaps' is neither true nor false",
    ),
    (_set(config, "Aliases", "a"), "Aliases: This is a list of texts"),
    (_set(config, "Aliases", {"Ref": "Nobody"}), "no parameter or resource Nobody"),
    (_set(config, "Aliases", {"Fn::Cidr": []}), "does not know Fn::Cidr"),
    (
        _set(config, "CustomErrorResponses", [{"ErrorCode": 404, "ResponseCode": 200}]),
        "CustomErrorResponses[0].ResponseCode: The local CloudFront does not know",
    ),
    (_set(config, "CustomErrorResponses", [{"ErrorCode": 410}]), "not allow 410"),
    (_set(_origin, "S3OriginConfig", {}), "Origins[0].S3OriginConfig"),
    (_set(_origin, "OriginPath", "/a/"), "does not end with /"),
    (_set(_default, "TargetOriginId", "other"), "TargetOriginId: There is no other"),
    (_set(_default, "CachePolicyId", "0000"), "CachePolicyId: There is no 0000"),
    (_set(_default, "ForwardedValues", {}), "ForwardedValues: The local"),
    (
        _set(_default, "AllowedMethods", ["GET"]),
        "does not allow these methods together",
    ),
    (_set(_default, "ViewerProtocolPolicy", "http"), "'http' is none of allow-all"),
    (
        _set(_default, "FunctionAssociations", [{"EventType": "viewer-request"}]),
        "FunctionAssociations: The local CloudFront runs no functions",
    ),
    (
        _set(_policy, "MinTTL", 60),
        "MinTTL, DefaultTTL and MaxTTL are not in this order",
    ),
    (_set(_policy, "MaxTTL", 0), "With a MaxTTL of 0 nothing may be in the cache key"),
    (
        _set(key_of, "HeadersConfig", {"HeaderBehavior": "allViewer"}),
        "allViewer is not possible here",
    ),
    (
        _set(key_of, "CookiesConfig", {"CookieBehavior": "whitelist"}),
        "Cookies: The names are missing",
    ),
    (
        _set(
            key_of,
            "CookiesConfig",
            {"CookieBehavior": "whitelist", "Cookies": [f"c{n}" for n in range(11)]},
        ),
        "more than 10 names",
    ),
    (
        _set(
            key_of,
            "HeadersConfig",
            {"HeaderBehavior": "whitelist", "Headers": ["CloudFront-Viewer-City"]},
        ),
        "does not know CloudFront-Viewer-City",
    ),
    (
        _set(
            _request,
            "HeadersConfig",
            {"HeaderBehavior": "whitelist", "Headers": ["Authorization"]},
        ),
        "No origin request policy may list authorization",
    ),
    (
        _set(_response, "ServerTimingHeadersConfig", {"Enabled": True}),
        "ServerTimingHeadersConfig.Enabled: The local CloudFront does not know",
    ),
]


@pytest.mark.parametrize(("change", "problem"), WRONG, ids=[each[1] for each in WRONG])
def test_what_is_not_known_or_not_allowed_is_named(change, problem):
    with pytest.raises(TemplateError) as caught:
        site(change)
    assert problem in str(caught.value)
    assert str(caught.value).startswith("Resources.")


def test_an_unknown_resource_of_cloudfront_is_named():
    text = TEMPLATE.replace("AWS::S3::Bucket", "AWS::CloudFront::KeyGroup")
    with pytest.raises(TemplateError, match="Bucket: .* AWS::CloudFront::KeyGroup"):
        parse_template(text, {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "no JSON"),
        ("a: [", "no YAML"),
        ("a: b", "it has no Resources"),
        ("Resources: {}", "There is no AWS::CloudFront::Distribution"),
        (
            "Resources: {}\nTransform: x",
            "Transform: The local CloudFront does not know",
        ),
    ],
)
def test_what_is_no_template_is_an_error(text, problem):
    with pytest.raises(TemplateError, match=problem):
        parse_template(text, {})


def deployment(**changes):
    return {
        "Type": "AWS::CloudFront::ContinuousDeploymentPolicy",
        "Properties": {
            "ContinuousDeploymentPolicyConfig": {
                "Enabled": True,
                "StagingDistributionDnsNames": ["Staging.DomainName"],
                "TrafficConfig": {
                    "Type": "SingleHeader",
                    "SingleHeaderConfig": {"Header": "aws-cf-cd-x", "Value": "y"},
                },
                **changes,
            }
        },
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"TrafficConfig": {"Type": "SingleWeight"}}, "knows SingleHeader only"),
        ({"StagingDistributionDnsNames": []}, "There is not exactly one"),
        (
            {
                "TrafficConfig": {
                    "Type": "SingleHeader",
                    "SingleHeaderConfig": {"Header": "x", "Value": "y"},
                }
            },
            "CloudFront demands aws-cf-cd-",
        ),
    ],
)
def test_what_is_wrong_with_staging_is_named(changes, problem):
    document = json.loads(template())
    document["Resources"]["Policy"] = deployment(**changes)
    with pytest.raises(TemplateError, match=problem):
        parse_template(json.dumps(document), {})


def test_staging_that_is_not_enabled_is_none():
    document = json.loads(template())
    document["Resources"]["Policy"] = deployment(Enabled=False)
    distribution = document["Resources"]["Distribution"]["Properties"]
    distribution["DistributionConfig"]["ContinuousDeploymentPolicyId"] = {
        "Ref": "Policy"
    }
    assert parse_template(json.dumps(document), {}).configs[0].staging is None


def test_a_tenant_inherits_and_has_its_own_domains_and_parameters():
    def change(resources):
        _origin(resources)["OriginPath"] = "/VirtualHostBase/https/{{domain}}:443/P"
        config(resources)["Aliases"] = []

    document = json.loads(template(change))
    document["Resources"]["Tenant"] = {
        "Type": "AWS::CloudFront::DistributionTenant",
        "Properties": {
            "DistributionId": {"Ref": "Distribution"},
            "Name": "one",
            "Domains": ["one.example.com"],
            "Parameters": [{"Name": "domain", "Value": "one.example.com"}],
        },
    }
    _parent, tenant = parse_template(json.dumps(document), {}).configs
    assert (tenant.is_tenant, tenant.aliases) == (True, ("one.example.com",))
    assert tenant.default.origin.path == "/VirtualHostBase/https/one.example.com:443/P"
    document["Resources"]["Tenant"]["Properties"]["Parameters"] = []
    with pytest.raises(TemplateError, match="needs another parameter"):
        parse_template(json.dumps(document), {})


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/", ""),
        ("/++plone++static/logo.png", "/++plone++*"),
        ("/a/++plone++static", ""),
        ("/++api++/", "/++api++/*"),
        ("/++API++/", ""),
        ("/login", "*login"),
        ("/a/b/login", "*login"),
        ("/login/", ""),
        # The first one that matches, not the longest
        ("/++plone++x/login", "/++plone++*"),
    ],
)
def test_the_first_pattern_that_matches_counts(path, pattern):
    assert site().behavior_for(path).path_pattern == pattern


def test_managed_policies_that_cache_nothing_have_an_empty_key():
    for policy in CACHE_POLICIES.values():
        if policy.never_caches:
            assert policy.cookies.is_none
            assert policy.headers.is_none
            assert not policy.gzip
