"""HTTP requests and responses as values, complete in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace


Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``url`` is the raw path and query string."""

    method: str
    url: str
    headers: Headers
    body: bytes = b""
    viewer: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Response:
    """A response without the headers that frame its body."""

    status: int
    reason: str
    headers: Headers
    body: bytes


def header_values(headers: Iterable[tuple[str, str]], name: str) -> list[str]:
    """Return the values of all header lines of that name."""
    name = name.lower()
    return [value for key, value in headers if key.lower() == name]


def header_value(headers: Iterable[tuple[str, str]], name: str) -> str:
    """Return the lines of a header as one value, empty if there is none."""
    return ", ".join(header_values(headers, name))


def plain_text(status: int, reason: str, text: str) -> Response:
    """Make a response that says a sentence."""
    headers = (("Content-Type", "text/plain; charset=utf-8"),)
    return Response(status, reason, headers, f"{text}\n".encode())


def without(response: Response, *names: str) -> Response:
    """Return the response without these headers, whose names are in lower case."""
    kept = [pair for pair in response.headers if pair[0].lower() not in names]
    return replace(response, headers=tuple(kept))
