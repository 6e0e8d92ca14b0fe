"""Texts that PostgreSQL cannot keep: with a NUL, or half of a character.

They are kept with these characters escaped. Nearly no text has one, so that a text is
looked at only when PostgreSQL has refused it, or when it holds the escape character,
which is none of Unicode's characters.
"""

from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import re


_ESCAPE = "\U0010ffff"
_REFUSED = re.compile(f"[\0\ud800-\udfff{_ESCAPE}]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{6}})")


def escaped(values: Iterable[Any]) -> list[Any]:
    """Return values as PostgreSQL can keep them."""
    return [
        _REFUSED.sub(_escape, each) if isinstance(each, str) else each
        for each in values
    ]


def unescaped(rows: list[Any]) -> list[Any]:
    """Return rows as they were given."""
    for row in rows:
        for value in row:
            if isinstance(value, str) and _ESCAPE in value:
                return list(map(_unescaped_row, rows))
    return rows


def _unescaped_row(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(
        _ESCAPED.sub(_unescape, each) if isinstance(each, str) else each for each in row
    )


def _escape(found: re.Match[str]) -> str:
    return f"{_ESCAPE}{ord(found[0]):06x}"


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))
