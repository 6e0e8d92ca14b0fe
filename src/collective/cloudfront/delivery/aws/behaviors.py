"""The cache behaviors of a distribution, and the policies that they name, as values."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import re


#: CloudFront's console calls the default behavior so.
DEFAULT = "Default (*)"

#: Seconds. What holds where older ForwardedValues say nothing (developer guide,
#: "Distribution settings reference").
_DEFAULT_TTL = 86_400
_MAX_TTL = 31_536_000

#: What anybody may see and nobody edits: Plone's and Volto's own files.
_RESOURCES = re.compile(
    r"/?(static|assets)/|.*\+\+(plone|resource|theme|webresource)\+\+"
)
_S3 = re.compile(r".*\.s3[.-].*amazonaws\.com(\.cn)?")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some names. ``behavior`` is CloudFront's word: ``none``, ``whitelist``,
    ``allExcept`` or ``all``; ``names`` are those of the two in the middle.
    """

    behavior: str = "none"
    names: tuple[str, ...] = ()

    def includes(self, name: str) -> bool:
        """Say whether ``name`` is among them; case does not matter, and the names of
        cookies may have wildcards.
        """
        listed = any(fnmatchcase(name.lower(), each.lower()) for each in self.names)
        return {
            "all": True,
            "allExcept": not listed,
            "whitelist": listed,
        }.get(self.behavior, False)


@dataclass(frozen=True, slots=True)
class Caching:
    """What is in the cache key, and for how many seconds answers are kept."""

    query_strings: Chosen = Chosen()
    cookies: Chosen = Chosen()
    headers: Chosen = Chosen()
    min_ttl: int = 0
    default_ttl: int = _DEFAULT_TTL
    max_ttl: int = _MAX_TTL
    #: Whether compressed answers are kept (EnableAcceptEncodingGzip and …Brotli).
    compressed: bool = True

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self.max_ttl > 0


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the origin gets in addition to what is in the cache key."""

    cookies: Chosen = Chosen()
    headers: Chosen = Chosen()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where CloudFront gets what it does not have. ``path`` is None where it is not known;
    ``is_custom``: it is a web server, no bucket.
    """

    id: str
    domain: str = ""
    path: str | None = None
    is_custom: bool = True

    @property
    def names_host(self) -> bool:
        """Whether its path has the public host name, for Zope's VirtualHostMonster."""
        return "/VirtualHostBase/" in (self.path or "")


@dataclass(frozen=True, slots=True)
class Behavior:
    """A cache behavior. Policies are ids, or empty; ``caching`` is None where a cache
    policy decides.
    """

    pattern: str
    methods: frozenset[str]
    cached_methods: frozenset[str] = frozenset({"GET", "HEAD"})
    viewer_protocol: str = "redirect-to-https"
    compresses: bool = True
    origin: Origin = Origin("")
    cache_policy: str = ""
    request_policy: str = ""
    response_policy: str = ""
    caching: Caching | None = None


def read_behaviors(config: dict[str, Any]) -> tuple[Behavior, ...]:
    """Return the behaviors of a DistributionConfig that may serve a site's pages, the
    default one first. What is stored in Amazon S3, and Plone's own resources, are none.
    """
    origins = {
        origin["Id"]: _read_origin(origin)
        for origin in config.get("Origins", {}).get("Items", ())
    }
    behaviors = [
        (DEFAULT, config["DefaultCacheBehavior"]),
        *(
            (behavior["PathPattern"], behavior)
            for behavior in config.get("CacheBehaviors", {}).get("Items", ())
        ),
    ]
    found = (_read_behavior(*each, origins) for each in behaviors)
    return tuple(
        each
        for each in found
        if not _RESOURCES.match(each.pattern) and not _S3.fullmatch(each.origin.domain)
    )


def _read_origin(origin: dict[str, Any]) -> Origin:
    return Origin(
        origin["Id"],
        origin["DomainName"],
        origin.get("OriginPath"),
        "S3OriginConfig" not in origin,
    )


def _read_behavior(
    pattern: str, behavior: dict[str, Any], origins: dict[str, Origin]
) -> Behavior:
    methods = behavior.get("AllowedMethods", {})
    policy = behavior.get("CachePolicyId", "")
    target = behavior.get("TargetOriginId", "")
    read = ("GET", "HEAD")
    return Behavior(
        pattern,
        frozenset(methods.get("Items", read)),
        frozenset(methods.get("CachedMethods", {}).get("Items", read)),
        behavior.get("ViewerProtocolPolicy", ""),
        behavior.get("Compress", False),
        origins.get(target, Origin(target)),
        cache_policy=policy,
        request_policy=behavior.get("OriginRequestPolicyId", ""),
        response_policy=behavior.get("ResponseHeadersPolicyId", ""),
        caching=None if policy else _read_forwarded_values(behavior),
    )


