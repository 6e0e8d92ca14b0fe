"""Widening: many items beside each other become the wildcard above them.

A bulk operation shall cost one wildcard, and not a long queue. Only paths are
widened; a cache tag has nothing above it. The laws, held by
``tests/planning/test_widen.py``: everything pending stays covered, there are never
more items than before, and what is widened once is not widened again.
"""

from collections import defaultdict
from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.planning.cover import broadest
from collective.cloudfront.planning.cover import uncovered
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.items import wildcards_of
from dataclasses import dataclass


#: Volto's API answers below this name for every path of the site: it is no sibling
#: of the site's folders, but a tree of its own.
_TWIN = "/++api++"


@dataclass(frozen=True, slots=True)
class Wider:
    """Wildcards to put in the place of what they cover.

    ``is_merged`` says whether wildcards were merged because too many waited, and not
    only siblings that have changed together.
    """

    items: tuple[str, ...] = ()
    is_merged: bool = False


def widen(
    pending: Collection[str], most_wildcards: int, most_siblings: int
) -> tuple[str, ...]:
    """Return the items of ``widened``."""
    return widened(pending, most_wildcards, most_siblings).items


def widened(pending: Collection[str], most_wildcards: int, most_siblings: int) -> Wider:
    """Return the wildcards to put in the place of what they cover.

    More than ``most_siblings`` different names with items of their own in one folder
    become the folder's wildcard; more than ``most_wildcards`` wildcards are merged
    upwards until they fit, the deepest and fullest folders first, at worst into
    ``/*``. Empty where nothing is above its limit. Both are at least 1.
    """
    if len(pending) <= min(most_wildcards, most_siblings):
        return Wider()  # so few are above no limit
    paths = [item for item in pending if item.startswith("/")]
    wildcards = broadest(wildcards_of(paths))
    exact = uncovered(paths, wildcards)
    is_merged = False
    while True:
        found = _crowded(exact, wildcards, max(1, most_siblings))
        excess = len(wildcards) - max(1, most_wildcards)
        if not found and excess > 0:
            found, is_merged = _merge(wildcards, excess), True
        if not found:
            break
        wildcards = broadest([*wildcards, *found])
        exact = uncovered(exact, wildcards)
    known = frozenset(pending)
    return Wider(tuple(item for item in wildcards if item not in known), is_merged)


def above(wildcard: str) -> str | None:
    """Return the next wildcard that covers this one and its siblings, or None."""
    folder, name = _split(wildcard)
    return folder + "/*" if name else None


def _crowded(
    exact: Iterable[str], wildcards: Iterable[str], most_siblings: int
) -> list[str]:
    """Return the wildcards of folders with too many names in them."""
    names = _names([*exact, *wildcards])
    return [
        folder + "/*" for folder, found in names.items() if len(found) > most_siblings
    ]


def _names(items: Iterable[str]) -> dict[str, set[str]]:
    """Return the names with items of their own, by the folder that they are in."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        folder, name = _split(item)
        if name and folder + "/" + name != _TWIN:
            found[folder].add(name)
    return found


def _split(item: str) -> tuple[str, str]:
    """Return the folder that an item's object is in, and its name there.

    ``/news/a``, ``/news/a*``, ``/news/a/*`` and ``/news/a?*`` are all ``a`` in
    ``/news``. The root has no name.
    """
    path = item[:-1] if is_wildcard(item) else item
    path = path.partition("?")[0].rstrip("/")
    folder, _, name = path.rpartition("/")
    return folder, name


def _merge(wildcards: Collection[str], excess: int) -> list[str]:
    """Return wildcards that cover some of too many, at least one step upwards.

    ``excess`` is how many fewer there should be.
    """
    fullness: dict[str, int] = defaultdict(int)
    for item in wildcards:
        fullness[_split(item)[0]] += 1
    shared = [folder for folder, count in fullness.items() if count > 1]
    # Where no folder holds two, the deepest is lifted until it meets another.
    candidates = shared or list(fullness)
    deepest = max(map(_depth, candidates))
    level = [folder for folder in candidates if _depth(folder) == deepest]
    level.sort(key=lambda folder: (-fullness[folder], folder))
    merged = []
    for folder in level:
        merged.append(folder + "/*")
        excess -= fullness[folder] - 1
        if excess <= 0:
            break
    return merged


def _depth(folder: str) -> int:
    return folder.count("/")
