"""Many changes at once: fewer, broader tags. Pure: no Zope."""

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.tagging.vocabulary.names import is_told_by_moves
from collective.cloudfront.tagging.vocabulary.names import tags_of_all_below
from collective.cloudfront.tagging.vocabulary.names import uid_tag
from dataclasses import dataclass


#: Each costs two items, and the price of publishing 60 at once is to be 40 or less.
MOST_OBJECTS = 15

#: More changed children than these are taken for a change of all that is in their
#: container. If that leaves too many, fewer are.
_MOST_CHILDREN = (12, 6, 3, 1, 0)

#: The UIDs of a container and of what is above it, up to the site.
_Chain = tuple[str, ...]
_Places = Mapping[str, Collection[_Chain]]


@dataclass(frozen=True, slots=True)
class Fold:
    """What takes the place of tags of single objects: ``tags``, instead of those of the
    objects ``inside``, given as their own tags.
    """

    inside: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def replaces(self, tag: str) -> bool:
        """Say whether all responses with ``tag`` carry one of ``tags`` as well."""
        if not self.tags:
            return False
        return tag.removesuffix(".l") in self.inside or is_told_by_moves(tag)


def fold(places: _Places, most: int = MOST_OBJECTS) -> Fold | None:
    """Return how to purge with few tags what depends on the objects in ``places``.

    ``places``: where each changed object is or was, as the UIDs of what is above it,
    from its parent to the site. ``most``: so many objects may keep tags of their own,
    or containers get them. None: so much changed in so many places that everything is
    to be purged.
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
    """Return the topmost containers in which more than ``few`` changed, each counting
    for one in what is above it. The site is none.
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
