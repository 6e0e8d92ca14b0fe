"""Cache, origin request and response headers policies of a template, as values.

They are refused where CloudFront refuses them. Source: API reference, and developer guide,
"Quotas on policies".
"""

from collections.abc import Callable
from collective.cloudfront.local.distribution import AddedHeader
from collective.cloudfront.local.distribution import CachePolicy
from collective.cloudfront.local.distribution import Choice
from collective.cloudfront.local.distribution import Cors
from collective.cloudfront.local.distribution import lower
from collective.cloudfront.local.distribution import OriginRequestPolicy
from collective.cloudfront.local.distribution import ResponseHeadersPolicy
from collective.cloudfront.local.distribution import Selection
from collective.cloudfront.local.template.document import Resource
from collective.cloudfront.local.template.errors import TemplateError
from collective.cloudfront.local.template.properties import Properties


#: Names that one policy may list of each kind, unless AWS has raised the quota.
MOST_NAMES = 10

_IN_CACHE_POLICY = {
    "QueryString": (Choice.NONE, Choice.WHITELIST, Choice.ALL_EXCEPT, Choice.ALL),
    "Cookie": (Choice.NONE, Choice.WHITELIST, Choice.ALL_EXCEPT, Choice.ALL),
    "Header": (Choice.NONE, Choice.WHITELIST),
}
_IN_REQUEST_POLICY = {
    **_IN_CACHE_POLICY,
    "Header": (
        Choice.NONE,
        Choice.WHITELIST,
        Choice.ALL_VIEWER,
        Choice.ALL_VIEWER_AND_CLOUDFRONT,
        Choice.ALL_EXCEPT,
    ),
}
# The edge would have to know who the viewer is and where.
_UNKNOWN_PREFIX = "cloudfront-"
_KNOWN_OF_PREFIX = frozenset(
    [
        "cloudfront-forwarded-proto",
        "cloudfront-is-desktop-viewer",
        "cloudfront-is-mobile-viewer",
        "cloudfront-is-smarttv-viewer",
        "cloudfront-is-tablet-viewer",
    ]
)


def cache_policy(resource: Resource) -> CachePolicy:
    """Return a AWS::CloudFront::CachePolicy."""
    config = _config(resource, "CachePolicyConfig")
    key = config.object("ParametersInCacheKeyAndForwardedToOrigin")
    policy = CachePolicy(
        name=config.text("Name"),
        min_ttl=config.number("MinTTL"),
        default_ttl=config.number("DefaultTTL"),
        max_ttl=config.number("MaxTTL"),
        query_strings=_selection(key, "QueryString", _IN_CACHE_POLICY),
        headers=_selection(key, "Header", _IN_CACHE_POLICY),
        cookies=_selection(key, "Cookie", _IN_CACHE_POLICY),
        gzip=key.truth("EnableAcceptEncodingGzip"),
        brotli=key.truth("EnableAcceptEncodingBrotli", False),
    )
    config.without_effect(["Comment"])
    key.finish()
    config.finish()
    _check_lifetimes(policy, config)
    return policy


def _check_lifetimes(policy: CachePolicy, config: Properties) -> None:
    if not policy.min_ttl <= policy.default_ttl <= policy.max_ttl:
        raise TemplateError(
            config.place, "MinTTL, DefaultTTL and MaxTTL are not in this order."
        )
    takes = (policy.query_strings, policy.headers, policy.cookies)
    if policy.never_caches and (
        policy.gzip or policy.brotli or any(not each.is_none for each in takes)
    ):
        raise TemplateError(
            config.place, "With a MaxTTL of 0 nothing may be in the cache key."
        )


def request_policy(resource: Resource) -> OriginRequestPolicy:
    """Return a AWS::CloudFront::OriginRequestPolicy."""
    config = _config(resource, "OriginRequestPolicyConfig")
    headers = _selection(config, "Header", _IN_REQUEST_POLICY)
    if headers.choice is Choice.WHITELIST:
        for name in ("authorization", "accept-encoding"):
            if headers.takes(name):
                raise config.error(
                    "HeadersConfig", f"No origin request policy may list {name}."
                )
    policy = OriginRequestPolicy(
        name=config.text("Name"),
        query_strings=_selection(config, "QueryString", _IN_REQUEST_POLICY),
        headers=headers,
        cookies=_selection(config, "Cookie", _IN_REQUEST_POLICY),
    )
    config.without_effect(["Comment"])
    config.finish()
    return policy


