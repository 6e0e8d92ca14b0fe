"""What all processes of a site remember of Slack: in the outbox, changed as one.

``seen`` has the keys of what was purged, so that it is purged once; ``answers`` has what is
to be posted to Slack, and when, or after what.
"""

from collections.abc import Callable
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.messages import message
from typing import Any
from typing import TypeVar

import random
import time


Result = TypeVar("Result")

#: The name of the run.
RUN = "slack"
#: A signature is valid for five minutes, and Slack repeats for an hour at most (seconds).
SEEN_FOR = 7200.0
#: So many keys, and so many answers, are remembered.
MOST = 500
_CLAIM_SECONDS = 10.0
#: Others change it for milliseconds.
_TRIES = 40


class Shelf:
    """Reads and changes it. All methods raise ``OutboxUnavailable``."""

    def __init__(self, outbox: Outbox, clock: Callable[[], float] = time.time):
        """``clock`` returns Unix seconds."""
        self._outbox = outbox
        self._clock = clock

    def is_first(self, key: str) -> bool:
        """Say whether a key is new, and remember it."""

        def look(seen: dict[str, Any], answers: dict[str, Any]) -> bool:
            is_new = key not in seen
            seen[key] = self._clock()
            return is_new

        return self._change(look)

    def forget(self, key: str) -> None:
        """Forget a key: what it stands for was not purged."""
        self._change(lambda seen, answers: seen.pop(key, None))

    def answers(self) -> dict[str, Any]:
        """Return what is to be posted."""
        return _part(self._outbox.run(RUN), "answers")

    def add(self, name: str, answer: dict[str, Any]) -> None:
        """Add something to be posted."""

        def put(seen: dict[str, Any], answers: dict[str, Any]) -> None:
            answers[name] = answer

        self._change(put)

    def take(self, name: str, seconds: float) -> dict[str, Any] | None:
        """Return something to be posted, which nobody else gets for so many seconds; None
        if somebody has it.
        """

        def hold(seen: dict[str, Any], answers: dict[str, Any]) -> Any:
            found, now = answers.get(name), self._clock()
            if found is None or now < found.get("held", 0.0) <= now + seconds:
                return None
            answers[name] = {**found, "held": now + seconds}
            return found

        return self._change(hold)

    def drop(self, name: str) -> None:
        """Forget something that was posted, or is not to be."""
        self._change(lambda seen, answers: answers.pop(name, None))

    def _change(
        self, change: Callable[[dict[str, Any], dict[str, Any]], Result]
    ) -> Result:
        for _ in range(_TRIES):
            try:
                return self._try(change)
            except (ClaimLost, MemoryChanged):
                time.sleep(random.uniform(0.005, 0.03))
        raise OutboxUnavailable(message("outbox_late", seconds=1))

    def _try(
        self, change: Callable[[dict[str, Any], dict[str, Any]], Result]
    ) -> Result:
        now = self._clock()
        with self._outbox.together(durable=True):
            if not self._outbox.claim_run(RUN, _CLAIM_SECONDS):
                raise ClaimLost("Another process answers Slack.")
            stored = self._outbox.run(RUN)
            seen, answers = _part(stored, "seen"), _part(stored, "answers")
            for key in [key for key, at in seen.items() if not _is_fresh(at, now)]:
                del seen[key]
            result = change(seen, answers)
            kept = {"seen": _last(seen), "answers": _last(answers)}
            self._outbox.keep_run(RUN, kept, 0)
        return result


def _part(stored: Any, name: str) -> dict[str, Any]:
    # What makes no sense was never there.
    found = stored.get(name) if isinstance(stored, dict) else None
    return dict(found) if isinstance(found, dict) else {}


def _is_fresh(at: Any, now: float) -> bool:
    return isinstance(at, float | int) and abs(now - at) < SEEN_FOR


def _last(values: dict[str, Any]) -> dict[str, Any]:
    return dict(list(values.items())[-MOST:])
