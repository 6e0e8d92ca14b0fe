"""HTTP connections that stay open, one for each thread: for benchmarks and freshness."""

from http.client import HTTPConnection
from http.client import HTTPException
from http.client import HTTPMessage
from typing import NamedTuple
from urllib.parse import urlsplit

import threading


#: Seconds. A busy machine takes long for a page.
_TIMEOUT = 120


class Answer(NamedTuple):
    """What a server has answered."""

    status: int
    headers: HTTPMessage
    body: bytes


class Connections:
    """Asks for URLs below ``base``, such as ``http://127.0.0.1:8080/prefix``.

    Thread-safe. A connection that the server has closed meanwhile is opened again.
    """

    def __init__(self, base: str):
        parts = urlsplit(base)
        self._address = (parts.hostname or "127.0.0.1", parts.port)
        self._prefix = parts.path
        self._local = threading.local()

    def get(self, url: str, headers: dict[str, str]) -> Answer:
        """Return the answer to a GET request."""
        try:
            return self._get(url, headers)
        except (HTTPException, OSError):
            self._local.connection = None
            return self._get(url, headers)

    def _get(self, url: str, headers: dict[str, str]) -> Answer:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = HTTPConnection(*self._address, timeout=_TIMEOUT)
            self._local.connection = connection
        connection.request("GET", self._prefix + url, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
