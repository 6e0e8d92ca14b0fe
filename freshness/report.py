"""The results as a table, as reStructuredText and as JSON."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import json


_COLUMNS = ("own", "else", "calls", "items", "dropped", "over", "ms", "s")
_ROW = "{:<26}" + "{:>7}" * len(_COLUMNS)


def print_table(
    results: Iterable[Any],
    verbose: bool = False,
    heading: bool = False,
    total: Iterable[Any] = (),
) -> None:
    """Print rows, and what is stale where."""
    if heading:
        print(_ROW.format("operation", *_COLUMNS))
    for result in results:
        print(_ROW.format(result.name, *_cells(result)), _verdict(result), flush=True)
        if verbose:
            _print_items(result)
        _print_stale(result)
    total = list(total)
    if total:
        bad = [result.name for result in total if not result.is_good]
        print(f"{len(total)} operations, {len(bad)} not fresh: {', '.join(bad)}")
        for result in total:
            if not result.is_good:
                print(f"{result.name}:{_verdict(result)}")
                _print_stale(result)


def _cells(result: Any) -> tuple[str, ...]:
    delay = "" if result.milliseconds is None else f"{result.milliseconds:.0f}"
    numbers = (
        len(result.own),
        len(result.elsewhere),
        result.calls,
        len(result.items),
        result.dropped,
        len(result.in_vain),
    )
    return (*map(str, numbers), delay, f"{result.seconds:.1f}")


def _verdict(result: Any) -> str:
    if result.error:
        return f" FAILED {result.error[:200]}"
    return "" if result.is_good else " STALE"


def _print_items(result: Any) -> None:
    for item in result.items:
        print(f"    purged {item}")
    for url in result.in_vain:
        print(f"    in vain {url}")


def _print_stale(result: Any) -> None:
    for place, urls in (("own", result.own), ("elsewhere", result.elsewhere)):
        for difference, stale in _by_difference(urls).items():
            print(f"    {place}: {' '.join(stale)}: {difference}")


def _by_difference(urls: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for url, difference in urls.items():
        found.setdefault(difference, []).append(url)
    return found


def write_rst(path: Path, results: list[Any], beside: Path | None = None) -> None:
    """Write a list-table for ``docs/freshness.rst``.

    ``beside``: what ``write_json`` wrote of another run, to compare with.
    """
    others = _prices(beside) if beside else {}
    lines = [
        ".. list-table:: After each operation",
        "   :header-rows: 1",
        "",
        *_rst_row(
            "Operation",
            "Stale, itself",
            "Stale elsewhere",
            "Calls",
            "Items billed",
            "Purged in vain",
            "ms until accepted",
            *(("Items, by paths", "In vain, by paths") if beside else ()),
        ),
    ]
    for result in results:
        own, elsewhere, calls, items, _dropped, over, delay, _s = _cells(result)
        title = result.title.splitlines()[0].rstrip(".")
        name = f"{result.name}: {title[:1].lower()}{title[1:]}"
        other = others.get(result.name, ("", "")) if beside else ()
        lines += _rst_row(name, own, elsewhere, calls, items, over, delay, *other)
    path.write_text("\n".join(lines) + "\n")


def _prices(beside: Path) -> dict[str, tuple[str, str]]:
    """Return the items billed and what was purged in vain, by operation."""
    return {
        each["name"]: (str(len(each["items"])), str(len(each["in_vain"])))
        for each in json.loads(beside.read_text())["results"]
    }


def _rst_row(first: str, *others: str) -> list[str]:
    return [f"   * - {first}", *(f"     - {other}".rstrip() for other in others)]


def write_json(path: Path, results: list[Any], unsteady: dict[str, str]) -> None:
    """Write all that was found."""
    found = {
        "results": [result.as_json() for result in results],
        "unsteady": unsteady,
        "stale": sum(len(result.own) + len(result.elsewhere) for result in results),
    }
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
