"""``Accept-Encoding`` in the cache key, and compression at the edge. Pure functions.

Source: CloudFront developer guide, "Serve compressed files" and "Control the cache key". This
edge cannot compress with Brotli: where CloudFront would, it compresses with gzip.
"""

from collective.cloudfront.local.distribution import CacheBehavior
from collective.cloudfront.local.distribution import CachePolicy
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.messages import without
from dataclasses import replace

import gzip


#: Bytes of what CloudFront compresses.
_SMALLEST, _LARGEST = 1_000, 10_000_000
_STATUSES = (200, 403, 404)
#: Of the types that CloudFront compresses, those that a site has.
_TYPES = frozenset(
    [
        "application/javascript",
        "application/json",
        "application/rss+xml",
        "application/xhtml+xml",
        "application/xml",
        "application/x-javascript",
        "font/otf",
        "font/ttf",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/plain",
        "text/xml",
    ]
)


def accepted_encoding(request: Request, policy: CachePolicy) -> str:
    """Return the viewer's Accept-Encoding as CloudFront normalizes it.

    Empty: it is like any other header. ``identity``: not in the cache key.
    """
    sent = header_value(request.headers, "Accept-Encoding")
    if not sent or not (policy.gzip or policy.brotli):
        return ""
    accepted = _encodings(sent)
    wanted = (("br", policy.brotli), ("gzip", policy.gzip))
    usable = [name for name, enabled in wanted if enabled and name in accepted]
    return ",".join(usable) or "identity"


def _encodings(sent: str) -> set[str]:
    return {part.partition(";")[0].strip().lower() for part in sent.split(",")}


def compressed(
    response: Response, request: Request, behavior: CacheBehavior
) -> Response:
    """Return the response as the edge compresses it for this viewer."""
    if not behavior.compress or not _is_compressible(response):
        return response
    if accepted_encoding(request, behavior.cache) in ("", "identity"):
        return response
    etag = header_value(response.headers, "ETag")
    headers = list(without(response, "etag").headers)
    if etag.startswith(('"', "W/")):
        headers.append(("ETag", f"W/{etag}" if etag.startswith('"') else etag))
    vary = header_value(response.headers, "Vary")
    if "accept-encoding" not in vary.lower():
        headers.append(("Vary", "Accept-Encoding"))
    headers.append(("Content-Encoding", "gzip"))
    body = gzip.compress(response.body, 6, mtime=0)
    return replace(response, headers=tuple(headers), body=body)


def _is_compressible(response: Response) -> bool:
    kind = header_value(response.headers, "Content-Type").partition(";")[0]
    return (
        response.status in _STATUSES
        and kind.strip().lower() in _TYPES
        and _SMALLEST <= len(response.body) <= _LARGEST
        and bool(header_value(response.headers, "Content-Length"))
        and not header_value(response.headers, "Content-Encoding")
    )
