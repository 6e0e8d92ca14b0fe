"""What the API port offers beyond CloudFront, below ``/_local/``, in JSON.

::

    GET  /_local/state           counters: billed items, calls, refusals, X-Cache
    GET  /_local/log             every API call; ?since=<number>: only the later ones
    GET  /_local/invalidations   every invalidation, with its present status
    GET  /_local/cache           what the edge has cached, by distribution
    GET  /_local/options         the options
    POST /_local/options         change some of them
    POST /_local/inject          inject a fault (the fields of ``Fault``)
    DELETE /_local/inject        remove all faults
    POST /_local/reset           return to the state after the start
"""

from collections.abc import Callable
from collective.cloudfront.local.control import ControlPlane
from collective.cloudfront.local.edge import Edge
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import plain_text
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

import json


PREFIX = "/_local/"


class Admin:
    """Answers requests below ``/_local/``."""

    def __init__(self, control: ControlPlane, edge: Edge) -> None:
        self._control = control
        self._edge = edge
        self._actions: dict[str, Callable[[Request], Any]] = {
            "GET state": self._state,
            "GET log": self._log,
            "GET invalidations": self._invalidations,
            "GET cache": self._cache,
            "GET options": self._options,
            "POST options": self._change_options,
            "POST inject": self._inject,
            "DELETE inject": self._clear_faults,
            "POST reset": self._reset,
        }

    def answer(self, request: Request) -> Response:
        """Answer a request. If it is wrong, the answer is a sentence that says why."""
        name = request.url.partition("?")[0].removeprefix(PREFIX)
        action = self._actions.get(f"{request.method} {name}")
        if action is None:
            choice = ", ".join(self._actions)
            return plain_text(404, "Not Found", f"Below {PREFIX} there is: {choice}.")
        if request.method == "POST" and not _is_json(request):
            # Without this any web page could send a form here.
            sentence = "Send JSON, with Content-Type: application/json."
            return plain_text(415, "Unsupported Media Type", sentence)
        try:
            result = action(request)
        except (TypeError, ValueError) as error:
            return plain_text(400, "Bad Request", str(error))
        body = json.dumps(result, indent=1).encode()
        return Response(200, "OK", (("Content-Type", "application/json"),), body)

    def _state(self, request: Request) -> Any:
        return {**self._control.state(), "edge": self._edge.state()}

    def _log(self, request: Request) -> Any:
        query = parse_qs(request.url.partition("?")[2])
        since = int(query.get("since", ["0"])[0])
        return {"log": [asdict(entry) for entry in self._control.log(since)]}

    def _invalidations(self, request: Request) -> Any:
        known = self._control.invalidations()
        return {"invalidations": [asdict(invalidation) for invalidation in known]}

    def _cache(self, request: Request) -> Any:
        names = self._control.options.distributions
        return {"cache": {name: self._edge.cache_of(name).describe() for name in names}}

    def _options(self, request: Request) -> Any:
        return self._control.options.as_json()

    def _change_options(self, request: Request) -> Any:
        return self._control.change_options(**_read_object(request)).as_json()

    def _inject(self, request: Request) -> Any:
        return asdict(self._control.inject(**_read_object(request)))

    def _clear_faults(self, request: Request) -> Any:
        self._control.clear_faults()
        return {}

    def _reset(self, request: Request) -> Any:
        self._control.reset()
        return {}


def _is_json(request: Request) -> bool:
    kind = header_value(request.headers, "Content-Type").partition(";")[0]
    return kind.strip().lower() == "application/json"


def _read_object(request: Request) -> dict[str, Any]:
    value = json.loads(request.body)
    if not isinstance(value, dict):
        raise ValueError("Send a JSON object.")
    return value
