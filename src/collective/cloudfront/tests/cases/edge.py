"""An edge that keeps what visitors got, and finds what a change has left there.

The property: what a visitor would get differently now was purged, and what visitors may
no longer see was purged urgently.
"""

from Acquisition import aq_chain
from collections.abc import Iterable
from collective.cloudfront.changes.unannounced import on_commit
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.process import this_process
from collective.cloudfront.tagging.header import may_be_shared
from contextlib import contextmanager
from dataclasses import dataclass
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from typing import Any
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.globalrequest import setRequest
from ZPublisher.pubevents import PubBeforeCommit

import gzip
import re
import transaction


#: What differs from one answer to the next although nothing changed.
_VARYING = (
    (re.compile(rb'(_authenticator"?( value)?=)"?[0-9a-f]+'), rb"\1"),
    (re.compile(rb"(came_from=)[^\"&]+"), rb"\1"),
)


@dataclass(frozen=True)
class Answer:
    """What a visitor got."""

    status: int
    location: str
    body: bytes
    tags: frozenset[str]
    #: CloudFront may keep it
    kept: bool

    @property
    def shown(self) -> tuple[int, str, bytes]:
        """What a visitor sees of it."""
        return self.status, self.location, self.body


class Edge:
    """Keeps the answers at some URLs of a site. By tags, or by paths."""

    def __init__(self, app: Any, site: Any, request: Any, monkeypatch: Any):
        self._app, self.base = app, site.absolute_url()
        self._site, self._request = site, request
        self.sent_to(site)
        self.kept: dict[str, Answer] = {}
        self.entries: list[Entry] = []
        intake = this_process().intake
        release = intake.release

        def releasing(token: str, entries: Iterable[Entry], *args: Any) -> None:
            entries = list(entries)
            self.entries += entries
            release(token, entries, *args)

        monkeypatch.setattr(intake, "release", releasing)

    def get(self, url: str) -> Answer:
        """Return what a visitor gets now."""
        visitor = Browser(self._app)
        visitor.handleErrors, visitor.raiseHttpErrors = True, False
        visitor.followRedirects = False
        path, _, kind = url.partition(" ")
        if kind:
            visitor.addHeader("Accept", kind)
        visitor.open(self.base + path)
        headers, body = visitor.headers, visitor._response.body
        if body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        for pattern, replacement in _VARYING:
            body = pattern.sub(replacement, body)
        status = int(headers["Status"].split()[0])
        tags = frozenset(filter(None, (headers.get("Cache-Tag") or "").split(",")))
        location = headers.get("Location") or ""
        kept = may_be_shared(status, headers.get("Cache-Control"))
        return Answer(status, location, body, tags, kept)

    def visit(self, *urls: str) -> None:
        """Have visitors ask for these URLs."""
        for url in urls:
            answer = self.get(url)
            if answer.kept:
                self.kept[url] = answer

    @property
    def items(self) -> set[str]:
        """What the last change purged, now or one day."""
        return {entry.item for entry in self.entries if entry.item}

    def go_by_path(self) -> None:
        """From now on changes are purged by path."""
        getUtility(IRegistry)["collective.cloudfront.cache_tags"] = "off"
        transaction.commit()

    def sent_to(self, obj: Any, method: str = "POST") -> None:
        """The next change is made by a request to ``obj``, or at the site."""
        self._to, self._method = obj, method

    def post(self, path: str) -> None:
        """Have a visitor send something."""
        Browser(self._app).post(self.base + path, "")

    @contextmanager
    def change(self, at_root: bool = False) -> Any:
        """What is done within is committed like a request; what it purged is noted.

        ``at_root``: no site is current.
        """
        self.entries.clear()
        request, to = self._request, self._to
        setSite(None if at_root else self._site)
        setRequest(request)
        yield
        request["PARENTS"] = [each for each in aq_chain(to) if hasattr(each, "getId")]
        request.environ["REQUEST_METHOD"] = self._method
        request.set("REQUEST_METHOD", self._method)
        on_commit(PubBeforeCommit(request))
        transaction.commit()
        setSite(self._site)

    def wrong(self) -> dict[str, str]:
        """Return at which URLs the last change left something, and what."""
        transaction.begin()
        found = {}
        now = [entry for entry in self.entries if entry.item and not entry.due]
        for url, old in list(self.kept.items()):
            new = self.get(url)
            by = [entry for entry in now if _removes(entry.item, url, old)]
            if by:
                del self.kept[url]
            if new.shown == old.shown:
                continue
            if not by:
                found[url] = f"stale: {_difference(old, new)}"
            elif _went(old, new) and not any(entry.urgent for entry in by):
                found[url] = "not urgent"
        return found


def _removes(item: str, url: str, answer: Answer) -> bool:
    if item.startswith("#"):
        return item[1:] in answer.tags
    return reaches(item, url.partition(" ")[0] or "/")


def _went(old: Answer, new: Answer) -> bool:
    """Say whether visitors saw it, and may not any more."""
    if old.status != 200:
        return False
    return new.status in (401, 403, 404) or "require_login" in new.location


def _difference(old: Answer, new: Answer) -> str:
    if (old.status, old.location) != (new.status, new.location):
        return f"{old.status} {old.location} is {new.status} {new.location} by now"
    lines = zip(old.body.split(b"\n"), new.body.split(b"\n"), strict=False)
    for mine, others in lines:
        if mine != others:
            return f"{mine[:300]!r} is {others[:300]!r} by now"
    return f"{len(old.body)} bytes are {len(new.body)} by now"
