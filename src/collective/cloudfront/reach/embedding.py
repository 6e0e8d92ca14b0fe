"""Which pages show the whole of another page, or of its listing, and so on outwards."""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.reach.collections import may_show
from collective.cloudfront.reach.collections import query_of
from collective.cloudfront.reach.urls import chain_of_default_pages
from plone.behavior.interfaces import IBehavior
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.component import queryUtility


#: Layouts of Plone's that show of what they list no more than title, description and
#: picture. What the layout of an add-on shows, nobody knows.
_LABELS_ONLY = frozenset(
    {
        "",
        "album_view",
        "document_view",
        "event_view",
        "file_view",
        "image_view",
        "link_redirect_view",
        "listing_view",
        "newsitem_view",
        "summary_view",
    }
)
#: A behavior of Mosaic's, by both of its names: any page may show any content, by tiles.
_TILES = frozenset(
    {"plone.layoutaware", "plone.app.blocks.layoutbehavior.ILayoutAware"}
)


def shows_all(page: Any) -> bool:
    """Say whether a folder or collection may show more of what it lists than a label."""
    get_layout = getattr(page, "getLayout", None)
    layout = (get_layout() if get_layout else "") or ""
    return layout.removeprefix("@@") not in _LABELS_ONLY


def embedding(
    pages: Iterable[Any], site: Any, most: int, collections: Iterable[Any]
) -> list[Any]:
    """Return the pages that embed one of ``pages``, or a page that does; if they are
    more than ``most``, some of them, but more than that. ``collections``: of the site.
    """
    collections = [each for each in collections if shows_all(each)]
    found: dict[tuple[str, ...], Any] = {}
    todo = list(pages)
    while todo and len(found) <= most:
        for page in _around(todo.pop(), site, collections):
            path = page.getPhysicalPath()
            if path not in found:
                found[path] = page
                todo += (page, *chain_of_default_pages(page))
    return list(found.values())


def has_tiles(site: Any) -> bool:
    """Say whether pages may show any content by tiles."""
    if all(queryUtility(IBehavior, name=each) is None for each in _TILES):
        return False  # there is no Mosaic in this Zope
    # Without acquisition, which nobody needs here and a save waits for
    types = aq_base(site["portal_types"]).objectValues()
    return any(not _TILES.isdisjoint(getattr(fti, "behaviors", ())) for fti in types)


def _around(page: Any, site: Any, collections: list[Any]) -> Iterator[Any]:
    if ISiteRoot.providedBy(page):
        return
    folder = aq_parent(aq_inner(page))
    if shows_all(folder):
        yield folder
    for collection in collections:
        if may_show(query_of(collection), page, site):
            yield collection
