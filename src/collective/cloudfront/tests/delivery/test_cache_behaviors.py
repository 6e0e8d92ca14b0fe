"""Specification: what the connection test finds in cache behaviors and their policies.

One distribution is right. Each row of the table changes one thing, and gives exactly its
finding. All through real boto3, against the local CloudFront.
"""

from collective.cloudfront.delivery.aws.behaviors import MANAGED_POLICIES
from collective.cloudfront.delivery.aws.behaviors import MANAGED_REQUEST_POLICIES
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.probe import Probe
from collective.cloudfront.doctor.connection import test_connection as examine
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.rules import BEHAVIOR_CHECKS
from collective.cloudfront.local.behaviors import MANAGED_CACHE
from collective.cloudfront.local.behaviors import MANAGED_REQUEST
from collective.cloudfront.local.behaviors import METHODS
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import TENANT

import pytest


RIGHT = {
    "cache_policy": "own",
    "request_policy": "own",
    "response_policy": "own",
    "removed_headers": ["cache-tag"],
}
NO_COOKIES = {"cookies": "none", "headers": "none"}
LEGACY = RIGHT | {"cache_policy": "", "request_policy": ""}
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
UNCACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
QUERY_STRINGS = "4cc15a8a-d715-48a4-82b8-cc0b614638fe"


@pytest.fixture(autouse=True)
def _no_sts(cloudfront, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")


@pytest.fixture
def find(quick, cloudfront):
    """Describe a distribution, and return what is found of its behaviors, by name."""

    def find(default=RIGHT, others=(), distribution=E1, tags="Cache-Tag", **rest):
        cloudfront.control.change_options(
            cache_tag_header="Cache-Tag", default_behavior=default, behaviors=others
        )
        found = examine(distribution, Credentials(), (), tags, **rest)
        assert cloudfront.control.invalidations() == []
        assert all(each.advice for each in found if each.level is Level.WARNING)
        return {each.name: each for each in found if each.name in BEHAVIOR_CHECKS}

    return find


def codes(found):
    """Return the codes of what is not OK."""
    return {each.code for each in found.values() if each.level is not Level.OK}


# --- right ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "right",
    [
        RIGHT,
        RIGHT | {"cookies": "allExcept", "cookie_names": ["_ga"]},
        RIGHT | NO_COOKIES,
        RIGHT | {"query_strings": "allExcept", "query_string_names": ["utm_source"]},
        RIGHT | {"max_ttl": 86_400},
        LEGACY,
        LEGACY | {"cookies": "none", "headers": "none"},
        LEGACY | {"cookie_names": ["__a?"]},
    ],
)
@pytest.mark.parametrize("distribution", [E1, TENANT])
def test_a_right_distribution_gives_only_oks(find, right, distribution):
    found = find(right, distribution=distribution)
    assert found.keys() == set(BEHAVIOR_CHECKS)
    older = {"legacy"} if right.get("cache_policy") == "" else set()
    assert codes(found) == older
    assert {name for name, each in found.items() if each.advice} == older


# --- wrong ------------------------------------------------------------------------------

WRONG = [
    ({"query_strings": "none"}, "query_strings_none"),
    ({"query_strings": "whitelist"}, "query_strings_some"),
    ({"cookies": "all"}, "cookies_all"),
    (
        {"cookies": "none", "request_cookies": "all"},
        "cookies_shared",
    ),
    (
        {
            "cookies": "whitelist",
            "cookie_names": ["I18N_LANGUAGE"],
            "request_cookies": "whitelist",
            "request_cookie_names": ["__ac"],
        },
        "cookies_shared",
    ),
    ({"headers": "none"}, "authorization_lost"),
    ({"header_names": ["Accept-Language"]}, "authorization_lost"),
    (
        {
            "headers": "none",
            "request_headers": "allExcept",
            "request_header_names": ["Host"],
        },
        "authorization_shared",
    ),
    (
        NO_COOKIES | {"request_headers": "allExcept", "request_header_names": ["Host"]},
        "authorization_shared",
    ),
    ({"min_ttl": 1}, "minimum_ttl_above"),
    ({"max_ttl": 60}, "lifetime_short"),
    ({"max_ttl": 0}, "lifetime_none"),
    ({"default_ttl": 86_400}, "lifetime_default"),
    ({"methods": METHODS[0]}, "methods_few"),
    ({"methods": METHODS[1]}, "methods_few"),
    ({"response_policy": ""}, "tag_header_sent"),
    ({"response_policy": SECURITY_HEADERS}, "tag_header_sent"),
    ({"removed_headers": ["Server"]}, "tag_header_sent"),
]


