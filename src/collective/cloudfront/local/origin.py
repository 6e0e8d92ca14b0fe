"""Requests to the origin, and the headers that CloudFront sends with them."""

from collections.abc import Iterable
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.messages import plain_text
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from dataclasses import dataclass
from http.client import HTTPConnection
from http.client import HTTPException
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import secrets


VIA = "1.1 local (CloudFront)"

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
#: Headers that would make the origin answer for this viewer only. CloudFront answers
#: ranges and conditions from the complete response, and so do we.
CONDITIONAL = frozenset(
    [
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
    ]
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to the origin; an empty ``host`` is that of the URL."""

    method: str
    url: str
    headers: Headers
    body: bytes = b""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Unless ``reached``, CloudFront has made the response itself."""

    response: Response
    reached: bool = True


def ask(outgoing: Outgoing, timeout: float, max_header_size: int) -> Answer:
    """Ask the origin and read the whole answer."""
    try:
        response = _exchange(outgoing, timeout)
    except (OSError, HTTPException, ValueError) as error:
        return _unreachable(f"The origin cannot be reached: {error}")
    size = sum(len(name) + len(value) + 4 for name, value in response.headers)
    if size > max_header_size:
        return _unreachable(f"The origin's headers have {size} bytes.")
    return Answer(response)


def _unreachable(reason: str) -> Answer:
    return Answer(plain_text(502, "Bad Gateway", reason), reached=False)


def _exchange(outgoing: Outgoing, timeout: float) -> Response:
    url = outgoing.url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no origin is configured")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout)
    # Use urlsplit for the address only: the path must stay as it came.
    target = url.split("://", 1)[1].removeprefix(parts.netloc) or "/"
    try:
        connection.putrequest(
            outgoing.method, target, skip_host=True, skip_accept_encoding=True
        )
        connection.putheader("Host", outgoing.host or parts.netloc)
        for name, value in outgoing.headers:
            connection.putheader(name, value)
        if outgoing.body or outgoing.method not in ("GET", "HEAD"):
            connection.putheader("Content-Length", str(len(outgoing.body)))
        connection.endheaders(outgoing.body or None)
        answer = connection.getresponse()
        body = answer.read()
        received = passed_on(answer.getheaders(), frozenset())
        return Response(answer.status, answer.reason, tuple(received), body)
    finally:
        connection.close()


def introduction(request: Request) -> Headers:
    """Return the headers by which the origin recognizes CloudFront."""
    return (
        ("User-Agent", "Amazon CloudFront"),
        ("Via", VIA),
        ("X-Amz-Cf-Id", secrets.token_urlsafe(42)),
        ("X-Forwarded-For", request.viewer),
        ("Connection", "close"),
    )


def passed_on(
    headers: Iterable[tuple[str, str]], dropped: frozenset[str]
) -> list[tuple[str, str]]:
    """Return the headers that are not about one connection and not dropped."""
    headers = list(headers)
    named = header_value(headers, "Connection").lower().split(",")
    dropped = dropped | _HOP_BY_HOP | {name.strip() for name in named}
    return [(name, value) for name, value in headers if name.lower() not in dropped]
