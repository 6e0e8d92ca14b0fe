"""What a response can depend on: values, and one function for each kind.

The law: each function returns exactly what the table in the package docstring says.
``within`` returns the broader ``children`` or ``below`` where no tag stands for the
depth that was asked for.
"""

from collective.cloudfront.tagging.vocabulary.levels import Navigation
from enum import Enum
from typing import NamedTuple


#: Interfaces that queries ask for instead of content types, and that are tagged like
#: types. A change names those that its object provides.
INTERFACES = ("plone.event.interfaces.IEvent",)


# Texts, for these are hashed often, and an Enum's own hash is slow.
class Facet(str, Enum):
    """How much of the objects in its result a query depends on."""

    #: What tabs show: title, place, type, state. For navigation only
    TITLE = "title"
    #: What listings show and match: title, state, dates, subjects, place, …
    LABEL = "label"
    #: Any edit at all
    EDIT = "edit"


class Kind(str, Enum):
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
    #: A tag that an add-on chose, carried as it is
    FOREIGN = "foreign"


#: Dependencies on a place, which moves with what is above it
PLACED = frozenset(
    {Kind.OWN, Kind.LABEL, Kind.NAMES, Kind.CHILDREN, Kind.BELOW, Kind.WITHIN}
)


class Dependency(NamedTuple):
    """One thing that a response depends on. Use the functions below to make it."""

    kind: Kind
    #: The object or the container
    uid: str = ""
    #: The UIDs of what is above it, from its parent to the site. Empty: it is the
    #: site, or its place is not known
    above: tuple[str, ...] = ()
    facet: Facet = Facet.LABEL
    #: For ``WITHIN``: how many levels below
    depth: int = 0
    #: A type, a translation group or a foreign tag
    name: str = ""


def own(uid: str, above: tuple[str, ...]) -> Dependency:
    """Return the dependency of a response that shows any part of an object."""
    return Dependency(Kind.OWN, uid, above)


def label(uid: str, above: tuple[str, ...] = ()) -> Dependency:
    """Return the dependency of a response that shows of an object what listings show.

    Leave ``above`` empty if the object was asked for and not found.
    """
    return Dependency(Kind.LABEL, uid, above)


def names(uid: str, above: tuple[str, ...]) -> Dependency:
    """Return the dependency of a response that exists because a container has no
    object with some name: "not found", a view, something acquired.
    """
    return Dependency(Kind.NAMES, uid, above)


def children(
    uid: str, above: tuple[str, ...], facet: Facet = Facet.LABEL
) -> Dependency:
    """Return the dependency of a query for the direct children of a container."""
    return Dependency(Kind.CHILDREN, uid, above, facet)


def below(uid: str, above: tuple[str, ...], facet: Facet = Facet.LABEL) -> Dependency:
    """Return the dependency of a query of a subtree; without a path, of the site's."""
    return Dependency(Kind.BELOW, uid, above, facet)


def within(
    uid: str,
    above: tuple[str, ...],
    depth: int,
    navigation: Navigation,
    facet: Facet = Facet.LABEL,
) -> Dependency:
    """Return the dependency of navigation below ``uid``, to a depth."""
    enough = [each for each in navigation.depths if each >= depth]
    if enough and uid in navigation.roots:
        return Dependency(Kind.WITHIN, uid, above, facet, min(enough))
    return children(uid, above) if depth == 1 else below(uid, above)


def of_type(site: str, portal_type: str, facet: Facet = Facet.LABEL) -> Dependency:
    """Return the dependency of a query for a type in the whole site."""
    return Dependency(Kind.OF_TYPE, site, facet=facet, name=portal_type)


def group(site: str, name: str) -> Dependency:
    """Return the dependency of a query for a translation group."""
    return Dependency(Kind.GROUP, site, name=name)


def undated(site: str, portal_type: str) -> Dependency:
    """Return the dependency on the index ``Date`` of a type, besides labels.

    ``Date`` is the date of publication or, where there is none, of the last change.
    """
    return Dependency(Kind.UNDATED, site, name=portal_type)


def chrome(site: str) -> Dependency:
    """Return the dependency of a page that shows the site around its content."""
    return Dependency(Kind.CHROME, site)


def foreign(name: str) -> Dependency:
    """Return the dependency on something whose tag an add-on purges."""
    return Dependency(Kind.FOREIGN, name=name)
