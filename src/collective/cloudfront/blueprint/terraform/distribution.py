"""Policies and distributions of a blueprint as resources of Terraform's AWS provider."""

from collections.abc import Iterator
from collective.cloudfront.blueprint.notes import Notes
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.reasons import reason_of
from collective.cloudfront.blueprint.right import TENANT_HOST
from collective.cloudfront.blueprint.right import TENANT_SITE
from collective.cloudfront.blueprint.terraform.document import Block
from collective.cloudfront.blueprint.terraform.document import Expr
from collective.cloudfront.blueprint.terraform.origins import origin_block
from collective.cloudfront.blueprint.values import Behavior
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import CachePolicy
from collective.cloudfront.blueprint.values import Distribution
from collective.cloudfront.blueprint.values import OriginRequestPolicy
from collective.cloudfront.blueprint.values import ResponseHeadersPolicy
from collective.cloudfront.blueprint.values import Role
from collective.cloudfront.delivery.aws.behaviors import Chosen
from typing import Any


Policy = CachePolicy | OriginRequestPolicy | ResponseHeadersPolicy

_KINDS = {
    CachePolicy: "aws_cloudfront_cache_policy",
    OriginRequestPolicy: "aws_cloudfront_origin_request_policy",
    ResponseHeadersPolicy: "aws_cloudfront_response_headers_policy",
}
#: Names of distributions.
NAMES = {Role.PUBLIC: "public", Role.EDITORS: "editors", Role.STAGING: "staging"}

_NO_TAGS = (
    "Terraform's AWS provider (6.66) cannot set CacheTagConfig of a multi-tenant "
    "distribution. Set it after you have created it: docs/cache-tags.rst has a script. "
    "Until then, the add-on purges by path."
)


def kind_of(blueprint: Blueprint) -> str:
    """Return the kind of resource of distributions."""
    return (
        "aws_cloudfront_multitenant_distribution"
        if blueprint.tenants
        else "aws_cloudfront_distribution"
    )


def distribution_ref(blueprint: Blueprint, role: Role, attribute: str) -> Expr:
    """Return an attribute of a distribution."""
    return Expr(f"{kind_of(blueprint)}.{NAMES[role]}.{attribute}")


def policies(blueprint: Blueprint, notes: Notes) -> Iterator[Block]:
    """Yield the policies that are not managed by AWS."""
    prefix = blueprint.options.name
    for each in blueprint.cache_policies:
        if not each.id:
            yield _policy(each, prefix, _cache_policy(each, notes))
    for policy in blueprint.origin_request_policies:
        if not policy.id:
            yield _policy(policy, prefix, _sent(policy, notes))
    for headers in blueprint.response_headers_policies:
        yield _policy(headers, prefix, _response_headers_policy(headers, notes))


def _policy(policy: Policy, prefix: str, body: dict[str, Any]) -> Block:
    head = {"name": f"{prefix}-{policy.name}", "comment": policy.reason}
    return Block("resource", (_KINDS[type(policy)], policy.name), {**head, **body})


def _cache_policy(policy: CachePolicy, notes: Notes) -> dict[str, Any]:
    return {
        "min_ttl": notes.why(policy, "min_ttl", policy.min_ttl),
        "default_ttl": notes.why(policy, "default_ttl", policy.default_ttl),
        "max_ttl": notes.why(policy, "max_ttl", policy.max_ttl),
        "parameters_in_cache_key_and_forwarded_to_origin": {
            "enable_accept_encoding_gzip": notes.why(policy, "gzip", policy.gzip),
            "enable_accept_encoding_brotli": policy.brotli,
            **_sent(policy, notes),
        },
    }


def _sent(policy: CachePolicy | OriginRequestPolicy, notes: Notes) -> dict[str, Any]:
    return {
        f"{kind}s_config": notes.why(policy, f"{kind}s", _chosen(chosen, kind))
        for kind, chosen in (
            ("query_string", policy.query_strings),
            ("header", policy.headers),
            ("cookie", policy.cookies),
        )
    }


def _chosen(chosen: Chosen, kind: str) -> dict[str, Any]:
    config: dict[str, Any] = {f"{kind}_behavior": chosen.behavior}
    if chosen.names:
        config[f"{kind}s"] = {"items": list(chosen.names)}
    return config


def _response_headers_policy(
    policy: ResponseHeadersPolicy, notes: Notes
) -> dict[str, Any]:
    headers = policy.security
    config: dict[str, Any] = {}
    if headers.hsts_max_age:
        transport = {
            "access_control_max_age_sec": headers.hsts_max_age,
            "override": True,
        }
        config["strict_transport_security"] = notes.why(
            headers, "hsts_max_age", transport
        )
    if headers.content_type_options:
        config["content_type_options"] = notes.why(
            headers, "content_type_options", {"override": True}
        )
    frame = {
        "frame_option": headers.frame_option,
        "override": notes.why(headers, "frame_override", headers.frame_override),
    }
    referrer = {
        "referrer_policy": headers.referrer_policy,
        "override": headers.referrer_override,
    }
    config["frame_options"] = notes.why(headers, "frame_option", frame)
    config["referrer_policy"] = notes.why(headers, "referrer_policy", referrer)
    removed = {"items": [{"header": each} for each in policy.removed]}
    return {
        "remove_headers_config": notes.why(policy, "removed", removed),
        "security_headers_config": config,
    }


