"""``POST @cloudfront/purge``: purge from a deployment script, or from Volto."""

from collections.abc import Callable
from collective.cloudfront.api.action import Action
from collective.cloudfront.api.action import Refusal
from collective.cloudfront.api.state import health_as_json
from collective.cloudfront.api.times import iso
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
from typing import Any


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


#: Seconds, for who is to send a request again.
RETRY_AFTER = 10


class Purge(Action):
    """Purges pages, an object with or without what is below it, or everything."""

    fields = _FIELDS

    def act(self) -> dict[str, Any]:
        """Purge, or say what is wrong."""
        try:
            return self._purge(self.body())
        except ImpossibleMoment as error:
            raise Refusal(
                _(
                    "at_out_of_range",
                    default="“at” must be in the future, and at most 366 days ahead.",
                )
            ) from error
        except NotPurging as error:
            raise Refusal(NOT_PURGING, status=409) from error
        except NothingToPurge as error:
            raise Refusal(NOTHING_TO_PURGE, status=409) from error

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
            raise self._outbox_fails(found.trouble)
        request = purge.send(current_user(), body.get("reason", ""), at)
        return {
            **_sent(request, purge.preview()),
            "health": health_as_json(found, self.text),
        }

    def _outbox_fails(self, trouble: OutboxMessage) -> Refusal:
        self.request.response.setHeader("Retry-After", str(RETRY_AFTER))
        return Refusal(
            _(
                "outbox_takes_nothing",
                default="Nothing was purged because the outbox cannot be used (${reason}). "
                "Send the request again later.",
                mapping={"reason": sentence(trouble)},
            ),
            status=503,
        )

    def _wanted(self, body: dict[str, Any]) -> Callable[[ManualPurge], None]:
        """Return what adds what is asked for, if this person may have it purged."""
        wanted = [name for name in ("all", "paths", "path") if body.get(name)]
        if len(wanted) != 1:
            raise Refusal(
                _(
                    "one_of",
                    default="Specify exactly one of “all”, “paths”, and “path”.",
                )
            )
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
                        "message": self.text(problem_sentence(line.problem)),
                    }
                    for line in bad
                ],
            )
        return items_of(lines)

    def _require(self, permission: str, obj: Any) -> None:
        self.require(
            permission,
            obj,
            _("purge_denied", default="You do not have permission to purge this."),
        )


def _moment(value: str) -> float | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        raise Refusal(
            _(
                "bad_at",
                default="“at” must be a date and time in ISO 8601 format, such as "
                "2026-11-21T22:00:00+00:00.",
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
