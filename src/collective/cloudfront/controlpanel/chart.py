"""The small chart of items by day: bars for a template to draw."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass


#: Of the drawing, in its own units.
HEIGHT = 40
BAR, STEP = 8, 10


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the month, and how many items it had."""

    day: int
    count: int
    x: int
    y: float
    height: float


def bars(month: str, by_day: Mapping[str, int]) -> list[Bar]:
    """Return a bar for each day of ``month`` (2026-11), of the numbers by day
    (2026-11-21). The highest is as high as the drawing; a day without items has none.
    """
    year, number = map(int, month.split("-"))
    days = range(1, monthrange(year, number)[1] + 1)
    counts = [by_day.get(f"{month}-{day:02}", 0) for day in days]
    most = max(counts) or 1
    return [
        _bar(day, count, HEIGHT * count / most)
        for day, count in zip(days, counts, strict=True)
    ]


def _bar(day: int, count: int, height: float) -> Bar:
    if count:
        height = max(height, 1.0)  # one item among thousands is to be seen, too
    return Bar(
        day=day,
        count=count,
        x=(day - 1) * STEP,
        y=round(HEIGHT - height, 2),
        height=round(height, 2),
    )