def distribution(each: Distribution, blueprint: Blueprint, notes: Notes) -> Block:
    """Return one distribution."""
    tenants = bool(blueprint.tenants)
    body: dict[str, Any] = {"comment": each.comment, "enabled": True}
    if each.is_staging:
        body["staging"] = True
    elif blueprint.staging is not None and each.role is Role.PUBLIC:
        body["continuous_deployment_policy_id"] = Expr(
            "aws_cloudfront_continuous_deployment_policy.staging.id"
        )
    if each.aliases:
        body["aliases"] = notes.why(each, "aliases", list(each.aliases))
    body["http_version"] = (
        notes.why(each, "http_version", each.http_version)
        if blueprint.staging is None
        else Why(each.http_version, "CloudFront does not allow HTTP/3 with staging.")
    )
    if not tenants:
        body["is_ipv6_enabled"] = notes.why(each, "ipv6", each.ipv6)
    if each.web_acl:
        body["web_acl_id"] = notes.why(each, "web_acl", each.web_acl)
    if each.cache_tag_header and not tenants:
        body["cache_tag_config"] = notes.why(
            each, "cache_tag_header", {"header_name": each.cache_tag_header}
        )
    body["viewer_certificate"] = _certificate(each, tenants, notes)
    body["restrictions"] = {"geo_restriction": {"restriction_type": "none"}}
    body["origin"] = [origin_block(origin, tenants, notes) for origin in each.origins]
    if each.behaviors:
        name = "cache_behavior" if tenants else "ordered_cache_behavior"
        body[name] = notes.why(
            each,
            "behaviors",
            [_behavior(behavior, tenants, notes) for behavior in each.behaviors],
        )
    body["default_cache_behavior"] = Why(
        _behavior(each.default_behavior, tenants, notes), each.default_behavior.reason
    )
    if each.custom_error_responses:
        errors = [
            notes.once(
                error.reason,
                {
                    "error_code": error.error_code,
                    "error_caching_min_ttl": error.error_caching_min_ttl,
                },
            )
            for error in each.custom_error_responses
        ]
        body["custom_error_response"] = notes.why(
            each, "custom_error_responses", errors
        )
    if tenants and "{{" in "".join(origin.origin_path for origin in each.origins):
        body["tenant_config"] = {
            "parameter_definition": [
                {"name": name, "definition": {"string_schema": {"required": True}}}
                for name in (TENANT_HOST, TENANT_SITE)
            ]
        }
    why = {
        Role.PUBLIC: "What visitors reach.",
        Role.EDITORS: reason_of(blueprint, "editors"),
        Role.STAGING: reason_of(blueprint, "staging"),
    }[each.role]
    if tenants and each.cache_tag_header:
        why = f"{why} {_NO_TAGS}"
    return Block("resource", (kind_of(blueprint), NAMES[each.role]), body, why)


def _certificate(each: Distribution, tenants: bool, notes: Notes) -> dict[str, Any]:
    if not (each.aliases or tenants):
        return {"cloudfront_default_certificate": True}
    variable = "certificate_arn"
    if each.role is Role.EDITORS:
        variable = f"editors_{variable}"
    return {
        "acm_certificate_arn": notes.why(
            each, "certificate", each.certificate or Expr(f"var.{variable}")
        ),
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": notes.why(
            each, "minimum_protocol_version", each.minimum_protocol_version
        ),
    }


def _behavior(behavior: Behavior, tenants: bool, notes: Notes) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if not behavior.is_default:
        body["path_pattern"] = notes.once(behavior.reason, behavior.path_pattern)
    body["target_origin_id"] = behavior.origin
    body["viewer_protocol_policy"] = notes.why(
        behavior, "viewer_protocol_policy", behavior.viewer_protocol_policy
    )
    allowed: Any = list(behavior.allowed_methods)
    if "POST" in behavior.allowed_methods:
        allowed = notes.why(behavior, "allowed_methods", allowed)
    cached = notes.why(behavior, "cached_methods", list(behavior.cached_methods))
    if tenants:
        body["allowed_methods"] = {"items": allowed, "cached_methods": cached}
    else:
        body["allowed_methods"] = allowed
        body["cached_methods"] = cached
    body["compress"] = notes.why(behavior, "compress", behavior.compress)
    body["cache_policy_id"] = _policy_id(behavior.cache_policy)
    if behavior.origin_request_policy is not None:
        body["origin_request_policy_id"] = _policy_id(behavior.origin_request_policy)
    body["response_headers_policy_id"] = _policy_id(behavior.response_headers_policy)
    return body


def _policy_id(policy: Policy) -> Any:
    managed = getattr(policy, "id", "")
    if managed:
        return Why(managed, f"{policy.name}, managed by AWS")
    return Expr(f"{_KINDS[type(policy)]}.{policy.name}.id")
