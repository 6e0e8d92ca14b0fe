"""Fewer and broader tags for a response that has more than CloudFront stores.

The law (``tests/tagging``): a change that purges a response by the tags of its
dependencies also purges it by the tags that ``fitting`` returns.
"""

from collections.abc import Collection
from collective.cloudfront.tagging.vocabulary.dependencies import below
from collective.cloudfront.tagging.vocabulary.dependencies import Dependency
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from collective.cloudfront.tagging.vocabulary.dependencies import PLACED
from collective.cloudfront.tagging.vocabulary.levels import LEVELS
from collective.cloudfront.tagging.vocabulary.of_response import tags_of


#: CloudFront silently stores no more (developer guide, "Invalidate by cache tag").
MOST_TAGS = 50

#: Kinds that a dependency on everything below an ancestor covers. It does not cover
#: names: a hidden object purges nothing but the tag of names.
_FOLDED = PLACED - {Kind.NAMES}
#: Kinds that are about objects anywhere in the site.
_ANYWHERE = frozenset({Kind.OF_TYPE, Kind.GROUP, Kind.UNDATED})


def fitting(
    dependencies: Collection[Dependency], site: str, most: int = MOST_TAGS
) -> frozenset[str] | None:
    """Return at most ``most`` tags for ``dependencies``; None if that is impossible.

    ``site``: the UID of the site. If there are too many tags, one dependency on
    everything below a container replaces all dependencies below it. The deepest
    containers come first, among these the one with most tags, and the site comes last.
    Chrome and foreign tags always stay.
    """
    kept = frozenset(dependencies)
    tags = tags_of(kept, site)
    for level in range(LEVELS, -1, -1):
        if len(tags) <= most:
            return tags
        for chain, inside in _largest_first(_groups(kept, site, level), site):
            edit = any(_of_any_edit(each) for each in inside)
            facet = Facet.EDIT if edit else Facet.LABEL
            folded = kept - inside | {below(chain[0], chain[1:], facet)}
            fewer = tags_of(folded, site)
            if len(fewer) < len(tags):
                kept, tags = folded, fewer
            if len(tags) <= most:
                return tags
    return None


_Groups = dict[tuple[str, ...], frozenset[Dependency]]


def _groups(dependencies: Collection[Dependency], site: str, level: int) -> _Groups:
    """Return the containers at ``level`` below the site, with what each can replace.

    A key has the UIDs from the container to the site. The value has the dependencies
    that one dependency on everything below the container covers.
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
        chain = dependency.above  # what is below it says nothing about the object
    if dependency.uid != site and not dependency.above:
        chain = (site,)  # not found: it may appear anywhere
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
