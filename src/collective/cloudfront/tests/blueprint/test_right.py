"""Specification: the right distribution for Plone."""

from collective.cloudfront.blueprint import Editors
from collective.cloudfront.blueprint import Flaw
from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint import RunsOn
from collective.cloudfront.blueprint import Server
from collective.cloudfront.blueprint import Tenant
from collective.cloudfront.blueprint import WrongOptions
from collective.cloudfront.blueprint.options import TAG_HEADER
from collective.cloudfront.blueprint.patterns import hidden
from collective.cloudfront.blueprint.patterns import matches
from collective.cloudfront.blueprint.reasons import REASONS
from collective.cloudfront.blueprint.right import CACHING_DISABLED
from collective.cloudfront.blueprint.right import DAY
from collective.cloudfront.blueprint.right import SESSION
from collective.cloudfront.blueprint.values import Kind
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from collective.cloudfront.delivery.aws.behaviors import MANAGED_POLICIES
from collective.cloudfront.doctor import rules
from collective.cloudfront.doctor.wanted import Use
from collective.cloudfront.settings.distributions import DEFAULT_HEADER
from collective.cloudfront.tests.blueprint.world import any_options
from dataclasses import replace
from hypothesis import given
from hypothesis import settings

import collective.cloudfront.blueprint.values as values
import dataclasses
import pytest


CLASSIC = Options()
VOLTO = Options(interface=Interface.VOLTO)


def behavior_for(path, options=CLASSIC):
    """Return the behavior that serves a path."""
    behaviors = right(options).distribution.all_behaviors
    return next(each for each in behaviors if matches(each.path_pattern, path))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", Kind.PAGES),
        ("/news/a-page", Kind.PAGES),
        ("/logins-of-the-year", Kind.PAGES),
        ("/@@search", Kind.PAGES),
        ("/++api++", Kind.API),
        ("/++api++/news/@@images/a.png", Kind.API),
        ("/news/@@images/image-400-1.png", Kind.FILES),
        ("/report.pdf/@@download/file", Kind.FILES),
        ("/++theme++barceloneta/x.css", Kind.STATIC),
        ("/++webresource++1-2/++plone++static/x.js", Kind.STATIC),
        ("/news/login", Kind.EDITING),
        ("/news/a-page/edit", Kind.EDITING),
        ("/news/++add++Document", Kind.EDITING),
        ("/@@cloudfront-controlpanel", Kind.EDITING),
    ],
)
def test_each_path_of_classic_ui_has_its_behavior(path, kind):
    assert behavior_for(path).kind is kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/static/js/client.1234.js", Kind.STATIC),
        ("/++api++/news", Kind.API),
        ("/a/@@images/x.png", Kind.FILES),
        ("/news/edit", Kind.EDITING),
        ("/controlpanel/addons", Kind.EDITING),
        ("/news", Kind.PAGES),
    ],
)
def test_each_path_of_volto_has_its_behavior(path, kind):
    assert behavior_for(path, VOLTO).kind is kind


def test_pages_of_volto_are_kept_for_a_day_because_they_have_no_cache_control():
    assert behavior_for("/", VOLTO).cache_policy.default_ttl == DAY
    assert behavior_for("/", CLASSIC).cache_policy.default_ttl == 0


def test_people_who_log_in_have_a_cache_of_their_own():
    for options, cookie in ((CLASSIC, "__ac"), (VOLTO, "auth_token")):
        for path in ("/", "/++api++/", "/a/@@images/b"):
            policy = behavior_for(path, options).cache_policy
            assert policy.cookies.includes(cookie)
            assert policy.headers.includes("authorization")
            assert not policy.cookies.includes("_ga")


def test_a_message_for_one_visitor_is_not_shown_to_others():
    for editors in Editors:
        policy = behavior_for("/", Options(editors=editors)).cache_policy
        assert policy.cookies.includes("statusmessages")