def _read_forwarded_values(behavior: dict[str, Any]) -> Caching | None:
    """Read the older settings: what they forward is in the cache key, too."""
    values = behavior.get("ForwardedValues")
    if values is None:
        return None
    headers = tuple(values.get("Headers", {}).get("Items", ()))
    forwards_all = "*" in headers
    cookies = values["Cookies"]
    return Caching(
        _read_query_strings(values),
        Chosen(
            cookies["Forward"],
            tuple(cookies.get("WhitelistedNames", {}).get("Items", ())),
        ),
        Chosen("all") if forwards_all else Chosen("whitelist", headers),
        behavior.get("MinTTL", 0),
        behavior.get("DefaultTTL", _DEFAULT_TTL),
        # Where all headers are forwarded, CloudFront keeps nothing
        0 if forwards_all else behavior.get("MaxTTL", _MAX_TTL),
    )


def _read_query_strings(values: dict[str, Any]) -> Chosen:
    if not values["QueryString"]:
        return Chosen("none")
    names = tuple(values.get("QueryStringCacheKeys", {}).get("Items", ()))
    return Chosen("whitelist", names) if names else Chosen("all")


def read_cache_policy(answer: dict[str, Any]) -> Caching:
    """Read the answer to GetCachePolicy."""
    config = answer["CachePolicy"]["CachePolicyConfig"]
    key = config.get("ParametersInCacheKeyAndForwardedToOrigin", {})
    return Caching(
        _read_chosen(key, "QueryString"),
        _read_chosen(key, "Cookie"),
        _read_chosen(key, "Header"),
        config["MinTTL"],
        config.get("DefaultTTL", _DEFAULT_TTL),
        config.get("MaxTTL", _MAX_TTL),
        key.get("EnableAcceptEncodingGzip", False)
        or key.get("EnableAcceptEncodingBrotli", False),
    )


def read_request_policy(answer: dict[str, Any]) -> Forwarded:
    """Read the answer to GetOriginRequestPolicy."""
    config = answer["OriginRequestPolicy"]["OriginRequestPolicyConfig"]
    return Forwarded(_read_chosen(config, "Cookie"), _read_chosen(config, "Header"))


def read_response_policy(answer: dict[str, Any]) -> frozenset[str]:
    """Read which headers the answer to GetResponseHeadersPolicy removes."""
    config = answer["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    items = config.get("RemoveHeadersConfig", {}).get("Items", ())
    return frozenset(item["Header"].lower() for item in items)


def _read_chosen(config: dict[str, Any], kind: str) -> Chosen:
    chosen = config.get(f"{kind}sConfig", {})
    behavior = chosen.get(f"{kind}Behavior", "none")
    if behavior.startswith("allViewer"):
        behavior = "all"
    return Chosen(behavior, tuple(chosen.get(f"{kind}s", {}).get("Items", ())))


def _of_origin(query_strings: str) -> Caching:
    return Caching(
        Chosen(query_strings),
        Chosen("all"),
        Chosen(
            "whitelist",
            (
                "host",
                "origin",
                "x-http-method",
                "x-http-method-override",
                "x-method-override",
            ),
        ),
        default_ttl=0,
    )


_AMPLIFY = ("Authorization", "CloudFront-Viewer-Country", "Host")

#: AWS's managed cache policies, which nobody can change (developer guide, "Use managed
#: cache policies"): they are known where AWS may not be asked.
MANAGED_POLICIES = {
    # CachingOptimized, CachingOptimizedForUncompressedObjects
    "658327ea-f89d-4fab-a63d-7e88639e58f6": Caching(min_ttl=1),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": Caching(min_ttl=1, compressed=False),
    # CachingDisabled
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": Caching(
        default_ttl=0, max_ttl=0, compressed=False
    ),
    # UseOriginCacheControlHeaders, and the same with -QueryStrings
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": _of_origin("none"),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": _of_origin("all"),
    # Amplify
    "2e54312d-136d-493c-8eb9-b001f22f67d2": Caching(
        Chosen("all"), Chosen("all"), Chosen("whitelist", _AMPLIFY), 2, 2, 600
    ),
}

_WITHOUT_HOST = Chosen("allExcept", ("host",))
#: The same of AWS's managed origin request policies.
MANAGED_REQUEST_POLICIES = {
    # AllViewer, AllViewerExceptHostHeader, AllViewerAndCloudFrontHeaders-2022-06
    "216adef6-5c7f-47e4-b989-5492eafa07d3": Forwarded(Chosen("all"), Chosen("all")),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": Forwarded(Chosen("all"), _WITHOUT_HOST),
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": Forwarded(Chosen("all"), Chosen("all")),
    # HostHeaderOnly, UserAgentRefererHeaders, CORS-CustomOrigin
    "bf0718e1-ba1e-49d1-88b1-f726733018ae": Forwarded(
        headers=Chosen("whitelist", ("host",))
    ),
    "acba4595-bd28-49b8-b9fe-13317c0390fa": Forwarded(
        headers=Chosen("whitelist", ("User-Agent", "Referer"))
    ),
    "59781a5b-3903-41f3-afcb-af62929ccde1": Forwarded(
        headers=Chosen("whitelist", ("origin",))
    ),
}
