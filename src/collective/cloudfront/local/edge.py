"""The edge: a caching proxy before the origin, one cache per distribution.

::

    viewer ──► cacheable? ──no──► origin                          X-Cache: Miss
                   └─► fresh in the cache ──────────────────────► X-Cache: Hit
                   └─► expired, origin answers 304 ─────────────► X-Cache: RefreshHit
                   └─► origin answers anything else ────────────► X-Cache: Miss
                   └─► origin cannot be reached: 502 ───────────► X-Cache: Error

GET and HEAD are cacheable and share an entry. The cache key is the path and query
string as the viewer sent it, neither decoded nor normalised, and not the host.
Source: CloudFront developer guide, "Request and response behavior for custom
origins"; each difference is a comment below.
"""

from collections import Counter
from collections.abc import Iterable
from collective.cloudfront.local.cache import EdgeCache
from collective.cloudfront.local.cache import Entry
from collective.cloudfront.local.cache import Flight
from collective.cloudfront.local.control import ControlPlane
from collective.cloudfront.local.freshness import lifetime
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import header_values
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.messages import plain_text
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.local.rules import stored_tags
from dataclasses import dataclass
from dataclasses import replace
from enum import Enum
from http.client import HTTPConnection
from http.client import HTTPException
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import re
import secrets
import threading


VIA = "1.1 local (CloudFront)"

_CACHEABLE_METHODS = frozenset(["GET", "HEAD"])
_RAW_URL = re.compile(r"/[!-~]*")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")

# RFC 9110, 7.6.1: they concern one connection and are not passed on.
_HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
# The edge sets these itself when it asks the origin.
_REPLACED = frozenset(
    ["accept-encoding", "content-length", "host", "user-agent", "via", "x-amz-cf-id"]
)
# Headers that would make the origin answer for this viewer only. CloudFront answers
# ranges and conditions from the complete response, and so do we (ranges: with all of it).
_PERSONAL = frozenset(
    [
        "authorization",
        "cookie",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
    ]
)


class XCache(Enum):
    """The values of the header ``X-Cache``."""

    HIT = "Hit from cloudfront"
    MISS = "Miss from cloudfront"
    REFRESH_HIT = "RefreshHit from cloudfront"
    ERROR = "Error from cloudfront"


