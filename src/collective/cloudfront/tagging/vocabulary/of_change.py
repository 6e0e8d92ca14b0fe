"""The tags to purge for a change.

The law (``tests/tagging``): if a change gives a dependency another answer, every
response that has this dependency carries one of the tags.

An edit of a text costs 7 items or fewer. A new title costs 9, and one more for each
further navigation root above. A move from one folder to another costs 13, however deep.
Each of ``more_types`` and ``groups`` costs one more. A hidden object costs 3 or fewer.
"""

from collections.abc import Iterator
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.dependencies import INTERFACES
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from collective.cloudfront.tagging.vocabulary.levels import with_subtrees
from collective.cloudfront.tagging.vocabulary.spelling import group_tag
from collective.cloudfront.tagging.vocabulary.spelling import moved_tag
from collective.cloudfront.tagging.vocabulary.spelling import type_tag
from collective.cloudfront.tagging.vocabulary.spelling import uid_tag
from collective.cloudfront.tagging.vocabulary.spelling import undated_tag
from dataclasses import dataclass

import re


_WITHIN = re.compile(r"(.+)\.bl(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an object in one transaction."""

    uid: str
    portal_type: str
    #: The UIDs of what was above it before the transaction, from its parent to the site
    #: (empty for the site itself). None: it was not there
    before: tuple[str, ...] | None
    #: The same after the transaction. None: it is no longer there
    after: tuple[str, ...] | None
    #: Something changed that listings show; or it came, left, moved, was renamed or is
    #: now seen by others
    label: bool = True
    #: The same happened to something below it
    subtree: bool = False
    #: Its children have another order
    reordered: bool = False
    #: Any edit at all. False if it was only reordered
    edited: bool = True
    #: Its type before if that changed, and which of ``INTERFACES`` it provides
    more_types: tuple[str, ...] = ()
    #: The translation groups that it belongs to or has left
    groups: tuple[str, ...] = ()
    #: It has a type that navigation shows, and is not excluded from it; or it was so
    #: before
    in_navigation: bool = True
    #: More than a description or a picture changed
    titled: bool = True
    #: It has no date of publication, so its ``Date`` is the date of its last change
    undated: bool = False
    #: Visitors see it neither before nor after, and nothing is below it
    hidden: bool = False
    #: Something changed that pages below it may show
    passed_down: bool = False

    @property
    def place(self) -> tuple[str, ...] | None:
        """The UIDs above it, where responses depend on it or will; None: nowhere."""
        if self.before is not None:
            return self.before or None
        return None if self.hidden else self.after or None


def tags_of_change(change: Change, navigation: Navigation) -> frozenset[str]:
    """Return the tags to purge for a change; the law is above.

    ``navigation``: depths, and the roots above the object, before and after.
    """
    if change.hidden:
        return frozenset(_hidden_tags(change))
    uid = uid_tag(change.uid)
    tags = set()
    for above in {change.before, change.after} - {None}:
        if change.label:
            tags.update(_label_tags(change, above, navigation))
        elif change.edited:
            tags.update(_edit_tags(change, above))
        if change.reordered:
            tags.update(_order_tags((change.uid, *above), navigation))
    if change.label or change.passed_down:
        # Breadcrumbs give the label to all that is below it
        tags.add(f"{uid}.l")
    if change.label and not change.subtree:  # as for types
        tags.update(map(group_tag, change.groups))
    if (change.label or change.edited) and change.before is not None:
        tags.add(uid)
    if change.subtree:
        tags.add(moved_tag(_site_of(change)))
    if change.undated and change.edited:
        for name in {*_types(change)} - {*INTERFACES}:
            tags.add(undated_tag(_site_of(change), name))
    return frozenset(tags)


def tags_of_site(site: str) -> frozenset[str]:
    """Return two tags of which every response of the site carries at least one.

    Breadcrumbs, and the labels that notice moves, begin at the site; a query of the
    site itself depends on all of it. ``fit`` never replaces these tags.
    """
    tag = uid_tag(site)
    return frozenset({tag, f"{tag}.l"})


def tags_of_all_below(uid: str, above: tuple[str, ...]) -> frozenset[str]:
    """Return tags that reach every response that depends on something below ``uid``.

    ``uid`` is a container and not the site. Each such response carries one of the tags
    in order to notice moves of the container (``of_response``).
    """
    tag = uid_tag(uid)
    subtrees = (f"{uid_tag(each)}.b" for each in with_subtrees(above))
    return frozenset({tag, f"{tag}.l", moved_tag(above[-1]), *subtrees})


def _hidden_tags(change: Change) -> Iterator[str]:
    """Yield the tags of its own URL, and of what answers at its URL instead."""
    if change.before is not None:
        yield uid_tag(change.uid)
        if change.after is None:
            # Texts link to it, also for people who may not follow the link
            yield f"{uid_tag(change.uid)}.l"
    if change.label:
        for above in filter(None, (change.before, change.after)):
            yield f"{uid_tag(above[0])}.n"


def _label_tags(
    change: Change, above: tuple[str, ...], navigation: Navigation
) -> Iterator[str]:
    if not above:
        return
    navigated = change.in_navigation or change.subtree
    titled = change.titled or change.subtree
    yield from _order_tags(above, navigation, navigated, titled)
    if not change.subtree:  # with a type's tag comes that of moves
        for portal_type in _types(change):
            yield type_tag(above[-1], portal_type)


def _order_tags(
    chain: tuple[str, ...],
    navigation: Navigation,
    navigated: bool = True,
    titled: bool = True,
) -> Iterator[str]:
    """Yield the tags of queries that find children of the first in ``chain``.

    ``chain``: UIDs up to the site. ``navigated``: navigation shows the change, too.
    ``titled``: and navigation that shows titles only.
    """
    within = "b" if titled else "bl"
    yield f"{uid_tag(chain[0])}.c"
    for uid in with_subtrees(chain):
        yield f"{uid_tag(uid)}.b"
    for distance, uid in enumerate(chain, start=1):
        if navigated and uid in navigation.roots:
            for depth in navigation.depths:
                if distance <= depth:
                    yield f"{uid_tag(uid)}.{within}{depth}"


def _edit_tags(change: Change, above: tuple[str, ...]) -> Iterator[str]:
    if not above:
        return
    yield f"{uid_tag(above[0])}.ce"
    for uid in with_subtrees(above):
        yield f"{uid_tag(uid)}.be"
    for portal_type in _types(change):
        yield type_tag(above[-1], portal_type, Facet.EDIT)


def _types(change: Change) -> tuple[str, ...]:
    return (change.portal_type, *change.more_types)


def _site_of(change: Change) -> str:
    above = change.after if change.after is not None else change.before
    return (change.uid, *(above or ()))[-1]


def moves_imply(tag: str) -> bool:
    """Say whether every response with ``tag`` also carries the tag of moves."""
    return tag.endswith(".g") or ".t." in tag or ".te." in tag


def label_tag(tag: str) -> str | None:
    """Return the tag that every response with ``tag`` carries as well; None if none.

    If that one is purged, ``tag`` itself need not be.
    """
    within = _WITHIN.match(tag)
    if within:
        return "{}.b{}".format(*within.groups())
    for edit, of_label in ((".ce", ".c"), (".be", ".b")):
        if tag.endswith(edit):
            return tag.removesuffix(edit) + of_label
    head, found, word = tag.partition(".te.")
    return f"{head}.t.{word}" if found else None
