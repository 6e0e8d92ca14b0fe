"""The vocabulary of cache tags: what a response depends on, and what a change purges.

Pure: no Zope. Two sides speak it, and agree because both ask this module:

====================  ==================================  ============================
dependency            the question a response asked       tags that it carries
====================  ==================================  ============================
``own(X)``            all of X                            ``X``
``label(X)``          what listings show of X             ``X.l``
``names(C)``          what a name in C leads to           ``C.n``, ``C.c``
``children(C)``       which children, and their labels    ``C.c``
``below(C)``          the same of a whole subtree         ``C.b``
``within(C, 3)``      the same to a depth, as navigation  ``C.b3``, ``C.bl3``
``of_type(T)``        the same of a type, anywhere        ``S.t.T``, ``S.m``
``group(G)``          the same of a translation group     ``G.g``, ``S.m``
``undated(T)``        what "date" of a type sorts by      ``S.d.T``
``chrome()``          registry, actions, theme, portlets  ``S.x``
====================  ==================================  ============================

X and C are UIDs, S is the site's. A query of the *facet* EDIT (sorted by the date of
change, full text) asks for any edit: it carries ``C.ce`` *and* ``C.c`` (``.be``,
``S.te.T``), so that a change of a label need only name the latter.

**Navigation** asks for what is of its types and not excluded from it, to a depth, below
a navigation root. Nothing else purges its tags. Plone's tabs show titles only: of the
facet TITLE, navigation carries ``C.b3`` alone, which a new description leaves alone.

**What is above.** When a folder moves, goes, or is hidden with all below, only its own
tags and ``S.m`` ("with what is below it") are purged, however much is below. So a
response that depends on X must notice when something above X moves: by the label of
each ancestor, which a page has from its breadcrumbs, or else by ``S.m``, which it
then carries. ``tags_of`` sees to that.

**Deep sites.** A subtree deeper than ``LEVELS`` below the site is taken for that of
its ancestor at that level, so that a change names a bounded number of ancestors.
"""

from collections.abc import Collection
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

import re


#: Subtrees have tags of their own down to so many levels below the site, which is at
#: 0. Each level costs an item for every change, and two for a move.
LEVELS = 2

#: CloudFront ignores longer ones (developer guide, "Invalidate by cache tag").
MAX_TAG_LENGTH = 256

#: Longer words (names of types) are replaced by their hash.
_MAX_WORD = 100

#: Interfaces that queries ask for instead of types, and that are tagged as types are.
#: A change names those that its object provides.
INTERFACES = ("plone.event.interfaces.IEvent",)

#: ASCII 33 to 126 without a comma
_TAG = re.compile(rf"[!-+\--~]{{1,{MAX_TAG_LENGTH}}}\Z")
_WITHIN = re.compile(r"(.+)\.bl(\d+)\Z")
_UID = re.compile(r"[0-9a-z-]{1,64}\Z")


class Facet(Enum):
    """How much of the objects that a query finds its answer depends on."""

    #: What tabs show: title, place, type, state. Of navigation only
    TITLE = "title"
    #: What listings show and match: title, state, dates, subjects, place, …
    LABEL = "label"
    #: Any edit at all
    EDIT = "edit"


