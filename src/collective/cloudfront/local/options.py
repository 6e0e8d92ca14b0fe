"""The options of the local CloudFront: one frozen value."""

from collections.abc import Mapping
from collective.cloudfront.local.behaviors import Behavior
from collective.cloudfront.local.behaviors import make_behavior
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import replace
from enum import Enum
from typing import Any

import re


DEMO_DISTRIBUTION = "EDEMO1234567"

_DISTRIBUTION_ID = re.compile(r"E[A-Z0-9]+|dt_[A-Za-z0-9]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]*")


class QuotaModel(str, Enum):
    """Which of CloudFront's two published quota models is enforced.

    Until mid-2026 the guide limited the items in progress. Since then it limits the
    rate. Nobody outside AWS knows which of them applies to a distribution, so keep both.
    """

    BOTH = "both"
    IN_PROGRESS = "in_progress"
    RATE = "rate"
    NONE = "none"

    @property
    def limits_progress(self) -> bool:
        """Are the items in progress limited?"""
        return self in (QuotaModel.BOTH, QuotaModel.IN_PROGRESS)

    @property
    def limits_rate(self) -> bool:
        """Are the items per second limited?"""
        return self in (QuotaModel.BOTH, QuotaModel.RATE)


@dataclass(frozen=True, slots=True)
class Options:
    """How the local CloudFront behaves. Times in seconds, rates per second.

    The defaults are CloudFront's published numbers (developer guide, "Quotas"),
    except for the two delays. CloudFront takes up to 5 s until an invalidation has
    effect, and up to 25 s until it is completed; here somebody is waiting.
    """

    #: Ids of the distributions (``E…``) and distribution tenants (``dt_…``).
    distributions: tuple[str, ...] = (DEMO_DISTRIBUTION,)
    #: ``CacheTagConfig.HeaderName``; empty: no CacheTagConfig, tags do nothing.
    cache_tag_header: str = ""

    # What GetDistribution and similar calls return. It changes nothing at the edge, which
    # answers for every host and always has the query string in the cache key.
    #: Alternate domain names; of tenants: their domains.
    aliases: tuple[str, ...] = ()
    #: Has the last change of the configuration arrived everywhere?
    deployed: bool = True
    enabled: bool = True
    #: Id of the default behavior's cache policy: a managed one, or one of your own;
    #: empty: the older ForwardedValues.
    cache_policy: str = "local"
    #: ``none``, ``whitelist``, ``allExcept`` or ``all``; ForwardedValues have no
    #: ``allExcept``.
    query_strings: str = "all"
    #: The rest of the default behavior, and others: the fields of
    #: :class:`~collective.cloudfront.local.behaviors.Behavior`.
    default_behavior: Mapping[str, Any] = field(default_factory=dict)
    behaviors: tuple[Mapping[str, Any], ...] = ()

    #: Access key ids that are known; None: any.
    accepted_access_keys: frozenset[str] | None = None
    #: Names of API operations that fail with AccessDenied.
    denied_actions: frozenset[str] = frozenset()

    #: Seconds until an accepted invalidation is ``Completed``.
    completion_delay: float = 3.0
    #: Seconds until an accepted invalidation has effect in the cache.
    effect_delay: float = 0.2

    quota_model: QuotaModel = QuotaModel.BOTH
    #: Exact paths and tags in progress, per distribution.
    paths_in_progress: int = 3_000
    #: Wildcards in progress, per distribution, counted independently.
    wildcards_in_progress: int = 15
    #: Exact paths and tags per second, per distribution.
    paths_per_second: float = 150.0
    paths_burst: int = 1_000
    #: Wildcards per second, per distribution.
    wildcards_per_second: float = 1.0
    wildcards_burst: int = 15
    #: Items of one request.
    batch_size: int = 3_000
    #: CreateInvalidation calls per second and account; None: not limited. AWS
    #: publishes no number; this is what its staff have quoted.
    api_rate: float | None = 0.5
    api_burst: int = 6

    #: Cache every GET and HEAD answer below 500 for ``everything_ttl``.
    cache_everything: bool = False
    everything_ttl: float = 86_400.0
    #: For answers without Cache-Control and Expires.
    default_ttl: float = 0.0
    #: For 4xx answers: CloudFront's error caching minimum TTL.
    error_ttl: float = 10.0
    #: Forward requests with Cookie or Authorization unchanged, and do not cache them.
    forward_cookies: bool = False
    #: Responses cached per distribution. The least recently used is dropped first.
    max_entries: int = 10_000
    #: Larger responses are forwarded and not cached (bytes).
    max_entry_size: int = 16 * 2**20
    #: Larger response headers become a 502 (bytes).
    max_header_size: int = 20 * 2**10
    origin_timeout: float = 30.0
    #: Seconds that an answer is on its way from the origin to the edge.
    origin_latency: float = 0.0
    #: Store an answer that was fetched while it was invalidated. CloudFront does not say
    #: what it does; this is what hurts.
    stores_late: bool = True

    #: Invalidations remembered per distribution, with their caller references.
    history: int = 10_000
    #: API requests remembered for ``/_local/log``.
    log_size: int = 10_000

    def __post_init__(self) -> None:
        _coerce(self)
        _check(self)

    def changed(self, changes: Mapping[str, Any]) -> "Options":
        """Return a copy with some options changed; raise ValueError if one is wrong."""
        unknown = sorted(set(changes) - {each.name for each in fields(self)})
        if unknown:
            raise ValueError(f"There is no option {', '.join(unknown)}.")
        return replace(self, **changes)

    @property
    def all_behaviors(self) -> tuple[Behavior, ...]:
        """The default behavior, and the others."""
        first = {
            "cache_policy": self.cache_policy,
            "query_strings": self.query_strings,
            **self.default_behavior,
        }
        return tuple(make_behavior(each) for each in (first, *self.behaviors))

    def as_json(self) -> dict[str, Any]:
        """Return what :func:`json.dumps` takes and :meth:`changed` takes back."""
        result = asdict(self)
        for name, value in result.items():
            if isinstance(value, frozenset):
                result[name] = sorted(value)
        return result


