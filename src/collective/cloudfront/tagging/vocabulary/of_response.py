"""The tags that a response carries.

The law: a response carries the tags of each of its dependencies (the table in the
package docstring), and a tag that is purged if anything above them moves.
"""

from collections.abc import Collection
from collections.abc import Iterator
from collective.cloudfront.tagging.vocabulary.dependencies import Dependency
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from collective.cloudfront.tagging.vocabulary.dependencies import PLACED
from collective.cloudfront.tagging.vocabulary.levels import subtree_of
from collective.cloudfront.tagging.vocabulary.spelling import chrome_tag
from collective.cloudfront.tagging.vocabulary.spelling import foreign_tag
from collective.cloudfront.tagging.vocabulary.spelling import group_tag
from collective.cloudfront.tagging.vocabulary.spelling import moved_tag
from collective.cloudfront.tagging.vocabulary.spelling import type_tag
from collective.cloudfront.tagging.vocabulary.spelling import uid_tag
from collective.cloudfront.tagging.vocabulary.spelling import undated_tag


def tags_of(dependencies: Collection[Dependency], site: str) -> frozenset[str]:
    """Return all tags that a response with these dependencies carries.

    ``site``: the UID of the site.
    """
    tags = {tag for each in dependencies for tag in _tags(each)}
    tags.update(_navigation_tags(dependencies))
    if not _notices_moves(dependencies, site):
        tags.add(moved_tag(site))
    return frozenset(tags)


def _tags(dependency: Dependency) -> Iterator[str]:
    uid = uid_tag(dependency.uid)
    edit = dependency.facet is Facet.EDIT
    match dependency.kind:
        case Kind.OWN:
            yield uid
        case Kind.LABEL:
            yield f"{uid}.l"
        case Kind.NAMES:
            yield f"{uid}.n"
            yield f"{uid}.c"
        case Kind.CHILDREN:
            yield f"{uid}.c"
            if edit:
                yield f"{uid}.ce"
        case Kind.BELOW:
            uid = uid_tag(subtree_of(dependency.uid, dependency.above))
            yield f"{uid}.b"
            if edit:
                yield f"{uid}.be"
        case Kind.OF_TYPE:
            yield type_tag(dependency.uid, dependency.name)
            if edit:
                yield type_tag(dependency.uid, dependency.name, Facet.EDIT)
            yield moved_tag(dependency.uid)
        case Kind.GROUP:
            yield group_tag(dependency.name)
            yield moved_tag(dependency.uid)
        case Kind.UNDATED:
            yield undated_tag(dependency.uid, dependency.name)
        case Kind.CHROME:
            yield chrome_tag(dependency.uid)
        case Kind.FOREIGN:
            yield foreign_tag(dependency.name)


def _navigation_tags(dependencies: Collection[Dependency]) -> Iterator[str]:
    """Yield the tags of the deepest navigation below each root.

    What purges shallower navigation purges the deepest as well.
    """
    depths: dict[str, int] = {}
    for each in dependencies:
        if each.kind is Kind.WITHIN:
            tag = uid_tag(each.uid)
            shown = [f"{tag}.b"] + [f"{tag}.bl"] * (each.facet is not Facet.TITLE)
            for start in shown:
                depths[start] = max(each.depth, depths.get(start, 0))
    return (f"{start}{depth}" for start, depth in depths.items())


def _notices_moves(dependencies: Collection[Dependency], site: str) -> bool:
    """Say whether a move of anything above the dependencies purges one of their tags."""
    labelled = {
        each.uid for each in dependencies if each.kind in (Kind.OWN, Kind.LABEL)
    }
    covered = {
        subtree_of(each.uid, each.above)
        for each in dependencies
        if each.kind is Kind.BELOW
    }
    for each in dependencies:
        if each.kind not in PLACED or each.uid == site:
            continue
        if not each.above:
            return False
        chain = (each.uid, *each.above)
        for position, uid in enumerate(each.above[:-1], start=1):
            if uid not in labelled and covered.isdisjoint(chain[position + 1 :]):
                return False
        moves = each.kind not in (Kind.OWN, Kind.LABEL) and each.uid not in labelled
        if moves and covered.isdisjoint(each.above):
            return False
    return True
