"""What CloudFront refuses to store: pure checks of configurations, without namespaces.

Each raises an ApiError with CloudFront's code (API reference, "UpdateDistribution",
"CreateCachePolicy" and the like). What is not checked here, CloudFront may refuse as well.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.local.behaviors import METHODS
from collective.cloudfront.local.errors import ApiError
from xml.etree import ElementTree

import re


#: Elements of a behavior that name a policy: the kind, and the code where there is none.
POLICIES = {
    "CachePolicyId": ("cache-policy", "NoSuchCachePolicy"),
    "OriginRequestPolicyId": ("origin-request-policy", "NoSuchOriginRequestPolicy"),
    "ResponseHeadersPolicyId": (
        "response-headers-policy",
        "NoSuchResponseHeadersPolicy",
    ),
}
#: Knows whether there is a policy of a kind, with an id.
Knows = Callable[[str, str], bool]

_HEADER = re.compile(r"[A-Za-z0-9-]+")
_PROTOCOLS = {"allow-all", "https-only", "redirect-to-https"}
_TTLS = ("MinTTL", "DefaultTTL", "MaxTTL")
#: CloudFront keeps its own copy of these statuses for a time that can be chosen.
_ERROR_CODES = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}


def check_distribution(config: ElementTree.Element, knows: Knows) -> None:
    """Check a DistributionConfig."""
    check_quantities(config)
    for name in ("CallerReference", "Origins", "DefaultCacheBehavior", "Enabled"):
        _require(config.find(name) is not None, f"{name} is required.")
    origins = [each.findtext("Id", "") for each in config.iter("Origin")]
    _require(bool(origins), "A distribution has an origin.")
    _require(len(set(origins)) == len(origins), "Two origins have the same id.")
    patterns = [each.findtext("PathPattern") for each in config.iter("CacheBehavior")]
    _require(all(patterns), "A cache behavior has a path pattern.")
    _require(len(set(patterns)) == len(patterns), "Two path patterns are the same.")
    for behavior in behaviors_of(config):
        _check_behavior(behavior, origins, knows)
    for response in config.iter("CustomErrorResponse"):
        code = int(response.findtext("ErrorCode", "0"))
        _require(code in _ERROR_CODES, f"The error code {code} cannot be customized.")
    header = config.findtext("CacheTagConfig/HeaderName")
    if config.find("CacheTagConfig") is not None:
        _require(
            bool(_HEADER.fullmatch(header or "")), f"{header!r} is not a header name."
        )


def behaviors_of(config: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the default behavior and the others."""
    default = config.find("DefaultCacheBehavior")
    if default is not None:
        yield default
    yield from config.iterfind("CacheBehaviors/Items/CacheBehavior")


def _check_behavior(
    behavior: ElementTree.Element, origins: list[str], knows: Knows
) -> None:
    if behavior.findtext("TargetOriginId") not in origins:
        raise ApiError.of("NoSuchOrigin", "No origin exists with this origin id.")
    protocol = behavior.findtext("ViewerProtocolPolicy")
    _require(protocol in _PROTOCOLS, f"{protocol!r} is not a viewer protocol policy.")
    _check_methods(behavior)
    legacy = behavior.find("ForwardedValues") is not None
    policy = behavior.findtext("CachePolicyId", "")
    _require(legacy != bool(policy), "Use either a cache policy or ForwardedValues.")
    if legacy:
        _check_order(behavior, "InvalidTTLOrder")
        _require(
            not behavior.findtext("OriginRequestPolicyId"),
            "An origin request policy needs a cache policy.",
        )
    else:
        wrong = [name for name in _TTLS if behavior.find(name) is not None]
        _require(not wrong, f"{', '.join(wrong)} cannot be used with a cache policy.")
    for name, (kind, code) in POLICIES.items():
        found = behavior.findtext(name, "")
        if found and not knows(kind, found):
            raise ApiError.of(code, "The policy does not exist.")


def _check_methods(behavior: ElementTree.Element) -> None:
    chosen = behavior.find("AllowedMethods")
    if chosen is None:
        return
    choices = [set(each) for each in METHODS]
    allowed = {each.text for each in chosen.iterfind("Items/Method")}
    _require(allowed in choices, "These methods cannot be allowed together.")
    cached = {each.text for each in chosen.iterfind("CachedMethods/Items/Method")}
    if chosen.find("CachedMethods") is not None:
        _require(
            cached in choices[:2] and cached <= allowed,
            "These methods cannot be cached together.",
        )


def check_cache_policy(config: ElementTree.Element) -> None:
    """Check a CachePolicyConfig."""
    check_quantities(config)
    _require(bool(config.findtext("Name")), "A policy has a name.")
    _check_order(config, "InvalidArgument")
    key = config.find("ParametersInCacheKeyAndForwardedToOrigin")
    if key is None or config.findtext("MaxTTL") != "0":
        return
    for kind in ("Header", "Cookie", "QueryString"):
        chosen = key.findtext(f"{kind}sConfig/{kind}Behavior")
        _require(
            chosen == "none",
            f"The parameter {kind}Behavior is invalid where caching is disabled.",
        )
    for name in ("EnableAcceptEncodingGzip", "EnableAcceptEncodingBrotli"):
        _require(
            key.findtext(name, "false") == "false",
            f"The parameter {name} is invalid where caching is disabled.",
        )


def check_request_policy(config: ElementTree.Element) -> None:
    """Check an OriginRequestPolicyConfig."""
    check_quantities(config)
    _require(bool(config.findtext("Name")), "A policy has a name.")
    listed = config.findtext("HeadersConfig/HeaderBehavior") == "whitelist"
    names = {
        (each.text or "").lower()
        for each in config.iterfind("HeadersConfig/Headers/Items/Name")
    }
    _require(
        not (listed and names & {"authorization", "accept-encoding"}),
        "An origin request policy cannot list Authorization or Accept-Encoding.",
    )


def check_response_policy(config: ElementTree.Element) -> None:
    """Check a ResponseHeadersPolicyConfig."""
    check_quantities(config)
    _require(bool(config.findtext("Name")), "A policy has a name.")
    for each in config.iterfind("RemoveHeadersConfig/Items/*/Header"):
        _require(
            bool(_HEADER.fullmatch(each.text or "")),
            f"{each.text!r} is not a header name.",
        )


CHECK_POLICY = {
    "cache-policy": check_cache_policy,
    "origin-request-policy": check_request_policy,
    "response-headers-policy": check_response_policy,
}


def check_quantities(config: ElementTree.Element) -> None:
    """Check that each list says how many it has."""
    for each in config.iter():
        quantity = each.findtext("Quantity")
        if quantity is None:
            continue
        items = each.find("Items")
        count = 0 if items is None else len(items)
        if quantity.strip() != str(count):
            raise ApiError.of(
                "InconsistentQuantities",
                "The value of Quantity and the size of Items do not match.",
                f"{each.tag}: Quantity is {quantity}, there are {count} items",
            )


def _check_order(config: ElementTree.Element, code: str) -> None:
    numbers = [int(config.findtext(name) or -1) for name in _TTLS]
    given = [each for each in numbers if each >= 0]
    if given != sorted(given):
        raise ApiError.of(code, "The TTLs are not in order.")


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise ApiError.of("InvalidArgument", otherwise)