def _selection(
    parent: Properties, kind: str, allowed: dict[str, tuple[Choice, ...]]
) -> Selection:
    """Return what ``CookiesConfig`` and its like say; ``kind`` is ``Cookie``."""
    config = parent.object(f"{kind}sConfig")
    choice = config.choice(f"{kind}Behavior", Choice)
    names = config.texts(f"{kind}s")
    config.finish()
    if choice not in allowed[kind]:
        raise config.error(f"{kind}Behavior", f"{choice.value} is not possible here.")
    needs_names = choice in (
        Choice.WHITELIST,
        Choice.ALL_EXCEPT,
        Choice.ALL_VIEWER_AND_CLOUDFRONT,
    )
    if needs_names != bool(names):
        problem = "The names are missing." if needs_names else "There are names."
        raise config.error(f"{kind}s", problem)
    if len(names) > MOST_NAMES:
        raise config.error(f"{kind}s", f"There are more than {MOST_NAMES} names.")
    for name in names:
        _check_name(name, kind, config)
    return Selection(choice, lower(names) if kind == "Header" else frozenset(names))


def _check_name(name: str, kind: str, config: Properties) -> None:
    if "*" in name or "?" in name:
        raise config.error(f"{kind}s", f"{name}: there are no wildcards here.")
    header = name.lower()
    if kind != "Header":
        return
    if header.startswith(_UNKNOWN_PREFIX) and header not in _KNOWN_OF_PREFIX:
        raise config.error(f"{kind}s", f"The local CloudFront does not know {name}.")
    if header in ("cookie", "connection", "content-length", "x-real-ip", "via"):
        raise config.error(f"{kind}s", f"CloudFront does not allow {name} here.")


# Response headers


def response_policy(resource: Resource) -> ResponseHeadersPolicy:
    """Return a AWS::CloudFront::ResponseHeadersPolicy."""
    config = _config(resource, "ResponseHeadersPolicyConfig")
    policy = ResponseHeadersPolicy(
        name=config.text("Name"),
        removed=_removed(config.object("RemoveHeadersConfig")),
        added=(
            *_security(config.object("SecurityHeadersConfig")),
            *_custom(config.object("CustomHeadersConfig")),
        ),
        cors=_cors(config.object("CorsConfig")) if config.has("CorsConfig") else None,
    )
    timing = config.object("ServerTimingHeadersConfig")
    if timing.truth("Enabled", False):
        raise timing.error("Enabled", "The local CloudFront does not know this.")
    config.without_effect(["Comment"])
    config.finish()
    return policy


def _removed(config: Properties) -> frozenset[str]:
    items = config.objects("Items")
    names = [each.text("Header") for each in items]
    for each in (config, *items):
        each.finish()
    return lower(names)


def _custom(config: Properties) -> list[AddedHeader]:
    items = config.objects("Items")
    headers = [
        AddedHeader(each.text("Header"), each.text("Value"), each.truth("Override"))
        for each in items
    ]
    for each in (config, *items):
        each.finish()
    return headers


def _security(config: Properties) -> list[AddedHeader]:
    makers: dict[str, tuple[str, Callable[[Properties], str]]] = {
        "ContentSecurityPolicy": (
            "Content-Security-Policy",
            lambda each: each.text("ContentSecurityPolicy"),
        ),
        "ContentTypeOptions": ("X-Content-Type-Options", lambda each: "nosniff"),
        "FrameOptions": ("X-Frame-Options", lambda each: each.text("FrameOption")),
        "ReferrerPolicy": ("Referrer-Policy", lambda each: each.text("ReferrerPolicy")),
        "StrictTransportSecurity": ("Strict-Transport-Security", _hsts),
        "XSSProtection": ("X-XSS-Protection", _xss),
    }
    headers = []
    for name, (header, value_of) in makers.items():
        if config.has(name):
            each = config.object(name)
            headers.append(AddedHeader(header, value_of(each), each.truth("Override")))
            each.finish()
    config.finish()
    return headers


def _hsts(config: Properties) -> str:
    parts = [f"max-age={int(config.number('AccessControlMaxAgeSec'))}"]
    if config.truth("IncludeSubdomains", False):
        parts.append("includeSubDomains")
    if config.truth("Preload", False):
        parts.append("preload")
    return "; ".join(parts)


def _xss(config: Properties) -> str:
    if not config.truth("Protection"):
        return "0"
    if config.has("ReportUri"):
        return f"1; report={config.text('ReportUri')}"
    return "1; mode=block" if config.truth("ModeBlock", False) else "1"


def _cors(config: Properties) -> Cors:
    def items(name: str) -> tuple[str, ...]:
        inner = config.object(name)
        result = inner.texts("Items")
        inner.finish()
        return result

    has_age = config.has("AccessControlMaxAgeSec")
    cors = Cors(
        origins=items("AccessControlAllowOrigins"),
        methods=items("AccessControlAllowMethods"),
        headers=items("AccessControlAllowHeaders"),
        exposed=items("AccessControlExposeHeaders"),
        credentials=config.truth("AccessControlAllowCredentials"),
        max_age=int(config.number("AccessControlMaxAgeSec")) if has_age else None,
        override=config.truth("OriginOverride"),
    )
    config.finish()
    return cors


def _config(resource: Resource, name: str) -> Properties:
    properties = Properties(resource.properties, resource.place)
    config = properties.object(name)
    properties.finish()
    return config
