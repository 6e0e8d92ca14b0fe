"""What of a viewer's request the origin gets: cache policy and origin request policy.

Source: CloudFront developer guide, "HTTP request headers and CloudFront behavior" and
"Control origin requests".
"""

from collections.abc import Callable
from collective.cloudfront.local.compression import accepted_encoding
from collective.cloudfront.local.distribution import CacheBehavior
from collective.cloudfront.local.distribution import Choice
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import header_values
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.origin import CONDITIONAL
from collective.cloudfront.local.origin import introduction
from collective.cloudfront.local.origin import Outgoing
from collective.cloudfront.local.origin import passed_on
from dataclasses import dataclass


#: What the origin gets whatever the policies say.
_ALWAYS = frozenset(
    [
        "cache-control",
        "content-encoding",
        "content-md5",
        "content-type",
        "date",
        "from",
        "max-forwards",
        "pragma",
        "warning",
    ]
)
#: What it never gets from the viewer, or what is made elsewhere.
_NEVER = frozenset(
    [
        "accept-encoding",
        "content-length",
        "cookie",
        "expect",
        "host",
        "via",
        "x-amz-cf-id",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-real-ip",
    ]
)
_NEVER_PREFIXES = ("cloudfront-", "x-edge-")
#: Nobody knows the viewers of a local CloudFront: they have a desktop.
_DEVICES = {
    "cloudfront-is-desktop-viewer": "true",
    "cloudfront-is-mobile-viewer": "false",
    "cloudfront-is-smarttv-viewer": "false",
    "cloudfront-is-tablet-viewer": "false",
}


def chosen_query(query: str, takes: Callable[[str], bool]) -> str:
    """Return the parameters that are taken, raw and in the viewer's order.

    CloudFront tells apart what differs in order or case only, and knows no other
    separator than ``&``.
    """
    parts = [part for part in query.split("&") if takes(part.partition("=")[0])]
    return "&".join(parts)


def chosen_cookies(
    request: Request, takes: Callable[[str], bool]
) -> list[tuple[str, str]]:
    """Return the cookies that are taken, sorted by name as CloudFront sorts them."""
    cookies = []
    for line in header_values(request.headers, "Cookie"):
        for part in line.split(";"):
            name, _, value = part.strip().partition("=")
            if name and takes(name):
                cookies.append((name, value))
    return sorted(cookies, key=lambda cookie: cookie[0])


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Makes the requests of a behavior to its origin; ``base`` comes before the path."""

    behavior: CacheBehavior
    base: str
    viewer_protocol: str

    def outgoing(self, request: Request, is_personal: bool) -> Outgoing:
        """Return what the origin is asked.

        ``is_personal``: the answer is for this viewer only, so conditions and ranges are
        forwarded as well.
        """
        path, _, query = request.url.partition("?")
        query = chosen_query(query, self._takes_query)
        return Outgoing(
            method=request.method,
            url=self.base + (f"{path}?{query}" if query else path),
            headers=self._headers(request, is_personal),
            body=request.body,
            host=self._host(request),
        )

    def _takes_query(self, name: str) -> bool:
        policies = (self.behavior.cache, self.behavior.request)
        return any(each.query_strings.takes(name) for each in policies)

    def _takes_cookie(self, name: str) -> bool:
        policies = (self.behavior.cache, self.behavior.request)
        return any(each.cookies.takes(name) for each in policies)

    def _takes_header(self, name: str) -> bool:
        behavior = self.behavior
        return behavior.cache.headers.takes(name) or behavior.request.headers.takes(
            name
        )

    def _host(self, request: Request) -> str:
        if self._takes_header("host"):
            return header_value(request.headers, "Host")
        return self.behavior.origin.domain

    # Headers

    def _headers(self, request: Request, is_personal: bool) -> Headers:
        custom = self.behavior.origin.headers
        replaced = _NEVER | {name.lower() for name, _ in custom}
        if not is_personal:
            replaced |= CONDITIONAL
        made = [*self._made(request), *custom]
        made_names = {name.lower() for name, _ in made}
        viewers = [
            (name, value)
            for name, value in passed_on(request.headers, frozenset(replaced))
            if self._forwards(name.lower(), request.method)
            and name.lower() not in made_names
        ]
        return (*viewers, *made)

    def _forwards(self, name: str, method: str) -> bool:
        if name.startswith(_NEVER_PREFIXES):
            return False
        if name == "authorization":
            return self._forwards_authorization(method)
        return name in _ALWAYS or name in CONDITIONAL or self._takes_header(name)

    def _forwards_authorization(self, method: str) -> bool:
        if method in ("GET", "HEAD"):
            return self._takes_header("authorization")
        if method == "OPTIONS":
            is_cached = "OPTIONS" in self.behavior.cached_methods
            return self._takes_header("authorization") and not is_cached
        return True

    def _made(self, request: Request) -> Headers:
        """Return the headers that CloudFront makes from what the viewer sent."""
        made = dict(introduction(request))
        if self._takes_header("user-agent"):
            made["User-Agent"] = header_value(request.headers, "User-Agent")
        before = header_value(request.headers, "X-Forwarded-For")
        if before:
            made["X-Forwarded-For"] = f"{before}, {request.viewer}"
        cookies = chosen_cookies(request, self._takes_cookie)
        if cookies:
            made["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies)
        encoding = accepted_encoding(request, self.behavior.cache)
        if not encoding and self._takes_header("accept-encoding"):
            encoding = header_value(request.headers, "Accept-Encoding")
        if encoding:
            made["Accept-Encoding"] = encoding
        made.update(self._about_viewer())
        return tuple(made.items())

    def _about_viewer(self) -> dict[str, str]:
        known = {"cloudfront-forwarded-proto": self.viewer_protocol, **_DEVICES}
        return {name: value for name, value in known.items() if self._lists(name)}

    def _lists(self, name: str) -> bool:
        """Does a policy name this header of CloudFront's?"""
        request = self.behavior.request.headers
        is_listed = request.choice in (
            Choice.WHITELIST,
            Choice.ALL_VIEWER_AND_CLOUDFRONT,
        )
        return name in self.behavior.cache.headers.names or (
            is_listed and name in request.names
        )
