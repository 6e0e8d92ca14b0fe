"""What a change reaches beyond the object: who shows it, and where.

===================================  ===============================================
in the navigation                    every page: scope *site*
deeper                               its folder with all below (listing, navigation
                                     portlet, previous and next), the site maps
anywhere                             the folders it is the default page of, its
                                     translations, what relates to it, collections
too many of those, or a portlet      every page: scope *site*
===================================  ===============================================
"""

from Acquisition import aq_base
from Acquisition import aq_chain
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.reach.collections import collections_for
from collective.cloudfront.reach.collections import depends_on_any_edit
from collective.cloudfront.reach.languages import translations
from collective.cloudfront.reach.portlets import places_showing
from collective.cloudfront.reach.urls import FeedPath
from collective.cloudfront.reach.urls import feeds_cover
from collective.cloudfront.reach.urls import page_cover
from collective.cloudfront.reach.urls import path_inside
from collective.cloudfront.reach.urls import subtree_cover
from collective.cloudfront.reach.visible import is_in_navigation
from collective.cloudfront.reach.visible import is_in_navigation_with_children
from collective.cloudfront.reach.visible import is_public
from collective.cloudfront.reach.visible import SITE_MAP
from itertools import islice
from plone.base.defaultpage import get_default_page
from plone.base.interfaces import INavigationRoot
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zc.relation.interfaces import ICatalog
from zope.component import queryUtility
from zope.intid.interfaces import IIntIds

import logging


logger = logging.getLogger("collective.cloudfront")

#: More pages than these that show an object are not purged one by one: purging the
#: site costs one item.
MOST_SHOWING = 4
#: For more objects than these that come or go with their folder, it is not asked who
#: shows them.
MOST_BELOW = 50
#: Layouts of folders and collections that show more of an object than its title and
#: description.
_SHOWING_ALL = frozenset({"full_view", "tabular_view", "event_listing"})


def chain_of_default_pages(obj: Any, site: Any) -> Iterator[Any]:
    """Yield the folders at whose URL ``obj`` answers, innermost first."""
    while not ISiteRoot.providedBy(obj):
        parent = aq_parent(aq_inner(obj))
        if parent is None or get_default_page(parent) != obj.getId():
            return
        yield parent
        obj = parent


def of_text(obj: Any, site: Any) -> Iterator[str]:
    """Yield items for other pages that a change of a mere text is to be seen on."""
    if ISiteRoot.providedBy(obj):
        return
    folder = aq_parent(aq_inner(obj))
    inside = path_of(folder, site)
    if inside is None:
        return
    yield from feeds_cover(folder, inside, text_of=obj)
    if _layout(folder) in _SHOWING_ALL:
        yield from page_cover(folder, inside)
    for collection in collections_for(obj, site):
        if depends_on_any_edit(collection) or _layout(collection) in _SHOWING_ALL:
            yield from _everywhere(collection, site)
            continue
        for shown_at in (collection, *chain_of_default_pages(collection, site)):
            inside = path_of(shown_at, site)
            if inside is not None:
                yield from feeds_cover(shown_at, inside, text_of=obj)
    for place in places_showing(obj, site, text=True):
        if place is not site:
            yield from _with_all_below(place, site)


def is_text_site_wide(obj: Any, site: Any) -> bool:
    """Say whether all pages show when a mere text of ``obj`` changed."""
    return any(place is site for place in places_showing(obj, site, text=True))


def _everywhere(page: Any, site: Any) -> Iterator[str]:
    """Yield the items of a page, and of folders it is the default page of."""
    for shown_at in (page, *chain_of_default_pages(page, site)):
        inside = path_of(shown_at, site)
        if inside is not None:
            yield from page_cover(shown_at, inside)
            yield from feeds_cover(shown_at, inside)


def is_site_wide(obj: Any, site: Any, even_excluded: bool, api: bool) -> bool:
    """Say whether so many pages show ``obj`` that all of them are purged."""
    if ISiteRoot.providedBy(obj) or api:
        # Volto's pages show anything anywhere, by blocks
        return True
    registry = site.portal_registry
    if is_in_navigation(obj, registry, even_excluded):
        return True
    return any(place is site for place in places_showing(obj, site))


def is_order_site_wide(folder: Any, site: Any, api: bool) -> bool:
    """Say whether all pages show the order of what ``folder`` holds."""
    return api or is_in_navigation_with_children(folder, site.portal_registry)


def of_folder(obj: Any, site: Any) -> Iterator[str]:
    """Yield items for the folder of ``obj``, which lists it, and all below it."""
    yield from listing(aq_parent(aq_inner(obj)), site)


