"""Times, tables and items as people read them. Pure."""

from collections.abc import Sequence
from datetime import datetime
from datetime import timezone
from unicodedata import east_asian_width


#: Of many items these are shown.
SHOWN_ITEMS = 4


class NoMoment(ValueError):
    """A text is no time."""


def read_moment(text: str) -> float:
    """Return a time (ISO 8601) in Unix seconds; without an offset it is local time.

    Raises ``NoMoment``.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return moment.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise NoMoment(text) from error


def moment(timestamp: float) -> str:
    """Return a time in the local time zone, and in UTC where that is another one."""
    utc = datetime.fromtimestamp(timestamp, timezone.utc)
    local = utc.astimezone()
    if local.utcoffset() == utc.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    day = "" if local.date() == utc.date() else "%Y-%m-%d "
    return (
        f"{local:%Y-%m-%d %H:%M:%S} {local:%Z} ({utc.strftime(day + '%H:%M:%S')} UTC)"
    )


def some(items: Sequence[str], most: int = SHOWN_ITEMS) -> str:
    """Return the first items in a line, and how many more there are."""
    more = len(items) - most
    shown = " ".join(map(printable, items[:most]))
    return f"{shown} and {more} more" if more > 0 else shown


def printable(text: str) -> str:
    """Return a text without what could control a terminal."""
    return "".join(each if each.isprintable() else "�" for each in text)


def sentence(text: str) -> str:
    """Return a text with a full stop; AWS's often have none."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows below a head, in columns."""
    lines = [
        list(map(str, head)),
        *([printable(str(cell)) for cell in row] for row in rows),
    ]
    widths = [max(map(_width, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths)
        ).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
