"""The XML of cache behaviours and policies, as CloudFront writes it."""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.local.behaviours import Behaviour
from collective.cloudfront.local.records import Operation
from collective.cloudfront.local.records import Policy
from datetime import datetime
from datetime import timezone
from xml.etree import ElementTree


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


def origins_element(behaviours: Sequence[Behaviour]) -> ElementTree.Element:
    """Write the origins of the behaviours; the domain names are their ids, too."""
    domains = dict.fromkeys(each.origin_domain for each in behaviours)
    origins = [
        element("Origin", element("Id", name), element("DomainName", name))
        for name in domains
    ]
    return element(
        "Origins", element("Quantity", len(origins)), element("Items", *origins)
    )


def behaviour_elements(behaviours: Sequence[Behaviour]) -> list[ElementTree.Element]:
    """Write the default behaviour, and the others, if any."""
    default, *others = behaviours
    written = [
        element(
            "CacheBehavior",
            element("PathPattern", each.path_pattern),
            *_behaviour(each),
        )
        for each in others
    ]
    quantity = element("Quantity", len(written))
    items = [element("Items", *written)] if written else []
    return [
        element("DefaultCacheBehavior", *_behaviour(default)),
        element("CacheBehaviors", quantity, *items),
    ]


def _behaviour(behaviour: Behaviour) -> list[ElementTree.Element]:
    cached = several("Method", ("GET", "HEAD"))
    policies = {
        "CachePolicyId": behaviour.cache_policy,
        "OriginRequestPolicyId": behaviour.request_policy,
        "ResponseHeadersPolicyId": behaviour.response_policy,
    }
    return [
        element("TargetOriginId", behaviour.origin_domain),
        element("ViewerProtocolPolicy", "allow-all"),
        element(
            "AllowedMethods",
            *several("Method", behaviour.methods),
            element("CachedMethods", *cached),
        ),
        *(element(name, policy) for name, policy in policies.items() if policy),
        *([] if behaviour.cache_policy else _forwarded_values(behaviour)),
    ]


def _forwarded_values(behaviour: Behaviour) -> list[ElementTree.Element]:
    """Write the older settings. Where all query strings count, none is named."""
    listed = behaviour.query_strings == "whitelist"
    names = behaviour.query_string_names if listed else ()
    cookies = (
        [element("WhitelistedNames", *several("Name", behaviour.cookie_names))]
        if behaviour.cookies == "whitelist"
        else []
    )
    headers = behaviour.header_names if behaviour.headers == "whitelist" else ()
    return [
        element(
            "ForwardedValues",
            element("QueryString", boolean(behaviour.query_strings != "none")),
            element("Cookies", element("Forward", behaviour.cookies), *cookies),
            element("Headers", *several("Name", headers)),
            element("QueryStringCacheKeys", *several("Name", names)),
        ),
        element("MinTTL", behaviour.min_ttl),
        element("DefaultTTL", behaviour.default_ttl),
        element("MaxTTL", behaviour.max_ttl),
    ]


def policy_element(
    operation: Operation, policy: Policy, modified: str
) -> ElementTree.Element:
    """Write the answer to one of the operations that get a policy."""
    kind = operation.value.removeprefix("Get")
    write = {
        "CachePolicy": _cache_policy,
        "OriginRequestPolicy": _request_policy,
        "ResponseHeadersPolicy": _response_policy,
    }[kind]
    return element(
        kind,
        element("Id", policy.id),
        element("LastModifiedTime", modified),
        element(
            f"{kind}Config", element("Name", policy.name), *write(policy.behaviour)
        ),
    )


def _cache_policy(behaviour: Behaviour) -> list[ElementTree.Element]:
    compresses = element("EnableAcceptEncodingGzip", boolean(behaviour.max_ttl > 0))
    return [
        element("DefaultTTL", behaviour.default_ttl),
        element("MaxTTL", behaviour.max_ttl),
        element("MinTTL", behaviour.min_ttl),
        element(
            "ParametersInCacheKeyAndForwardedToOrigin",
            compresses,
            _chosen("Header", behaviour.headers, behaviour.header_names),
            _chosen("Cookie", behaviour.cookies, behaviour.cookie_names),
            _chosen(
                "QueryString", behaviour.query_strings, behaviour.query_string_names
            ),
        ),
    ]


def _request_policy(behaviour: Behaviour) -> list[ElementTree.Element]:
    return [
        _chosen("Header", behaviour.request_headers, behaviour.request_header_names),
        _chosen("Cookie", behaviour.request_cookies, behaviour.request_cookie_names),
        _chosen("QueryString", "all", ()),
    ]


def _response_policy(behaviour: Behaviour) -> list[ElementTree.Element]:
    removed = [
        element("ResponseHeadersPolicyRemoveHeader", element("Header", name))
        for name in behaviour.removed_headers
    ]
    if not removed:
        return []
    quantity = element("Quantity", len(removed))
    return [element("RemoveHeadersConfig", quantity, element("Items", *removed))]


def _chosen(kind: str, behaviour: str, names: Sequence[str]) -> ElementTree.Element:
    """Write which headers, cookies or query strings are meant."""
    listed = behaviour in ("whitelist", "allExcept", "allViewerAndWhitelistCloudFront")
    lists = [element(f"{kind}s", *several("Name", names))] if listed else []
    return element(f"{kind}sConfig", element(f"{kind}Behavior", behaviour), *lists)
