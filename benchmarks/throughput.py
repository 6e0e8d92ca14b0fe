"""How fast items go into the outbox and out of it."""

from collections.abc import Iterator
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.values import Entry
from dataclasses import asdict
from functools import partial
from pathlib import Path
from report import Result
from report import Row
from sampling import seconds
from sampling import Spread
from statistics import quantiles

import time


DISTRIBUTION = "EBENCH1234567"
TRANSACTION = 100
BATCH = 1000
GOAL = 20_000
#: Transactions of the size that an edit has, for the latency.
_SAVE = 3


def paths(count: int) -> Iterator[str]:
    """Yield different items as a site with a life of its own has them."""
    for number in range(count):
        year, page = divmod(number, 977)
        yield f"/news/archive-{year}/the-story-of-{page}/@@images/image/preview"


def fill(outbox: Outbox, count: int) -> float:
    """Put items in, as transactions of 100 do; return the seconds it took."""
    items = list(paths(count))
    started = time.perf_counter()
    for start in range(0, count, TRANSACTION):
        part = items[start : start + TRANSACTION]
        _put(outbox, f"transaction-{start}", [Entry(DISTRIBUTION, i) for i in part])
    return time.perf_counter() - started


def _put(outbox: Outbox, token: str, entries: list[Entry]) -> None:
    outbox.prepare(token, entries)
    outbox.release(token, entries)


def empty(outbox: Outbox, name: str = "") -> float:
    """Take everything out in batches of 1,000; return the seconds it took. ``name`` tells
    one time from another.
    """
    outbox.claim(DISTRIBUTION, 3600)
    number = 0
    started = time.perf_counter()
    while pending := outbox.pending(DISTRIBUTION, BATCH):
        items = [each.item for each in pending]
        batch = outbox.freeze(DISTRIBUTION, f"reference-{name}-{number}", items)
        outbox.settle(batch, f"I{number}")
        number += 1
    return time.perf_counter() - started


def measure(folder: Path, quick: bool, url: str = "") -> Result:
    """Fill and empty fresh outboxes, and time single small transactions. Or do that with
    the one at ``url``, which must be empty.
    """
    count, repetitions = (10_000, 2) if quick else (100_000, 7)
    into, out = [], []
    for number in range(repetitions):
        outbox = _open(url, folder / f"throughput-{number}.sqlite")
        into.append(count / fill(outbox, count))
        out.append(count / empty(outbox, f"{time.time_ns()}"))
        outbox.end()
    latencies = _latencies(
        _open(url, folder / "latency.sqlite"), 100 if quick else 2000
    )
    return _result(url, count, Spread.of(into), Spread.of(out), latencies)


def _open(url: str, path: Path) -> Outbox:
    outbox = open_outbox(url or f"sqlite:///{path}")
    if any(work.ready or work.frozen for work in outbox.work()):
        raise RuntimeError(f"{outbox!r} is not empty.")
    return outbox


def _latencies(outbox: Outbox, count: int) -> list[float]:
    found = []
    for number in range(count):
        entries = [Entry(DISTRIBUTION, f"/page-{number}/{n}") for n in range(_SAVE)]
        found.append(1000 * seconds(partial(_put, outbox, f"save-{number}", entries)))
    outbox.end()
    return found


def _result(
    url: str, count: int, into: Spread, out: Spread, latencies: list[float]
) -> Result:
    latency = Spread.of(latencies)
    worst = quantiles(latencies, n=100)[94]
    return Result(
        name="outbox",
        title=f"Outbox throughput ({_engine(url)}, {count:,} items, {into.count} times)",
        rows=[
            _speed(f"in: prepare + release, transactions of {TRANSACTION}", into),
            _speed(f"out: pending + freeze + settle, batches of {BATCH:,}", out),
            Row(
                f"prepare + release of {_SAVE} items",
                f"{latency.median:.2f} ms ({latency.lower:.2f}–{latency.upper:.2f}; "
                f"95 % below {worst:.2f})",
            ),
        ],
        facts={
            "items": count,
            "in_per_second": asdict(into),
            "out_per_second": asdict(out),
            "save_ms": asdict(latency),
            "save_ms_95": worst,
        },
        notes=[
            "Medians, quartiles in parentheses. Each transaction is synchronised "
            "to the disk once, each batch too."
        ],
    )


def _engine(url: str) -> str:
    return url.partition(":")[0] or "SQLite"


def _speed(what: str, speed: Spread) -> Row:
    return Row(
        what,
        f"{speed.median:,.0f}/s ({speed.lower:,.0f}–{speed.upper:,.0f})",
        goal=f"≥ {GOAL:,} items/s",
        met=speed.median >= GOAL,
    )
