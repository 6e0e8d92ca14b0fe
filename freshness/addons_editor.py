"""An editor who works with add-ons, and visitors who send forms."""

from collective.cloudfront.demo.instance import SITE_ID
from freshness.editor import Editor
from freshness.editor import NotPossible
from lxml.html import fromstring
from typing import Any

import json
import requests


_MODERATED = "plone.app.discussion.interfaces.IDiscussionSettings.moderation_enabled"


class AddOnEditor(Editor):
    """The manager of a site with add-ons."""

    def field(self, path: str, name: str) -> Any:
        """Return a field of content."""
        return self._call("GET", path).json()[name]

    # Forms of visitors, who are not logged in

    def submit_form(self, path: str, words: str) -> str:
        """Send an easyform as a visitor; return the page that thanks for it."""
        with requests.Session() as visitor:
            form = self._form(visitor, path, "easyformForm")
            values = {**dict(form.form_values()), "form.buttons.submit": "Submit"}
            values["form.widgets.line0"] = words
            return _ok(visitor.post(self.url + path, data=values)).text

    def comment_as_visitor(self, path: str, words: str) -> None:
        """Write a comment in the form on the page."""
        with requests.Session() as visitor:
            form = self._form(visitor, path, "commenting")
            values = {
                **{n: v for n, v in form.form_values() if "buttons" not in n},
                "form.widgets.text": words,
                "form.widgets.author_name": "A visitor",
                "form.buttons.comment": "Comment",
            }
            _ok(visitor.post(form.action, data=values))

    def _form(self, visitor: requests.Session, path: str, kind: str) -> Any:
        page = fromstring(_ok(visitor.get(self.url + path)).text)
        for form in page.forms:
            around = [form, *form.iterancestors()]
            if any(
                kind in str(each.get("class")) + str(each.get("id")) for each in around
            ):
                return form
        raise NotPossible(f"{path} has no form for {kind}")

    # Comments

    def comments(self, path: str) -> list[str]:
        """Return the ids of a page's comments."""
        items = self._call("GET", f"{path}/@comments").json()["items"]
        return [each["comment_id"] for each in items]

    def moderate(self, path: str, comment: str, view: str, **form: str) -> None:
        """Do something with a comment in Classic UI."""
        self.classic(f"{path}/++conversation++default/{comment}/@@{view}", **form)

    def moderate_comments(self, moderated: bool) -> None:
        """Have comments wait for a moderator, or not."""
        self.set_record(_MODERATED, moderated)

    # Export and import

    def export(self, path: str, portal_type: str) -> list[dict[str, Any]]:
        """Return what collective.exportimport exports."""
        answer = self._rest.post(
            f"{self.url}/@@export_content",
            data={
                "form.submitted": "1",
                "portal_type": portal_type,
                "path": f"/{SITE_ID}{path}",
                "depth:int": "-1",
                "include_blobs:int": "1",
            },
            headers={"Accept": "*/*"},
        )
        return _ok(answer).json()

    def import_content(self, items: list[dict[str, Any]], existing: int = 2) -> None:
        """Import content; 2 is over what is there, 0 what is not there."""
        self._import(
            "content",
            items,
            **{"form.submitted": "1", "handle_existing_content": str(existing)},
        )

    def import_other(self, what: str, data: Any) -> None:
        """Import what else there is besides content."""
        self._import(what, data)

    def _import(self, what: str, data: Any, **form: str) -> None:
        form |= {"jsonfile": json.dumps(data), "return_json": "1"}
        answer = self.classic(f"/@@import_{what}", **form)
        if '"state": "error"' in answer.text:
            raise NotPossible(f"Import: {answer.text[:300]}")

    # Others

    def cancel_check_out(self, working_copy: str) -> None:
        """Throw a working copy away."""
        self._call("DELETE", f"{working_copy}/@workingcopy")

    def unlink(self, path: str, language: str) -> None:
        """Separate content from one of its translations."""
        self._call("DELETE", f"{path}/@translations", {"language": language})

    def change_add_on(self, name: str, action: str) -> None:
        """Install or uninstall an add-on."""
        self._call("POST", f"/@addons/{name}/{action}")


def _ok(answer: requests.Response) -> requests.Response:
    if not answer.ok:
        raise NotPossible(f"{answer.url}: {answer.status_code} {answer.text[:300]}")
    return answer
