"""Texts of findings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence, and one that says what to do; ``${name}`` is from the mapping."""

    text: str
    advice: str = ""
