"""Fewer and broader tags for many changes in one transaction.

The law (``tests/tagging``): the tags that are left, with those of the fold, reach every
response that the tags of all single changes reach.
"""

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.tagging.vocabulary.of_change import moves_imply
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_all_below
from collective.cloudfront.tagging.vocabulary.spelling import uid_tag
from dataclasses import dataclass


#: So many objects keep tags of their own. Each costs two items, and publishing 60
#: objects at once must cost 40 items or fewer.
MOST_OBJECTS = 15

#: If more children than this changed, we purge everything in their container. Where
#: that still leaves too many objects, we try the next number.
_MOST_CHILDREN = (12, 6, 3, 1, 0)

#: The UIDs of a container and of what is above it, up to the site
_Chain = tuple[str, ...]
_Places = Mapping[str, Collection[_Chain]]


@dataclass(frozen=True, slots=True)
class Fold:
    """Tags of containers that replace the tags of the objects in them."""

    #: The own tags of the objects that are replaced
    inside: frozenset[str] = frozenset()
    #: The tags to purge instead
    tags: frozenset[str] = frozenset()

    def replaces(self, tag: str) -> bool:
        """Say whether every response with ``tag`` carries one of ``tags`` as well."""
        if not self.tags:
            return False
        return tag.removesuffix(".l") in self.inside or moves_imply(tag)


def fold(places: _Places, most: int = MOST_OBJECTS) -> Fold | None:
    """Return a fold that reaches what depends on the objects in ``places``.

    ``places``: for the UID of each changed object the places where it is or was, each
    as the UIDs of what is above it, from its parent to the site. ``most``: how many
    objects and containers may have tags of their own. None: too much changed in too
    many places, so purge everything.
    """
    if len(places) <= most:
        return Fold()
    for few in _MOST_CHILDREN:
        containers = _crowded(places, few)
        inside = frozenset(
            uid_tag(uid)
            for uid, chains in places.items()
            if all(_is_below(chain, containers) for chain in chains)
        )
        if len(places) - len(inside) + len(containers) <= most:
            tags = (tags_of_all_below(each[0], each[1:]) for each in containers)
            return Fold(inside, frozenset().union(*tags))
    return None


def _crowded(places: _Places, few: int) -> frozenset[_Chain]:
    """Return the topmost containers in which more than ``few`` objects changed.

    Each such container counts as one changed object in its parent. The site is not
    among them.
    """
    inside: dict[_Chain, set[str]] = {}
    for uid, chains in places.items():
        for chain in chains:
            inside.setdefault(chain, set()).add(uid)
    found = set()
    deepest = max(map(len, inside), default=0)
    for depth in range(deepest, 1, -1):
        for chain in [each for each in inside if len(each) == depth]:
            if len(inside[chain]) > few:
                found.add(chain)
                inside.setdefault(chain[1:], set()).add(chain[0])
    return frozenset(each for each in found if not _is_below(each[1:], found))


def _is_below(chain: _Chain, containers: Collection[_Chain]) -> bool:
    return any(each in containers for each in _upwards(chain))


def _upwards(chain: _Chain) -> Iterator[_Chain]:
    return (chain[position:] for position in range(len(chain)))
