"""Entries of the history as rows of a table: texts to show, without markup."""

from collections.abc import Iterable
from collective.cloudfront.controlpanel.numbers import NONE
from collective.cloudfront.controlpanel.numbers import seconds
from collective.cloudfront.controlpanel.sentences import cause_sentence
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.finding import distributions_of
from collective.cloudfront.outbox.finding import HistoryEntry
from collective.cloudfront.outbox.finding import HistoryFilter
from collective.cloudfront.outbox.finding import HistoryState
from collective.cloudfront.outbox.finding import position_of
from collective.cloudfront.outbox.finding import state_of
from collective.cloudfront.outbox.finding import wanted_first
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Settled
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
from functools import cached_property
from plone import api
from plone.app.event.base import default_timezone
from typing import Any
from urllib.parse import urlencode
from zope.i18n import translate

import re


#: How many items of an entry are shown in a row.
FIRST_ITEMS = 3

EVERYTHING = HistoryFilter()

#: A word for each state, and Bootstrap's name for its colour.
STATES = {
    HistoryState.IN_PROGRESS: (
        "info",
        _("badge_in_progress", default="In progress"),
    ),
    HistoryState.COMPLETED: ("success", _("badge_completed", default="Completed")),
    HistoryState.UNKNOWN: ("secondary", _("badge_unknown", default="Not known")),
    HistoryState.REFUSED: ("danger", _("badge_refused_item", default="Refused")),
    HistoryState.REQUESTED: ("primary", _("badge_requested", default="Requested")),
    HistoryState.SCHEDULED: ("warning", _("badge_scheduled", default="Scheduled")),
    HistoryState.CANCELLED: ("secondary", _("badge_cancelled", default="Cancelled")),
}

# A line may end after these, or where there is space, and nowhere else.
_PIECES = re.compile(r"\s+|[/?&]*[^/?&\s]+[/?&]*|[/?&]+")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: for machines, and as a date and a time of day in the site's time zone."""

    iso: str
    date: str
    time: str


class Moments:
    """Writes times as people here do, to the second."""

    def __init__(self, context: Any):
        self._zone = default_timezone(context, as_tzinfo=True)
        #: The name of the time zone.
        self.zone = default_timezone(context)
        self._dates: dict[Any, str] = {}

    def moment(self, timestamp: float) -> Moment:
        """Return a time (Unix seconds)."""
        utc = datetime.fromtimestamp(timestamp, timezone.utc)
        local = utc.astimezone(self._zone)
        day = local.date()
        if day not in self._dates:
            self._dates[day] = api.portal.get_localized_time(day)
        time = f"{local:%H:%M:%S} {local.tzname()}"
        return Moment(utc.isoformat(timespec="seconds"), self._dates[day], time)

    def text(self, timestamp: float) -> str:
        """Return a time in one line."""
        moment = self.moment(timestamp)
        return f"{moment.date} {moment.time}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``kind`` is the colour of ``state``; ``note`` says more about it.

    Each of the ``items`` and ``causes`` comes in pieces, see ``pieces``. What does not
    apply is empty.
    """

    moment: Moment
    kind: str
    state: str
    note: str
    items: tuple[tuple[str, ...], ...]
    more_items: int
    causes: tuple[tuple[str, ...], ...]
    more_causes: int
    invalidation: str
    distributions: tuple[str, ...]
    billed: str
    accepted_after: str
    completed_after: str
    url: str


class Rows:
    """Makes rows of entries."""

    def __init__(self, context: Any, now: float, wanted: HistoryFilter = EVERYTHING):
        """``wanted`` is what somebody looks for: such items are shown first."""
        self._wanted = wanted
        self._url = context.absolute_url()
        self._context = context
        self._now = now

    @cached_property
    def moments(self) -> Moments:
        """Writes times."""
        return Moments(self._context)

    def rows(self, entries: Iterable[HistoryEntry]) -> list[Row]:
        """Return a row for each entry."""
        return [self.row(entry) for entry in entries]

    def row(self, entry: HistoryEntry) -> Row:
        """Return the row of an entry."""
        kind, state = self._state(entry)
        items = wanted_first(self._wanted, entry)
        causes = _causes(entry)
        is_sent = isinstance(entry, Settled)
        return Row(
            moment=self.moments.moment(position_of(entry).time),
            kind=kind,
            state=state,
            note=self._note(entry),
            items=tuple(map(pieces, items[:FIRST_ITEMS])),
            more_items=max(0, len(items) - FIRST_ITEMS),
            causes=tuple(pieces(self._sentence(each)) for each in causes.known),
            more_causes=causes.more,
            invalidation=entry.invalidation if is_sent else "",
            distributions=distributions_of(entry),
            billed=str(len(items)) if is_sent else "",
            accepted_after=accepted_after(entry),
            completed_after=completed_after(entry),
            url=self._detail_url(entry),
        )

    def _sentence(self, cause: Cause) -> str:
        return translate(cause_sentence(cause), context=self._context.REQUEST)

    def _state(self, entry: HistoryEntry) -> tuple[str, str]:
        state = state_of(entry, self._now)
        if state is HistoryState.UNKNOWN and entry.status != "Unknown":
            return "secondary", entry.status  # a word of CloudFront's that is new
        return STATES[state]

    def _note(self, entry: HistoryEntry) -> str:
        if isinstance(entry, Quarantined):
            return sentence(entry.reason)
        if isinstance(entry, PurgeRequest) and entry.due is not None:
            mapping = {"time": self.moments.text(entry.due)}
            return _("history_due", default="Not before ${time}", mapping=mapping)
        return ""

    def _detail_url(self, entry: HistoryEntry) -> str:
        if not isinstance(entry, Settled):
            return ""
        query = urlencode({"id": entry.invalidation})
        return f"{self._url}/@@cloudfront-invalidation?{query}"


def pieces(text: str) -> tuple[str, ...]:
    """Return a text in pieces, after which a line may end: after a slash, and where there
    is space. So no name is broken.
    """
    return tuple(_PIECES.findall(text))


def _causes(entry: HistoryEntry) -> Causes:
    if not isinstance(entry, PurgeRequest):
        return entry.causes
    names = (entry.reason,) if entry.reason else ()
    return Causes((Cause(entry.user, names, len(names), "person"),))


def accepted_after(entry: HistoryEntry) -> str:
    """Return the time from the oldest commit to CloudFront's acceptance."""
    if not isinstance(entry, Settled):
        return ""
    return seconds(entry.accepted - entry.since)


def completed_after(entry: HistoryEntry) -> str:
    """Return the time from the oldest commit to completion, if completed."""
    if not isinstance(entry, Settled):
        return ""
    if entry.completed is None:
        return NONE
    return seconds(entry.completed - entry.since)