def _coerce(options: Options) -> None:
    """Accept what JSON and argparse have instead of tuples, sets and enums."""
    convert = object.__setattr__  # the instance is frozen, and being made
    for name in (
        "distributions",
        "aliases",
        "behaviors",
        "denied_actions",
        "accepted_access_keys",
    ):
        if isinstance(getattr(options, name), str):
            raise ValueError(f"Option {name} is a list, not a string.")
    convert(options, "distributions", tuple(options.distributions))
    convert(options, "aliases", tuple(options.aliases))
    convert(options, "behaviors", tuple(options.behaviors))
    convert(options, "denied_actions", frozenset(options.denied_actions))
    if options.accepted_access_keys is not None:
        keys = frozenset(options.accepted_access_keys)
        convert(options, "accepted_access_keys", keys)
    try:
        convert(options, "quota_model", QuotaModel(options.quota_model))
    except ValueError:
        choice = ", ".join(model.value for model in QuotaModel)
        raise ValueError(f"Option quota_model is one of {choice}.") from None


def _check(options: Options) -> None:
    if not options.distributions:
        raise ValueError("At least one distribution is needed.")
    for name in options.distributions:
        if not _DISTRIBUTION_ID.fullmatch(str(name)):
            raise ValueError(f"{name!r} is not a distribution id (E… or dt_…).")
    if not _HEADER_NAME.fullmatch(str(options.cache_tag_header)):
        raise ValueError(f"{options.cache_tag_header!r} is not a header name.")
    patterns = [each.path_pattern for each in options.all_behaviors]
    if patterns[0] or "" in patterns[1:]:
        raise ValueError("All behaviors but the default one have a path_pattern.")
    if len(set(patterns)) < len(patterns):
        raise ValueError("No two behaviors have the same path_pattern.")
    for each in fields(options):
        _check_number(each.name, getattr(options, each.name), each.default)


def _check_number(name: str, value: Any, default: Any) -> None:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"Option {name} is true or false.")
    elif isinstance(default, (int, float)):
        if value is None and name == "api_rate":
            return
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"Option {name} is a number.")
        if not 0 <= value < float("inf"):
            raise ValueError(f"Option {name} is a finite number, not below 0.")
