"""How the edge handles a request by a cache behavior of a template.

::

    refusal ─► key ─► for_cache / passed_through ─► received ─► as_entry ─► shown
    protocol,  cache   cache and origin request      cookies     TTLs,       compression,
    method     policy  policy: URL, headers,                     error TTLs  response headers
                       cookies                                               policy, ranges

Source: CloudFront developer guide, "Request and response behavior for custom origins",
"Cache content based on …", "Serve compressed files". Where the guide is not clear, less is
forwarded and more is kept: what works here must work at AWS.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collective.cloudfront.local.cache import Entry
from collective.cloudfront.local.compression import accepted_encoding
from collective.cloudfront.local.compression import compressed
from collective.cloudfront.local.conditions import conditions
from collective.cloudfront.local.conditions import for_condition
from collective.cloudfront.local.conditions import for_range
from collective.cloudfront.local.distribution import CacheBehavior
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.distribution import ViewerProtocolPolicy
from collective.cloudfront.local.forwarding import chosen_cookies
from collective.cloudfront.local.forwarding import chosen_query
from collective.cloudfront.local.forwarding import Forwarding
from collective.cloudfront.local.freshness import excludes_cookies
from collective.cloudfront.local.freshness import freshness
from collective.cloudfront.local.handling import is_storable
from collective.cloudfront.local.handling import Key
from collective.cloudfront.local.handling import tags_of
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import header_values
from collective.cloudfront.local.messages import plain_text
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.messages import without
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.origin import Outgoing
from collective.cloudfront.local.response_headers import apply_policy
from dataclasses import dataclass
from dataclasses import replace


#: Characters of a URL (developer guide, "Maximum length of a request").
_LONGEST_URL = 8_192


@dataclass(frozen=True, slots=True)
class ByBehavior:
    """One behavior of a distribution. ``address`` is the URL of its origin, unless its id
    is among the ``addresses``."""

    config: DistributionConfig
    behavior: CacheBehavior
    options: Options
    clock: Callable[[], float]
    address: str
    addresses: Mapping[str, str]
    viewer_protocol: str

    def refusal(self, request: Request) -> Response | None:
        host = header_value(request.headers, "Host")
        if not self.config.answers_for(host):
            return _forbidden(f"{host} is not among the aliases of the distribution.")
        if not self.config.enabled:
            return _forbidden("The distribution is disabled.")
        if self.viewer_protocol == "http":
            answer = self._for_http(request, host)
            if answer is not None:
                return answer
        if request.method not in self.behavior.allowed_methods:
            return _forbidden(f"The behavior does not allow {request.method}.")
        if request.method == "GET" and request.body:
            return _forbidden("A GET has no body.")
        if len(request.url) > _LONGEST_URL:
            return plain_text(413, "Request Entity Too Large", "The URL is too long.")
        return None

    def _for_http(self, request: Request, host: str) -> Response | None:
        if self.behavior.protocol is ViewerProtocolPolicy.HTTPS_ONLY:
            return _forbidden("Only HTTPS is allowed.")
        if self.behavior.protocol is ViewerProtocolPolicy.ALLOW_ALL:
            return None
        is_read = request.method in ("GET", "HEAD")
        status, reason = (
            (301, "Moved Permanently") if is_read else (307, "Temporary Redirect")
        )
        location = ("Location", f"https://{host}{request.url}")
        return Response(status, reason, (location,), b"")

    # The cache key

    def key(self, request: Request) -> Key | None:
        policy = self.behavior.cache
        if policy.never_caches or request.method not in self.behavior.cached_methods:
            return None
        path, _, query = request.url.partition("?")
        query = chosen_query(query, policy.query_strings.takes)
        variant = [
            (f"header {name}", ", ".join(header_values(request.headers, name)))
            for name in sorted(policy.headers.names)
        ]
        variant += [
            (f"cookie {number} {name}", value)
            for number, (name, value) in enumerate(
                chosen_cookies(request, policy.cookies.takes)
            )
        ]
        encoding = accepted_encoding(request, policy)
        if encoding not in ("", "identity"):
            variant.append(("accept-encoding", encoding))
        if request.method == "OPTIONS":
            variant.append(("method", "OPTIONS"))
        return Key(f"{path}?{query}" if query else path, tuple(variant))

    # To the origin

    @property
    def _forwarding(self) -> Forwarding:
        return Forwarding(self.behavior, self._origin_url(), self.viewer_protocol)

    def _origin_url(self) -> str:
        """Return what comes before the path: a local address may replace the OriginPath."""
        origin = self.behavior.origin
        address = self.addresses.get(origin.id, self.address).rstrip("/")
        has_path = "/" in address.partition("://")[2]
        return address if has_path else address + origin.path

    def passed_through(self, request: Request) -> Outgoing:
        return self._forwarding.outgoing(request, is_personal=True)

    def for_cache(self, request: Request, known: Entry | None) -> Outgoing:
        # A HEAD fetches everything, so that it fills the cache like a GET. So does a range.
        method = "GET" if request.method == "HEAD" else request.method
        outgoing = self._forwarding.outgoing(request, is_personal=False)
        asked = conditions(known.headers) if known else ()
        return replace(outgoing, method=method, headers=(*outgoing.headers, *asked))

    # From the origin

    def received(self, response: Response) -> Response:
        if self.behavior.forwards_cookies:
            return response
        return without(response, "set-cookie")

    def as_entry(self, response: Response) -> Entry | None:
        now = self.clock()
        kept = freshness(
            response.status, response.headers, self.behavior.cache, self.config, now
        )
        if kept is None or not is_storable(response, kept.fresh_for, self.options):
            return None
        if excludes_cookies(response.headers):
            response = without(response, "set-cookie")
        expires = now + kept.fresh_for
        return Entry(
            status=response.status,
            reason=response.reason,
            headers=without(response, "age").headers,
            body=response.body,
            tags=tags_of(response.headers, self.options),
            stored=now,
            expires=expires,
            stale_until=expires + kept.stale_while_revalidate,
            usable_until=expires + kept.stale_if_error,
        )

    def retained(self, entry: Entry, status: int) -> Entry | None:
        now = self.clock()
        if entry.status >= 400 or now >= entry.usable_until:
            return None
        # Until then the origin is not asked again
        return replace(entry, expires=now + self.config.error_ttl(status))

    # To the viewer

    def shown(self, response: Response, request: Request, is_cached: bool) -> Response:
        if is_cached:
            response = compressed(response, request, self.behavior)
            response = for_range(for_condition(response, request), request)
        else:
            response = self.received(response)
        return apply_policy(response, request, self.behavior.response)

    def is_error(self, response: Response) -> bool:
        return response.status >= 400


def _forbidden(reason: str) -> Response:
    return plain_text(403, "Forbidden", reason)
