"""Policies of a blueprint as resources of CloudFormation."""

from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.notes import Notes
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import CachePolicy
from collective.cloudfront.blueprint.values import OriginRequestPolicy
from collective.cloudfront.blueprint.values import ResponseHeadersPolicy
from collective.cloudfront.blueprint.values import SecurityHeaders
from collective.cloudfront.delivery.aws.behaviors import Chosen
from typing import Any


Policy = CachePolicy | OriginRequestPolicy | ResponseHeadersPolicy


def policy_id(policy: Policy) -> Any:
    """Return how a behavior names a policy."""
    managed = getattr(policy, "id", "")
    if managed:
        return Why(managed, f"{policy.name}, managed by AWS")
    return Ref(logical_id(policy))


def logical_id(policy: Policy) -> str:
    """Return the name of a policy of our own in the template."""
    return f"{policy.name.capitalize()}{type(policy).__name__}"


def policies(blueprint: Blueprint, notes: Notes) -> dict[str, Any]:
    """Return the policies that are not managed by AWS."""
    prefix = blueprint.options.name
    return {
        **{
            logical_id(each): _cache_policy(each, prefix, notes)
            for each in blueprint.cache_policies
            if not each.id
        },
        **{
            logical_id(each): _origin_request_policy(each, prefix, notes)
            for each in blueprint.origin_request_policies
            if not each.id
        },
        **{
            logical_id(each): _response_headers_policy(each, prefix, notes)
            for each in blueprint.response_headers_policies
        },
    }


def _cache_policy(policy: CachePolicy, prefix: str, notes: Notes) -> Any:
    key = {
        "QueryStringsConfig": notes.why(
            policy, "query_strings", _chosen(policy.query_strings, "QueryString")
        ),
        "HeadersConfig": notes.why(
            policy, "headers", _chosen(policy.headers, "Header")
        ),
        "CookiesConfig": notes.why(
            policy, "cookies", _chosen(policy.cookies, "Cookie")
        ),
        "EnableAcceptEncodingGzip": notes.why(policy, "gzip", policy.gzip),
        "EnableAcceptEncodingBrotli": policy.brotli,
    }
    config = {
        "Name": f"{prefix}-{policy.name}",
        "Comment": policy.reason,
        "MinTTL": notes.why(policy, "min_ttl", policy.min_ttl),
        "DefaultTTL": notes.why(policy, "default_ttl", policy.default_ttl),
        "MaxTTL": notes.why(policy, "max_ttl", policy.max_ttl),
        "ParametersInCacheKeyAndForwardedToOrigin": key,
    }
    return {
        "Type": "AWS::CloudFront::CachePolicy",
        "Properties": {"CachePolicyConfig": config},
    }


def _origin_request_policy(
    policy: OriginRequestPolicy, prefix: str, notes: Notes
) -> Any:
    config = {
        "Name": f"{prefix}-{policy.name}",
        "Comment": policy.reason,
        "QueryStringsConfig": notes.why(
            policy, "query_strings", _chosen(policy.query_strings, "QueryString")
        ),
        "HeadersConfig": notes.why(
            policy, "headers", _chosen(policy.headers, "Header")
        ),
        "CookiesConfig": notes.why(
            policy, "cookies", _chosen(policy.cookies, "Cookie")
        ),
    }
    return {
        "Type": "AWS::CloudFront::OriginRequestPolicy",
        "Properties": {"OriginRequestPolicyConfig": config},
    }


def _chosen(chosen: Chosen, kind: str) -> dict[str, Any]:
    config: dict[str, Any] = {f"{kind}Behavior": chosen.behavior}
    if chosen.names:
        config[f"{kind}s"] = list(chosen.names)
    return config


def _response_headers_policy(
    policy: ResponseHeadersPolicy, prefix: str, notes: Notes
) -> Any:
    removed = {"Items": [{"Header": each} for each in policy.removed]}
    config = {
        "Name": f"{prefix}-{policy.name}",
        "Comment": policy.reason,
        "RemoveHeadersConfig": notes.why(policy, "removed", removed),
        "SecurityHeadersConfig": _security(policy.security, notes),
    }
    return {
        "Type": "AWS::CloudFront::ResponseHeadersPolicy",
        "Properties": {"ResponseHeadersPolicyConfig": config},
    }


def _security(headers: SecurityHeaders, notes: Notes) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if headers.hsts_max_age:
        transport = {"AccessControlMaxAgeSec": headers.hsts_max_age, "Override": True}
        config["StrictTransportSecurity"] = notes.why(
            headers, "hsts_max_age", transport
        )
    if headers.content_type_options:
        config["ContentTypeOptions"] = notes.why(
            headers, "content_type_options", {"Override": True}
        )
    frame = {
        "FrameOption": headers.frame_option,
        "Override": notes.why(headers, "frame_override", headers.frame_override),
    }
    referrer = {
        "ReferrerPolicy": headers.referrer_policy,
        "Override": headers.referrer_override,
    }
    config["FrameOptions"] = notes.why(headers, "frame_option", frame)
    config["ReferrerPolicy"] = notes.why(headers, "referrer_policy", referrer)
    return config
