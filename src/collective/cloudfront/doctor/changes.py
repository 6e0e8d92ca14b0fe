"""The exact change that a finding asks for, as values. Pure.

A change is a sequence of edits. Each sets one member of a configuration, named and shaped
as in CloudFront's API. What nobody can edit, a managed policy, is copied, and the copy is
attached to the behaviors that need it.
"""

from collections.abc import Iterable
from collective.cloudfront.blueprint.values import Behavior as RightBehavior
from collective.cloudfront.blueprint.values import CachePolicy
from collective.cloudfront.delivery.aws.behaviors import Behavior
from collective.cloudfront.delivery.aws.behaviors import Caching
from collective.cloudfront.delivery.aws.behaviors import Chosen
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from collective.cloudfront.delivery.aws.behaviors import Forwarded
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(str, Enum):
    """What has a configuration, by the name of its operations in the API."""

    DISTRIBUTION = "Distribution"
    TENANT = "DistributionTenant"
    CACHE_POLICY = "CachePolicy"
    REQUEST_POLICY = "OriginRequestPolicy"
    RESPONSE_POLICY = "ResponseHeadersPolicy"

    @property
    def attached_by(self) -> str:
        """The member of a behavior that names a policy of this kind."""
        return f"{self.value}Id"


#: Policies that belong to AWS, by id (developer guide: "Use managed cache policies", and
#: the pages on the other two kinds). They can be used, and not be changed.
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
HOST_ONLY = "bf0718e1-ba1e-49d1-88b1-f726733018ae"
MANAGED = frozenset(
    {
        "658327ea-f89d-4fab-a63d-7e88639e58f6",  # CachingOptimized
        "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",  # …ForUncompressedObjects
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",  # CachingDisabled
        "83da9c7e-98b4-4e11-a168-04f0df8e2c65",  # UseOriginCacheControlHeaders
        "4cc15a8a-d715-48a4-82b8-cc0b614638fe",  # …-QueryStrings
        "2e54312d-136d-493c-8eb9-b001f22f67d2",  # Amplify
        "08627262-05a9-4f76-9ded-b50ca2e3a84f",  # Elemental-MediaPackage
        ALL_VIEWER,
        ALL_VIEWER_EXCEPT_HOST,
        HOST_ONLY,
        "33f36d7e-f396-46d9-90e0-52428a34d9dc",  # AllViewerAndCloudFrontHeaders-2022-06
        "59781a5b-3903-41f3-afcb-af62929ccde1",  # CORS-CustomOrigin
        "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",  # CORS-S3Origin
        "acba4595-bd28-49b8-b9fe-13317c0390fa",  # UserAgentRefererHeaders
        "67f7725c-6f97-4210-82d7-5512b31e9d03",  # SecurityHeadersPolicy
        "60669652-455b-4ae9-85a4-c4c02393f86c",  # SimpleCORS
        "5cc3b908-e619-4b99-88e5-2cf7f45965bd",  # CORS-With-Preflight
        "e61eb60c-9c35-4d20-a928-2b84e02af89c",  # CORS-and-SecurityHeadersPolicy
        "eaab4381-ed33-4a86-88ca-d9558dc6cd63",  # …-with-preflight-and-…
    }
)


#: The member that identifies an item, by list; an empty one: the item is a text.
ITEM_KEYS = {
    "Aliases": "",
    "CacheBehaviors": "PathPattern",
    "CustomErrorResponses": "ErrorCode",
    "RemoveHeadersConfig": "Header",
}


@dataclass(frozen=True, slots=True)
class Edit:
    """One member of a configuration gets a value.

    ``id`` is that of a policy; a distribution or a tenant is the one that was looked at.
    ``path`` leads to the member: names, and after the name of a list what identifies an
    item of it (``ITEM_KEYS``), which is added if it is not there. ``value`` is shaped as in
    boto3; None removes the member.
    Where ``copied_for`` names behaviors, the policy stays as it is, and these behaviors get
    a copy of it with the value; without an ``id`` they get a policy of these values alone.
    """

    kind: Kind
    path: tuple[str, ...]
    value: Any
    id: str = ""
    copied_for: tuple[str, ...] = ()


