"""What the button of a question carries: Slack brings it back, signed. Pure."""

from dataclasses import dataclass
from hashlib import sha256

import json
import math


#: Seconds for which a question can be confirmed.
LASTS = 600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a question was put to, until when it can be confirmed, and when the purge is to
    happen (Unix seconds; None is at once). ``key`` is the command's.
    """

    key: str
    user: str
    until: float
    due: float | None = None

    @property
    def confirmed_key(self) -> str:
        """The key of the purge, however often the button is clicked."""
        return sha256(f"confirmed {self.key}".encode()).hexdigest()[:32]

    def as_text(self) -> str:
        """Return it as the value of a button."""
        return json.dumps([self.key, self.user, int(self.until), self.due])


def asked_from(text: str) -> Asked | None:
    """Return what ``as_text`` made; None for what makes no sense."""
    try:
        key, user, until, due = json.loads(text)
        asked = Asked(
            str(key), str(user), float(until), None if due is None else float(due)
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    is_finite = all(map(math.isfinite, (asked.until, asked.due or 0.0)))
    return asked if is_finite else None
