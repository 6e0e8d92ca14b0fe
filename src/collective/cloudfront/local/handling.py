"""How the edge handles requests: what it asks the edge's pipeline, and one answer.

:class:`ByOptions` caches by raw URL and obeys ``Cache-Control`` with the lifetimes of the
options. :class:`~collective.cloudfront.local.by_behavior.ByBehavior` does what a distribution
of a template says.
"""

from collections.abc import Callable
from collective.cloudfront.local.cache import Entry
from collective.cloudfront.local.cache import Variant
from collective.cloudfront.local.conditions import conditions
from collective.cloudfront.local.conditions import for_condition
from collective.cloudfront.local.freshness import lifetime
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import header_values
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.messages import without
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.origin import CONDITIONAL
from collective.cloudfront.local.origin import introduction
from collective.cloudfront.local.origin import Outgoing
from collective.cloudfront.local.origin import passed_on
from collective.cloudfront.local.rules import stored_tags
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Key:
    """The cache key: what an invalidation path is compared with, and the rest."""

    url: str
    variant: Variant = ()


class Handling(Protocol):
    """How requests of one kind are handled."""

    def refusal(self, request: Request) -> Response | None:
        """Return an answer that the edge gives without asking anybody."""

    def key(self, request: Request) -> Key | None:
        """Return the cache key; None: the request is passed through."""

    def passed_through(self, request: Request) -> Outgoing:
        """Return what the origin is asked if nothing is cached."""

    def for_cache(self, request: Request, known: Entry | None) -> Outgoing:
        """Return how the origin is asked for a complete response.

        ``known`` has expired: the origin may say that it is still valid.
        """

    def received(self, response: Response) -> Response:
        """Return what of the origin's response is kept, if it may be, and shown."""

    def as_entry(self, response: Response) -> Entry | None:
        """Return the entry for a response, or None if it must not be cached."""

    def retained(self, entry: Entry, status: int) -> Entry | None:
        """Return an expired entry that is used since the origin errs, or None."""

    def shown(self, response: Response, request: Request, is_cached: bool) -> Response:
        """Return what this viewer gets.

        Unless ``is_cached``, it was passed through, and made for this viewer.
        """

    def is_error(self, response: Response) -> bool:
        """Does ``X-Cache`` say Error, whether it is cached or not?"""


class ByOptions:
    """Without a template: the cache key is the raw URL, and the options say the rest."""

    def __init__(
        self, options: Options, origin: str, clock: Callable[[], float]
    ) -> None:
        self._options = options
        #: What comes before the raw URL.
        self._origin = origin
        self._clock = clock

    def refusal(self, request: Request) -> Response | None:
        return None

    def key(self, request: Request) -> Key | None:
        if request.method not in ("GET", "HEAD"):
            return None
        personal = header_values(request.headers, "Cookie") or header_values(
            request.headers, "Authorization"
        )
        if personal and self._options.forward_cookies:
            return None
        return Key(request.url)

    def passed_through(self, request: Request) -> Outgoing:
        encoding = header_value(request.headers, "Accept-Encoding") or "identity"
        headers = passed_on(request.headers, _REPLACED)
        return Outgoing(
            request.method,
            self._origin + request.url,
            (*headers, ("Accept-Encoding", encoding), *introduction(request)),
            request.body,
        )

    def for_cache(self, request: Request, known: Entry | None) -> Outgoing:
        # A HEAD fetches everything, so that it fills the cache like a GET. CloudFront keeps
        # a variant per encoding. One variant, uncompressed, is enough to see what is stale.
        headers = (
            *passed_on(request.headers, _REPLACED | CONDITIONAL | _PERSONAL),
            *(conditions(known.headers) if known else ()),
            ("Accept-Encoding", "identity"),
            *introduction(request),
        )
        return Outgoing("GET", self._origin + request.url, headers)

    def received(self, response: Response) -> Response:
        if self._options.forward_cookies:
            return response
        # Cookies that are not passed on are not passed back either.
        return without(response, "set-cookie")

    def as_entry(self, response: Response) -> Entry | None:
        options = self._options
        now = self._clock()
        fresh_for = lifetime(response.status, response.headers, options, now)
        if fresh_for is None or not is_storable(response, fresh_for, options):
            return None
        if header_values(response.headers, "Set-Cookie"):
            return None
        return Entry(
            status=response.status,
            reason=response.reason,
            headers=without(response, "age").headers,
            body=response.body,
            tags=tags_of(response.headers, options),
            stored=now,
            expires=now + fresh_for,
        )

    def retained(self, entry: Entry, status: int) -> Entry | None:
        return None

    def shown(self, response: Response, request: Request, is_cached: bool) -> Response:
        # Of a range, all of it
        return for_condition(response, request) if is_cached else response

    def is_error(self, response: Response) -> bool:
        return False


# The edge sets these itself when it asks the origin.
_REPLACED = frozenset(
    ["accept-encoding", "content-length", "host", "user-agent", "via", "x-amz-cf-id"]
)
_PERSONAL = frozenset(["authorization", "cookie"])


def is_storable(response: Response, fresh_for: float, options: Options) -> bool:
    """Is the response small enough, and of use when it has expired?"""
    if len(response.body) > options.max_entry_size:
        return False
    return fresh_for > 0 or bool(conditions(response.headers))


def tags_of(headers: Headers, options: Options) -> frozenset[str]:
    """Return the cache tags that CloudFront stores with a response."""
    if not options.cache_tag_header:
        return frozenset()
    return stored_tags(header_values(headers, options.cache_tag_header))
