"""Posts an alert to a webhook. What it raises never names the URL, which is a secret."""

from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import build_opener
from urllib.request import HTTPRedirectHandler
from urllib.request import Request

import json


#: Seconds of silence after which a webhook has failed.
TIMEOUT = 10.0
#: Slack's own webhooks take a text, in which three characters have a meaning, and no
#: other values ("Formatting text for app surfaces").
_SLACK = "hooks.slack.com"
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class NotDelivered(Exception):
    """An alert was not delivered; the text says why, without secrets."""


class _NoRedirects(HTTPRedirectHandler):
    """Whoever is led elsewhere would post a secret there, or to a page within."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        """Follow none: the redirect is an error."""


def post(url: str, payload: Mapping[str, Any]) -> None:
    """Post ``payload``, which has a ``text``; raises ``NotDelivered``."""
    post_json(url, _body(url, payload))


def post_json(url: str, payload: Mapping[str, Any], timeout: float = TIMEOUT) -> None:
    """Post something as it is; raises ``NotDelivered``."""
    request = Request(
        url,
        json.dumps(payload).encode(),
        {"Content-Type": "application/json", "User-Agent": "collective.cloudfront"},
    )
    try:
        with build_opener(_NoRedirects).open(request, timeout=timeout) as answer:
            answer.read(1000)
    except HTTPError as error:
        error.close()
        raise NotDelivered(f"HTTP {error.code}") from None
    except URLError as error:
        raise NotDelivered(_reason(error.reason)) from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotDelivered(_reason(error)) from None


def _body(url: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    if urlsplit(url).hostname == _SLACK:
        return {"text": payload["text"].translate(_ESCAPED)}
    return payload


def _reason(error: Any) -> str:
    """Return the kind of an error, and what the machine says of it; errors of values may
    repeat the URL.
    """
    said = getattr(error, "strerror", None) or getattr(error, "reason", None)
    name = type(error).__name__
    return f"{name}: {said}" if isinstance(said, str) else name
