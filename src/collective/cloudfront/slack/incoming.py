"""What Slack sends: a command, or a click on a button of ours. Pure.

It is read after its signature was checked, and nothing of it is trusted but that Slack sent
it: what people typed is text, and a URL is checked before anything is posted to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import json
import re


# Slack's ids of teams, channels and users
_ID = re.compile(r"[A-Z0-9]{1,32}\Z")
_NAME = re.compile(r"[^\w.-]+")
#: Characters. Slack's own limit of a message is far above.
_LONGEST_TEXT = 4000
_LONGEST_URL = 500
_LONGEST_NAME = 30


class Malformed(ValueError):
    """This is nothing that Slack sends."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A command with its ``text``, or a click on the button ``action`` with its ``value``.

    ``key`` is the same for each repetition of a request, and differs for all others.
    ``is_check``: Slack only tests whether somebody answers.
    """

    key: str
    team: str
    channel: str
    user: str
    user_name: str = ""
    text: str = ""
    response_url: str = ""
    action: str = ""
    value: str = ""
    is_check: bool = False


def read(body: bytes) -> Incoming:
    """Return what is in a body; raises ``Malformed``."""
    try:
        fields = parse_qs(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=100
        )
    except ValueError as error:
        raise Malformed("The body is no form.") from error
    form = {name: values[-1] for name, values in fields.items()}
    if form.get("ssl_check") == "1" and "command" not in form:
        return Incoming("", "", "", "", is_check=True)
    if "payload" in form:
        return _click(form["payload"], body)
    return _command(form, body)


def _command(form: Mapping[str, str], body: bytes) -> Incoming:
    if "command" not in form:
        raise Malformed("There is no command.")
    return Incoming(
        key=_key(form.get("team_id"), form.get("trigger_id"), body),
        team=_id(form.get("team_id")),
        channel=_id(form.get("channel_id")),
        user=_id(form.get("user_id")),
        user_name=_name(form.get("user_name")),
        text=form.get("text", "")[:_LONGEST_TEXT],
        response_url=form.get("response_url", "")[:_LONGEST_URL],
    )


def _click(text: str, body: bytes) -> Incoming:
    try:
        payload = json.loads(text)
        (action,) = payload["actions"]
        if payload["type"] != "block_actions":
            raise Malformed("This is no click on a button.")
        user, team = payload["user"], payload.get("team") or {}
        team_id = team.get("id") or user.get("team_id")
        return Incoming(
            key=_key(team_id, payload.get("trigger_id"), body),
            team=_id(team_id),
            channel=_id(payload["channel"]["id"]),
            user=_id(user["id"]),
            user_name=_name(user.get("username") or user.get("name")),
            response_url=str(payload.get("response_url", ""))[:_LONGEST_URL],
            action=str(action["action_id"]),
            value=str(action.get("value", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed("The payload makes no sense.") from error


def _key(team: Any, trigger: Any, body: bytes) -> str:
    # Repetitions have the trigger of the first
    what = f"{team} {trigger}".encode() if trigger else body
    return sha256(what).hexdigest()[:32]


def _id(value: Any) -> str:
    if not (isinstance(value, str) and _ID.match(value)):
        raise Malformed("An ID is missing.")
    return value


def _name(value: Any) -> str:
    return _NAME.sub("", value)[:_LONGEST_NAME] if isinstance(value, str) else ""