@pytest.mark.parametrize(("change", "code"), WRONG)
def test_each_wrong_behavior_gives_exactly_its_finding(find, change, code):
    found = find(RIGHT | change)
    assert codes(found) == {code}


@pytest.mark.parametrize(("change", "code"), WRONG)
def test_a_finding_names_the_behavior_with_a_path_pattern(find, change, code):
    wrong = RIGHT | change | {"path_pattern": "/en/*"}
    found = find(RIGHT, [wrong | _others(wrong)])
    if code == "lifetime_none":
        # Somebody wants that for such a pattern
        assert codes(found) == set()
        return
    assert codes(found) == {code}
    (finding,) = [each for each in found.values() if each.code == code]
    assert "/en/*" in finding.text
    assert "Default" not in finding.text


def _others(wrong):
    """Return policies of its own for a behavior that names "own"."""
    return {
        name: f"other-{name}"
        for name in ("cache_policy", "request_policy", "response_policy")
        if wrong[name] == "own"
    }


LEGACY_WRONG = [
    ({"query_strings": "none"}, "query_strings_none"),
    ({"query_strings": "whitelist"}, "query_strings_some"),
    ({"cookies": "all"}, "cookies_all"),
    ({"headers": "none"}, "authorization_lost"),
    ({"min_ttl": 60}, "minimum_ttl_above"),
    ({"max_ttl": 60}, "lifetime_short"),
    ({"default_ttl": 86_400}, "lifetime_default"),
    ({"header_names": ["*"]}, "lifetime_none"),
    ({"methods": METHODS[0]}, "methods_few"),
    ({"response_policy": ""}, "tag_header_sent"),
]


@pytest.mark.parametrize(("change", "code"), LEGACY_WRONG)
def test_the_older_forwarded_values_count_as_well(find, change, code):
    assert codes(find(LEGACY | change)) - {"host_unexpected"} == {code, "legacy"}


def test_all_wrong_behaviors_are_named_with_their_values(find):
    others = [
        RIGHT | {"path_pattern": "/en/*", "cache_policy": "a", "min_ttl": 5},
        RIGHT | {"path_pattern": "/de/*", "cache_policy": "b"},
        RIGHT | {"path_pattern": "/fr/*", "cache_policy": "c", "min_ttl": 60},
    ]
    text = find(RIGHT | {"min_ttl": 1}, others)["minimum_ttl"].text
    assert "Default (*): 1 s; /en/*: 5 s; /fr/*: 60 s" in text
    assert "/de/*" not in text


# --- what is none of the site's business ------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {"path_pattern": "/++plone++static/*"},
        {"path_pattern": "*/++resource++*"},
        {"path_pattern": "static/*"},
        {"path_pattern": "/downloads/*", "origin_domain": "b.s3.amazonaws.com"},
        {
            "path_pattern": "/downloads/*",
            "origin_domain": "b.s3.eu-central-1.amazonaws.com",
        },
    ],
)
def test_resources_and_what_is_stored_in_s3_are_not_judged(find, other):
    wrong = {"cache_policy": OPTIMIZED, "methods": METHODS[0], "response_policy": ""}
    assert codes(find(RIGHT, [other | wrong])) == set()


def test_files_need_neither_query_strings_nor_other_methods(find):
    other = {"path_pattern": "*.jpg", "cache_policy": "a", "query_strings": "none"}
    assert codes(find(RIGHT, [RIGHT | other | {"methods": METHODS[0]}])) == set()


def test_a_distribution_without_pages_of_the_site_is_not_judged(find):
    found = find(RIGHT | {"origin_domain": "b.s3.amazonaws.com"})
    assert codes(found) == {"behaviors_none"}


def test_where_no_tags_are_sent_their_header_need_not_be_removed(find):
    assert codes(find(RIGHT | {"response_policy": ""}, tags="")) == set()


# --- Volto ------------------------------------------------------------------------------

VOLTO = RIGHT | {"cookie_names": ["auth_token"], "default_ttl": 86_400}


def test_voltos_pages_are_kept_for_the_default_ttl(find):
    api = RIGHT | {"cookie_names": ["auth_token"], "path_pattern": "/++api++*"}
    assert codes(find(VOLTO, [api], is_classic=False)) == set()
    short = VOLTO | {"default_ttl": 0}
    assert codes(find(short, [api], is_classic=False)) == {"lifetime_volto"}


def test_volto_has_a_cookie_of_its_own(find):
    wrong = VOLTO | {"cookies": "none", "request_cookies": "all"}
    finding = find(wrong, is_classic=False)["cookies"]
    assert (finding.code, finding.mapping["cookie"]) == ("cookies_shared", "auth_token")


