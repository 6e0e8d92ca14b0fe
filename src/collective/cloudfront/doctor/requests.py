"""Ask a web server once: no redirect is followed, no cookie kept, nothing decoded."""

from dataclasses import dataclass
from http.client import HTTPConnection
from http.client import HTTPException
from http.client import HTTPMessage
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import re
import socket
import ssl


#: Seconds of silence. CloudFront itself waits 30 s for an origin.
TIMEOUT = 35.0
#: Bytes of a body that are read.
MOST = 2 * 2**20


class NoAnswer(Exception):
    """Nobody answered; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a web server answered."""

    status: int
    headers: HTTPMessage
    body: bytes

    def header(self, name: str) -> str:
        """Return a header; empty if there is none."""
        return (self.headers.get(name) or "").strip()

    @property
    def x_cache(self) -> str:
        """What CloudFront says of its cache; empty without CloudFront."""
        value = self.header("X-Cache")
        return value if "cloudfront" in value.lower() else ""

    @property
    def is_copy(self) -> bool:
        """Whether it comes from CloudFront's cache."""
        return self.x_cache.lower().startswith(("hit", "refreshhit"))

    @property
    def shared_age(self) -> int:
        """For how many seconds a shared cache may keep it by Cache-Control; 0: not."""
        directives = self.header("Cache-Control").lower()
        if re.search(r"\b(private|no-store|no-cache)\b", directives):
            return 0
        for name in ("s-maxage", "max-age"):
            found = re.search(rf"(?<![\w-]){name}\s*=\s*\"?(\d+)", directives)
            if found:
                return int(found[1])
        return 0


def get(url: str, connect_to: str = "", /, **headers: str) -> Answer:
    """Send GET; names of ``headers`` have underscores for hyphens. Raises ``NoAnswer``.

    ``connect_to``: a host, with or without a port, that is asked in the place of the one in
    ``url``, as if DNS led there.
    """
    parts = urlsplit(url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=TIMEOUT)
    path = parts.path or "/"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("User-Agent", "collective.cloudfront doctor")
    named.setdefault("Accept", "text/html,*/*;q=0.8")
    try:
        if connect_to:
            connection.sock = _connected(connect_to, connection)
        connection.request(
            "GET", f"{path}?{parts.query}" if parts.query else path, headers=named
        )
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read(MOST))
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _connected(connect_to: str, connection: HTTPConnection) -> socket.socket:
    """Return a socket to another server, which is asked for the host of ``connection``."""
    target = urlsplit(f"//{connect_to}")
    address = (target.hostname or "", target.port or connection.port)
    plain = socket.create_connection(address, TIMEOUT)
    if not isinstance(connection, HTTPSConnection):
        return plain
    context = ssl.create_default_context()
    return context.wrap_socket(plain, server_hostname=connection.host)
