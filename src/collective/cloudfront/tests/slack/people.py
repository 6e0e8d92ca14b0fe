"""What Slack sends: commands and clicks, signed as Slack signs them."""

from hashlib import sha256
from urllib.parse import urlencode

import hmac
import itertools
import json
import time


SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, CHANNEL = "T1DC2JH3J", "C8PSS9T3V"
#: A release manager, an editor who may purge pages, and somebody else.
MANAGER, EDITOR, OTHER = "U2CERLKJA", "U0EDITOR1", "U0OTHER01"
USERS = f"{MANAGER} status pages tags all\n{EDITOR}: status, pages"
RESPONSE_URL = f"https://hooks.slack.com/commands/{TEAM}/397700885554/96rGlfmi"

_numbers = itertools.count(1)


def trigger():
    """Return the trigger of a new command or click."""
    return f"{next(_numbers)}.47445629121.803a0bc887a14d10d2c447fce8b6703c"


def command_body(text, user=MANAGER, **changes):
    fields = {
        "token": "xyzz0WbapA4vBCDEFasx0q6G",
        "team_id": TEAM,
        "team_domain": "testteamnow",
        "channel_id": CHANNEL,
        "channel_name": "releases",
        "user_id": user,
        "user_name": "roadrunner",
        "command": "/cdn-purge",
        "text": text,
        "response_url": RESPONSE_URL,
        "trigger_id": trigger(),
        **changes,
    }
    return urlencode(fields).encode()


def click_body(question, action="cloudfront_all_yes", user=MANAGER, **changes):
    """Return the click on a button of a question, which is an answer as JSON."""
    buttons = [
        element
        for block in question["blocks"]
        for element in block.get("elements", ())
        if element["action_id"] == action
    ]
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": "roadrunner", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "testteamnow"},
        "channel": {"id": CHANNEL, "name": "releases"},
        "container": {"type": "message", "is_ephemeral": True},
        "trigger_id": trigger(),
        "response_url": f"https://hooks.slack.com/actions/{TEAM}/1/abc",
        "actions": [
            {"action_id": action, "type": "button", "value": buttons[0]["value"]}
        ],
        **changes,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body, secret=SECRET, at=None):
    """Return the headers of a body."""
    stamp = str(int(time.time() if at is None else at))
    text = f"v0:{stamp}:".encode() + body
    digest = hmac.new(secret.encode(), text, sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={digest}",
    }
