"""Who or what caused an item: short lines of text that go with it, a few at most.

An engine keeps them *packed*: a JSON list of the lines, with the count of further ones
at its end, or an empty text where there are none. They are for people to read; nothing
that cannot be read here may keep an item from being delivered.
"""

from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from itertools import repeat
from typing import Any

import json


#: A longer line is cut to these many characters.
LONGEST_CAUSE = 200
#: More lines than these are only counted.
MOST_CAUSES = 5

_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Causes:
    """Distinct lines in the order in which they came, and how many ``more`` came.

    One of those that came again is counted again: it is not known any more.
    """

    lines: tuple[str, ...] = ()
    more: int = 0


def as_line(text: str, longest: int = LONGEST_CAUSE) -> str:
    """Return ``text`` as one printable line of at most ``longest`` characters."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " for each in text)
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + _ELLIPSIS


def united(all_causes: Iterable[Causes]) -> Causes:
    """Return the causes of several together, each line once: the first ones are kept,
    and those that are not are counted.
    """
    all_causes = list(all_causes)
    lines = tuple(dict.fromkeys(line for causes in all_causes for line in causes.lines))
    # The same lines may have been left out everywhere: a sum would count them twice.
    more = max((causes.more for causes in all_causes), default=0)
    return Causes(lines[:MOST_CAUSES], more + len(lines[MOST_CAUSES:]))


# --- packed -------------------------------------------------------------------------


def pack(causes: Causes) -> str:
    """Return causes as a text; ASCII, so that every storage takes any line."""
    more = [causes.more] if causes.more else []
    return json.dumps([*causes.lines, *more]) if causes.lines else ""


def unpack(packed: str) -> Causes:
    """Return what was packed; none where it cannot be read."""
    found = _load(packed)
    return Causes(
        lines=tuple(each for each in found if isinstance(each, str)),
        more=sum(each for each in found if isinstance(each, int)),
    )


# A transaction's items have the same cause.
@lru_cache(maxsize=64)
def packed_cause(cause: str) -> str:
    """Return a single cause, of any length, packed."""
    line = as_line(cause)
    return pack(Causes((line,))) if line else ""


def packed_united(all_packed: Iterable[str]) -> str:
    """Return packed causes of several together, see ``united``."""
    different = [packed for packed in dict.fromkeys(all_packed) if packed]
    if len(different) > 1:
        return pack(united(map(unpack, different)))
    return different[0] if different else ""


def pack_each(all_packed: Iterable[str]) -> str:
    """Return the packed causes of each item of a batch as one text.

    Items of one transaction are neighbours, and their causes are kept once.
    """
    runs = [(packed, len(list(same))) for packed, same in groupby(all_packed)]
    return json.dumps(runs) if any(packed for packed, _ in runs) else ""


def unpack_each(packed: str, count: int) -> list[str]:
    """Return the packed causes of each of ``count`` items."""
    found: list[str] = []
    with suppress(TypeError, ValueError):
        for each, length in _load(packed):
            found += [str(each)] * min(length, count)
    return [*found, *repeat("", count)][:count]


def _load(packed: str) -> Sequence[Any]:
    try:
        found = json.loads(packed) if packed else ()
    except (ValueError, TypeError):
        return ()
    return found if isinstance(found, list) else ()
