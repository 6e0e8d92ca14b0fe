"""Path patterns of cache behaviors. Pure.

``*`` matches any characters, none included, and ``?`` exactly one. Case matters, and a
slash at the beginning may be left out (developer guide, "Path pattern").
"""

from collections.abc import Sequence
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from functools import lru_cache


def normal(pattern: str) -> str:
    """Return a pattern with its slash; the default one is ``*``."""
    if pattern == DEFAULT:
        return "*"
    return pattern if pattern.startswith(("/", "*")) else f"/{pattern}"


def matches(pattern: str, path: str) -> bool:
    """Say whether a pattern matches the path of a request, without its query string."""
    return _covers(normal(pattern), path.replace("*", "\0").replace("?", "\0"))


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
def _covers(wide: str, narrow: str) -> bool:
    # A wildcard of the narrow pattern stands for texts that only * of the wide one takes
    if not wide:
        return not narrow
    if wide[0] == "*":
        return _covers(wide[1:], narrow) or (bool(narrow) and _covers(wide, narrow[1:]))
    if not narrow or narrow[0] == "*":
        return False
    if wide[0] not in ("?", narrow[0]):
        return False
    return _covers(wide[1:], narrow[1:])