def listed(names: Iterable[str]) -> dict[str, Any]:
    """Return names as the API lists them."""
    items = list(names)
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def path_to(pattern: str) -> tuple[str, ...]:
    """Return the path to a behavior."""
    if pattern == DEFAULT:
        return ("DefaultCacheBehavior",)
    return ("CacheBehaviors", pattern)


def on_behavior(behavior: Behavior, value: Any, *names: str) -> Edit:
    """Set a member of a behavior."""
    return Edit(Kind.DISTRIBUTION, (*path_to(behavior.pattern), *names), value)


def methods(behavior: Behavior, allowed: Iterable[str], cached: Iterable[str]) -> Edit:
    """Set the methods that a behavior allows, and those that it keeps."""
    value = listed(allowed) | {"CachedMethods": listed(cached)}
    return on_behavior(behavior, value, "AllowedMethods")


def on_policy(behavior: Behavior, kind: Kind, value: Any, *path: str) -> Edit:
    """Set a member of a policy of a behavior; of a copy if the policy is AWS's."""
    policy = {
        Kind.CACHE_POLICY: behavior.cache_policy,
        Kind.REQUEST_POLICY: behavior.request_policy,
        Kind.RESPONSE_POLICY: behavior.response_policy,
    }[kind]
    copied = (behavior.pattern,) if not policy or policy in MANAGED else ()
    return Edit(kind, path, value, policy, copied)


# What is in the cache key, by a policy or by the older ForwardedValues

_KEY = "ParametersInCacheKeyAndForwardedToOrigin"
_TTLS = {"min_ttl": "MinTTL", "default_ttl": "DefaultTTL", "max_ttl": "MaxTTL"}
_KINDS = {"query_strings": "QueryString", "cookies": "Cookie", "headers": "Header"}


def ttl(behavior: Behavior, **ttls: int) -> tuple[Edit, ...]:
    """Set TTLs of a behavior, such as ``min_ttl``."""
    edits = []
    for field, value in ttls.items():
        if behavior.cache_policy:
            edits.append(on_policy(behavior, Kind.CACHE_POLICY, value, _TTLS[field]))
        else:
            edits.append(on_behavior(behavior, value, _TTLS[field]))
    return tuple(edits)


def key(behavior: Behavior, **chosen: Chosen) -> tuple[Edit, ...]:
    """Set what is in the cache key of a behavior, such as ``cookies``."""
    edits = []
    for field, value in chosen.items():
        kind = _KINDS[field]
        if behavior.cache_policy:
            config = _chosen(kind, value)
            edit = on_policy(
                behavior, Kind.CACHE_POLICY, config, _KEY, f"{kind}sConfig"
            )
        else:
            name, config = _forwarded(field, value)
            edit = on_behavior(behavior, config, "ForwardedValues", name)
        edits.append(edit)
        if field == "query_strings" and not behavior.cache_policy:
            none = listed(value.names)
            edits.append(
                on_behavior(behavior, none, "ForwardedValues", "QueryStringCacheKeys")
            )
    return tuple(edits)


def compressed(behavior: Behavior) -> tuple[Edit, ...]:
    """Have a cache policy keep compressed answers."""
    return tuple(
        on_policy(behavior, Kind.CACHE_POLICY, True, _KEY, name)
        for name in ("EnableAcceptEncodingGzip", "EnableAcceptEncodingBrotli")
    )


def with_name(chosen: Chosen, name: str) -> Chosen:
    """Return a choice that includes one more name."""
    if chosen.behavior == "allExcept":
        left = tuple(each for each in chosen.names if each.lower() != name.lower())
        return Chosen("allExcept", left) if left else Chosen("all")
    return Chosen("whitelist", (*chosen.names, name))


def without_name(chosen: Chosen, name: str) -> Chosen:
    """Return a choice that does not include a name."""
    if chosen.behavior == "all":
        return Chosen("allExcept", (name,))
    if chosen.behavior == "allExcept":
        return Chosen("allExcept", (*chosen.names, name))
    left = tuple(each for each in chosen.names if each.lower() != name.lower())
    return Chosen("whitelist", left) if left else Chosen()


def request_headers(behavior: Behavior, headers: Chosen) -> Edit:
    """Set which headers an origin request policy forwards."""
    config = _chosen("Header", headers)
    if headers.behavior == "all":
        config["HeaderBehavior"] = "allViewer"
    return on_policy(behavior, Kind.REQUEST_POLICY, config, "HeadersConfig")