class Kind(Enum):
    """The kinds of dependencies."""

    OWN = "own"
    LABEL = "label"
    NAMES = "names"
    CHILDREN = "children"
    BELOW = "below"
    WITHIN = "within"
    OF_TYPE = "of type"
    GROUP = "group"
    UNDATED = "undated"
    CHROME = "chrome"
    #: A tag from somewhere else, carried as it is
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that a response depends on. Made by the functions below.

    ``uid`` is the object or the container; ``above`` are the UIDs of what is above
    it, from its parent to the site. Empty: it is the site, or nobody knows where it
    is. ``name`` is a type or a foreign tag.
    """

    kind: Kind
    uid: str = ""
    above: tuple[str, ...] = ()
    facet: Facet = Facet.LABEL
    depth: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Navigation:
    """To which depths subtrees have tags of their own, and where.

    ``depths``: of tabs, navigation and site map (settings of Plone, which are chrome).
    ``roots``: UIDs of navigation roots, as far as they are above what is asked for.
    Navigation from elsewhere, or deeper, depends on the whole subtree.
    """

    depths: frozenset[int] = frozenset()
    roots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an object, in one transaction.

    ``before`` and ``after`` are the UIDs of what is above it, from its parent to the
    site (empty for the site itself); None: it was not, or is no longer, there.
    ``label``: listings show what changed, or came, went, moved, was renamed or is seen
    by others. ``titled``: and it is not only a description or a picture that changed.
    ``subtree``: so did, with it, something below it. ``reordered``: what it holds has
    another order. ``edited``: any edit at all; false if it only was reordered.
    """

    uid: str
    portal_type: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None
    label: bool = True
    subtree: bool = False
    reordered: bool = False
    edited: bool = True
    #: Its type before if that changed, and which of ``INTERFACES`` it provides
    more_types: tuple[str, ...] = ()
    #: The translation groups that it belongs to or has left
    groups: tuple[str, ...] = ()
    #: It is of a type that navigation shows, and not excluded from it; or was
    in_navigation: bool = True
    titled: bool = True
    #: It has no date of publication, so that its ``Date`` is that of its last change
    undated: bool = False
    #: Visitors do not see it, before and after, and nothing is below it
    hidden: bool = False

    @property
    def place(self) -> tuple[str, ...] | None:
        """What is above it where responses may depend on it, or will; None: nowhere."""
        if self.before is not None:
            return self.before or None
        return None if self.hidden else self.after or None


# --- dependencies ---------------------------------------------------------------------


def own(uid: str, above: tuple[str, ...]) -> Dependency:
    """Return what a response depends on that shows any part of an object."""
    return Dependency(Kind.OWN, uid, above)


def label(uid: str, above: tuple[str, ...] = ()) -> Dependency:
    """Return what a response depends on that shows what listings show of an object.

    Without ``above``: it was asked for and not found.
    """
    return Dependency(Kind.LABEL, uid, above)


def names(uid: str, above: tuple[str, ...]) -> Dependency:
    """Return what a response depends on that is there because a container has nothing
    of some name: "not found", a view, something acquired.
    """
    return Dependency(Kind.NAMES, uid, above)


def children(
    uid: str, above: tuple[str, ...], facet: Facet = Facet.LABEL
) -> Dependency:
    """Return what a query for the direct children of a container depends on."""
    return Dependency(Kind.CHILDREN, uid, above, facet)


def below(uid: str, above: tuple[str, ...], facet: Facet = Facet.LABEL) -> Dependency:
    """Return what a query of a subtree depends on, of the site's without any path."""
    return Dependency(Kind.BELOW, uid, above, facet)


def within(
    uid: str,
    above: tuple[str, ...],
    depth: int,
    navigation: Navigation,
    facet: Facet = Facet.LABEL,
) -> Dependency:
    """Return what navigation below ``uid``, to a depth, depends on."""
    enough = [each for each in navigation.depths if each >= depth]
    if enough and uid in navigation.roots:
        return Dependency(Kind.WITHIN, uid, above, facet, min(enough))
    return children(uid, above) if depth == 1 else below(uid, above)


def of_type(site: str, portal_type: str, facet: Facet = Facet.LABEL) -> Dependency:
    """Return what a query of a type in the whole site depends on."""
    return Dependency(Kind.OF_TYPE, site, facet=facet, name=portal_type)


def group(site: str, name: str) -> Dependency:
    """Return what a query for the translations of something depends on."""
    return Dependency(Kind.GROUP, site, name=name)


