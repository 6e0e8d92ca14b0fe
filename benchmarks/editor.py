"""An editor's HTTP requests, over one connection that stays open."""

from base64 import b64encode
from collective.cloudfront.demo.instance import LOOPBACK
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.instance import USER
from typing import Any
from urllib.parse import urlencode

import http.client
import json


_AUTHORIZATION = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Editor:
    """Somebody who works in the Plone site at a port of this machine."""

    def __init__(self, port: int):
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=600)
        self._uids: dict[str, str] = {}
        self._token = ""

    # plone.restapi

    def patch_text(self, path: str, words: str) -> None:
        """Change the text of a page."""
        text = {"data": f"<p>{words}</p>", "content-type": "text/html"}
        self._rest("PATCH", path, {"text": text})

    def patch_title(self, path: str, title: str) -> None:
        """Change the title of content."""
        self._rest("PATCH", path, {"title": title})

    def transition(self, path: str, name: str) -> None:
        """Let a folder and all in it go through a transition, in one transaction."""
        self._rest("POST", f"{path}/@workflow/{name}", {"include_children": True})

    def uid(self, path: str) -> str:
        """Return the UID of content."""
        if path not in self._uids:
            self._uids[path] = json.loads(self._rest("GET", path))["UID"]
        return self._uids[path]

    def exists(self, path: str) -> bool:
        """Say whether there is a page or view at a path."""
        status, _body = self._ask("GET", path, None, {})
        return status == 200

    def _rest(self, method: str, path: str, data: Any = None) -> bytes:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        body = None if data is None else json.dumps(data).encode()
        return self._expect(method, path, body, headers)

    # Classic UI

    def form_of(self, path: str) -> dict[str, str]:
        """Open the edit form of a page, which locks it until it is submitted.

        Returns what a browser would submit.
        """
        return self._values(f"{path}/edit", "edit")

    def get_token(self) -> None:
        """Get the token that a browser has in its pages, for later requests."""
        self._token = self._values("/++add++Document", "++add++")["_authenticator"]

    def _values(self, path: str, action: str) -> dict[str, str]:
        from lxml.html import fromstring

        document = fromstring(self._expect("GET", path).decode())
        form = next(each for each in document.forms if action in (each.action or ""))
        return {
            name: value
            for name, value in form.form_values()
            if not name.startswith("form.buttons")
        }

    def submit(self, path: str, form: dict[str, str], words: str) -> None:
        """Save the form with another text."""
        text = {"form.widgets.IRichTextBehavior.text": f"<p>{words}</p>"}
        self._post(f"{path}/edit", {**form, **text, "form.buttons.save": "Save"})

    def view(self, path: str) -> None:
        """Look at a page."""
        self._expect("GET", path)

    def rename(self, uid: str, name: str) -> None:
        """Rename content in the site's root, as the folder contents' page does."""
        answer = self._post(
            "/@@fc-rename",
            {
                "UID_0": uid,
                "newid_0": name,
                "newtitle_0": "",
                "_authenticator": self._token,
            },
        )
        if json.loads(answer)["status"] != "success":
            raise RuntimeError(f"Renaming to {name} failed: {answer.decode()}")

    def _post(self, path: str, form: dict[str, str]) -> bytes:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._expect("POST", path, urlencode(form).encode(), headers)

    # HTTP

    def _expect(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        status, answer = self._ask(method, path, body, headers or {})
        # A form that is not valid is shown again with 200, a saved one redirects.
        wanted = (302,) if path.endswith("/edit") and body else (200, 204)
        if status not in wanted:
            start = answer[:500].decode(errors="replace")
            raise RuntimeError(f"{method} {path}: {status} {start}")
        return answer

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        self._connection.request(
            method,
            f"/{SITE_ID}{path}",
            body,
            {"Authorization": _AUTHORIZATION, **headers},
        )
        answer = self._connection.getresponse()
        return answer.status, answer.read()
