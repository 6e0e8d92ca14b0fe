"""What services share: a body that is checked, and errors that are sentences."""

from collections.abc import Mapping
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox import OutboxUnavailable
from plone import api
from plone.restapi.deserializer import json_body
from plone.restapi.exceptions import DeserializationError
from plone.restapi.services import Service
from typing import Any
from zExceptions import Unauthorized
from zope.i18n import translate
from zope.i18nmessageid import Message


_TYPES = {
    bool: _("field_boolean", default="“${name}” must be true or false."),
    list: _("field_strings", default="“${name}” must be a list of strings."),
    str: _("field_string", default="“${name}” must be a string."),
}
#: An error's type, as plone.restapi writes it, by its status.
_KINDS = {
    400: "BadRequest",
    404: "NotFound",
    409: "Conflict",
    503: "ServiceUnavailable",
}


class Refusal(Exception):
    """The request cannot be done; ``details`` say more, by line."""

    def __init__(
        self,
        message: str,
        details: list[dict[str, Any]] | None = None,
        status: int = 400,
    ):
        super().__init__(message)
        self.message = message
        self.details = details or []
        self.status = status


class Action(Service):
    """Does something, or says why not."""

    #: What may be in a body, and of which type it is.
    fields: Mapping[str, type] = {}

    def __init__(self, context: Any, request: Any):
        self.context = context
        self.request = request

    def act(self) -> Any:
        """Do it. Raises a ``Refusal`` for what cannot be done."""
        raise NotImplementedError

    def reply(self) -> Any:
        """Do it, and answer."""
        try:
            return self.act()
        except Refusal as refusal:
            return self._error(refusal)
        except OutboxUnavailable as error:
            failed = _(
                "outbox_failed",
                default="The outbox cannot be used: ${error}",
                mapping={"error": self.text(sentence(error.message))},
            )
            return self._error(Refusal(failed, status=503))

    def body(self) -> dict[str, Any]:
        """Return what was sent, without what is null."""
        # Browsers send no such type to another site without asking it first
        kind = self.request.getHeader("Content-Type") or ""
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise Refusal(
                _(
                    "json_wanted",
                    default="Send JSON with the content type application/json.",
                )
            )
        try:
            body = json_body(self.request)
        except DeserializationError as error:
            raise Refusal(
                _("no_json_object", default="The body is not a JSON object.")
            ) from error
        unknown = ", ".join(sorted(body.keys() - self.fields.keys()))
        if unknown:
            raise Refusal(
                _(
                    "unknown_fields",
                    default="Unknown fields: ${names}.",
                    mapping={"names": unknown},
                )
            )
        given = {name: value for name, value in body.items() if value is not None}
        for name, value in given.items():
            self._require_type(name, value)
        return given

    def _require_type(self, name: str, value: Any) -> None:
        wanted = self.fields[name]
        if isinstance(value, wanted) and (
            wanted is not list or all(isinstance(each, str) for each in value)
        ):
            return
        raise Refusal(Message(_TYPES[wanted], mapping={"name": name}))

    def require(self, permission: str, obj: Any, sentence: str) -> None:
        """Raise ``Unauthorized`` with a sentence unless this person has a permission."""
        if not api.user.has_permission(permission, obj=obj):
            raise Unauthorized(self.text(sentence))

    def text(self, text: str) -> str:
        """Return a message id in the language of the request."""
        return translate(text, context=self.request)

    def _error(self, refusal: Refusal) -> dict[str, Any]:
        """Answer with what is wrong."""
        self.request.response.setStatus(refusal.status)
        error: dict[str, Any] = {
            "type": _KINDS[refusal.status],
            "message": self.text(refusal.message),
        }
        if refusal.details:
            error["details"] = refusal.details
        return {"error": error}
