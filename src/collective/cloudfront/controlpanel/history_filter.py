"""What somebody asks of the history, in a query string: read, checked, and in words.

The history page, its CSV file and the REST API take the same parameters.
"""

from collections.abc import Collection
from collections.abc import Mapping
from collective.cloudfront.controlpanel.history_rows import STATES
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.finding import BY_HAND
from collective.cloudfront.outbox.finding import HistoryFilter
from collective.cloudfront.outbox.finding import HistoryState
from collective.cloudfront.outbox.finding import Position
from collective.cloudfront.outbox.values import LONGEST_NAME
from collective.cloudfront.planning.items import encode
from collective.cloudfront.planning.items import MAX_PATH_LENGTH
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from urllib.parse import urlencode
from urllib.parse import urlsplit

import math


#: The parameters of the filter, and what they are called.
FIELDS = {
    "distribution": _("column_distribution", default="Distribution"),
    "person": _("history_person", default="Person"),
    "path": _("history_path", default="Path"),
    "state": _("column_status", default="Status"),
    "search": _("history_search", default="Search"),
}
_LONGEST = {
    "distribution": LONGEST_NAME,
    "person": LONGEST_NAME,
    "path": MAX_PATH_LENGTH,
    "state": LONGEST_NAME,
    "search": LONGEST_NAME,
}
_BY_HAND = _("history_by_hand", default="Manual purges")
#: What may be chosen as state: its words, and the states that it stands for.
CHOICES = {
    **{each.value: (STATES[each][1], frozenset({each})) for each in HistoryState},
    "by_hand": (_BY_HAND, BY_HAND),
}
#: Longer than any position.
_LONGEST_POSITION = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that may be chosen, in words."""

    value: str
    title: str


@dataclass(slots=True)
class Query:
    """What is asked for: what was ``given``, and the values of it.

    ``errors`` say what is wrong, by parameter; then nothing is to be shown.
    """

    given: dict[str, str] = field(default_factory=dict)
    wanted: HistoryFilter = HistoryFilter()
    before: Position | None = None
    after: Position | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_filtered(self) -> bool:
        """Whether something is left out."""
        return bool(self.given)

    @property
    def words(self) -> list[tuple[str, str]]:
        """The filter in words: what is asked of which field."""
        words = dict(self.given)
        if "state" in words:
            words["state"] = CHOICES[words["state"]][0]
        return [(title, words[name]) for name, title in FIELDS.items() if name in words]

    def as_query(self, **more: Position | None) -> str:
        """Return it as the query string of another page, or ""."""
        positions = {
            name: position_as_text(each) for name, each in more.items() if each
        }
        return urlencode({**self.given, **positions})


def read_query(form: Mapping[str, Any], distributions: Collection[str]) -> Query:
    """Read what was asked for, of the history of some distributions.

    What is unknown in ``form`` is left alone: Plone has parameters of its own.
    """
    query = Query()
    for name in FIELDS:
        value = _text(form.get(name, ""))
        if value is None or len(value) > _LONGEST[name]:
            query.errors[name] = _(
                "history_too_long",
                default="Enter one value of at most ${count} characters.",
                mapping={"count": _LONGEST[name]},
            )
        elif value:
            query.given[name] = value
    _read_values(query, distributions)
    for name in ("before", "after"):
        _read_position(query, form, name)
    return query


def _text(value: Any) -> str | None:
    """Return what was typed, as one line; None for what nobody can type."""
    if not isinstance(value, str):
        return None
    printable = "".join(each if each.isprintable() else " " for each in value)
    return " ".join(printable.split())


def _read_values(query: Query, distributions: Collection[str]) -> None:
    given, wanted = query.given, frozenset(distributions)
    if "distribution" in given:
        if given["distribution"] not in wanted:
            query.errors["distribution"] = _(
                "history_no_distribution",
                default="This is not a distribution of this site.",
            )
        wanted &= {given["distribution"]}
    states: frozenset[HistoryState] = frozenset()
    if "state" in given:
        if given["state"] in CHOICES:
            states = CHOICES[given["state"]][1]
        else:
            query.errors["state"] = _(
                "history_no_state", default="This is not one of the states."
            )
    path = _path(given.get("path", ""))
    if path[:1] not in ("", "/", "#"):
        query.errors["path"] = _(
            "history_no_path",
            default="Enter a path, which begins with /, or a cache tag, which begins "
            "with #.",
        )
    query.wanted = HistoryFilter(
        distributions=wanted,
        states=states,
        person=given.get("person", ""),
        path=path,
        search=given.get("search", ""),
    )


def _path(typed: str) -> str:
    """Return a path as items have it; people may paste a URL."""
    if typed.startswith(("http://", "https://")):
        try:
            parts = urlsplit(typed)
        except ValueError:
            return typed
        typed = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return encode(typed)


# --- positions: where a page begins ---------------------------------------------------


def _read_position(query: Query, form: Mapping[str, Any], name: str) -> None:
    value = form.get(name, "")
    if value == "":
        return
    position = position_from_text(value) if isinstance(value, str) else None
    if position is None:
        query.errors[name] = _(
            "history_no_page", default="There is no such page of the history."
        )
    elif name == "before":
        query.before = position
    else:
        query.after = position


def position_as_text(position: Position) -> str:
    """Return a position as a parameter."""
    return f"{position.time!r},{position.key}"


def position_from_text(text: str) -> Position | None:
    """Return what was written; None if it is no position."""
    time, comma, key = text.partition(",")
    try:
        moment = float(time)
    except ValueError:
        return None
    is_known = comma and math.isfinite(moment) and len(text) <= _LONGEST_POSITION
    return Position(moment, key) if is_known else None
