"""An editor with plone.restapi and the Classic UI, and a visitor at the edge."""

from collections.abc import Callable
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import USER
from lxml.html import fromstring
from typing import Any

import requests
import time


class Editor:
    """Somebody who works in Plone at ``url``."""

    def __init__(self, url: str, user: str = USER, password: str = PASSWORD):
        self.url = url
        self._rest = requests.Session()
        self._rest.auth = (user, password)
        self._rest.headers["Accept"] = "application/json"
        self._browser = requests.Session()
        self._user, self._password = user, password

    # plone.restapi

    def create(self, path: str, portal_type: str, **fields: Any) -> str:
        """Create content; return its path."""
        answer = self._call("POST", path, {"@type": portal_type, **fields})
        return answer.json()["@id"].removeprefix(self.url)

    def edit(self, path: str, **fields: Any) -> None:
        """Change fields of content."""
        self._call("PATCH", path, fields)

    def delete(self, path: str) -> None:
        """Delete content."""
        self._call("DELETE", path)

    def transition(self, path: str, name: str, **details: Any) -> None:
        """Let content go through a workflow transition."""
        self._call("POST", f"{path}/@workflow/{name}", details)

    def move(self, source: str, target: str) -> None:
        """Move content into another folder."""
        self._call("POST", f"{target}/@move", {"source": self.url + source})

    def link(self, path: str, translation: str) -> None:
        """Link content to its translation."""
        self._call("POST", f"{path}/@translations", {"id": self.url + translation})

    def install(self, add_on: str) -> None:
        """Install an add-on."""
        self._call("POST", f"/@addons/{add_on}/install")

    def import_profile(self, profile: str) -> None:
        """Import a caching profile."""
        self._call("POST", "/@cloudfront/set-up", {"profile": profile})

    def wait_until_sent(self) -> None:
        """Wait until nothing of this site's outbox is left to send."""
        eventually(self.has_sent_everything)

    def is_paused(self) -> bool:
        """Say whether purging is paused until settings change."""
        return bool(self._call("GET", "/@cloudfront").json()["paused"])

    def purge(self, *paths: str, reason: str = "") -> None:
        """Purge paths by hand."""
        body = {"paths": list(paths), "reason": reason}
        self._call("POST", "/@cloudfront/purge", body)

    def state(self) -> str:
        """Return the state of purging, as JSON."""
        return self._call("GET", "/@cloudfront").text

    def checks(self) -> list[dict[str, str]]:
        """Return what the checks have found."""
        return self._call("GET", "/@cloudfront/checks").json()["items"]

    def has_sent_everything(self) -> bool:
        """Say whether nothing waits in the outbox or in the memory of the process."""
        state = self._call("GET", "/@cloudfront").json()
        return not (state["pending"] or state["in_memory"])

    def set(self, **records: Any) -> None:
        """Change settings of ours."""
        changes = {f"collective.cloudfront.{k}": v for k, v in records.items()}
        self._call("PATCH", "/@registry", changes)

    def set_record(self, name: str, value: Any) -> None:
        """Change any registry record."""
        self._call("PATCH", "/@registry", {name: value})

    def view(self, path: str) -> requests.Response:
        """Call a view as the editor, whatever its answer."""
        return self._rest.get(self.url + path, headers={"Accept": "*/*"})

    def _call(self, method: str, path: str, data: Any = None) -> requests.Response:
        answer = self._rest.request(method, self.url + path, json=data)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    # Classic UI

    def log_in(self) -> None:
        """Log in through the login form."""
        page = self._browser.get(f"{self.url}/login")
        values = {
            **_form_values(page.text, "login"),
            "__ac_name": self._user,
            "__ac_password": self._password,
            "buttons.login": "Log in",
        }
        answer = self._browser.post(f"{self.url}/login", data=values)
        assert "__ac" in self._browser.cookies, answer.text[:500]

    def edit_in_form(self, path: str, **fields: str) -> requests.Response:
        """Edit content through the Classic edit form."""
        form = self._browser.get(f"{self.url}{path}/edit")
        assert form.ok, form.status_code
        answer = self._browser.post(
            f"{self.url}{path}/edit",
            files={
                name: (None, value)
                for name, value in {
                    **_form_values(form.text, "edit"),
                    **fields,
                    "form.buttons.save": "Save",
                }.items()
            },
        )
        assert answer.ok, answer.status_code
        return answer


class Viewer:
    """Somebody who visits the site at the edge, on ``host`` if one is given."""

    def __init__(self, url: str, host: str = ""):
        self.url = url
        self._session = requests.Session()
        if host:
            self._session.headers["Host"] = host

    def get(self, path: str, **headers: str) -> requests.Response:
        """Fetch a page, without following redirects."""
        return self._session.get(
            self.url + path, headers=headers, allow_redirects=False
        )

    def cache(self, path: str) -> str:
        """Fetch a page; return ``Hit`` or ``Miss``."""
        return self.get(path).headers["X-Cache"].split()[0]

    def warm(self, *paths: str) -> None:
        """Have pages cached, and make sure of it."""
        for path in paths:
            # An invalidation before may only be taking effect now.
            eventually(lambda: self.cache(path) == "Hit")  # noqa: B023


def eventually(condition: Callable[[], Any], seconds: float = 180.0) -> Any:
    """Return the first true result of ``condition``; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {condition}")


def _form_values(html: str, action: str) -> dict[str, str]:
    """Return what a browser would submit of a form, without its buttons."""
    form = next(
        form for form in fromstring(html).forms if action in (form.action or "")
    )
    return {name: value for name, value in form.form_values() if "buttons" not in name}
