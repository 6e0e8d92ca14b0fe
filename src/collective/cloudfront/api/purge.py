"""``POST @cloudfront/purge``: purge from a deployment script, or from Volto."""

from collective.cloudfront.api.state import iso
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import PURGE_CONTENT
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.manual import ManualPurge
from collective.cloudfront.manual import NotPurging
from collective.cloudfront.manual import Preview
from collective.cloudfront.outbox.contract import Action
from collective.cloudfront.planning.lines import items_of
from collective.cloudfront.planning.lines import read_lines
from collective.cloudfront.sentences import problem_sentence
from collective.cloudfront.sentences import site_hosts
from datetime import datetime
from datetime import timezone
from plone import api
from plone.restapi.deserializer import json_body
from plone.restapi.services import Service
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zExceptions import Unauthorized
from zope.i18n import translate
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces import NotFound


_FIELDS = frozenset({"all", "paths", "path", "recursive", "at", "dry_run", "reason"})
_LONGEST_REASON = 200


class Refusal(Exception):
    """The request cannot be done; ``details`` say more, by line."""

    def __init__(self, message: str, details: list[dict[str, Any]] | None = None):
        super().__init__(message)
        self.message = message
        self.details = details or []


@implementer(IPublishTraverse)
class Purge(Service):
    """Purges pages, an object with or without what is below it, or everything."""

    name = ""

    def publishTraverse(self, request: Any, name: str) -> "Purge":
        """Take ``purge`` from the URL."""
        if self.name or name != "purge":
            raise NotFound(self.context, name, request)
        self.name = name
        return self

    def reply(self) -> dict[str, Any]:
        """Purge, or say what is wrong."""
        if not self.name:
            raise NotFound(self.context, "", self.request)
        try:
            return self._purge(self._body())
        except Refusal as refusal:
            return self._error(400, refusal.message, refusal.details)
        except NotPurging:
            return self._error(
                409,
                _("not_purging", default="This site does not purge from CloudFront."),
            )

    def _body(self) -> dict[str, Any]:
        # Browsers send no such type to another site without asking it first
        kind = self.request.getHeader("Content-Type") or ""
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise Refusal(_("json_wanted", default="Send JSON, with its Content-Type."))
        body = json_body(self.request)
        unknown = ", ".join(sorted(body.keys() - _FIELDS))
        if unknown:
            raise Refusal(
                _(
                    "unknown_fields",
                    default="These fields are not known: ${names}.",
                    mapping={"names": unknown},
                )
            )
        return body

    def _purge(self, body: dict[str, Any]) -> dict[str, Any]:
        purge = ManualPurge(self.context)
        self._add(purge, body)
        at = _moment(body.get("at"))
        if body.get("dry_run"):
            return _preview(purge.preview(), at)
        user = api.user.get_current().getId() or ""
        reason = str(body.get("reason") or "")[:_LONGEST_REASON]
        try:
            return _sent(purge.send(user, reason, at), purge.preview())
        except ValueError as error:
            raise Refusal(
                _(
                    "at_out_of_range",
                    default="“at” is over, or more than a year away.",
                )
            ) from error

    def _add(self, purge: ManualPurge, body: dict[str, Any]) -> None:
        wanted = [name for name in ("all", "paths", "path") if body.get(name)]
        if len(wanted) != 1:
            raise Refusal(_("one_of", default="Say one of “all”, “paths” and “path”."))
        if wanted == ["path"]:
            self._add_content(purge, body["path"], bool(body.get("recursive")))
            return
        self._require(PURGE_EVERYTHING, self.context)
        if wanted == ["all"]:
            purge.add_everything()
        else:
            purge.add_items(self._items(body["paths"]))

    def _add_content(self, purge: ManualPurge, path: Any, below: bool) -> None:
        inside = str(path).strip("/")
        obj = self.context.unrestrictedTraverse(inside, None) if inside else None
        if inside and not (IContentish.providedBy(obj) or ISiteRoot.providedBy(obj)):
            raise Refusal(
                _(
                    "no_content",
                    default="There is no content at ${path}.",
                    mapping={"path": str(path)},
                )
            )
        obj = obj if inside else self.context
        self._require(PURGE_CONTENT, obj)
        purge.add_content(obj, below)

    def _items(self, paths: Any) -> tuple[str, ...]:
        if not isinstance(paths, list) or not all(isinstance(p, str) for p in paths):
            raise Refusal(_("paths_list", default="“paths” is a list of strings."))
        lines = [
            line
            for number, path in enumerate(paths, start=1)
            for line in read_lines(path.replace("\n", " "), site_hosts(self.context))
        ]
        bad = [line for line in lines if line.problem]
        if bad:
            raise Refusal(
                _("bad_paths", default="Some of the paths cannot be purged."),
                [
                    {
                        "path": line.text,
                        "message": self._text(problem_sentence(line.problem)),
                    }
                    for line in bad
                ],
            )
        return items_of(lines)

    def _require(self, permission: str, obj: Any) -> None:
        if not api.user.has_permission(permission, obj=obj):
            raise Unauthorized(
                self._text(_("purge_denied", default="You may not purge this."))
            )

    def _error(
        self, status: int, message: str, details: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        self.request.response.setStatus(status)
        kind = "BadRequest" if status == 400 else "Conflict"
        error = {"type": kind, "message": self._text(message)}
        return {"error": {**error, "details": details} if details else error}

    def _text(self, text: str) -> str:
        return translate(text, context=self.request)


def _moment(value: Any) -> float | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError as error:
        raise Refusal(
            _(
                "bad_at",
                default="“at” is a moment such as 2026-11-21T22:00:00+00:00.",
            )
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def _preview(preview: Preview, at: float | None) -> dict[str, Any]:
    return {
        "dry_run": True,
        "items": list(preview.items),
        "distributions": list(preview.distributions),
        "billed": preview.billed,
        "at": iso(at),
    }


def _sent(action: Action, preview: Preview) -> dict[str, Any]:
    return {**_preview(preview, action.due), "dry_run": False, "id": action.id}