class Edge:
    """Answers viewers from the cache or the origin.

    ``origin`` is a URL; the edge appends the viewer's raw path and query string to it, and
    replaces ``{host}`` by the viewer's Host. If the first label of the Host is the id of a
    distribution (``edemo1234567.localhost``), that distribution answers, otherwise the
    first one in the options. A distribution in ``origins`` uses the origin there.
    """

    def __init__(self, control: ControlPlane, origin: str) -> None:
        self.origin = origin.rstrip("/")
        self.origins: dict[str, str] = {}
        self._control = control
        self._lock = threading.Lock()
        self._caches: dict[str, EdgeCache] = {}
        self._seen: Counter[str] = Counter()
        control.on_accepted.append(self._schedule)
        control.on_reset.append(self._reset)

    def cache_of(self, distribution: str) -> EdgeCache:
        """Return the cache of a distribution."""
        with self._lock:
            if distribution not in self._caches:
                self._caches[distribution] = EdgeCache(self._control.clock)
            return self._caches[distribution]

    def state(self) -> dict[str, int]:
        """Return the number of answers for each value of ``X-Cache``."""
        with self._lock:
            return dict(self._seen)

    def answer(self, request: Request) -> Response:
        """Answer a viewer."""
        if not _RAW_URL.fullmatch(request.url):
            response, x_cache = _bad_request("The URL is not ASCII."), XCache.ERROR
        elif not _HOST.fullmatch(self._host(request)):
            response, x_cache = _bad_request("There is no Host."), XCache.ERROR
        elif self._is_cacheable(request):
            response, x_cache = self._answer_cacheable(request)
        else:
            response, x_cache = self._pass_through(request)
        with self._lock:
            self._seen[x_cache.value.split()[0]] += 1
        return _signed(response, x_cache)

    def _schedule(self, invalidation: Invalidation) -> None:
        self.cache_of(invalidation.distribution).schedule(invalidation)

    def _reset(self) -> None:
        with self._lock:
            self._seen.clear()
            caches = list(self._caches.values())
        for cache in caches:
            cache.clear()

    def _host(self, request: Request) -> str:
        return header_value(request.headers, "Host")

    def _distribution(self, request: Request) -> str:
        label = self._host(request).partition(".")[0].lower()
        names = self._control.options.distributions
        return next((name for name in names if name.lower() == label), names[0])

    def _is_cacheable(self, request: Request) -> bool:
        if request.method not in _CACHEABLE_METHODS:
            return False
        personal = header_values(request.headers, "Cookie") or header_values(
            request.headers, "Authorization"
        )
        return not (personal and self._control.options.forward_cookies)

    # Through the cache

    def _answer_cacheable(self, request: Request) -> tuple[Response, XCache]:
        cache = self.cache_of(self._distribution(request))
        entry, flight = cache.lookup(request.url)
        if entry is not None and flight is None:
            return self._from_cache(entry, request), XCache.HIT
        assert flight is not None, "Unless the entry is fresh, there is a flight."
        return self._fetch(request, cache, entry, flight)

    def _fetch(
        self, request: Request, cache: EdgeCache, entry: Entry | None, flight: Flight
    ) -> tuple[Response, XCache]:
        fetched = None
        try:
            response = self._ask_origin(
                # A HEAD fetches everything, so that it fills the cache like a GET.
                replace(request, method="GET", body=b""),
                _PERSONAL | {"accept-encoding"},
                _conditions(entry),
            )
            if isinstance(response, _Unreachable):
                return response.as_response(), XCache.ERROR
            self._control.sleep(self._control.options.origin_latency)
            refreshed = False
            if response.status == 304 and entry is not None:
                refreshed, response = True, _refreshed(entry, response)
            if not self._control.options.forward_cookies:
                # Cookies that are not passed on are not passed back either.
                response = _without(response, "set-cookie")
            fetched = self._as_entry(response)
        finally:
            options = self._control.options
            cache.settle(flight, fetched, options.max_entries, options.stores_late)
        x_cache = XCache.REFRESH_HIT if refreshed else XCache.MISS
        return _for_condition(response, request), x_cache

    def _as_entry(self, response: Response) -> Entry | None:
        """Return the entry for a response, or None if it must not be cached."""
        options = self._control.options
        now = self._control.clock()
        fresh_for = lifetime(response.status, response.headers, options, now)
        if fresh_for is None or len(response.body) > options.max_entry_size:
            return None
        if fresh_for == 0 and not _conditions(response):
            return None
        if header_values(response.headers, "Set-Cookie"):
            return None
        tags: frozenset[str] = frozenset()
        if options.cache_tag_header:
            tags = stored_tags(
                header_values(response.headers, options.cache_tag_header)
            )
        return Entry(
            status=response.status,
            reason=response.reason,
            headers=_without(response, "age").headers,
            body=response.body,
            tags=tags,
            stored=now,
            expires=now + fresh_for,
        )

    def _from_cache(self, entry: Entry, request: Request) -> Response:
        age = max(0, int(self._control.clock() - entry.stored))
        headers = (*entry.headers, ("Age", str(age)))
        response = Response(entry.status, entry.reason, headers, entry.body)
        return _for_condition(response, request)

    # To the origin

    def _pass_through(self, request: Request) -> tuple[Response, XCache]:
        response = self._ask_origin(request, frozenset(), ())
        if isinstance(response, _Unreachable):
            return response.as_response(), XCache.ERROR
        return response, XCache.MISS

    def _ask_origin(
        self, request: Request, dropped: frozenset[str], added: Headers
    ) -> "Response | _Unreachable":
        origin = self.origins.get(self._distribution(request), self.origin)
        url = origin.replace("{host}", self._host(request)) + request.url
        headers = [
            *_passed_on(request.headers, _REPLACED | dropped),
            *added,
            *_introduction(request, "accept-encoding" in dropped),
        ]
        options = self._control.options
        try:
            response = _exchange(request, url, headers, options.origin_timeout)
        except (OSError, HTTPException, ValueError) as error:
            return _Unreachable(f"The origin cannot be reached: {error}")
        size = sum(len(name) + len(value) + 4 for name, value in response.headers)
        if size > options.max_header_size:
            return _Unreachable(f"The origin's headers have {size} bytes.")
        return response


