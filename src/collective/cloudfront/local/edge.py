"""The edge: a caching proxy before the origin, one cache per distribution.

::

    viewer ──► cache key? ──no──► origin                          X-Cache: Miss
                   └─► fresh in the cache ──────────────────────► X-Cache: Hit
                   └─► expired, origin answers 304 ─────────────► X-Cache: RefreshHit
                   └─► expired, and may still be used ──────────► X-Cache: Hit
                   └─► origin answers anything else ────────────► X-Cache: Miss
                   └─► origin cannot be reached: 502 ───────────► X-Cache: Error

A :class:`~collective.cloudfront.local.handling.Handling` says what is in the cache key, what
the origin is asked, what is kept and what viewers get: that of the options, or that of a
behavior of a template. Source: CloudFront developer guide, "Request and response behavior
for custom origins"; each difference is a comment.
"""

from collections import Counter
from collections.abc import Mapping
from collective.cloudfront.local.by_behavior import ByBehavior
from collective.cloudfront.local.cache import EdgeCache
from collective.cloudfront.local.cache import Entry
from collective.cloudfront.local.cache import Flight
from collective.cloudfront.local.control import ControlPlane
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.handling import ByOptions
from collective.cloudfront.local.handling import Handling
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import plain_text
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.messages import without
from collective.cloudfront.local.origin import Answer
from collective.cloudfront.local.origin import ask
from collective.cloudfront.local.origin import Outgoing
from collective.cloudfront.local.origin import VIA
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.local.template.errors import TemplateError
from dataclasses import replace
from enum import Enum

import re
import secrets
import threading


