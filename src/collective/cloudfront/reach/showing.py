"""Which pages elsewhere show an object, or its text, and what reaches them."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.reach.collections import all_collections
from collective.cloudfront.reach.collections import collections_for
from collective.cloudfront.reach.collections import depends_on_any_edit
from collective.cloudfront.reach.embedding import embedding
from collective.cloudfront.reach.embedding import has_tiles
from collective.cloudfront.reach.languages import translations
from collective.cloudfront.reach.maps import robots_maps
from collective.cloudfront.reach.portlets import places_showing
from collective.cloudfront.reach.reached import AT_ONCE
from collective.cloudfront.reach.reached import COALESCED
from collective.cloudfront.reach.reached import every_page
from collective.cloudfront.reach.reached import How
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.relations import relating
from collective.cloudfront.reach.urls import chain_of_default_pages
from collective.cloudfront.reach.urls import default_pages
from collective.cloudfront.reach.urls import feeds_cover
from collective.cloudfront.reach.urls import page_cover
from collective.cloudfront.reach.urls import path_of
from collective.cloudfront.reach.urls import subtree_of
from collective.cloudfront.reach.visible import is_public
from itertools import islice
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any


#: More pages than these that show an object are not purged one by one: purging the
#: site costs one item.
MOST_SHOWING = 4


def of_showing(
    objs: Iterable[Any], site: Any, how: How = AT_ONCE
) -> list[Reached] | None:
    """Return what reaches pages elsewhere that show one of ``objs``; None: too many."""
    showing: dict[tuple[str, ...], Any] = {}
    places: dict[tuple[str, ...], Any] = {}
    collections = list(all_collections(site))
    for obj in objs:
        found = dict(_first(_showing(obj, site, collections)))
        start = (obj, *_folder(obj), *found.values())
        around = embedding(start, site, MOST_SHOWING, collections)
        found |= {page.getPhysicalPath(): page for page in around}
        showing.update(found)
        places.update(_first(places_showing(obj, site)))
        if len(showing) + len(places) > MOST_SHOWING:
            return None
    reached = [
        item for page in showing.values() for item in _everywhere(page, site, how)
    ]
    for place in places.values():
        reached += subtree_of(place, site, how)
    return reached


def of_links(obj: Any, site: Any) -> list[Reached]:
    """Return what reaches the pages whose texts link to ``obj``, whoever may follow
    that.
    """
    linking = dict(_first(relating(obj)))
    if len(linking) > MOST_SHOWING:
        return [every_page(COALESCED)]
    return [item for page in linking.values() for item in _everywhere(page, site)]


def of_text(obj: Any, site: Any) -> list[Reached]:
    """Return what reaches other pages that a change of a mere text is to be seen on."""
    if not is_public(obj):
        return []
    found = _of_text_elsewhere(obj, site) + robots_maps(obj, site)
    for place in places_showing(obj, site, text=True):
        if place is site:
            found.append(every_page(COALESCED))
        elif not ISiteRoot.providedBy(obj):
            found += subtree_of(place, site)
    return found


def listing(folder: Any, site: Any, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches a folder whose listing changed, and all below it."""
    inside = path_of(folder, site)
    if inside is None:
        return []
    if not inside:
        # All below it would be everything
        return page_cover(folder, inside, how) + feeds_cover(folder, inside, how)
    return subtree_of(folder, site, how) + default_pages(folder, site, how)


def _of_text_elsewhere(obj: Any, site: Any) -> list[Reached]:
    folder = aq_parent(aq_inner(obj))
    inside = None if ISiteRoot.providedBy(obj) else path_of(folder, site)
    if inside is None:
        return []
    if has_tiles(site):
        return [every_page(COALESCED)]
    found = feeds_cover(folder, inside, text_of=obj)
    # In the REST API's ``?fullobjects`` and ``?metadata_fields``. Of collections these are
    # not stored (``tagging.unreached``)
    found.append(Reached(f"{inside or '/'}?*", Kind.API))
    start = [obj]
    collections = list(all_collections(site))
    for collection in collections_for(obj, site, collections):
        if depends_on_any_edit(collection):
            start.append(collection)
            found += _everywhere(collection, site)
            continue
        for shown_at in (collection, *chain_of_default_pages(collection)):
            inside = path_of(shown_at, site)
            if inside is not None:
                found += feeds_cover(shown_at, inside, text_of=obj)
    around = embedding(start, site, MOST_SHOWING, collections)
    if len(around) > MOST_SHOWING:
        return [every_page(COALESCED)]
    return found + [item for page in around for item in _everywhere(page, site)]


def _everywhere(page: Any, site: Any, how: How = AT_ONCE) -> Iterator[Reached]:
    """Yield what reaches a page, and the folders it is the default page of."""
    for shown_at in (page, *chain_of_default_pages(page)):
        inside = path_of(shown_at, site)
        if inside is not None:
            yield from page_cover(shown_at, inside, how)
            yield from feeds_cover(shown_at, inside, how)


def _first(found: Iterator[Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for each in islice(found, MOST_SHOWING + 1):
        yield each.getPhysicalPath(), each


def _showing(obj: Any, site: Any, collections: Iterable[Any]) -> Iterator[Any]:
    yield from collections_for(obj, site, collections)
    yield from relating(obj)
    yield from translations(obj, site)


def _folder(obj: Any) -> Iterator[Any]:
    if not ISiteRoot.providedBy(obj):
        yield aq_parent(aq_inner(obj))
