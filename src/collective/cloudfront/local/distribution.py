"""A distribution as the edge obeys it: frozen values, named as CloudFront names them.

::

    DistributionConfig ─┬─ origins, aliases, error_ttls, cache_tag_header
                        └─ behaviors ─┬─ CachePolicy            key, lifetimes
                           (by path)  ├─ OriginRequestPolicy    what the origin gets
                                      └─ ResponseHeadersPolicy  what viewers get

:mod:`~collective.cloudfront.local.template` makes them. Source: CloudFront developer guide
and API reference.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from enum import Enum
from types import MappingProxyType

import re


#: Seconds, where an ErrorCachingMinTTL is not given (developer guide).
ERROR_TTL = 10.0


class Choice(str, Enum):
    """The values of ``…Behavior`` in a policy."""

    NONE = "none"
    WHITELIST = "whitelist"
    ALL_EXCEPT = "allExcept"
    ALL = "all"
    ALL_VIEWER = "allViewer"
    ALL_VIEWER_AND_CLOUDFRONT = "allViewerAndWhitelistCloudFront"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which query strings, cookies or headers (in lower case) a policy takes."""

    choice: Choice = Choice.NONE
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *names: str) -> "Selection":
        """Make a selection of these names."""
        return cls(Choice.WHITELIST, frozenset(names))

    @property
    def is_none(self) -> bool:
        """Does it take nothing?"""
        return self.choice is Choice.NONE

    def takes(self, name: str) -> bool:
        """Does it take what a viewer sent with this name?"""
        if self.choice is Choice.WHITELIST:
            return name in self.names
        if self.choice is Choice.ALL_EXCEPT:
            return name not in self.names
        return self.choice is not Choice.NONE


NOTHING = Selection()
EVERYTHING = Selection(Choice.ALL)


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What is in the cache key, and for how long an answer is fresh."""

    name: str = ""
    min_ttl: float = 0.0
    default_ttl: float = 86_400.0
    max_ttl: float = 31_536_000.0
    query_strings: Selection = NOTHING
    headers: Selection = NOTHING
    cookies: Selection = NOTHING
    gzip: bool = False
    brotli: bool = False

    @property
    def never_caches(self) -> bool:
        """Is caching disabled?"""
        return self.max_ttl == 0


@dataclass(frozen=True, slots=True)
class OriginRequestPolicy:
    """What the origin gets beyond the cache key."""

    name: str = ""
    query_strings: Selection = NOTHING
    headers: Selection = NOTHING
    cookies: Selection = NOTHING


@dataclass(frozen=True, slots=True)
class AddedHeader:
    """A header for viewers; unless ``override``, the origin's goes first."""

    name: str
    value: str
    override: bool


@dataclass(frozen=True, slots=True)
class Cors:
    """CORS headers; ``override``: they replace those of the origin."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int | None = None
    override: bool = True


@dataclass(frozen=True, slots=True)
class ResponseHeadersPolicy:
    """What is removed from an answer and added to it before viewers get it."""

    name: str = ""
    #: In lower case.
    removed: frozenset[str] = frozenset()
    added: tuple[AddedHeader, ...] = ()
    cors: Cors | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where answers come from. ``headers`` are its custom headers."""

    id: str
    domain: str
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class ViewerProtocolPolicy(str, Enum):
    """What becomes of a viewer who comes over HTTP."""

    ALLOW_ALL = "allow-all"
    HTTPS_ONLY = "https-only"
    REDIRECT = "redirect-to-https"


@dataclass(frozen=True, slots=True)
class CacheBehavior:
    """How requests are handled whose path matches."""

    origin: Origin
    cache: CachePolicy
    #: Empty: the default behavior.
    path_pattern: str = ""
    request: OriginRequestPolicy = OriginRequestPolicy()
    response: ResponseHeadersPolicy = ResponseHeadersPolicy()
    allowed_methods: frozenset[str] = frozenset(["GET", "HEAD"])
    cached_methods: frozenset[str] = frozenset(["GET", "HEAD"])
    protocol: ViewerProtocolPolicy = ViewerProtocolPolicy.ALLOW_ALL
    compress: bool = False
    #: Ids of the policies, for what the API says of them; empty: none.
    policy_ids: tuple[str, str, str] = ("", "", "")

    def matches(self, path: str) -> bool:
        """Does the pattern match the path, which has no query string?"""
        return _matcher(self.path_pattern).fullmatch(path) is not None

    @property
    def forwards_cookies(self) -> bool:
        """Does the origin get any cookies?"""
        return not (self.cache.cookies.is_none and self.request.cookies.is_none)


def _matcher(pattern: str) -> re.Pattern[str]:
    """Translate a path pattern: ``*`` is any text, ``?`` one character, / at the start
    optional; it is case-sensitive.

    The guide does not say whether the first ``*`` of ``*/login`` may be nothing at all, so
    that ``/login`` matches. Here it does not.
    """
    text = "/" + pattern.removeprefix("/")
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in text))


@dataclass(frozen=True, slots=True)
class Staging:
    """Which requests go to a staging distribution: those with this header."""

    header: str
    value: str
    #: The name of the staging distribution in the template.
    distribution: str


@dataclass(frozen=True, slots=True)
class DistributionConfig:
    """A distribution, or a tenant with what it inherits."""

    #: In the template.
    logical_id: str
    default: CacheBehavior
    #: In the order of their precedence.
    behaviors: tuple[CacheBehavior, ...] = ()
    aliases: tuple[str, ...] = ()
    enabled: bool = True
    cache_tag_header: str = ""
    #: ErrorCachingMinTTL by status; what is not in it has :data:`ERROR_TTL`.
    error_ttls: Mapping[int, float] = field(
        default_factory=lambda: MappingProxyType({})
    )
    is_tenant: bool = False
    staging: Staging | None = None

    def behavior_for(self, path: str) -> CacheBehavior:
        """Return the first behavior whose pattern matches, else the default one."""
        return next(
            (each for each in self.behaviors if each.matches(path)), self.default
        )

    def error_ttl(self, status: int) -> float:
        """Return for how many seconds an error is cached at least."""
        return self.error_ttls.get(status, ERROR_TTL)

    def has_alias(self, host: str) -> bool:
        """Is this host, which may have a port, an alias, or a domain of the tenant?"""
        name = _without_port(host)
        return any(_is_alias(alias.lower(), name) for alias in self.aliases)

    def answers_for(self, host: str) -> bool:
        """Is the distribution there for this host?

        Every distribution answers for its own domain name, which is the loopback here.
        """
        return _without_port(host) in _LOOPBACK or self.has_alias(host)


_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def _without_port(host: str) -> str:
    """Return a host in lower case; ``e123.localhost`` is the distribution's own name."""
    name = re.sub(r":\d+$", "", host).lower()
    return "localhost" if name.endswith(".localhost") else name


def _is_alias(alias: str, name: str) -> bool:
    if alias.startswith("*."):
        return name.partition(".")[2] == alias[2:]
    return name == alias


def lower(names: Iterable[str]) -> frozenset[str]:
    """Return names of headers as a :class:`Selection` has them."""
    return frozenset(name.lower() for name in names)