_RAW_URL = re.compile(r"/[!-~]*")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")


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
    distribution (``edemo1234567.localhost``), or it is one of its aliases, that distribution
    answers, otherwise the first one in the options. A distribution in ``origins`` uses the
    origin there; one in ``configs`` does what a template says.
    """

    def __init__(self, control: ControlPlane, origin: str) -> None:
        self.origin = origin.rstrip("/")
        self.origins: dict[str, str] = {}
        self.configs: Mapping[str, DistributionConfig] = {}
        #: Of ``configs``, by their names in the template.
        self.ids: Mapping[str, str] = {}
        #: With ``configs``: URLs by the id of an origin in the template.
        self.origins_by_id: Mapping[str, str] = {}
        #: With ``configs``: how viewers are taken to come, as the edge speaks HTTP alone.
        self.viewer_protocol = "https"
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
        elif not _HOST.fullmatch(_host(request)):
            response, x_cache = _bad_request("There is no Host."), XCache.ERROR
        else:
            try:
                response, x_cache = self._answer(request)
            except TemplateError as error:
                response, x_cache = _not_known(error), XCache.ERROR
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

    # Which distribution, and how

    def _distribution(self, request: Request) -> str:
        host = _host(request)
        label = host.partition(".")[0].lower()
        names = self._control.options.distributions
        for name in names:
            if name.lower() == label:
                return name
        for name, config in self.configs.items():
            if config.has_alias(host):
                return name
        return names[0]

    def _config(self, request: Request) -> tuple[str, DistributionConfig | None]:
        """Return the distribution that answers, and its config if there is a template."""
        name = self._distribution(request)
        config = self.configs.get(name)
        staging = config.staging if config is not None else None
        if config is None or staging is None:
            return name, config
        if header_value(request.headers, staging.header) != staging.value:
            return name, config
        # A staging distribution has no aliases: it answers for those of the other
        staged = self.ids[staging.distribution]
        return staged, replace(self.configs[staged], aliases=config.aliases)

    def _handling(
        self, request: Request, distribution: str, config: DistributionConfig | None
    ) -> Handling:
        options = self._control.options
        if config is not None:
            return ByBehavior(
                config=config,
                behavior=config.behavior_for(request.url.partition("?")[0]),
                options=options,
                clock=self._control.clock,
                address=self.origins.get(distribution, self.origin),
                addresses=self.origins_by_id,
                viewer_protocol=self.viewer_protocol,
            )
        origin = self.origins.get(distribution, self.origin)
        origin = origin.replace("{host}", _host(request))
        return ByOptions(options, origin, self._control.clock)

    # The way of a request

    def _answer(self, request: Request) -> tuple[Response, XCache]:
        distribution, config = self._config(request)
        handling = self._handling(request, distribution, config)
        refusal = handling.refusal(request)
        if refusal is not None:
            return refusal, XCache.ERROR
        key = handling.key(request)
        if key is None:
            return self._pass_through(request, handling)
        cache = self.cache_of(distribution)
        entry, flight = cache.lookup(key.url, key.variant)
        if entry is not None:
            if flight is None:
                return self._from_cache(entry, request, handling)
            if self._control.clock() < entry.stale_until:
                self._revalidate(request, handling, cache, entry, flight)
                return self._from_cache(entry, request, handling)
        assert flight is not None, "Unless the entry is fresh, there is a flight."
        return self._fetch(request, handling, cache, entry, flight)

    def _pass_through(
        self, request: Request, handling: Handling
    ) -> tuple[Response, XCache]:
        answer = self._ask(handling.passed_through(request))
        if not answer.reached:
            return answer.response, XCache.ERROR
        response = answer.response
        x_cache = XCache.ERROR if handling.is_error(response) else XCache.MISS
        return handling.shown(response, request, False), x_cache

    def _from_cache(
        self, entry: Entry, request: Request, handling: Handling
    ) -> tuple[Response, XCache]:
        age = max(0, int(self._control.clock() - entry.stored))
        headers = (*entry.headers, ("Age", str(age)))
        response = Response(entry.status, entry.reason, headers, entry.body)
        x_cache = XCache.ERROR if handling.is_error(response) else XCache.HIT
        return handling.shown(response, request, True), x_cache

    def _revalidate(
        self,
        request: Request,
        handling: Handling,
        cache: EdgeCache,
        entry: Entry,
        flight: Flight,
    ) -> None:
        """Fetch it while the viewer already has what has expired."""
        arguments = (request, handling, cache, entry, flight)
        threading.Thread(target=self._fetch, args=arguments, daemon=True).start()

    def _fetch(
        self,
        request: Request,
        handling: Handling,
        cache: EdgeCache,
        entry: Entry | None,
        flight: Flight,
    ) -> tuple[Response, XCache]:
        options = self._control.options
        stores_late = options.stores_late
        fetched = None
        try:
            answer = self._ask(handling.for_cache(request, entry))
            response = answer.response
            if entry is not None and response.status >= 500:
                fetched = handling.retained(entry, response.status)
                if fetched is not None:
                    # What was invalidated meanwhile does not come back
                    stores_late = False
                    return self._from_cache(fetched, request, handling)
            refreshed = entry is not None and response.status == 304
            if entry is not None and refreshed:
                response = _refreshed(entry, response)
            response = handling.received(response)
            fetched = handling.as_entry(response)
        finally:
            cache.settle(flight, fetched, options.max_entries, stores_late)
        if not answer.reached:
            return response, XCache.ERROR
        x_cache = XCache.REFRESH_HIT if refreshed else XCache.MISS
        if handling.is_error(response):
            x_cache = XCache.ERROR
        return handling.shown(response, request, True), x_cache

    def _ask(self, outgoing: Outgoing) -> Answer:
        options = self._control.options
        answer = ask(outgoing, options.origin_timeout, options.max_header_size)
        if answer.reached and outgoing.method == "GET":
            self._control.sleep(options.origin_latency)
        return answer


def _host(request: Request) -> str:
    return header_value(request.headers, "Host")


def _refreshed(entry: Entry, answer: Response) -> Response:
    """Return the cached response with the headers of a 304 (RFC 9111, 3.2)."""
    news = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
    names = {name.lower() for name, _ in news}
    kept = [pair for pair in entry.headers if pair[0].lower() not in names]
    return Response(entry.status, entry.reason, (*kept, *news), entry.body)


def _signed(response: Response, x_cache: XCache) -> Response:
    """Add what CloudFront adds for the viewer."""
    headers = [
        *without(response, "content-length", "x-cache", "via").headers,
        ("X-Cache", x_cache.value),
        ("Via", VIA),
        ("X-Amz-Cf-Pop", "LOCAL"),
        ("X-Amz-Cf-Id", secrets.token_urlsafe(42)),
    ]
    return replace(response, headers=tuple(headers))


def _not_known(error: TemplateError) -> Response:
    sentence = f"A client has stored what this edge does not know. {error}"
    return plain_text(503, "Service Unavailable", sentence)


def _bad_request(reason: str) -> Response:
    return plain_text(400, "Bad Request", reason)
