"""Viewers of a distribution that comes from a template, before a Plone in this process."""

from .fake_plone import Asked
from .fake_plone import FakePlone
from .helpers import Clock
from .helpers import DISTRIBUTION
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.template import Template
from dataclasses import dataclass
from dataclasses import field
from email.message import Message

import gzip


HOST = "www.example.com"


@dataclass
class Got:
    """What a viewer got."""

    status: int
    text: str
    headers: Message
    raw: bytes

    @property
    def x_cache(self) -> str:
        """Hit, Miss, RefreshHit or Error."""
        return self.headers["X-Cache"].partition(" ")[0]


@dataclass
class Ask:
    """What a viewer asks for."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def get(path: str, **headers: str) -> Ask:
    """Make a GET; an underscore in the name of a header is a hyphen."""
    return Ask(path, headers=_named(headers))


def head(path: str) -> Ask:
    """Make a HEAD."""
    return Ask(path, "HEAD")


def post(path: str, body: str = "", **headers: str) -> Ask:
    """Make a POST."""
    return Ask(path, "POST", _named(headers), body)


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


EDITOR = {"Cookie": "__ac=secret"}
TOKEN = {"Authorization": "Bearer good"}


class World:
    """A viewer, the edge and Plone."""

    def __init__(self, plone: FakePlone, url: str, template: Template) -> None:
        self.plone = plone
        self.clock = Clock()
        options = Options(api_rate=None)
        self.cloudfront = LocalCloudFront(
            url, options, clock=self.clock, template=template
        )

    def ask(self, wanted: Ask) -> Got:
        """Ask the edge; it asks the origin over HTTP."""
        named = {"Host": HOST, **wanted.headers}
        body = wanted.body.encode()
        answer = self.cloudfront.edge.answer(
            Request(wanted.method, wanted.path, tuple(named.items()), body)
        )
        headers = Message()
        for name, value in answer.headers:
            headers[name] = value
        raw = answer.body if wanted.method != "HEAD" else b""
        unpacked = raw
        if headers["Content-Encoding"] == "gzip" and raw:
            unpacked = gzip.decompress(raw)
        return Got(answer.status, unpacked.decode(), headers, raw)

    @property
    def last(self) -> Asked:
        """What Plone was asked last."""
        return self.plone.asked[-1]

    def invalidate(self, *items: str) -> None:
        """Invalidate items, and wait for it."""
        reference = f"r{len(self.cloudfront.control.invalidations())}"
        self.cloudfront.control.create_invalidation(
            DISTRIBUTION, reference, list(items)
        )
        self.clock.advance(1)
