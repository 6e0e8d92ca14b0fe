"""The XML of cache behaviors and policies, as CloudFront writes it."""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.local.behaviors import Behavior
from collective.cloudfront.local.records import Operation
from collective.cloudfront.local.records import Policy
from datetime import datetime
from datetime import timezone
from xml.etree import ElementTree

import re


def element(
    name: str, *content: ElementTree.Element | str | int
) -> ElementTree.Element:
    element = ElementTree.Element(name)
    for part in content:
        if isinstance(part, ElementTree.Element):
            element.append(part)
        else:
            element.text = str(part)
    return element


def several(name: str, values: Iterable[str]) -> list[ElementTree.Element]:
    """Write a list as CloudFront does: how many, and which."""
    items = [element(name, value) for value in values]
    return [element("Quantity", len(items)), element("Items", *items)]


def boolean(value: bool) -> str:
    return "true" if value else "false"


def timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def origins_element(behaviors: Sequence[Behavior]) -> ElementTree.Element:
    """Write the origins of the behaviors; the domain names are their ids, too."""
    domains = {each.origin_domain: each.origin_path for each in reversed(behaviors)}
    origins = [
        element(
            "Origin",
            element("Id", name),
            element("DomainName", name),
            element("OriginPath", path),
        )
        for name, path in reversed(domains.items())
    ]
    return element(
        "Origins", element("Quantity", len(origins)), element("Items", *origins)
    )


def behavior_elements(behaviors: Sequence[Behavior]) -> list[ElementTree.Element]:
    """Write the default behavior, and the others, if any."""
    default, *others = behaviors
    written = [
        element(
            "CacheBehavior",
            element("PathPattern", each.path_pattern),
            *_behavior(each),
        )
        for each in others
    ]
    quantity = element("Quantity", len(written))
    items = [element("Items", *written)] if written else []
    return [
        element("DefaultCacheBehavior", *_behavior(default)),
        element("CacheBehaviors", quantity, *items),
    ]


def _behavior(behavior: Behavior) -> list[ElementTree.Element]:
    cached = several("Method", behavior.cached_methods)
    policies = {
        "CachePolicyId": behavior.cache_policy,
        "OriginRequestPolicyId": behavior.request_policy,
        "ResponseHeadersPolicyId": behavior.response_policy,
    }
    return [
        element("TargetOriginId", behavior.origin_domain),
        element("ViewerProtocolPolicy", behavior.viewer_protocol),
        element(
            "AllowedMethods",
            *several("Method", behavior.methods),
            element("CachedMethods", *cached),
        ),
        element("Compress", boolean(behavior.compresses)),
        *(element(name, policy) for name, policy in policies.items() if policy),
        *([] if behavior.cache_policy else _forwarded_values(behavior)),
    ]


def _forwarded_values(behavior: Behavior) -> list[ElementTree.Element]:
    """Write the older settings. Where all query strings count, none is named."""
    listed = behavior.query_strings == "whitelist"
    names = behavior.query_string_names if listed else ()
    cookies = (
        [element("WhitelistedNames", *several("Name", behavior.cookie_names))]
        if behavior.cookies == "whitelist"
        else []
    )
    headers = behavior.header_names if behavior.headers == "whitelist" else ()
    return [
        element(
            "ForwardedValues",
            element("QueryString", boolean(behavior.query_strings != "none")),
            element("Cookies", element("Forward", behavior.cookies), *cookies),
            element("Headers", *several("Name", headers)),
            element("QueryStringCacheKeys", *several("Name", names)),
        ),
        element("MinTTL", behavior.min_ttl),
        element("DefaultTTL", behavior.default_ttl),
        element("MaxTTL", behavior.max_ttl),
    ]


def policy_element(
    operation: Operation, policy: Policy, modified: str
) -> ElementTree.Element:
    """Write the answer to one of the operations on policies."""
    kind = re.sub("^(Get|Create|Update)", "", operation.value)
    if policy.config is not None:
        return element(
            kind,
            element("Id", policy.id),
            element("LastModifiedTime", modified),
            policy.config,
        )
    write = {
        "CachePolicy": _cache_policy,
        "OriginRequestPolicy": _request_policy,
        "ResponseHeadersPolicy": _response_policy,
    }[kind]
    return element(
        kind,
        element("Id", policy.id),
        element("LastModifiedTime", modified),
        element(f"{kind}Config", element("Name", policy.name), *write(policy.behavior)),
    )


def _cache_policy(behavior: Behavior) -> list[ElementTree.Element]:
    compresses = element("EnableAcceptEncodingGzip", boolean(behavior.max_ttl > 0))
    return [
        element("DefaultTTL", behavior.default_ttl),
        element("MaxTTL", behavior.max_ttl),
        element("MinTTL", behavior.min_ttl),
        element(
            "ParametersInCacheKeyAndForwardedToOrigin",
            compresses,
            _chosen("Header", behavior.headers, behavior.header_names),
            _chosen("Cookie", behavior.cookies, behavior.cookie_names),
            _chosen("QueryString", behavior.query_strings, behavior.query_string_names),
        ),
    ]


def _request_policy(behavior: Behavior) -> list[ElementTree.Element]:
    return [
        _chosen("Header", behavior.request_headers, behavior.request_header_names),
        _chosen("Cookie", behavior.request_cookies, behavior.request_cookie_names),
        _chosen("QueryString", "all", ()),
    ]


def _response_policy(behavior: Behavior) -> list[ElementTree.Element]:
    removed = [
        element("ResponseHeadersPolicyRemoveHeader", element("Header", name))
        for name in behavior.removed_headers
    ]
    if not removed:
        return []
    quantity = element("Quantity", len(removed))
    return [element("RemoveHeadersConfig", quantity, element("Items", *removed))]


def _chosen(kind: str, behavior: str, names: Sequence[str]) -> ElementTree.Element:
    """Write which headers, cookies or query strings are meant."""
    listed = behavior in ("whitelist", "allExcept", "allViewerAndWhitelistCloudFront")
    lists = [element(f"{kind}s", *several("Name", names))] if listed else []
    return element(f"{kind}sConfig", element(f"{kind}Behavior", behavior), *lists)
