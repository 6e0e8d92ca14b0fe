"""The URLs at which visitors meet an object, as few items as reach them all.

An object answers at more URLs than anybody can list: views, query strings, scales and
downloads with any file name. Wildcards reach them. CloudFront's ``/news*`` reaches
``/newsletter`` too, so it is used where nothing else in the folder begins like that;
otherwise ``/news``, ``/news?*`` and ``/news/*`` do the same, at three times the price.

All paths here are inside the site: ``""`` is the site itself.
"""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterator
from collective.cloudfront.reach.change import Subtree
from collective.cloudfront.reach.reached import AT_ONCE
from collective.cloudfront.reach.reached import every_page
from collective.cloudfront.reach.reached import How
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import pages
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.reached import URGENT
from itertools import islice
from plone.base.defaultpage import get_default_page
from plone.base.interfaces.syndication import IFeedSettings
from plone.base.interfaces.syndication import ISyndicatable
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from urllib.parse import quote

import logging


logger = logging.getLogger("collective.cloudfront")

#: Views of a folder that begin neither with ``@@`` nor with the name of its layout.
_VIEWS = ("view",)
#: Feeds that do not show when something was changed, unless they have to because it
#: has no date of publication.
_FEEDS_OF_PUBLICATIONS = frozenset({"RSS", "rss.xml", "itunes.xml"})
_LAST_CHARACTER = "\U0010ffff"


def path_inside(physical: tuple[str, ...], site: tuple[str, ...]) -> str | None:
    """Return the quoted path of an object inside its site, or None if elsewhere.

    The site itself has the empty path.
    """
    if physical[: len(site)] != site:
        return None
    return quote("/".join(("", *physical[len(site) :])))


def path_of(obj: Any, site: Any) -> str | None:
    """Return the path of ``obj`` inside the site, or None if it is elsewhere."""
    get_path = getattr(obj, "getPhysicalPath", None)
    return path_inside(get_path(), site.getPhysicalPath()) if get_path else None


def subtree_cover(
    inside: str, container: Any, name: str, how: How = AT_ONCE, kind: Kind = Kind.PAGE
) -> list[Reached]:
    """Return what reaches ``inside`` and all below it.

    ``container`` is, or was, its folder, in which it is called ``name``.
    """
    if not inside:
        return [every_page(how)]
    if _begins_alone(container, name):
        # The first is under the second, and is sent only if quota holds that back
        paths = (inside, f"{inside}*")
    else:
        paths = (inside, f"{inside}?*", f"{inside}/*")
    return [Reached(path, kind, how) for path in paths]


def subtree_of(obj: Any, site: Any, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches ``obj`` and all below it, if it is in the site."""
    inside = path_of(obj, site)
    if inside is None:
        return []
    return subtree_cover(inside, aq_parent(aq_inner(obj)), obj.getId(), how)


def place_cover(change: Subtree, site: Any) -> list[Reached]:
    """Return what reaches the place of a subtree, if it is in the site."""
    inside = path_inside(change.place, site.getPhysicalPath())
    if inside is None:
        return []
    how = URGENT if change.urgent else AT_ONCE
    return subtree_cover(inside, change.container, change.place[-1], how)


def object_cover(obj: Any, inside: str, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches the URLs of ``obj``, and nothing below it."""
    if not _has_children(obj):
        return subtree_cover(inside, aq_parent(aq_inner(obj)), obj.getId(), how)
    found = [Reached(inside or "/", Kind.PAGE, how)]
    if inside:
        found += pages((f"{inside}?*", f"{inside}/"), how)
        found.append(Reached(f"{inside}/?*", Kind.CLASSIC, how))
    else:
        # The site has no URL without a slash
        found += pages(("/?*",), how)
    found += pages((f"{inside}/@*",), how)
    for view in dict.fromkeys((*_VIEWS, *_layout(obj))):
        found += subtree_cover(f"{inside}/{view}", obj, view, how, Kind.CLASSIC)
    return found + feeds_cover(obj, inside, how)


def page_cover(obj: Any, inside: str, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches the URL of ``obj``, also with a query string or a slash."""
    if not _has_children(obj):
        return object_cover(obj, inside, how)
    if not inside:
        return pages(("/", "/?*"), how)
    return pages((inside, f"{inside}?*", f"{inside}/"), how)


def default_pages(obj: Any, site: Any, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches the folders at whose URL ``obj`` answers."""
    return [
        item
        for folder in chain_of_default_pages(obj)
        for item in page_cover(folder, path_of(folder, site) or "", how)
    ]


def chain_of_default_pages(obj: Any) -> list[Any]:
    """Return the folders at whose URL ``obj`` answers, innermost first."""
    found = []
    while not ISiteRoot.providedBy(obj):
        parent = aq_parent(aq_inner(obj))
        if parent is None or get_default_page(parent) != obj.getId():
            break
        found.append(parent)
        obj = parent
    return found


def feeds_cover(
    obj: Any, inside: str, how: How = AT_ONCE, text_of: Any = None
) -> list[Reached]:
    """Return what reaches the feeds of ``obj``, if it has any.

    ``text_of``: content of which a mere text has changed, which not all feeds show.
    """
    if not ISyndicatable.providedBy(obj):
        return []
    try:
        settings = IFeedSettings(obj)
        types = settings.feed_types if settings.enabled else ()
        # Those with the whole body show any text
        if (
            types
            and text_of is not None
            and _is_dated(text_of)
            and not settings.render_body
        ):
            types = [name for name in types if name not in _FEEDS_OF_PUBLICATIONS]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        logger.warning("The feeds of %r cannot be determined (%s).", obj, error)
        return []
    return [
        item
        for name in types or ()
        for item in subtree_cover(f"{inside}/{quote(name)}", obj, name, how, Kind.FEED)
    ]


def _is_dated(obj: Any) -> bool:
    date = getattr(obj, "EffectiveDate", None)
    return date is not None and date() not in (None, "None")


def _layout(obj: Any) -> Iterator[str]:
    get_layout = getattr(obj, "getLayout", None)
    layout = get_layout() if get_layout else None
    if layout and not layout.startswith("@@"):
        yield layout


def _has_children(obj: Any) -> bool:
    base = aq_base(obj)
    if not hasattr(base, "objectIds"):
        return False
    # Asked for what it has not, Dexterity looks for defaults; a save waits for that
    tree = base._tree if hasattr(type(base), "_tree") else None
    return bool(tree) if tree is not None else bool(list(islice(obj.objectIds(), 1)))


def _begins_alone(container: Any, name: str) -> bool:
    """Say whether nothing else in ``container`` begins with ``name``.

    Asked of the tree itself: a folder may hold many thousands.
    """
    base = aq_base(container)
    tree = getattr(base, "_tree", None)
    if tree is not None:
        found = list(islice(tree.keys(min=name, max=name + _LAST_CHARACTER), 2))
    elif hasattr(base, "objectIds"):
        found = [each for each in container.objectIds() if each.startswith(name)]
    else:
        return True
    return set(found) <= {name}
