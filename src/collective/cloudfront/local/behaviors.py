"""The cache behaviors of a distribution and their policies: values.

They are what GetDistribution and similar calls return, and change nothing at the edge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields
from typing import Any

import re


QUERY_STRINGS = "4cc15a8a-d715-48a4-82b8-cc0b614638fe"

#: AllowedMethods is one of these (API reference).
METHODS = (
    ("GET", "HEAD"),
    ("GET", "HEAD", "OPTIONS"),
    ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"),
)

#: What the edge writes before each path, as far as the description of a distribution is
#: concerned: the public host name, and the site, for Zope's VirtualHostMonster.
ORIGIN_PATH = "/VirtualHostBase/http/localhost:80/Plone/VirtualHostRoot"

_CHOICES = {
    "viewer_protocol": ("allow-all", "https-only", "redirect-to-https"),
    "query_strings": ("none", "whitelist", "allExcept", "all"),
    "cookies": ("none", "whitelist", "allExcept", "all"),
    "headers": ("none", "whitelist"),
    "request_cookies": ("none", "whitelist", "allExcept", "all"),
    "request_headers": (
        "none",
        "whitelist",
        "allViewer",
        "allViewerAndWhitelistCloudFront",
        "allExcept",
    ),
}
#: A path pattern: at most 255 characters (API reference, "CacheBehavior").
PATTERN = re.compile(r"[A-Za-z0-9_\-.*$/~\"'@:+&?]{1,255}")


@dataclass(frozen=True, slots=True)
class Behavior:
    """A cache behavior, with what its policies say if they are not managed ones.

    ``…_names`` belong to ``whitelist`` and ``allExcept``. An empty ``cache_policy`` means
    the older ForwardedValues; an empty ``request_policy`` or ``response_policy``, none.
    """

    #: Empty: the default behavior.
    path_pattern: str = ""
    origin_domain: str = "localhost"
    origin_path: str = ORIGIN_PATH
    methods: tuple[str, ...] = METHODS[-1]
    cached_methods: tuple[str, ...] = METHODS[0]
    viewer_protocol: str = "redirect-to-https"
    compresses: bool = True
    cache_policy: str = QUERY_STRINGS
    query_strings: str = "all"
    query_string_names: tuple[str, ...] = ("b_start:int",)
    cookies: str = "whitelist"
    cookie_names: tuple[str, ...] = ("__ac",)
    headers: str = "whitelist"
    header_names: tuple[str, ...] = ("Authorization",)
    min_ttl: int = 0
    default_ttl: int = 0
    max_ttl: int = 31_536_000
    request_policy: str = ""
    request_cookies: str = "none"
    request_cookie_names: tuple[str, ...] = ()
    request_headers: str = "none"
    request_header_names: tuple[str, ...] = ()
    response_policy: str = ""
    removed_headers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            if isinstance(field.default, tuple):
                value = tuple(getattr(self, field.name))
                object.__setattr__(self, field.name, value)  # it is being made
        for name, choice in _CHOICES.items():
            if getattr(self, name) not in choice:
                raise ValueError(f"Option {name} is one of {', '.join(choice)}.")
        if self.path_pattern and not PATTERN.fullmatch(self.path_pattern):
            raise ValueError(f"{self.path_pattern!r} is not a path pattern.")
        if set(self.methods) not in [set(each) for each in METHODS]:
            raise ValueError("CloudFront does not allow these methods alone.")
        if set(self.cached_methods) not in [set(each) for each in METHODS[:2]]:
            raise ValueError("CloudFront does not cache these methods alone.")
        if not 0 <= self.min_ttl <= self.max_ttl:
            raise ValueError("The TTLs of a behavior are not in order.")
        if self.request_headers == "whitelist" and _names_authorization(
            self.request_header_names
        ):
            raise ValueError("No origin request policy may list Authorization.")


def _names_authorization(names: tuple[str, ...]) -> bool:
    return "authorization" in {name.lower() for name in names}


def make_behavior(values: Mapping[str, Any]) -> Behavior:
    """Return a behavior; raise ValueError if a value is wrong."""
    unknown = sorted(set(values) - {field.name for field in fields(Behavior)})
    if unknown:
        raise ValueError(f"A behavior has no {', '.join(unknown)}.")
    return Behavior(**values)


def _optimized() -> Behavior:
    return Behavior(
        query_strings="none",
        cookies="none",
        headers="none",
        min_ttl=1,
        default_ttl=86_400,
    )


#: Managed policies by id, with their names (developer guide, "Use managed cache
#: policies" and the pages on the other two kinds). They are read from a behavior.
MANAGED_CACHE = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": (
        "Managed-CachingOptimized",
        _optimized(),
    ),
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": (
        "Managed-CachingDisabled",
        Behavior(query_strings="none", cookies="none", headers="none", max_ttl=0),
    ),
    QUERY_STRINGS: (
        "UseOriginCacheControlHeaders-QueryStrings",
        Behavior(
            cookies="all",
            header_names=(
                "host",
                "origin",
                "x-http-method",
                "x-http-method-override",
                "x-method-override",
            ),
        ),
    ),
}
MANAGED_REQUEST = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": (
        "Managed-AllViewer",
        Behavior(request_cookies="all", request_headers="allViewer"),
    ),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": (
        "Managed-AllViewerExceptHostHeader",
        Behavior(
            request_cookies="all",
            request_headers="allExcept",
            request_header_names=("host",),
        ),
    ),
}
MANAGED_RESPONSE = {
    "67f7725c-6f97-4210-82d7-5512b31e9d03": (
        "Managed-SecurityHeadersPolicy",
        Behavior(),
    ),
}
