"""Specification: each wrong distribution has its finding, nothing else, and a cure.

Each mistake is one that people describe in public issues. It is made in a distribution of
the blueprint, in the local CloudFront, through boto3. The doctor names it, and nothing else.
What it advises for machines is done, and then it finds nothing.
"""

from .configs import Built
from .conftest import PRIMARY
from .conftest import STAGING
from .conftest import TENANT
from collections.abc import Callable
from collective.cloudfront.blueprint import Editors
from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.delivery.aws.editing import Editor
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.mending import apply
from collective.cloudfront.tests.blueprint.world import any_options
from dataclasses import dataclass
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from typing import Any

import pytest


CLASSIC = Options()
VOLTO = Options(interface=Interface.VOLTO)
BEHIND_NGINX = Options(site="")
NONE = {"QueryStringBehavior": "none"}
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
UNCACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def config(change: Callable[[dict[str, Any]], None]) -> Callable[[Built], None]:
    """Make a mistake in the configuration of the distribution."""

    def make(built: Built) -> None:
        current = built.current
        change(current)
        built.store(current)

    return make


def default(**changes: Any) -> Callable[[Built], None]:
    """Make a mistake in the default behavior; None removes a member."""

    def change(current: dict[str, Any]) -> None:
        behavior = current["DefaultCacheBehavior"]
        behavior.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del behavior[name]

    return config(change)


def policy(name: str, **changes: Any) -> Callable[[Built], None]:
    """Make a mistake in a cache policy."""
    return lambda built: built.change_cache_policy(name, **changes)


def names(kind: str, *values: str) -> dict[str, Any]:
    if not values:
        return {f"{kind}Behavior": "none"}
    items = {"Quantity": len(values), "Items": list(values)}
    return {f"{kind}Behavior": "whitelist", f"{kind}s": items}


def legacy(**changes: Any) -> Callable[[Built], None]:
    cookies = {"Quantity": 1, "Items": ["__ac"]}
    values = {
        "QueryString": True,
        "Cookies": {"Forward": "whitelist", "WhitelistedNames": cookies},
        "Headers": {"Quantity": 1, "Items": ["Authorization"]},
    }
    ttls = {"MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 31_536_000}
    return default(
        CachePolicyId=None,
        OriginRequestPolicyId=None,
        ForwardedValues=values | changes,
        **ttls,
    )


def keep_errors(current: dict[str, Any]) -> None:
    for each in current["CustomErrorResponses"]["Items"]:
        if each["ErrorCode"] in (404, 503):
            each["ErrorCachingMinTTL"] = 300


def drop_api(current: dict[str, Any]) -> None:
    left = [
        each
        for each in current["CacheBehaviors"]["Items"]
        if each["PathPattern"] != "/++api++*"
    ]
    current["CacheBehaviors"] = {"Quantity": len(left), "Items": left}


def nothing_cached(current: dict[str, Any]) -> None:
    behavior = current["DefaultCacheBehavior"]
    behavior["CachePolicyId"] = UNCACHED


def methods(*allowed: str, cached: tuple[str, ...] = ("GET", "HEAD")) -> dict[str, Any]:
    return {
        "Quantity": len(allowed),
        "Items": list(allowed),
        "CachedMethods": {"Quantity": len(cached), "Items": list(cached)},
    }


ALL_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")


@dataclass(frozen=True)
class Wrong:
    """A mistake, and the code of what the doctor finds."""

    name: str
    make: Callable[[Built], None]
    code: str
    options: Options = CLASSIC
    level: Level = Level.WARNING


MISTAKES = [
    Wrong(
        "query strings are not forwarded",
        policy("pages", QueryStringsConfig=NONE),
        "query_strings_none",
    ),
    Wrong(
        "minimum TTL of a minute",
        policy("api", MinTTL=60, DefaultTTL=60),
        "minimum_ttl_above",
        VOLTO,
    ),
    Wrong(
        "all cookies are forwarded",
        policy("pages", CookiesConfig={"CookieBehavior": "all"}),
        "cookies_all",
    ),
    Wrong(
        "the API loses Authorization",
        policy("api", HeadersConfig=names("Header", "Accept", "Origin")),
        "authorization_lost",
    ),
    Wrong(
        "answers to OPTIONS are cached",
        default(AllowedMethods=methods(*ALL_METHODS, cached=ALL_METHODS[:3])),
        "methods_cached",
    ),
    Wrong(
        "Host is forwarded to an origin that does not know it",
        policy("pages", HeadersConfig=names("Header", "Authorization", "Host")),
        "host_unexpected",
    ),
    Wrong(
        "all headers are forwarded where the path has the host",
        config(
            lambda current: [
                each.update(OriginRequestPolicyId=ALL_VIEWER)
                for each in current["CacheBehaviors"]["Items"]
                if each["PathPattern"] == "*/login"
            ]
        ),
        "host_unexpected",
    ),
    Wrong(
        "Host is not forwarded where the VirtualHostMonster needs it",
        policy("pages", HeadersConfig=names("Header", "Authorization")),
        "host_missing",
        BEHIND_NGINX,
    ),
    Wrong("errors are kept for five minutes", config(keep_errors), "errors_long"),
    Wrong(
        "tags are read from another header",
        config(lambda current: current.update(CacheTagConfig={"HeaderName": "Edge"})),
        "cache_tags_other",
    ),
    Wrong(
        "no CacheTagConfig",
        config(lambda current: current.pop("CacheTagConfig")),
        "cache_tags_missing",
    ),
    Wrong(
        "disabled",
        config(lambda current: current.update(Enabled=False)),
        "distribution_disabled",
    ),
    Wrong(
        "POST is refused",
        default(AllowedMethods=methods("GET", "HEAD", "OPTIONS")),
        "methods_few",
    ),
    Wrong(
        "the session cookie is removed, so that logins fail",
        policy("pages", CookiesConfig=names("Cookie", "statusmessages")),
        "cookies_lost",
    ),
    Wrong("legacy ForwardedValues", legacy(), "legacy", level=Level.INFO),
    Wrong(
        "pages are kept for a day by default",
        policy("pages", DefaultTTL=86_400),
        "lifetime_default",
    ),
    Wrong(
        "Volto's pages are not kept by default",
        policy("pages", DefaultTTL=0),
        "lifetime_volto",
        VOLTO,
    ),
    Wrong(
        "nothing is kept for longer than a minute",
        policy("pages", MaxTTL=60),
        "lifetime_short",
    ),
    Wrong("nothing is kept", config(nothing_cached), "lifetime_none"),
    Wrong(
        "HTTP for visitors", default(ViewerProtocolPolicy="allow-all"), "protocol_open"
    ),
    Wrong("no compression", default(Compress=False), "compression_off"),
    Wrong(
        "compressed copies are not kept",
        policy(
            "pages", EnableAcceptEncodingGzip=False, EnableAcceptEncodingBrotli=False
        ),
        "compression_off",
    ),
    Wrong("Volto without API behavior", config(drop_api), "api_missing", VOLTO),
    Wrong(
        "visitors get the tags",
        default(ResponseHeadersPolicyId=None),
        "tag_header_sent",
    ),
    Wrong(
        "another site's host",
        config(
            lambda current: current.update(
                Aliases={"Quantity": 1, "Items": ["other.example.org"]}
            )
        ),
        "hosts_none",
    ),
]


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda each: each.name)
def test_a_mistake_is_named_and_its_advice_cures_it(wrong, build, look, client):
    classic = wrong.options.is_classic
    built = build(right(wrong.options))
    assert look(is_classic=classic) == []
    wrong.make(built)
    found = look(is_classic=classic)
    assert [(each.code, each.level) for each in found] == [(wrong.code, wrong.level)]
    (finding,) = found
    assert finding.distribution == PRIMARY
    assert "${" not in finding.text + finding.advice
    apply(Editor(client), PRIMARY, finding.edits)
    assert look(is_classic=classic) == []