def _chosen(kind: str, chosen: Chosen) -> dict[str, Any]:
    config: dict[str, Any] = {f"{kind}Behavior": chosen.behavior}
    if chosen.names:
        config[f"{kind}s"] = listed(chosen.names)
    return config


def _forwarded(field: str, chosen: Chosen) -> tuple[str, Any]:
    if field == "query_strings":
        return "QueryString", chosen.behavior != "none"
    if field == "headers":
        return "Headers", listed(chosen.names)
    config: dict[str, Any] = {"Forward": chosen.behavior}
    if chosen.names:
        config["WhitelistedNames"] = listed(chosen.names)
    return "Cookies", config


def cache_policy(caching: Caching) -> dict[str, Any]:
    """Return a CachePolicyConfig without a name."""
    parameters: dict[str, Any] = {
        "EnableAcceptEncodingGzip": caching.compressed,
        "EnableAcceptEncodingBrotli": caching.compressed,
    }
    for field, kind in _KINDS.items():
        parameters[f"{kind}sConfig"] = _chosen(kind, getattr(caching, field))
    return {
        "MinTTL": caching.min_ttl,
        "DefaultTTL": caching.default_ttl,
        "MaxTTL": caching.max_ttl,
        _KEY: parameters,
    }


def request_policy(forwarded: Forwarded, query_strings: Chosen) -> dict[str, Any]:
    """Return an OriginRequestPolicyConfig without a name."""
    headers = _chosen("Header", forwarded.headers)
    if forwarded.headers.behavior == "all":
        headers["HeaderBehavior"] = "allViewer"
    return {
        "HeadersConfig": headers,
        "CookiesConfig": _chosen("Cookie", forwarded.cookies),
        "QueryStringsConfig": _chosen("QueryString", query_strings),
    }


def modern(behavior: Behavior, caching: Caching) -> tuple[Edit, ...]:
    """Replace the older ForwardedValues by a cache policy that says the same."""
    new = Edit(
        Kind.CACHE_POLICY,
        (),
        cache_policy(caching),
        copied_for=(behavior.pattern,),
    )
    old = ("ForwardedValues", *_TTLS.values())
    return (new, *(on_behavior(behavior, None, name) for name in old))


def new_cache_policy(behavior: Behavior, right: CachePolicy) -> tuple[Edit, ...]:
    """Give a behavior the cache policy of the blueprint."""
    caching = Caching(
        right.query_strings,
        right.cookies,
        right.headers,
        right.min_ttl,
        right.default_ttl,
        right.max_ttl,
        right.gzip,
    )
    if not behavior.cache_policy:
        return modern(behavior, caching)
    config = cache_policy(caching)
    return (Edit(Kind.CACHE_POLICY, (), config, copied_for=(behavior.pattern,)),)


def new_behavior(
    right: RightBehavior, origin: str, tag_header: str
) -> tuple[Edit, ...]:
    """Add a behavior of the blueprint, before the others."""
    pattern = right.path_pattern
    value = {
        "PathPattern": pattern,
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": right.viewer_protocol_policy,
        "AllowedMethods": listed(right.allowed_methods)
        | {"CachedMethods": listed(right.cached_methods)},
        "Compress": right.compress,
    }
    new = Behavior(pattern, frozenset(right.allowed_methods), cache_policy="new")
    edits = [
        Edit(Kind.DISTRIBUTION, ("CacheBehaviors", pattern), value),
        *new_cache_policy(new, right.cache_policy),
    ]
    request = right.origin_request_policy
    if request is not None:
        forwarded = Forwarded(request.cookies, request.headers)
        config = request_policy(forwarded, request.query_strings)
        edits.append(Edit(Kind.REQUEST_POLICY, (), config, copied_for=(pattern,)))
    if tag_header:
        edits.append(removed_header(new, tag_header))
    return tuple(edits)


def removed_header(behavior: Behavior, header: str) -> Edit:
    """Have a response headers policy remove one more header."""
    item = {"Header": header}
    path = ("RemoveHeadersConfig", header)
    return on_policy(behavior, Kind.RESPONSE_POLICY, item, *path)