def undated(site: str, portal_type: str) -> Dependency:
    """Return what depends on the index ``Date`` of a type, besides labels.

    It is the date of publication, or of the last change of what has none.
    """
    return Dependency(Kind.UNDATED, site, name=portal_type)


def chrome(site: str) -> Dependency:
    """Return what a page depends on that shows the site around its content."""
    return Dependency(Kind.CHROME, site)


def foreign(name: str) -> Dependency:
    """Return the dependency on something whose tag somebody else purges."""
    return Dependency(Kind.FOREIGN, name=name)


# --- the tags of dependencies ---------------------------------------------------------


def tags_of(dependencies: Collection[Dependency], site: str) -> frozenset[str]:
    """Return all tags that a response with these dependencies carries."""
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
    """Yield the tags of the deepest navigation: whatever purges that of less depth
    purges it as well.
    """
    depths: dict[str, int] = {}
    for each in dependencies:
        if each.kind is Kind.WITHIN:
            tag = uid_tag(each.uid)
            shown = [f"{tag}.b"] + [f"{tag}.bl"] * (each.facet is not Facet.TITLE)
            for start in shown:
                depths[start] = max(each.depth, depths.get(start, 0))
    return (f"{start}{depth}" for start, depth in depths.items())


def subtree_of(uid: str, above: tuple[str, ...]) -> str:
    """Return the container whose subtree is purged for that of ``uid``."""
    chain = (uid, *above)
    return chain[-1 - min(LEVELS, len(above))]


#: Dependencies on a place, which moves with what is above it.
PLACED = frozenset(
    {Kind.OWN, Kind.LABEL, Kind.NAMES, Kind.CHILDREN, Kind.BELOW, Kind.WITHIN}
)


def _notices_moves(dependencies: Collection[Dependency], site: str) -> bool:
    """Say whether the tags of what they are on tell that any of it moved."""
    told = {each.uid for each in dependencies if each.kind in (Kind.OWN, Kind.LABEL)}
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
            if uid not in told and covered.isdisjoint(chain[position + 1 :]):
                return False
        moves = each.kind not in (Kind.OWN, Kind.LABEL) and each.uid not in told
        if moves and covered.isdisjoint(each.above):
            return False
    return True


# --- the tags of a change -------------------------------------------------------------


def tags_of_change(change: Change, navigation: Navigation) -> frozenset[str]:
    """Return the tags to purge for a change.

    The law (``tests/tagging``): whatever dependency has another answer after it, its
    response carries one of these. An edit of a text costs 7 items or fewer, of a
    title 9 and one more for each further navigation root above, a move from one
    folder to another 13, however deep; each of ``more_types`` and ``groups`` one more.
    What is hidden costs 3 or fewer.
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
    if change.label:
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
    """Return tags of which every response has one: breadcrumbs, and what notices moves,
    begin at the site, and what is asked of the site itself depends on all of it.

    They are never folded (``budget``).
    """
    tag = uid_tag(site)
    return frozenset({tag, f"{tag}.l"})


def tags_of_all_below(uid: str, above: tuple[str, ...]) -> frozenset[str]:
    """Return tags of which every response has one that depends on something in the
    subtree of the container ``uid``, which is not the site.

    It has them to notice moves of the container (``_notices_moves``).
    """
    tag = uid_tag(uid)
    subtrees = (f"{uid_tag(each)}.b" for each in _with_subtrees(above))
    return frozenset({tag, f"{tag}.l", moved_tag(above[-1]), *subtrees})


def _hidden_tags(change: Change) -> Iterator[str]:
    """Yield the tags of its own URL, and of what answers at its name instead."""
    if change.before is not None:
        yield uid_tag(change.uid)
        if change.after is None:
            # Links in texts lead to it, whoever may follow them
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
    if not change.subtree:  # whatever has a type's tag has that of moves, too
        for portal_type in _types(change):
            yield type_tag(above[-1], portal_type)


def _order_tags(
    chain: tuple[str, ...],
    navigation: Navigation,
    navigated: bool = True,
    titled: bool = True,
) -> Iterator[str]:
    """Yield the tags for which children of the first of ``chain`` count by label.

    ``navigated``: for navigation, too. ``titled``: for that of titles only, too.
    """
    within = "b" if titled else "bl"
    yield f"{uid_tag(chain[0])}.c"
    for uid in _with_subtrees(chain):
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
    for uid in _with_subtrees(above):
        yield f"{uid_tag(uid)}.be"
    for portal_type in _types(change):
        yield type_tag(above[-1], portal_type, Facet.EDIT)


def _types(change: Change) -> tuple[str, ...]:
    return (change.portal_type, *change.more_types)


def _with_subtrees(chain: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of ``chain``, up to the site, that have tags for their subtrees."""
    return chain[-1 - LEVELS :]


