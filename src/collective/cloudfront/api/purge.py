"""``POST @cloudfront/purge``: purge from a deployment script, or from Volto."""

from collections.abc import Callable
from collective.cloudfront.api.state import health_as_json
from collective.cloudfront.api.state import iso
from collective.cloudfront.changes.causes import current_user
from collective.cloudfront.controlpanel.health import health_of_click
from collective.cloudfront.controlpanel.health import OF_THE_OUTBOX
from collective.cloudfront.controlpanel.sentences import known_hosts
from collective.cloudfront.controlpanel.sentences import NOT_PURGING
from collective.cloudfront.controlpanel.sentences import NOTHING_TO_PURGE
from collective.cloudfront.controlpanel.sentences import problem_sentence
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import PURGE_CONTENT
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.manual.lines import items_of
from collective.cloudfront.manual.lines import read_paths
from collective.cloudfront.manual.purge import content_at
from collective.cloudfront.manual.purge import ImpossibleMoment
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.manual.purge import NothingToPurge
from collective.cloudfront.manual.purge import NotPurging
from collective.cloudfront.manual.purge import Preview
from collective.cloudfront.manual.purge import require_possible
from collective.cloudfront.outbox.messages import Message as OutboxMessage
from collective.cloudfront.outbox.values import PurgeRequest
from datetime import datetime
from datetime import timezone
from plone import api
from plone.restapi.deserializer import json_body
from plone.restapi.exceptions import DeserializationError
from plone.restapi.services import Service
from typing import Any
from zExceptions import Unauthorized
from zope.i18n import translate
from zope.i18nmessageid import Message
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces import NotFound


#: What may be in a body, and of which type it is.
_FIELDS = {
    "all": bool,
    "paths": list,
    "path": str,
    "recursive": bool,
    "reason": str,
    "at": str,
    "dry_run": bool,
}
_TYPES = {
    bool: _("field_boolean", default="“${name}” is true or false."),
    list: _("field_strings", default="“${name}” is a list of strings."),
    str: _("field_string", default="“${name}” is a string."),
}


_KINDS = {400: "BadRequest", 409: "Conflict", 503: "ServiceUnavailable"}
#: Seconds, for who is to send a request again.
RETRY_AFTER = 10


class OutboxFails(Exception):
    """The outbox takes nothing now; ``trouble`` says why."""

    def __init__(self, trouble: OutboxMessage):
        super().__init__(str(trouble))
        self.trouble = trouble


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
        except ImpossibleMoment:
            return self._error(
                400,
                _(
                    "at_out_of_range",
                    default="“at” is over, or more than a year away.",
                ),
            )
        except NotPurging:
            return self._error(409, NOT_PURGING)
        except NothingToPurge:
            return self._error(409, NOTHING_TO_PURGE)
        except OutboxFails as error:
            self.request.response.setHeader("Retry-After", str(RETRY_AFTER))
            return self._error(
                503,
                _(
                    "outbox_takes_nothing",
                    default="Nothing is purged: the outbox cannot be used "
                    "(${reason}). Send the request again when it can.",
                    mapping={"reason": sentence(error.trouble)},
                ),
            )

    def _body(self) -> dict[str, Any]:
        # Browsers send no such type to another site without asking it first
        kind = self.request.getHeader("Content-Type") or ""
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise Refusal(_("json_wanted", default="Send JSON, with its Content-Type."))
        try:
            body = json_body(self.request)
        except DeserializationError as error:
            raise Refusal(
                _("no_json_object", default="The body is no JSON object.")
            ) from error
        unknown = ", ".join(sorted(body.keys() - _FIELDS.keys()))
        if unknown:
            raise Refusal(
                _(
                    "unknown_fields",
                    default="These fields are not known: ${names}.",
                    mapping={"names": unknown},
                )
            )
        given = {name: value for name, value in body.items() if value is not None}
        for name, value in given.items():
            _require_type(name, value)
        return given

    def _purge(self, body: dict[str, Any]) -> dict[str, Any]:
        add = self._wanted(body)
        at = _moment(body.get("at", ""))
        require_possible(at)
        purge = ManualPurge(self.context)
        add(purge)
        if body.get("dry_run"):
            return _preview(purge.preview(), at)
        found = health_of_click()
        if found.code in OF_THE_OUTBOX:
            raise OutboxFails(found.trouble)
        request = purge.send(current_user(), body.get("reason", ""), at)
        return {
            **_sent(request, purge.preview()),
            "health": health_as_json(found, self._text),
        }

    def _wanted(self, body: dict[str, Any]) -> Callable[[ManualPurge], None]:
        """Return what adds what is asked for, if this person may have it purged."""
        wanted = [name for name in ("all", "paths", "path") if body.get(name)]
        if len(wanted) != 1:
            raise Refusal(_("one_of", default="Say one of “all”, “paths” and “path”."))
        if "path" in wanted:
            obj, below = self._content(body["path"]), body.get("recursive", False)
            return lambda purge: purge.add_content(obj, below)
        self._require(PURGE_EVERYTHING, self.context)
        if "all" in wanted:
            return ManualPurge.add_everything
        items = self._items(body["paths"])
        return lambda purge: purge.add_items(items)

    def _content(self, path: str) -> Any:
        obj, nearest = content_at(self.context, path)
        # Also where there is none: who may not purge learns nothing of what there is
        self._require(PURGE_CONTENT, nearest)
        if obj is None:
            raise Refusal(
                _(
                    "no_content",
                    default="There is no content at ${path}.",
                    mapping={"path": path},
                )
            )
        return obj

    def _items(self, paths: list[str]) -> tuple[str, ...]:
        lines = read_paths(paths, known_hosts(self.context))
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
        error = {"type": _KINDS[status], "message": self._text(message)}
        return {"error": {**error, "details": details} if details else error}

    def _text(self, text: str) -> str:
        return translate(text, context=self.request)


def _require_type(name: str, value: Any) -> None:
    wanted = _FIELDS[name]
    if isinstance(value, wanted) and (
        wanted is not list or all(isinstance(each, str) for each in value)
    ):
        return
    raise Refusal(Message(_TYPES[wanted], mapping={"name": name}))


def _moment(value: str) -> float | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
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


def _sent(purge_request: PurgeRequest, preview: Preview) -> dict[str, Any]:
    return {
        **_preview(preview, purge_request.due),
        "dry_run": False,
        "id": purge_request.id,
    }