def test_where_editors_have_another_host_nobody_logs_in_at_the_public_one():
    options = Options(editors=Editors.HOST, editors_domains=("edit.example.com",))
    blueprint = right(options)
    for behavior in blueprint.distribution.all_behaviors:
        assert behavior.kind is not Kind.EDITING
        assert not behavior.cache_policy.cookies.includes("__ac")
        assert not behavior.cache_policy.headers.includes("authorization")
    assert blueprint.editors.aliases == ("edit.example.com",)
    assert blueprint.editors.default_behavior.cache_policy == CACHING_DISABLED
    assert "edit.example.com" in blueprint.editors.origins[0].origin_path
    assert blueprint.editors.cache_tag_header == ""
    errors = blueprint.editors.custom_error_responses
    assert {each.error_caching_min_ttl for each in errors} == {0}


def test_plone_learns_the_public_host_from_the_path_or_from_the_header():
    origin = right(CLASSIC).distribution.origins[0]
    assert origin.origin_path == (
        "/VirtualHostBase/https/www.example.com:443/Plone/VirtualHostRoot"
    )
    assert not behavior_for("/").cache_policy.headers.includes("host")
    behind_nginx = Options(site="")
    assert right(behind_nginx).distribution.origins[0].origin_path == ""
    for path in ("/", "/++api++", "/++theme++a/b", "/a/@@images/b"):
        assert behavior_for(path, behind_nginx).cache_policy.headers.includes("host")
    policy = behavior_for("/login", behind_nginx).origin_request_policy
    assert policy.headers.includes("host")
    assert not behavior_for("/login").origin_request_policy.headers.includes("host")


def test_the_api_of_volto_may_have_a_server_of_its_own():
    options = replace(VOLTO, api_origin=Server("plone.internal.example"))
    api = behavior_for("/++api++/x", options)
    origins = {each.id: each for each in right(options).distribution.origins}
    assert origins[api.origin].domain_name == "plone.internal.example"
    assert origins[api.origin].origin_path.endswith("/Plone/VirtualHostRoot")
    assert not api.cache_policy.headers.includes("host")
    pages = behavior_for("/", options)
    assert origins[pages.origin].origin_path == ""
    assert pages.cache_policy.headers.includes("host")


def test_tags_are_read_and_hidden_from_viewers():
    distribution = right(Options(tag_header="X-Tags")).distribution
    assert distribution.cache_tag_header == "X-Tags"
    for behavior in distribution.all_behaviors:
        assert "X-Tags" in behavior.response_headers_policy.removed
    assert right(Options(tags=False)).distribution.cache_tag_header == ""


def test_the_header_is_the_one_that_plone_sends():
    assert TAG_HEADER == DEFAULT_HEADER


def test_tenants_hand_over_their_own_host_and_site():
    tenants = (Tenant("a", "a.example.com", "a"), Tenant("b", "b.example.com", "b"))
    blueprint = right(Options(domains=(), tenants=tenants))
    assert blueprint.distribution.origins[0].origin_path == (
        "/VirtualHostBase/https/{{host}}:443/{{site}}/VirtualHostRoot"
    )
    assert blueprint.tenants == tenants


def test_a_staging_distribution_does_the_same_and_has_no_http3():
    blueprint = right(Options(staging=True))
    assert blueprint.staging.is_staging
    assert blueprint.staging.aliases == ()
    assert blueprint.staging.all_behaviors == blueprint.distribution.all_behaviors
    assert {each.http_version for each in blueprint.distributions} == {"http2"}
    assert right(Options()).distribution.http_version == "http2and3"


def test_no_error_is_kept_for_long():
    errors = right(CLASSIC).distribution.custom_error_responses
    assert all(each.error_caching_min_ttl <= 10 for each in errors)
    kept = {each.error_code: each.error_caching_min_ttl for each in errors}
    assert kept[403] == kept[400] == 0
    assert kept[503] > 0


def test_the_cookie_of_a_session_is_the_one_that_the_connection_test_expects():
    for is_classic, cookie in SESSION.items():
        assert Use(is_classic).session == cookie
    assert DAY == rules.DAY


def test_the_policy_that_keeps_nothing_is_awss():
    assert (
        MANAGED_POLICIES[CACHING_DISABLED.id].keeps is CACHING_DISABLED.keeps is False
    )


def test_each_reason_is_that_of_a_field():
    for key, reason in REASONS.items():
        name, _, field = key.partition(".")
        known = {each.name for each in dataclasses.fields(getattr(values, name))}
        assert field in known, key
        assert reason.endswith(".")


# Laws


