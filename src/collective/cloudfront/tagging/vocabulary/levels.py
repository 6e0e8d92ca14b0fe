"""Which containers have tags for their subtree, and for navigation below them.

The law: for every container there is exactly one whose subtree tag stands for its
subtree (``subtree_of``). It is the container itself or above it, and it is one of those
that a change below the container names (``with_subtrees``). So a change names at most
``LEVELS + 1`` of them, however deep it is.
"""

from dataclasses import dataclass


#: Subtrees have tags down to this level. The site is level 0. Each level costs one item
#: for every change, and two for a move.
LEVELS = 2


@dataclass(frozen=True, slots=True)
class Navigation:
    """To which depths, and below which roots, navigation has tags.

    Navigation from elsewhere, or deeper, depends on the whole subtree.
    """

    #: The depths of tabs, navigation and site map. They are settings of Plone, and a
    #: change of these settings purges the chrome
    depths: frozenset[int] = frozenset()
    #: UIDs of the navigation roots above the object in question
    roots: frozenset[str] = frozenset()


def subtree_of(uid: str, above: tuple[str, ...]) -> str:
    """Return the container whose subtree tag stands for the subtree of ``uid``.

    ``above``: the UIDs of what is above it, from its parent to the site.
    """
    chain = (uid, *above)
    return chain[-1 - min(LEVELS, len(above))]


def with_subtrees(chain: tuple[str, ...]) -> tuple[str, ...]:
    """Return those in ``chain`` (UIDs up to the site) that have subtree tags."""
    return chain[-1 - LEVELS :]
