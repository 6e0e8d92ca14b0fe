"""How long CloudFront keeps a response: Cache-Control and Expires. Pure functions.

Source: CloudFront developer guide, "Manage how long content stays in the cache
(expiration)", "Control how long CloudFront caches errors", and "HTTP 4xx and 5xx status
codes that CloudFront caches".
"""

from collective.cloudfront.local.distribution import CachePolicy
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.options import Options
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import math


_FORBIDDING = frozenset(["no-store", "no-cache", "private"])
#: Errors that are cached, and those that are if the origin sends max-age or s-maxage.
_CACHED_ERRORS = frozenset([404, 410, 414, 500, 501, 502, 503, 504])
_CACHED_IF_STATED = frozenset([400, 403, 405, 412, 415])
#: For other errors CloudFront ignores no-store, no-cache and private.
_OBEDIENT_ERRORS = frozenset([404, 410, 414, 501])


@dataclass(frozen=True, slots=True)
class Freshness:
    """For how many seconds an answer is used, and after that how it may still be."""

    fresh_for: float
    stale_while_revalidate: float = 0.0
    #: Without the directive, CloudFront serves what has expired as long as it has it.
    stale_if_error: float = math.inf


def lifetime(
    status: int, headers: Headers, options: Options, now: float
) -> float | None:
    """Return for how many seconds a response is fresh; None if it is not cached.

    0: it is cached, and revalidated with the origin each time.
    """
    if status >= 500 or status == 206:
        return None
    if options.cache_everything:
        return options.everything_ttl
    stated = None if _is_forbidden(headers) else _stated_lifetime(headers, now)
    if stated is None and _is_forbidden(headers):
        return None
    if status >= 400:
        return max(stated or 0.0, options.error_ttl)
    if stated is None:
        return options.default_ttl if options.default_ttl > 0 else None
    return stated


def freshness(
    status: int,
    headers: Headers,
    policy: CachePolicy,
    config: DistributionConfig,
    now: float,
) -> Freshness | None:
    """Return how a behavior with this cache policy keeps a response; None: not at all."""
    if status == 206:
        return None
    stated = _stated_lifetime(headers, now)
    if status >= 400:
        seconds = _error_lifetime(status, headers, stated, policy, config)
    elif _forbids(headers):
        # A minimum TTL goes before what the origin forbids
        seconds = policy.min_ttl or None
    elif stated is None:
        seconds = max(policy.min_ttl, policy.default_ttl)
    else:
        seconds = min(max(stated, policy.min_ttl), policy.max_ttl)
    if seconds is None:
        return None
    directives = _directives(headers)
    while_revalidate = directives.get("stale-while-revalidate", "0")
    if_error = directives.get("stale-if-error")
    return Freshness(
        seconds,
        _seconds(while_revalidate),
        math.inf if if_error is None else _seconds(if_error),
    )


def _error_lifetime(
    status: int,
    headers: Headers,
    stated: float | None,
    policy: CachePolicy,
    config: DistributionConfig,
) -> float | None:
    if status in _CACHED_IF_STATED:
        if {"max-age", "s-maxage"}.isdisjoint(_directives(headers)):
            return None
    elif status not in _CACHED_ERRORS:
        return None
    if status in _OBEDIENT_ERRORS and _forbids(headers):
        return None
    return max(min(stated or 0.0, policy.max_ttl), config.error_ttl(status)) or None


def excludes_cookies(headers: Headers) -> bool:
    """Does the origin allow to cache the response, but not its Set-Cookie?"""
    return "set-cookie" in _directives(headers).get("no-cache", "")


def _forbids(headers: Headers) -> bool:
    """Say whether no-store, no-cache or private is for the whole response."""
    directives = _directives(headers)
    return any(not directives.get(name, "-") for name in _FORBIDDING)


def _stated_lifetime(headers: Headers, now: float) -> float | None:
    """Return the seconds that the origin allows: s-maxage, else max-age, else Expires."""
    directives = _directives(headers)
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return _seconds(directives[name])
    expires = header_value(headers, "Expires")
    if not expires:
        return None
    try:
        return max(0.0, parsedate_to_datetime(expires).timestamp() - now)
    except ValueError:
        return 0.0  # "Expires: 0" and its like are in the past (RFC 9111, 5.3)


def _is_forbidden(headers: Headers) -> bool:
    return not _FORBIDDING.isdisjoint(_directives(headers))


def _directives(headers: Headers) -> dict[str, str]:
    directives = {}
    for part in header_value(headers, "Cache-Control").lower().split(","):
        name, _, value = part.strip().partition("=")
        directives[name] = value.strip('" ')
    return directives


def _seconds(value: str) -> float:
    return float(value) if value.isdecimal() else 0.0
