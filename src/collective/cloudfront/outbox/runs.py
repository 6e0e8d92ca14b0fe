"""Long work that one process does for all who share an outbox: claimed, and resumed."""

from collective.cloudfront.outbox.memory import ClaimLost
from collective.cloudfront.outbox.memory import Part
from collective.cloudfront.outbox.memory import Remembered
from collective.cloudfront.outbox.memory import remembered
from collective.cloudfront.outbox.owner import is_owner
from collective.cloudfront.outbox.store import MEMORY
from contextlib import suppress
from math import isfinite
from typing import Any


#: What is remembered of a run has its name behind this.
OF_RUN = "run:"
#: No claim of a run is longer (seconds): what is further away is a wrong clock's.
LONGEST_CLAIM = 300.0


class StoredRuns(Part):
    """See ``contract.Runs``."""

    def run(self, name: str) -> Any:
        """See ``contract.Runs``."""
        name = OF_RUN + name
        with self._look() as rows:
            found = remembered(rows.get(MEMORY, [(name,)]))
        return _stored(found.get(name, Remembered()).value).get("value")

    def claim_run(self, name: str, seconds: float) -> bool:
        """See ``contract.Runs``."""
        now = self.clock()
        with self._change() as session:
            stored = _stored(session.recall(OF_RUN + name))
            owner, until = _claim(stored) or (self.owner, 0.0)
            if (
                owner != self.owner
                and now < until <= now + LONGEST_CLAIM
                and not self._has_ended(owner)
            ):
                return False
            claim = [self.owner, now + min(seconds, LONGEST_CLAIM)]
            session.keep(OF_RUN + name, {**stored, "claim": claim})
        return True

    def keep_run(self, name: str, value: Any, seconds: float) -> None:
        """See ``contract.Runs``."""
        now = self.clock()
        with self._change() as session:
            claim = _claim(_stored(session.recall(OF_RUN + name)))
            if claim is None or claim[0] != self.owner:
                raise ClaimLost(f"Another process does {name}.")
            kept: dict[str, Any] = {"value": value}
            if seconds > 0:
                kept["claim"] = [self.owner, now + min(seconds, LONGEST_CLAIM)]
            session.keep(OF_RUN + name, kept)


def _stored(found: Any) -> dict[str, Any]:
    # What makes no sense was never there.
    return found if isinstance(found, dict) else {}


def _claim(stored: dict[str, Any]) -> tuple[str, float] | None:
    with suppress(KeyError, TypeError, ValueError):
        owner, until = stored["claim"]
        if is_owner(owner) and isfinite(until):
            return owner, until
    return None
