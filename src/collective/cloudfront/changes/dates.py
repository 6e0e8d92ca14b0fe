"""Dates that change pages when they arrive: becoming effective, expiring, ending.

Listings leave out what is not yet effective or has expired, so pages change although
nobody edits anything. The moments are kept in the outbox, each under a key made of the
object's UID and the date's name; saving the object again replaces them.
"""

from Acquisition import aq_base
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import math
import time


#: Only collections that ask for it show when an event begins.
STARTS = frozenset({"start", "started"})
#: Of a content field, by name: whether listings change at the end of its minute, and
#: whether visitors must not see the object from then on.
_FIELDS = (
    ("effective", "effective_date", False, False),
    ("expires", "expiration_date", True, True),
    ("start", "start", False, False),
    ("started", "start", True, False),
    ("end", "end", True, False),
)
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Moment:
    """When (Unix seconds) an object's pages change, by ``name`` of the date, under
    which ``key``.

    A moment that is None cancels what was kept under the key.
    """

    name: str
    key: str
    due: float | None
    leaves: bool


def has_moments(obj: Any) -> bool:
    """Say whether ``obj`` has a date in the future. Cheap, for descendants."""
    return any(moment.due is not None for moment in moments(obj))


def moments(obj: Any, now: float | None = None) -> Iterator[Moment]:
    """Yield the moment of each date that ``obj`` may have."""
    base = aq_base(obj)
    uid = getattr(base, "_plone.uuid", None)
    if uid is None:
        return
    now = time.time() if now is None else now
    for name, attribute, ends, leaves in _FIELDS:
        if not hasattr(base, attribute):
            continue
        due = _seconds(getattr(base, attribute, None))
        if due is not None:
            due = _end_of_minute(due) if ends else due
        if due is not None and due <= now:
            due = None
        yield Moment(name, f"{uid}:{name}", due, leaves)


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    for method in ("timeTime", "timestamp"):  # DateTime's, datetime's
        convert = getattr(value, method, None)
        if convert is not None:
            try:
                return float(convert())
            except (OverflowError, ValueError, OSError):
                return None
    return None


def _end_of_minute(due: float) -> float:
    # The catalog's indexes of dates know whole minutes: until the end of its minute
    # something expired or over is still listed (Products.ZCatalog, DateRangeIndex).
    return math.floor(due / _MINUTE) * _MINUTE + _MINUTE + 1
