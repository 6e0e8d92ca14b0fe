"""Comments of a template: each reason where it is first needed, and only there."""

from collections.abc import Iterator
from collective.cloudfront.blueprint.reasons import reason_of
from dataclasses import dataclass
from typing import Any

import textwrap


#: Characters of a line.
WIDTH = 88


@dataclass(frozen=True, slots=True)
class Why:
    """A value, and what the comment above it says."""

    value: Any
    text: str


class Notes:
    """Puts reasons above values, each once in a template."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def why(self, owner: object, field: str, value: Any) -> Any:
        """Return a value with the reason of the field of ``owner`` that it comes from."""
        return self.once(reason_of(owner, field), value)

    def once(self, text: str, value: Any) -> Any:
        """Return a value with a comment, unless the template has that comment already."""
        if not text or text in self._said:
            return value
        self._said.add(text)
        return Why(value, text)


def comment(text: str, indent: str, mark: str = "#") -> Iterator[str]:
    """Yield the lines of a comment, wrapped."""
    width = max(40, WIDTH - len(indent) - len(mark) - 1)
    for paragraph in text.split("\n"):
        lines = textwrap.wrap(
            paragraph, width, break_on_hyphens=False, break_long_words=False
        )
        for line in lines or [""]:
            yield f"{indent}{mark} {line}".rstrip()
