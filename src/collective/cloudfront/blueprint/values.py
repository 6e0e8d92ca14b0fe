"""A distribution as values, named as CloudFront's API names them.

``Blueprint`` holds everything; a distribution has an ordered list of behaviors, and each
behavior names its policies. Each value that people may wonder about has a reason: its own
(``reason``), or that of its field (``reasons``).
"""

from collections.abc import Iterator
from collective.cloudfront.blueprint.options import Options
from collective.cloudfront.blueprint.options import Protocol
from collective.cloudfront.blueprint.options import Tenant
from collective.cloudfront.delivery.aws.behaviors import Chosen
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from dataclasses import dataclass
from enum import Enum


NONE = Chosen()
ALL = Chosen("all")

READ = ("GET", "HEAD", "OPTIONS")
ALL_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")


class Kind(str, Enum):
    """What a behavior serves."""

    PAGES = "pages"
    FILES = "files"
    STATIC = "static"
    API = "api"
    #: What is not kept: logging in, and editing.
    EDITING = "editing"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where CloudFront gets what it does not have."""

    id: str
    domain_name: str
    origin_path: str
    protocol_policy: Protocol
    port: int
    #: Seconds.
    read_timeout: int = 60
    keepalive_timeout: int = 30
    connection_timeout: int = 5
    connection_attempts: int = 2
    #: ARN of what becomes a VPC origin; empty: the origin is public.
    vpc_arn: str = ""
    #: It is the load balancer that the template makes.
    in_stack: bool = False

    @property
    def is_private(self) -> bool:
        """Whether only CloudFront reaches it."""
        return bool(self.vpc_arn) or self.in_stack

    @property
    def http_port(self) -> int:
        """CloudFront wants both ports, and the protocol decides which one it uses."""
        return 80 if self.protocol_policy is Protocol.HTTPS else self.port

    @property
    def https_port(self) -> int:
        """See ``http_port``."""
        return self.port if self.protocol_policy is Protocol.HTTPS else 443


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What is in the cache key, and for how many seconds answers are kept.

    ``id`` is that of a managed policy; empty: the policy is our own, and ``name`` is its
    name without the prefix of all of them.
    """

    name: str
    reason: str
    query_strings: Chosen = ALL
    headers: Chosen = NONE
    cookies: Chosen = NONE
    min_ttl: int = 0
    default_ttl: int = 0
    max_ttl: int = 31_536_000
    gzip: bool = True
    brotli: bool = True
    id: str = ""

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self.max_ttl > 0


@dataclass(frozen=True, slots=True)
class OriginRequestPolicy:
    """What the origin gets in addition to what is in the cache key. ``id`` and ``name``
    as of a cache policy. ``Chosen("all")`` of headers is CloudFront's ``allViewer``.
    """

    name: str
    reason: str
    query_strings: Chosen = NONE
    headers: Chosen = NONE
    cookies: Chosen = NONE
    id: str = ""


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    """What browsers get; ``…_override``: even if Plone sends such a header."""

    #: Seconds; 0: no Strict-Transport-Security.
    hsts_max_age: int = 31_536_000
    content_type_options: bool = True
    frame_option: str = "SAMEORIGIN"
    referrer_policy: str = "strict-origin-when-cross-origin"
    frame_override: bool = False
    referrer_override: bool = False


@dataclass(frozen=True, slots=True)
class ResponseHeadersPolicy:
    """Which headers viewers do not get, and which they get in addition."""

    name: str
    reason: str
    removed: tuple[str, ...] = ()
    security: SecurityHeaders = SecurityHeaders()


@dataclass(frozen=True, slots=True)
class Behavior:
    """A cache behavior. ``path_pattern`` of the default one is ``DEFAULT``."""

    kind: Kind
    path_pattern: str
    reason: str
    origin: str
    cache_policy: CachePolicy
    origin_request_policy: OriginRequestPolicy | None
    response_headers_policy: ResponseHeadersPolicy
    allowed_methods: tuple[str, ...] = ALL_METHODS
    cached_methods: tuple[str, ...] = ("GET", "HEAD")
    viewer_protocol_policy: str = "redirect-to-https"
    compress: bool = True

    @property
    def is_default(self) -> bool:
        """Whether it serves what no other one does."""
        return self.path_pattern == DEFAULT


@dataclass(frozen=True, slots=True)
class CustomErrorResponse:
    """For how many seconds an error is kept, whatever Plone says."""

    error_code: int
    error_caching_min_ttl: int
    reason: str


class Role(str, Enum):
    """What a distribution of a blueprint is for."""

    PUBLIC = "public"
    EDITORS = "editors"
    STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Distribution:
    """The configuration of one distribution."""

    role: Role
    comment: str
    aliases: tuple[str, ...]
    origins: tuple[Origin, ...]
    #: In the order in which CloudFront tries them, without the default one.
    behaviors: tuple[Behavior, ...]
    default_behavior: Behavior
    custom_error_responses: tuple[CustomErrorResponse, ...] = ()
    http_version: str = "http2and3"
    ipv6: bool = True
    minimum_protocol_version: str = "TLSv1.2_2021"
    #: CacheTagConfig.HeaderName; empty: no CacheTagConfig.
    cache_tag_header: str = ""
    web_acl: str = ""
    certificate: str = ""
    logs: str = ""

    @property
    def all_behaviors(self) -> tuple[Behavior, ...]:
        """The default one comes last, as CloudFront tries it last."""
        return (*self.behaviors, self.default_behavior)

    @property
    def is_staging(self) -> bool:
        """Whether it is CloudFront's kind of staging distribution."""
        return self.role is Role.STAGING


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The right distribution for a site, and what goes with it."""

    options: Options
    distribution: Distribution
    editors: Distribution | None = None
    staging: Distribution | None = None
    tenants: tuple[Tenant, ...] = ()

    @property
    def distributions(self) -> tuple[Distribution, ...]:
        """All of them, the public one first."""
        others = (self.editors, self.staging)
        return (self.distribution, *(each for each in others if each is not None))

    @property
    def cache_policies(self) -> tuple[CachePolicy, ...]:
        """Each once; managed ones, too."""
        return tuple(dict.fromkeys(each.cache_policy for each in self._behaviors()))

    @property
    def origin_request_policies(self) -> tuple[OriginRequestPolicy, ...]:
        """Each once; managed ones, too."""
        policies = (each.origin_request_policy for each in self._behaviors())
        return tuple(dict.fromkeys(each for each in policies if each is not None))

    @property
    def response_headers_policies(self) -> tuple[ResponseHeadersPolicy, ...]:
        """Each once."""
        policies = (each.response_headers_policy for each in self._behaviors())
        return tuple(dict.fromkeys(policies))

    def _behaviors(self) -> Iterator[Behavior]:
        for distribution in self.distributions:
            yield from distribution.all_behaviors
