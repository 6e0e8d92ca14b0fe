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
from itertools import islice
from plone.base.interfaces.syndication import IFeedSettings
from plone.base.interfaces.syndication import ISyndicatable
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


class FeedPath(str):
    """A path that has no twin in the REST API."""


class ClassicPath(FeedPath):
    """A path that only Classic UI has, and Volto does not."""


def path_inside(physical: tuple[str, ...], site: tuple[str, ...]) -> str | None:
    """Return the quoted path of an object inside its site, or None if elsewhere.

    The site itself has the empty path.
    """
    if physical[: len(site)] != site:
        return None
    return "".join(f"/{quote(name)}" for name in physical[len(site) :])


def subtree_cover(inside: str, container: Any, name: str) -> tuple[str, ...]:
    """Return items for ``inside`` and all below it.

    ``container`` is, or was, its folder, in which it is called ``name``.
    """
    if not inside:
        return ("/*",)
    if _begins_alone(container, name):
        # The first is under the second, and is sent only if quota holds that back
        return (inside, f"{inside}*")
    return (inside, f"{inside}?*", f"{inside}/*")


def object_cover(obj: Any, inside: str) -> tuple[str, ...]:
    """Return items for the URLs of ``obj``, and of nothing below it."""
    if not _has_children(obj):
        return subtree_cover(inside, aq_parent(aq_inner(obj)), obj.getId())
    views = dict.fromkeys((*_VIEWS, *_layout(obj)))
    return (
        inside or "/",
        # The site has no URL without a slash
        *(_with_slash(inside) if inside else ("/?*",)),
        f"{inside}/@*",
        *(
            ClassicPath(item)
            for view in views
            for item in subtree_cover(f"{inside}/{view}", obj, view)
        ),
        *feeds_cover(obj, inside),
    )


def _with_slash(inside: str) -> tuple[str, ...]:
    return (f"{inside}?*", f"{inside}/", ClassicPath(f"{inside}/?*"))


def page_cover(obj: Any, inside: str) -> tuple[str, ...]:
    """Return items for the URL of ``obj``, also with a query string or a slash."""
    if not _has_children(obj):
        return object_cover(obj, inside)
    if not inside:
        return ("/", "/?*")
    return (inside, f"{inside}?*", f"{inside}/")


def feeds_cover(obj: Any, inside: str, text_of: Any = None) -> tuple[str, ...]:
    """Return items for the feeds of ``obj``, if it has any.

    ``text_of``: content of which a mere text has changed, which not all feeds show.
    """
    if not ISyndicatable.providedBy(obj):
        return ()
    try:
        settings = IFeedSettings(obj)
        types = settings.feed_types if settings.enabled else ()
        if text_of is not None and not settings.render_body and _is_dated(text_of):
            types = [name for name in types or () if name not in _FEEDS_OF_PUBLICATIONS]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        logger.warning("The feeds of %r cannot be listed (%s).", obj, error)
        return ()
    return tuple(
        FeedPath(item)
        for name in types or ()
        for item in subtree_cover(f"{inside}/{quote(name)}", obj, name)
    )


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
    tree = getattr(base, "_tree", None)
    return bool(tree) if tree is not None else bool(list(islice(obj.objectIds(), 1)))


def _begins_alone(container: Any, name: str) -> bool:
    """Say whether nothing else in ``container`` begins with ``name``.

    Asked of the tree itself: a folder may hold many thousands.
    """
    base = aq_base(container)
    tree = getattr(base, "_tree", None)
    if tree is not None:
        found = islice(tree.keys(min=name, max=name + _LAST_CHARACTER), 2)
    elif hasattr(base, "objectIds"):
        found = (each for each in container.objectIds() if each.startswith(name))
    else:
        return True
    return all(each == name for each in found)