def test_a_tenant_without_its_domain_gets_it(build, look, client, cloudfront):
    build(right(CLASSIC))
    cloudfront.control.change_options(aliases=("old.example.com",))
    build(right(CLASSIC))
    (finding,) = look(TENANT)
    assert (finding.code, finding.distribution) == ("hosts_none", TENANT)
    apply(Editor(client), TENANT, finding.edits)
    assert look(TENANT) == []
    found = client.get_distribution_tenant(Identifier=TENANT)["DistributionTenant"]
    domains = [each["Domain"] for each in found["Domains"]]
    assert domains == ["old.example.com", "www.example.com"]


def test_a_staging_distribution_is_not_the_one_of_visitors(build, look):
    build(right(CLASSIC))
    staging = right(CLASSIC).distribution
    built = build(right(CLASSIC), STAGING)
    built.store(built.config(staging) | {"Staging": True})
    (finding,) = look(STAGING)
    assert finding.code == "distribution_staging"
    assert finding.edits == ()
    assert "primary distribution" in finding.advice
    assert look(PRIMARY) == []


def test_an_unknown_distribution_is_named(build, look):
    build(right(CLASSIC))
    found = [each for each in look("EUNKNOWN12345") if each.level is Level.ERROR]
    assert {each.code for each in found} == {"missing"}
    assert all("EUNKNOWN12345" in each.text for each in found)
    assert look(PRIMARY) == []


@pytest.mark.parametrize(
    "change",
    [
        {"CachePolicyId": OPTIMIZED},
        {"CachePolicyId": OPTIMIZED, "OriginRequestPolicyId": ALL_VIEWER},
        {"ViewerProtocolPolicy": "allow-all", "Compress": False},
    ],
)
def test_several_mistakes_are_cured_together(build, look, client, change):
    built = build(right(CLASSIC))
    default(**change)(built)
    found = look()
    assert len(found) > 1
    edits = [edit for each in found for edit in each.edits]
    apply(Editor(client), PRIMARY, edits)
    assert look() == []


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(options=any_options())
def test_law_the_doctor_is_silent_on_a_distribution_of_the_blueprint(
    options, build, look, cloudfront
):
    cloudfront.control.reset()
    build(right(options))
    header = options.tag_header if options.tags else ""
    hosts = tuple(each for each in options.domains if not each.startswith("*"))
    assert look(PRIMARY, options.is_classic, header, hosts) == []


def test_a_site_without_logins_needs_neither_cookie_nor_authorization(build, look):
    build(right(Options(editors=Editors.HOST)))
    assert look() == []
