"""The history as a CSV file, for people who go on with it in a spreadsheet."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.outbox.finding import distributions_of
from collective.cloudfront.outbox.finding import HistoryEntry
from collective.cloudfront.outbox.finding import HistoryPage
from collective.cloudfront.outbox.finding import items_of
from collective.cloudfront.outbox.finding import people_of
from collective.cloudfront.outbox.finding import position_of
from collective.cloudfront.outbox.finding import state_of
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Settled
from datetime import datetime
from datetime import timezone
from zope.interface import implementer
from ZPublisher.Iterators import IUnboundStreamIterator

import csv
import io


#: In the words of CloudFront, and the same in all languages: scripts read it, too.
COLUMNS = (
    "time",
    "state",
    "distribution",
    "invalidation",
    "billed_items",
    "items",
    "people",
    "causes",
    "reason",
    "oldest_change",
    "accepted",
    "completed",
    "scheduled_for",
    "cancelled",
    "caller_reference",
)
#: Excel takes a file for UTF-8 only if this is its beginning.
MARK = "\ufeff"
#: What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@")


@implementer(IUnboundStreamIterator)
class CsvFile:
    """The lines of a file, made while they are sent.

    ``read`` returns the page with the first entries for None, and otherwise that which
    follows another one. ``first`` is the first page: whoever has it knows that the outbox
    can be read.
    """

    def __init__(
        self, first: HistoryPage, read: Callable[[HistoryPage], HistoryPage], now: float
    ):
        self._lines = _lines(first, read, now)

    def __iter__(self) -> "CsvFile":
        return self

    def __next__(self) -> bytes:
        return next(self._lines).encode("utf-8")


def _lines(
    page: HistoryPage, read: Callable[[HistoryPage], HistoryPage], now: float
) -> Iterator[str]:
    yield MARK + _as_csv([COLUMNS])
    while True:
        if page.entries:
            yield _as_csv(_cells(entry, now) for entry in page.entries)
        if page.older is None:
            return
        page = read(page)


def _as_csv(rows: Iterable[Iterable[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def _cells(entry: HistoryEntry, now: float) -> list[str]:
    found = {
        "time": _iso(position_of(entry).time),
        "state": state_of(entry, now).value,
        "distribution": " ".join(distributions_of(entry)),
        "items": " ".join(items_of(entry)),
        "people": " ".join(people_of(entry)),
        **_own(entry),
    }
    return [harmless(found.get(name, "")) for name in COLUMNS]


def _own(entry: HistoryEntry) -> dict[str, str]:
    """Return what only entries of this kind have."""
    if isinstance(entry, PurgeRequest):
        return {
            "reason": entry.reason,
            "scheduled_for": _iso(entry.due),
            "cancelled": _iso(entry.cancelled),
        }
    own = {"causes": str(entry.causes), "oldest_change": _iso(entry.since)}
    if isinstance(entry, Quarantined):
        return {**own, "reason": str(entry.reason)}
    return {**own, **_of_invalidation(entry)}


def _of_invalidation(settled: Settled) -> dict[str, str]:
    return {
        "invalidation": settled.invalidation,
        "billed_items": str(len(settled.items)),
        "accepted": _iso(settled.accepted),
        "completed": _iso(settled.completed),
        "caller_reference": settled.reference,
    }


def _iso(timestamp: float | None) -> str:
    if timestamp is None:
        return ""
    moment = datetime.fromtimestamp(timestamp, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe before it says
    that it is text.
    """
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell
