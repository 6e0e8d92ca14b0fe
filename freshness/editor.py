"""What editors do, over plone.restapi, in Classic UI forms and in the ZMI."""

from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.tests.http.people import Editor as BaseEditor
from contextlib import AbstractContextManager
from freshness.crawler import Content
from io import BytesIO
from lxml.html import fromstring
from typing import Any
from zipfile import ZipFile

import itertools
import requests


_ANY = {"Accept": "*/*"}


def _slate(words: str) -> list[dict]:
    return [{"type": "p", "children": [{"text": words}]}]


class NotPossible(Exception):
    """The site does not allow it in its present state."""


class Editor(BaseEditor):
    """The manager of the site."""

    #: What is new is numbered; a walk says where each of its editors goes on.
    numbers: Iterator[int] = itertools.count(1)
    #: Has a visitor wait for a slow page while something is done; the world sets it.
    while_visitor_waits: Callable[[str], AbstractContextManager[None]]

    def new_number(self) -> int:
        """Return a number that was not there before."""
        return next(self.numbers)

    def new_words(self, words: str) -> str:
        """Return words that were not there before."""
        return f"{words} {self.new_number()}"

    def new_name(self, name: str) -> str:
        """Return an id that was not there before."""
        return self.new_words(name).replace(" ", "-")

    def contents(self) -> list[Content]:
        """Return all content, by path."""
        answer = self._call(
            "GET",
            "/@search?b_size=2000&metadata_fields=portal_type"
            "&metadata_fields=review_state&metadata_fields=getPath",
        )
        found = [
            Content(
                each["@id"].removeprefix(self.url),
                each["portal_type"] or each["@type"],
                each["review_state"] or "",
            )
            for each in answer.json()["items"]
            if each["@type"] not in ("Discussion Item", "Plone Site")
        ]
        return sorted(found, key=lambda content: content.path)

    def in_memory(self) -> int:
        """Return how many items are not in the outbox yet."""
        return self._call("GET", "/@cloudfront").json()["in_memory"]

    def _call(self, method: str, path: str, data: Any = None) -> requests.Response:
        answer = self._rest.request(method, self.url + path, json=data)
        if not answer.ok:
            raise NotPossible(
                f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            )
        return answer

    # plone.restapi

    def edit_text(self, path: str, words: str) -> None:
        """Change the text of a page, and its blocks, where pages are made of blocks."""
        block = {"@type": "slate", "plaintext": words, "value": _slate(words)}
        self.edit(
            path,
            text={"data": f"<p>{words}</p>", "content-type": "text/html"},
            blocks={"only": block},
            blocks_layout={"items": ["only"]},
        )

    def replace_file(self, path: str, field: str, data: bytes, name: str) -> None:
        """Upload another image or file."""
        upload = {"data": b64encode(data).decode(), "encoding": "base64"}
        kind = "image/png" if field == "image" else "text/plain"
        self.edit(path, **{field: {**upload, "filename": name, "content-type": kind}})

    def copy(self, source: str, target: str) -> None:
        """Copy content into a folder."""
        self._call("POST", f"{target}/@copy", {"source": self.url + source})

    def share(self, path: str, roles: dict[str, bool], user: str) -> None:
        """Give somebody local roles."""
        entry = {"id": user, "type": "user", "roles": roles}
        kind = "group" if user == "AuthenticatedUsers" else "user"
        self._call("POST", f"{path}/@sharing", {"entries": [{**entry, "type": kind}]})

    def uid(self, path: str) -> str:
        """Return the UID of content."""
        return self._call("GET", path).json()["UID"]

    def rename_author(self, user: str, name: str) -> None:
        """Give somebody a full name; make them if need be."""
        if not self._rest.get(f"{self.url}/@users/{user}").ok:
            mail = f"{user}@example.org"
            new = {"username": user, "email": mail, "password": f"{user}-{user}"}
            self._call("POST", "/@users", new)
        self._call("PATCH", f"/@users/{user}", {"fullname": name})

    def comment(self, path: str, words: str) -> None:
        """Add a comment."""
        self._call("POST", f"{path}/@comments", {"text": words})

    def check_out(self, path: str) -> str:
        """Make a working copy; return its path."""
        answer = self._call("POST", f"{path}/@workingcopy")
        return answer.json()["@id"].removeprefix(self.url)

    def check_in(self, working_copy: str) -> None:
        """Put a working copy in the place of the original."""
        self._call("PATCH", f"{working_copy}/@workingcopy", {})

    # Classic UI and ZMI, with the token of a form

    def edit_in_form(self, path: str, **fields: str) -> requests.Response:
        """Edit content through the Classic edit form."""
        try:
            return super().edit_in_form(path, **fields)
        except AssertionError as error:
            raise NotPossible(f"The form of {path}: {error}") from error

    def classic(self, path: str, **form: Any) -> requests.Response:
        """Post a Classic UI or ZMI form."""
        answer = self._rest.post(
            self.url + path,
            data={"_authenticator": self._token(), **form},
            headers=_ANY,
            allow_redirects=False,
        )
        if answer.status_code >= 400:
            raise NotPossible(f"POST {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def _token(self) -> str:
        page = self.view("/++add++Document").text
        return fromstring(page).xpath("//input[@name='_authenticator']/@value")[0]

    def rename(self, path: str, name: str) -> None:
        """Rename content as the folder contents page does."""
        answer = self.classic(
            "/@@fc-rename", UID_0=self.uid(path), newid_0=name, newtitle_0=f"Now {name}"
        ).json()
        if answer["status"] != "success":
            raise NotPossible(f"Renaming {path} to {name}: {answer}")

    def upload_theme(self, name: str, files: dict[str, str]) -> None:
        """Upload a theme in the Theming control panel, in the place of what it was."""
        packed = BytesIO()
        with ZipFile(packed, "w") as archive:
            archive.writestr(f"{name}/manifest.cfg", f"[theme]\ntitle = {name}\n")
            for path, text in files.items():
                archive.writestr(f"{name}/{path}", text)
        answer = self._rest.post(
            f"{self.url}/@@theming-controlpanel",
            data={
                "_authenticator": self._token(),
                "form.button.Import": "Upload",
                "replaceExisting": "yes",
            },
            files={"themeArchive": (f"{name}.zip", packed.getvalue())},
            headers=_ANY,
            allow_redirects=False,
        )
        if answer.status_code != 302:
            raise NotPossible(f"Theme: {answer.status_code} {_message(answer.text)}")

    def undo_last(self) -> None:
        """Undo the last transaction in the ZMI."""
        token = self._token()
        page = self._rest.get(f"{self._database}/manage_UndoForm", headers=_ANY).text
        known = fromstring(page).xpath("//input[@name='transaction_info:list']/@value")
        answer = self._rest.post(
            f"{self._database}/manage_undo_transactions",
            data={"_authenticator": token, "transaction_info:list": known[0]},
            headers=_ANY,
            allow_redirects=False,
        )
        # A conflict with what came later is told on the form, which is shown again.
        if answer.status_code != 302:
            raise NotPossible(f"Undo: {answer.status_code} {_message(answer.text)}")

    @property
    def _database(self) -> str:
        return f"{self.url.rpartition('/')[0]}/Control_Panel/Database/main"

    def set_in_site_panel(self, **values: Any) -> None:
        """Change settings in the Site control panel."""
        self._call("PATCH", "/@controlpanels/site", values)

    def inherit_roles(self, path: str, inherit: bool) -> None:
        """Inherit local roles, or do not."""
        self._call("POST", f"{path}/@sharing", {"inherit": inherit})

    def set_default_page(self, folder: str, name: str) -> None:
        """Choose a default page, in the Classic menu."""
        self.classic(
            f"{folder}/@@select_default_page",
            **{"objectId": name, "form.buttons.Save": "Save"},
        )

    def set_layout(self, folder: str, name: str) -> None:
        """Choose a view, in the Classic menu."""
        self.classic(f"{folder}/selectViewTemplate", templateId=name)


def _message(page: str) -> str:
    found = fromstring(page).xpath("//*[contains(@class, 'alert')]")
    return " ".join(found[0].text_content().split()) if found else page[:300]
