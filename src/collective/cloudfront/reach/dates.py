"""Dates that change pages when they arrive: becoming effective, expiring, ending.

Listings leave out what is not yet effective or has expired, so pages change although
nobody edits anything. The moments are kept in the outbox, each under a key made of the
object's UID and the date's name; saving the object again replaces them.
"""

from Acquisition import aq_base
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.reach.collections import is_asked_for
from collective.cloudfront.reach.reached import How
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.urls import path_of
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from itertools import islice
from plone.event.recurrence import recurrence_sequence_ical
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
#: So many of the coming occurrences of a recurring event are kept: each is as many items
#: in the outbox as a change of the event.
MOST_OCCURRENCES = 30
#: The dates that recur.
_RECURRING = frozenset({"start", "end"})
_DAY = timedelta(days=1)


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


def dates_of(
    obj: Any, site: Any, since: float | None = None
) -> tuple[list[Reached], list[How]]:
    """Return what cancels all that was kept for the dates of ``obj``, and how pages are
    to be purged when those in the future, or from ``since`` (Unix seconds) on, arrive:
    urgently, where visitors must not see it any more.
    """
    found = list(moments(obj, since))
    coming = [
        How(
            urgent=moment.leaves,
            due=moment.due,
            key=moment.key,
            cause=path_of(obj, site) or "/",
        )
        for moment in found
        if moment.due is not None
        and (moment.name not in STARTS or is_asked_for("start", obj, site))
    ]
    return _cancelling(found), coming


def cancelled(obj: Any) -> list[Reached]:
    """Return what cancels all that was kept for the dates of ``obj``."""
    return _cancelling(moments(obj))


def _cancelling(found: Iterable[Moment]) -> list[Reached]:
    keys = dict.fromkeys([moment.key for moment in found])
    return [Reached("", Kind.ITEM, How(key=key)) for key in keys]


def has_moments(obj: Any) -> bool:
    """Say whether ``obj`` has a date in the future. Cheap, for descendants."""
    return any(moment.due is not None for moment in moments(obj))


def moments(obj: Any, now: float | None = None) -> Iterator[Moment]:
    """Yield the moments of each date that ``obj`` may have: one, or several of what
    recurs.
    """
    base = aq_base(obj)
    uid = getattr(base, "_plone.uuid", None)
    if uid is None:
        return
    now = time.time() if now is None else now
    for name, attribute, ends, leaves in _FIELDS:
        # Asked for what it has not, Dexterity looks for defaults; a save waits for that
        if attribute not in vars(base) and not hasattr(type(base), attribute):
            continue
        times = _times(base, attribute, now)
        recurs = attribute in _RECURRING and bool(getattr(base, "recurrence", None))
        dues = [due for each in times for due in _changes_at(each, ends, recurs)]
        for due in [due for due in dues if due > now] or [None]:
            yield Moment(name, f"{uid}:{name}", due, leaves)


def _changes_at(moment: float, ends: bool, recurs: bool) -> list[float]:
    """Return when pages change because of a date."""
    if not ends:
        return [moment]
    over = _end_of_minute(moment)
    # What lists occurrences drops one by the second (plone.event, recurrence_sequence_ical)
    return [moment + 1, over] if recurs else [over]


def _times(base: Any, attribute: str, now: float) -> list[float]:
    value = getattr(base, attribute, None)
    first = _seconds(value)
    if first is None or attribute not in _RECURRING:
        return [] if first is None else [first]
    rule = getattr(base, "recurrence", None)
    if not rule:
        return [first]
    try:
        today = datetime.fromtimestamp(now, value.tzinfo or timezone.utc)
        # From a day before, for it goes by the clock on the wall
        coming = recurrence_sequence_ical(value, rule, from_=today - _DAY)
        return [each.timestamp() for each in islice(coming, MOST_OCCURRENCES + 1)]
    except (AttributeError, TypeError, ValueError):
        # No rule, or no time zone, that Plone's index of dates could read, either
        return [first]


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