def _site_of(change: Change) -> str:
    above = change.after if change.after is not None else change.before
    return (change.uid, *(above or ()))[-1]


def is_told_by_moves(tag: str) -> bool:
    """Say whether all responses with ``tag`` carry that of moves as well."""
    return tag.endswith(".g") or ".t." in tag or ".te." in tag


def label_tag(tag: str) -> str | None:
    """Return the tag that all responses with ``tag`` carry as well, which makes it
    superfluous; None if there is none.
    """
    within = _WITHIN.match(tag)
    if within:
        return "{}.b{}".format(*within.groups())
    for edit, of_label in ((".ce", ".c"), (".be", ".b")):
        if tag.endswith(edit):
            return tag.removesuffix(edit) + of_label
    head, found, word = tag.partition(".te.")
    return f"{head}.t.{word}" if found else None


# --- how tags are written -------------------------------------------------------------


def uid_tag(uid: str) -> str:
    """Return the tag of an object. CloudFront does not tell upper from lower case."""
    return uid if _UID.match(uid) else _hash(uid)


def type_tag(site: str, portal_type: str, facet: Facet = Facet.LABEL) -> str:
    """Return the tag of a type."""
    letter = "t" if facet is Facet.LABEL else "te"
    return f"{uid_tag(site)}.{letter}.{_word(portal_type)}"


def group_tag(name: str) -> str:
    """Return the tag of a translation group."""
    return f"{uid_tag(name)}.g"


def moved_tag(site: str) -> str:
    """Return the tag of "something moved, or is seen by others, with all below"."""
    return f"{uid_tag(site)}.m"


def undated_tag(site: str, portal_type: str) -> str:
    """Return the tag of "one of a type, without a date of publication, was edited"."""
    return f"{uid_tag(site)}.d.{_word(portal_type)}"


def chrome_tag(site: str) -> str:
    """Return the tag of what all pages of a site show around their content."""
    return f"{uid_tag(site)}.x"


def foreign_tag(name: str) -> str:
    """Return the tag for a name that somebody else gives: itself, if it can be one."""
    return name.lower() if _TAG.match(name) else _hash(name)


_SPECIAL = re.compile(r"[^a-z0-9-]")


def _word(text: str) -> str:
    """Write ``text`` in the characters of a tag, differently for each text.

    ``News Item`` becomes ``news-item``: words are expected to begin with a capital.
    Letters of unexpected case have a ``_`` before them.
    """
    words = (_spelled(word) for word in text.split(" "))
    written = "-".join(words)
    if len(written) > _MAX_WORD or not written:
        return _hash(text)
    return written


def _hash(text: str) -> str:
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"%%{digest[:40]}"


def _spelled(word: str) -> str:
    return "".join(
        _letter(character, expect_capital=position == 0)
        for position, character in enumerate(word)
    )


def _letter(character: str, expect_capital: bool) -> str:
    if character.isascii() and character.isalpha():
        small = character.lower()
        return small if (character != small) is expect_capital else f"_{small}"
    if character.isascii() and character.isdigit():
        return character
    return "".join(
        f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")
    )
