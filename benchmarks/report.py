"""The table for people and the JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import json
import os
import platform
import sqlite3
import textwrap


_WIDTHS = {"what": 47, "goal": 17, "measured": 44, "met": 3}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Without a goal it is there to explain another."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


@dataclass(slots=True)
class Result:
    """What one measurement has found: lines for people, ``facts`` for programs."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def environment(folder: Path, file_system: str) -> dict[str, Any]:
    """Return what a reader of the figures must know about the machine."""
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "folder": str(folder),
        "file_system": file_system,
    }


def as_table(results: Sequence[Result]) -> str:
    """Return all results as a table, with each one's notes below it."""
    lines = [_line(*_WIDTHS)]
    for result in results:
        lines += ["", result.title, "─" * (sum(_WIDTHS.values()) + 3)]
        for row in result.rows:
            lines += _lines_of(row)
        for note in result.notes:
            lines += textwrap.wrap(
                note, 100, initial_indent="  * ", subsequent_indent="    "
            )
    return "\n".join(lines)


def _lines_of(row: Row) -> list[str]:
    met = {True: "yes", False: "NO", None: ""}[row.met]
    cells = [
        textwrap.wrap(text, _WIDTHS[name]) or [""]
        for name, text in (
            ("what", row.what),
            ("goal", row.goal),
            ("measured", row.measured),
            ("met", met),
        )
    ]
    height = max(map(len, cells))
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    return [_line(*texts) for texts in zip(*padded)]


def _line(*texts: str) -> str:
    return " ".join(
        text.ljust(width) for text, width in zip(texts, _WIDTHS.values())
    ).rstrip()


def _as_json(result: Result) -> dict[str, Any]:
    # Not asdict() of it all: until Python 3.12 that fails where facts hold a defaultdict
    return {
        "name": result.name,
        "title": result.title,
        "rows": [asdict(row) for row in result.rows],
        "facts": result.facts,
        "notes": result.notes,
    }


def write_json(
    path: Path, results: Sequence[Result], about: dict[str, Any], quick: bool
) -> None:
    """Write everything that was measured."""
    document = {
        "environment": about,
        "quick": quick,
        "results": {result.name: _as_json(result) for result in results},
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