# --- managed policies -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        (
            {"cache_policy": OPTIMIZED},
            {"query_strings_none", "minimum_ttl_above", "lifetime_default"},
        ),
        ({"cache_policy": UNCACHED}, {"lifetime_none"}),
        (
            {"cache_policy": QUERY_STRINGS},
            {"cookies_all", "authorization_lost", "host_unexpected"},
        ),
        (
            {"cache_policy": OPTIMIZED, "request_policy": ALL_VIEWER},
            {
                "query_strings_none",
                "minimum_ttl_above",
                "lifetime_default",
                "cookies_shared",
                "authorization_shared",
                "host_unexpected",
            },
        ),
    ],
)
def test_managed_policies_are_judged_like_others(find, policies, expected):
    assert codes(find(RIGHT | policies)) == expected


def test_what_is_known_of_managed_policies_is_what_aws_tells(cloudfront):
    probe = Probe(Credentials())
    probe.sign()
    for policy in MANAGED_CACHE:
        assert probe.cache_policy(policy).found == MANAGED_POLICIES[policy]
    for policy in MANAGED_REQUEST:
        found = probe.request_policy(policy).found
        assert found == MANAGED_REQUEST_POLICIES[policy]


# --- permissions ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "default", "names"),
    [
        (
            "GetCachePolicy",
            RIGHT,
            set(BEHAVIOR_CHECKS)
            - {"methods", "tag_header", "protocol", "legacy", "api"},
        ),
        (
            "GetOriginRequestPolicy",
            RIGHT | NO_COOKIES,
            {"cookies", "authorization", "host"},
        ),
        ("GetResponseHeadersPolicy", RIGHT, {"tag_header"}),
    ],
)
def test_a_missing_permission_is_named_and_nothing_fails(
    find, cloudfront, operation, default, names
):
    cloudfront.control.change_options(denied_actions={operation})
    found = find(default)
    unknown = {name for name, each in found.items() if each.code == "not_readable"}
    assert unknown == names
    assert codes(found) == {"not_readable"}
    for name in names:
        sentence = f"Not checked: the permission cloudfront:{operation} is missing"
        assert found[name].level is Level.UNKNOWN
        assert sentence in found[name].text
        assert f"allow cloudfront:{operation} " in found[name].advice


def test_managed_cache_policies_are_known_without_a_permission(find, cloudfront):
    cloudfront.control.change_options(denied_actions={"GetCachePolicy"})
    found = find(RIGHT | {"cache_policy": QUERY_STRINGS})
    assert codes(found) == {"cookies_all", "authorization_lost", "host_unexpected"}


def test_managed_request_policies_are_known_without_a_permission(find, cloudfront):
    for policy, expected in (
        (ALL_VIEWER, {"host_unexpected"}),
        (ALL_VIEWER_EXCEPT_HOST, set()),
    ):
        found = find(RIGHT | {"request_policy": policy})
        assert codes(found) == expected
        cloudfront.control.change_options(denied_actions={"GetOriginRequestPolicy"})
        assert codes(find(RIGHT | {"request_policy": policy})) == expected


def test_options_may_be_cached_for_each_website(find):
    kept = RIGHT | {"cached_methods": METHODS[1]}
    assert codes(find(kept)) == {"methods_cached"}
    own = kept | {"header_names": ["Authorization", "Origin"]}
    assert codes(find(own)) == set()


def test_what_is_wrong_elsewhere_is_found_although_a_policy_is_not_readable(
    find, cloudfront
):
    cloudfront.control.change_options(denied_actions={"GetCachePolicy"})
    legacy = LEGACY | {"path_pattern": "/en/*", "min_ttl": 1}
    found = find(RIGHT, [legacy])
    assert found["minimum_ttl"].code == "minimum_ttl_above"
    assert "/en/*: 1 s" in found["minimum_ttl"].text
    assert found["cookies"].code == "not_readable"


def test_a_policy_that_is_missing_is_not_known(find, cloudfront):
    cloudfront.control.inject(
        "error", code="NoSuchCachePolicy", status=404, operation="GetCachePolicy"
    )
    assert find()["minimum_ttl"].code == "not_told"


def test_after_a_lost_connection_no_other_policy_is_asked_for(find, cloudfront):
    cloudfront.control.inject("drop_before", operation="GetCachePolicy", times=None)
    found = find()
    assert cloudfront.control.log()[-1].operation == "GetCachePolicy"
    assert found["minimum_ttl"].code == "not_told"
