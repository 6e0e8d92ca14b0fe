"""Path patterns of cache behaviors. Pure.

``*`` matches any characters, none included, and ``?`` exactly one. Case matters, and a
slash at the beginning may be left out (developer guide, "Path pattern").
"""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from functools import lru_cache

import re


_WILDCARDS = {"*": ".*", "?": "."}


def normal(pattern: str) -> str:
    """Return a pattern with its slash; the default one is ``*``."""
    if pattern == DEFAULT:
        return "*"
    return pattern if pattern.startswith(("/", "*")) else f"/{pattern}"


def matches(pattern: str, path: str) -> bool:
    """Say whether a pattern matches the path of a request, without its query string."""
    return _expression(normal(pattern)).fullmatch(path) is not None


def hides(earlier: str, later: str) -> bool:
    """Say whether nothing that ``later`` matches gets past ``earlier``."""
    return _covers(normal(earlier), normal(later))


def hidden(patterns: Sequence[str]) -> list[tuple[str, str]]:
    """Return the patterns that have no effect, each after the one that hides it."""
    return [
        (earlier, later)
        for number, later in enumerate(patterns)
        for earlier in patterns[:number]
        if hides(earlier, later)
    ]


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    text = "".join(_WILDCARDS.get(each, re.escape(each)) for each in pattern)
    return re.compile(text, re.DOTALL)


@lru_cache(maxsize=4096)
def _covers(wide: str, narrow: str) -> bool:
    """Say whether each text that ``narrow`` matches is one that ``wide`` matches.

    Both read the same text, character by character; places are where they may be then.
    A character that neither names stands for all others.
    """
    characters = (set(wide) | set(narrow)) - set(_WILDCARDS) | {"\0"}
    first = (_places(narrow, {0}), _places(wide, {0}))
    seen, waiting = {first}, [first]
    while waiting:
        in_narrow, in_wide = waiting.pop()
        if len(narrow) in in_narrow and len(wide) not in in_wide:
            return False
        for character in characters:
            after = _after(narrow, in_narrow, character)
            if after:
                both = (after, _after(wide, in_wide, character))
                if both not in seen:
                    seen.add(both)
                    waiting.append(both)
    return True


def _after(pattern: str, places: Iterable[int], character: str) -> frozenset[int]:
    """Return where a pattern may be after one more character."""
    after = set()
    for place in places:
        here = pattern[place : place + 1]
        if here == "*":
            after.add(place)
        elif here in ("?", character):
            after.add(place + 1)
    return _places(pattern, after)


def _places(pattern: str, places: set[int]) -> frozenset[int]:
    """Return places, and those behind a ``*`` that takes nothing."""
    found = set()
    for place in places:
        found.add(place)
        while pattern[place : place + 1] == "*":
            place += 1
            found.add(place)
    return frozenset(found)