@given(any_options())
@settings(max_examples=40, deadline=None)
def test_law_no_behavior_hides_a_later_one(options):
    for distribution in right(options).distributions:
        patterns = [each.path_pattern for each in distribution.all_behaviors]
        assert hidden(patterns) == []
        assert patterns[-1] == DEFAULT
        assert DEFAULT not in patterns[:-1]


@given(any_options())
@settings(max_examples=40, deadline=None)
def test_law_everything_stays_within_the_quotas(options):
    blueprint = right(options)
    for distribution in blueprint.distributions:
        assert len(distribution.comment) <= 128
        # 75 with the default one; older accounts have 25
        assert len(distribution.all_behaviors) <= 25
        origins = {each.id for each in distribution.origins}
        assert {each.origin for each in distribution.all_behaviors} <= origins
        for origin in distribution.origins:
            assert len(origin.origin_path) <= 255
    for policies in (
        blueprint.cache_policies,
        blueprint.origin_request_policies,
        blueprint.response_headers_policies,
    ):
        names = [each.name for each in policies]
        assert len(set(names)) == len(names)
    for policy in (*blueprint.cache_policies, *blueprint.origin_request_policies):
        for chosen in (policy.query_strings, policy.headers, policy.cookies):
            assert len(chosen.names) <= 10
    for policy in blueprint.cache_policies:
        assert 0 == policy.min_ttl <= policy.default_ttl <= policy.max_ttl


@given(any_options())
@settings(max_examples=40, deadline=None)
def test_law_what_reaches_plone_beside_the_cache_key_says_nothing_of_a_visitor(options):
    for behavior in right(options).distribution.all_behaviors:
        policy = behavior.origin_request_policy
        if policy is None or not behavior.cache_policy.keeps:
            continue
        assert policy.cookies == policy.query_strings == values.NONE
        for header in ("Accept", "Accept-Language", "Cookie", "Referer", "User-Agent"):
            assert not policy.headers.includes(header)


# What cannot be


@pytest.mark.parametrize(
    ("flaw", "changes"),
    [
        (Flaw.DOMAIN, {"domains": ("https://www.example.com",)}),
        (Flaw.DOMAIN, {"domains": ("localhost",)}),
        (Flaw.DOMAIN, {"domains": ("192.0.2.1",)}),
        (Flaw.DOMAIN_TWICE, {"domains": ("a.example.com", "A.example.com")}),
        (Flaw.DOMAINS_TOO_MANY, {"domains": tuple(f"a{n}.de" for n in range(101))}),
        (Flaw.DOMAIN_MISSING, {"domains": ()}),
        (Flaw.DOMAIN_WILDCARD, {"domains": ("*.example.com",)}),
        (Flaw.DOMAIN_OF_ORIGIN, {"origin": Server("www.example.com")}),
        (Flaw.ORIGIN, {"origin": Server("192.0.2.1")}),
        (Flaw.PORT, {"origin": Server("origin.example.com", 22)}),
        (Flaw.SITE, {"site": "/Plone"}),
        (Flaw.PATH_TOO_LONG, {"site": "/".join(["a" * 100] * 3)}),
        (Flaw.HEADER, {"tag_header": "Cache Tag"}),
        (Flaw.NAME, {"name": "my site"}),
        (Flaw.ARN, {"web_acl": "plone"}),
        (Flaw.OIDC, {"runs_on": RunsOn.IRSA, "oidc_provider": "https://x"}),
        (Flaw.EDITORS_DOMAINS, {"editors_domains": ("edit.example.com",)}),
        (Flaw.API_ORIGIN, {"api_origin": Server("api.example.com")}),
        (Flaw.TENANTS_AND_DOMAINS, {"tenants": (Tenant("a", "a.example.com"),)}),
        (
            Flaw.TENANTS_AND_SLACK,
            {"domains": (), "slack": True, "tenants": (Tenant("a", "a.de"),)},
        ),
        (
            Flaw.TENANTS_AND_STAGING,
            {"domains": (), "staging": True, "tenants": (Tenant("a", "a.de"),)},
        ),
    ],
)
def test_options_that_cannot_be_are_refused(flaw, changes):
    with pytest.raises(WrongOptions) as wrong:
        replace(CLASSIC, **changes)
    assert wrong.value.flaw is flaw