def listing(folder: Any, site: Any) -> Iterator[str]:
    """Yield items for a folder whose listing changed, and all below it."""
    inside = path_of(folder, site)
    if inside is None:
        return
    if not inside:
        # All below it would be everything
        yield from page_cover(folder, inside)
        yield from feeds_cover(folder, inside)
        return
    yield from subtree_cover(inside, aq_parent(aq_inner(folder)), folder.getId())
    for shown_at in chain_of_default_pages(folder, site):
        yield from page_cover(shown_at, path_of(shown_at, site))


def is_in_site_map(obj: Any, site: Any, even_excluded: bool) -> bool:
    """Say whether the site map, which may be deeper than navigation, shows ``obj``."""
    return is_in_navigation(obj, site.portal_registry, even_excluded, SITE_MAP)


def is_order_in_site_map(folder: Any, site: Any) -> bool:
    """Say whether the site map shows the order of what ``folder`` holds."""
    return is_in_navigation_with_children(folder, site.portal_registry, SITE_MAP)


def site_maps(obj: Any, site: Any) -> Iterator[str]:
    """Yield items for the site maps, of people and of robots, that list ``obj``."""
    return (FeedPath(f"{root}/sitemap*") for root in _navigation_roots(obj, site))


def robots_maps(obj: Any, site: Any) -> Iterator[str]:
    """Yield items for the site maps of robots, which date all changes of ``obj``."""
    if site.portal_registry.get("plone.enable_sitemap", False):
        for root in _navigation_roots(obj, site):
            yield FeedPath(f"{root}/sitemap.xml.gz*")


def _navigation_roots(obj: Any, site: Any) -> Iterator[str]:
    for parent in aq_chain(aq_inner(obj)):
        inside = path_of(parent, site)
        if inside is None:
            return
        if INavigationRoot.providedBy(parent):
            yield inside


def of_showing(objs: Iterable[Any], site: Any) -> list[str] | None:
    """Return items for pages elsewhere that show one of ``objs``; None: too many."""
    pages: dict[tuple[str, ...], Any] = {}
    places: dict[tuple[str, ...], Any] = {}
    for obj in objs:
        pages.update(_first(_showing(obj, site)))
        places.update(_first(places_showing(obj, site)))
        if len(pages) + len(places) > MOST_SHOWING:
            return None
    return [
        *(item for page in pages.values() for item in _everywhere(page, site)),
        *(item for place in places.values() for item in _with_all_below(place, site)),
    ]


def of_links(obj: Any, site: Any) -> list[str] | None:
    """Return items for pages that link or relate to ``obj``; None: too many."""
    pages = dict(_first(_related(obj)))
    if len(pages) > MOST_SHOWING:
        return None
    return [item for page in pages.values() for item in _everywhere(page, site)]


def _first(found: Iterator[Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for each in islice(found, MOST_SHOWING + 1):
        yield each.getPhysicalPath(), each


def contents_below(obj: Any, counts: Callable[[Any], bool] = is_public) -> list[Any]:
    """Return the content below ``obj`` that ``counts``; where there is much, one too
    many of all.
    """
    found = list(islice(_contents_below(obj), MOST_BELOW + 1))
    return found if len(found) > MOST_BELOW else list(filter(counts, found))


def _contents_below(obj: Any) -> Iterator[Any]:
    if not hasattr(aq_base(obj), "objectIds"):
        return
    for child in obj.objectValues():
        if IContentish.providedBy(child):
            yield child
            yield from _contents_below(child)


def _with_all_below(place: Any, site: Any) -> tuple[str, ...]:
    inside = path_of(place, site)
    if inside is None:
        return ()
    return subtree_cover(inside, aq_parent(aq_inner(place)), place.getId())


def _showing(obj: Any, site: Any) -> Iterator[Any]:
    yield from collections_for(obj, site)
    yield from _related(obj)
    yield from translations(obj, site)


def _related(obj: Any) -> Iterator[Any]:
    relations, intids = queryUtility(ICatalog), queryUtility(IIntIds)
    if relations is None or intids is None:
        return
    intid = intids.queryId(aq_base(obj))
    if intid is None:
        return
    for relation in relations.findRelations({"to_id": intid}):
        origin = relation.from_object
        if IContentish.providedBy(origin):
            yield origin


def _layout(obj: Any) -> str:
    get_layout = getattr(obj, "getLayout", None)
    return (get_layout() if get_layout else "") or ""


def path_of(obj: Any, site: Any) -> str | None:
    """Return the path of ``obj`` inside the site, or None if it is elsewhere."""
    get_path = getattr(obj, "getPhysicalPath", None)
    return path_inside(get_path(), site.getPhysicalPath()) if get_path else None
