"""A client of the REST API, through Zope's publisher."""

from collections.abc import Callable
from dataclasses import dataclass
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.testing.zope import Browser
from typing import Any

import json
import pytest
import transaction


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, and what its JSON says."""

    status: int
    json: Any


class Client:
    """Somebody who speaks JSON."""

    def __init__(self, app: Any, site: Any, name: str, password: str):
        self._app, self._url = app, site.absolute_url()
        self._headers = {"Accept": "application/json"}
        if name:
            self._headers["Authorization"] = f"Basic {name}:{password}"

    def get(self, path: str) -> Reply:
        """Ask for ``path`` below the site."""
        browser = self._browser()
        browser.open(f"{self._url}/{path}")
        return self._reply(browser)

    def get_bytes(self, path: str) -> bytes:
        """Return what is at ``path``, as it is sent."""
        answer = self._browser().testapp.get(
            f"{self._url}/{path}", headers=self._headers
        )
        return answer.body

    def post(self, path: str, /, kind: str = "application/json", **body: Any) -> Reply:
        """Send JSON to ``path``."""
        return self.post_text(path, json.dumps(body), kind)

    def post_text(self, path: str, text: str, kind: str = "application/json") -> Reply:
        """Send what may be no JSON to ``path``."""
        browser = self._browser()
        browser.post(f"{self._url}/{path}", text, kind)
        return self._reply(browser)

    def patch(self, path: str, /, **body: Any) -> Reply:
        """Send JSON to ``path``, to change what is there."""
        return self.patch_bytes(path, json.dumps(body).encode())

    def patch_bytes(self, path: str, body: bytes) -> Reply:
        """Send what may be no JSON to ``path``."""
        answer = self._browser().testapp.patch(
            f"{self._url}/{path}",
            body,
            headers={**self._headers, "Content-Type": "application/json"},
            expect_errors=True,
        )
        return Reply(answer.status_int, answer.json if answer.body else None)

    def delete(self, path: str) -> Reply:
        """Delete what is at ``path``."""
        answer = self._browser().testapp.delete(
            f"{self._url}/{path}", headers=self._headers, expect_errors=True
        )
        return Reply(answer.status_int, answer.json if answer.body else None)

    def _browser(self) -> Browser:
        browser = Browser(self._app)
        browser.raiseHttpErrors = False
        for name, value in self._headers.items():
            browser.addHeader(name, value)
        return browser

    def _reply(self, browser: Browser) -> Reply:
        contents = browser.contents
        status = int(browser.headers["Status"].split()[0])
        return Reply(status, json.loads(contents) if contents else None)


@pytest.fixture
def site(functional_portal, process):
    """A site that purges, with nothing waiting."""
    # As plone.restapi's profile does
    functional_portal.manage_permission(
        "plone.restapi: Use REST API", ["Anonymous"], acquire=1
    )
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    return functional_portal


@pytest.fixture
def client(functional, site) -> Callable[..., Client]:
    """Make clients: ``client()`` is the owner of the site."""

    def make(
        name: str = SITE_OWNER_NAME, password: str = SITE_OWNER_PASSWORD
    ) -> Client:
        return Client(functional["app"], site, name, password)

    return make