@dataclass(frozen=True, slots=True)
class _Unreachable:
    reason: str

    def as_response(self) -> Response:
        return plain_text(502, "Bad Gateway", self.reason)


def _exchange(
    request: Request, url: str, headers: Iterable[tuple[str, str]], timeout: float
) -> Response:
    """Send a request to the origin and read the whole answer."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no origin is configured")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout)
    # Use urlsplit for the address only: the path must stay as it came.
    target = url.split("://", 1)[1].removeprefix(parts.netloc) or "/"
    try:
        connection.putrequest(
            request.method, target, skip_host=True, skip_accept_encoding=True
        )
        connection.putheader("Host", parts.netloc)
        for name, value in headers:
            connection.putheader(name, value)
        if request.body or request.method not in _CACHEABLE_METHODS:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        answer = connection.getresponse()
        body = answer.read()
        received = _passed_on(answer.getheaders(), frozenset())
        return Response(answer.status, answer.reason, tuple(received), body)
    finally:
        connection.close()


def _introduction(request: Request, identity_only: bool) -> Headers:
    """Return the headers by which the origin recognises CloudFront."""
    # CloudFront keeps a variant per encoding. One variant, uncompressed, is enough
    # to see what is stale.
    encoding = "identity"
    if not identity_only:
        encoding = header_value(request.headers, "Accept-Encoding") or encoding
    return (
        ("Accept-Encoding", encoding),
        ("User-Agent", "Amazon CloudFront"),
        ("Via", VIA),
        ("X-Amz-Cf-Id", secrets.token_urlsafe(42)),
        ("X-Forwarded-For", request.viewer),
        ("Connection", "close"),
    )


def _passed_on(
    headers: Iterable[tuple[str, str]], dropped: frozenset[str]
) -> list[tuple[str, str]]:
    headers = list(headers)
    named = header_value(headers, "Connection").lower().split(",")
    dropped = dropped | _HOP_BY_HOP | {name.strip() for name in named}
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _conditions(known: Entry | Response | None) -> Headers:
    """Return the headers that ask the origin if an answer is still valid."""
    if known is None:
        return ()
    pairs = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
    values = [(ask, header_value(known.headers, tell)) for tell, ask in pairs]
    return tuple((name, value) for name, value in values if value)


def _refreshed(entry: Entry, answer: Response) -> Response:
    """Return the cached response with the headers of a 304 (RFC 9111, 3.2)."""
    news = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
    names = {name.lower() for name, _ in news}
    kept = [pair for pair in entry.headers if pair[0].lower() not in names]
    return Response(entry.status, entry.reason, (*kept, *news), entry.body)


def _for_condition(response: Response, request: Request) -> Response:
    """Answer 304 if the viewer has this response already."""
    etag = header_value(response.headers, "ETag")
    wanted = header_value(request.headers, "If-None-Match")
    if response.status != 200 or not etag or not wanted:
        return response
    known = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    if "*" in known or etag.removeprefix("W/") in known:
        return Response(304, "Not Modified", response.headers, b"")
    return response


def _without(response: Response, *names: str) -> Response:
    kept = [pair for pair in response.headers if pair[0].lower() not in names]
    return replace(response, headers=tuple(kept))


def _signed(response: Response, x_cache: XCache) -> Response:
    """Add what CloudFront adds for the viewer."""
    headers = [
        *_without(response, "content-length", "x-cache", "via").headers,
        ("X-Cache", x_cache.value),
        ("Via", VIA),
        ("X-Amz-Cf-Pop", "LOCAL"),
        ("X-Amz-Cf-Id", secrets.token_urlsafe(42)),
    ]
    return replace(response, headers=tuple(headers))


def _bad_request(reason: str) -> Response:
    return plain_text(400, "Bad Request", reason)
