"""The main job, performed once and printed line by line."""

from base64 import b64encode
from collections.abc import Callable
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import USER
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.values import Settled
from datetime import datetime
from typing import Any
from urllib.parse import quote

import json
import time
import urllib.request


#: Seconds to wait for a step; it takes two or three.
PATIENCE = 30.0

_PAGE = "/welcome"


class NotFresh(Exception):
    """The edge did not show what the editor wrote; the message says at which step."""


class Scenario:
    """Edits a page in Plone and watches it through the edge."""

    def __init__(
        self,
        instance: Instance,
        cloudfront: LocalCloudFront,
        report: Callable[[str], None],
    ):
        self.instance = instance
        self.cloudfront = cloudfront
        self.report = report
        self.outbox = open_outbox(f"sqlite:///{quote(str(instance.outbox))}")

    def perform(self) -> None:
        """Perform it; raise ``NotFresh`` if the edge keeps the old text."""
        self._fetch_until_hit()
        earlier = self._references()
        text = f"Edited at {datetime.now():%H:%M:%S.%f}."
        self._edit(text)
        settled = self._wait_for_invalidation(earlier)
        self.report(
            f"outbox  {settled.invalidation} accepted by {settled.distribution}, "
            f"{1000 * (settled.accepted - settled.since):.0f} ms after the commit"
        )
        for item in settled.items:
            self.report(f"        item {item}")
        self._wait_for_text(text)

    def _fetch_until_hit(self) -> None:
        for _attempt in range(3):
            cache, _text = self._fetch()
            self.report(f"edge    GET {_PAGE}: {cache}")
            if cache.startswith("Hit"):
                return
        raise NotFresh("The edge does not cache the page.")

    def _fetch(self) -> tuple[str, str]:
        with urllib.request.urlopen(self.cloudfront.edge_url + _PAGE) as answer:
            return answer.headers["X-Cache"], answer.read().decode()

    def _edit(self, text: str) -> None:
        started = time.monotonic()
        request = urllib.request.Request(
            self.instance.site_url + _PAGE,
            method="PATCH",
            data=json.dumps(
                {"text": {"data": f"<p>{text}</p>", "content-type": "text/html"}}
            ).encode(),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Authorization": "Basic "
                + b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
            },
        )
        with urllib.request.urlopen(request):
            took = 1000 * (time.monotonic() - started)
        self.report(f"plone   an editor saves {_PAGE} ({took:.0f} ms): {text}")

    def _references(self) -> set[str]:
        return {settled.reference for settled in self.outbox.history(1000)}

    def _wait_for_invalidation(self, earlier: set[str]) -> Settled:
        def look() -> Settled | None:
            for settled in self.outbox.history(10):
                if settled.reference not in earlier:
                    return settled
            return None

        return _wait(look, "No invalidation was accepted")

    def _wait_for_text(self, text: str) -> None:
        def look() -> str | None:
            cache, page = self._fetch()
            return cache if text in page else None

        cache = _wait(look, "The edge still shows the old text")
        self.report(f"edge    GET {_PAGE}: {cache}, and it shows: {text}")


def _wait(look: Callable[[], Any], complaint: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise NotFresh(f"{complaint} after {PATIENCE:.0f} s.")
