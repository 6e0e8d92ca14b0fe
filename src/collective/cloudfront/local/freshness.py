"""How long CloudFront keeps a response: Cache-Control and Expires. Pure functions.

Source: CloudFront developer guide, "Manage how long content stays in the cache
(expiration)" for a minimum TTL of 0, and "Control how long CloudFront caches errors".
"""

from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.options import Options
from email.utils import parsedate_to_datetime


_FORBIDDING = frozenset(["no-store", "no-cache", "private"])


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
    stated = _stated_lifetime(headers, now)
    if stated is None and _is_forbidden(headers):
        return None
    if status >= 400:
        return max(stated or 0.0, options.error_ttl)
    if stated is None:
        return options.default_ttl if options.default_ttl > 0 else None
    return stated


def _stated_lifetime(headers: Headers, now: float) -> float | None:
    """Return the seconds that the origin allows: s-maxage, else max-age, else Expires."""
    if _is_forbidden(headers):
        return None
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
