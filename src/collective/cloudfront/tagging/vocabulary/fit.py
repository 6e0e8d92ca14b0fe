"""Few enough tags for CloudFront, and none of them dropped.

Pure: no Zope. The law (``tests/tagging``): whatever change purges a response by the tags
of its dependencies purges it by the tags that ``fitting`` returns, too.
"""

from collections.abc import Collection
from collective.cloudfront.tagging.vocabulary import names
from collective.cloudfront.tagging.vocabulary.names import Dependency
from collective.cloudfront.tagging.vocabulary.names import Facet
from collective.cloudfront.tagging.vocabulary.names import Kind
from collective.cloudfront.tagging.vocabulary.names import LEVELS
from collective.cloudfront.tagging.vocabulary.names import PLACED
from collective.cloudfront.tagging.vocabulary.names import tags_of


#: CloudFront silently stores no more (developer guide, "Invalidate by cache tag").
MOST_TAGS = 50

#: What one dependency on everything below a place above covers. Names are not: what is
#: hidden purges nothing else.
_FOLDED = PLACED - {Kind.NAMES}
#: What is about places anywhere.
_ANYWHERE = frozenset({Kind.OF_TYPE, Kind.GROUP, Kind.UNDATED})


def fitting(
    dependencies: Collection[Dependency], site: str, most: int = MOST_TAGS
) -> frozenset[str] | None:
    """Return tags for ``dependencies``, ``most`` at most; None if that is impossible.

    If there are too many, all that lies below a container is taken for one dependency
    on everything below it: first the deepest containers, among those the one that
    saves most tags, at last the site. Chrome and foreign tags are never folded.
    """
    kept = frozenset(dependencies)
    tags = tags_of(kept, site)
    for level in range(LEVELS, -1, -1):
        if len(tags) <= most:
            return tags
        for chain, inside in _largest_first(_groups(kept, site, level), site):
            edit = any(_of_any_edit(each) for each in inside)
            facet = Facet.EDIT if edit else Facet.LABEL
            folded = kept - inside | {names.below(chain[0], chain[1:], facet)}
            fewer = tags_of(folded, site)
            if len(fewer) < len(tags):
                kept, tags = folded, fewer
            if len(tags) <= most:
                return tags
    return None


_Groups = dict[tuple[str, ...], frozenset[Dependency]]


def _groups(dependencies: Collection[Dependency], site: str, level: int) -> _Groups:
    """Return containers at ``level`` below the site, each as the UIDs from it to the
    site, with the dependencies that one on everything below it covers.
    """
    found: dict[tuple[str, ...], set[Dependency]] = {}
    for each in dependencies:
        chain = _container(each, site, level)
        if chain is not None:
            found.setdefault(chain, set()).add(each)
    return {chain: frozenset(inside) for chain, inside in found.items()}


def _container(dependency: Dependency, site: str, level: int) -> tuple[str, ...] | None:
    if dependency.kind in _ANYWHERE:
        return None if level else (site,)
    if dependency.kind not in _FOLDED:
        return None
    chain = (dependency.uid, *dependency.above)
    if dependency.kind in (Kind.OWN, Kind.LABEL):
        chain = dependency.above  # nothing below it tells of the object itself
    if dependency.uid != site and not dependency.above:
        chain = (site,)  # not found: it may come anywhere
    return chain[-1 - level :] if len(chain) > level else None


def _largest_first(
    groups: _Groups, site: str
) -> list[tuple[tuple[str, ...], frozenset[Dependency]]]:
    return sorted(
        groups.items(), key=lambda group: (-len(tags_of(group[1], site)), group[0])
    )


def _of_any_edit(dependency: Dependency) -> bool:
    any_edit = dependency.kind in (Kind.OWN, Kind.UNDATED)
    return any_edit or dependency.facet is Facet.EDIT
