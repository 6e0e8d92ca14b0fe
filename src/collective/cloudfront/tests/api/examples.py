"""The HTTP examples of the documentation: read, performed, compared and written anew.

Each is a request and the answer to it, ``docs/http-examples/<name>.req`` and ``.resp``.
What differs each time, such as ids and times, is not compared. Documented times are
those of a day on which it is ``NOW``.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from datetime import timezone
from pathlib import Path
from typing import Any

import http.client
import json
import re


#: Set to ``write``, files that differ are written anew.
VARIABLE = "HTTP_EXAMPLES"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=timezone.utc)
#: What Zope is asked for; a proxy would lead there from the documented host.
ROOT = "/VirtualHostBase/https/{host}:443/plone/VirtualHostRoot"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_VARYING = {
    "a time": _TIME,
    "a position": re.compile(r"\b\d+\.\d+%2C[\w.-]+"),
    "an id": re.compile(r"\b[0-9a-f]{8}(-?)([0-9a-f]{4}\1){3}[0-9a-f]{12}\b"),
    "a token": _TOKEN,
}
_SHOWN = ("Content-Type", "Location", "WWW-Authenticate", "Retry-After")


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: the first line, headers, and a body."""

    start: str
    headers: Mapping[str, str]
    body: str = ""

    @classmethod
    def parse(cls, text: str) -> "Message":
        """Read what ``as_text`` wrote."""
        head, _, body = text.partition("\n\n")
        start, *lines = head.strip().splitlines()
        pairs = (line.split(": ", 1) for line in lines)
        return cls(start, dict(pairs), body.strip())

    def as_text(self) -> str:
        """Return it as it is in a file."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self._headers())]
        return "\n".join(lines) + (f"\n\n{self.body}\n" if self.body else "\n")

    def _headers(self) -> Iterable[tuple[str, str]]:
        return self.headers.items()

    @property
    def masked(self) -> str:
        """The text without what differs each time."""
        text = self.as_text()
        for name, pattern in _VARYING.items():
            text = pattern.sub(f"<{name}>", text)
        return text


@dataclass(frozen=True, slots=True)
class Example:
    """An example in a folder."""

    name: str
    folder: Path

    @property
    def request(self) -> Message:
        """What is sent."""
        return Message.parse(self._path("req").read_text())

    @property
    def answer(self) -> Message | None:
        """The documented answer, if there is one already."""
        path = self._path("resp")
        return Message.parse(path.read_text()) if path.exists() else None

    def write(self, answer: Message) -> None:
        """Document an answer."""
        self._path("resp").write_text(answer.as_text())

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{self.name}.{suffix}"


def names_in(folder: Path) -> list[str]:
    """Return the names of the examples in a folder."""
    return sorted({path.stem for path in folder.iterdir()})


def later(documented: str, now: datetime) -> str:
    """Return the moment that is as far from ``now`` as a documented one from ``NOW``."""
    return (datetime.fromisoformat(documented) - NOW + now).isoformat()


def ask(host: str, port: int, request: Message, now: datetime, token: str) -> Message:
    """Send a request of the documentation to a server; return its answer.

    Its moments are moved, so that those to come are, and ``token`` is sent in the place
    of the documented one.
    """
    request = replace(
        request,
        headers={
            name: _TOKEN.sub(token, value) for name, value in request.headers.items()
        },
        body=_TIME.sub(lambda found: later(found.group(), now), request.body),
    )
    method, path, _version = request.start.split()
    root = ROOT.format(host=request.headers["Host"])
    connection = http.client.HTTPConnection(host, port, timeout=600)
    try:
        connection.request(
            method, root + path, request.body.encode(), dict(request.headers)
        )
        return _documented(connection.getresponse(), now)
    finally:
        connection.close()


def _documented(response: http.client.HTTPResponse, now: datetime) -> Message:
    found = {name: response.getheader(name) for name in _SHOWN}
    body = response.read().decode()
    return Message(
        f"HTTP/1.1 {response.status} {response.reason}",
        {name: value for name, value in found.items() if value},
        _TIME.sub(lambda each: _moved_back(each.group(), now), as_json(body)),
    )


def as_json(text: str) -> str:
    """Return JSON as the documentation shows it."""
    loaded: Any = json.loads(text) if text else None
    if loaded is None:
        return ""
    return json.dumps(loaded, indent=2, sort_keys=True, ensure_ascii=False)


def _moved_back(moment: str, now: datetime) -> str:
    moved = datetime.fromisoformat(moment) - now + NOW
    return moved.isoformat()
