"""Which collections may show an object, told from their queries without running them.

Only what rules an object out for certain counts: its type and its place. All other
criteria may be met before or after a change, so they are taken as met.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.reach.existing import content_at
from typing import Any
from zope.interface import providedBy


#: Markers of content that is a collection.
_MARKERS = (
    "plone.app.contenttypes.behaviors.collection.ISyndicatableCollection",
    "plone.app.contenttypes.interfaces.ICollection",
)
_SELECTIONS = (
    "plone.app.querystring.operation.selection.any",
    "plone.app.querystring.operation.selection.is",
)
_BELOW = "plone.app.querystring.operation.string.absolutePath"
#: Indexes that any edit changes.
_OF_ANY_EDIT = frozenset({"modified", "ModificationDate", "Date", "SearchableText"})


def collections_for(obj: Any, site: Any, collections: Iterable[Any]) -> Iterator[Any]:
    """Yield the ``collections`` of the site whose query does not rule out ``obj``."""
    for collection in collections:
        if may_show(query_of(collection), obj, site):
            yield collection


def is_collection(obj: Any) -> bool:
    """Say whether ``obj`` is a collection."""
    return any(each.__identifier__ in _MARKERS for each in providedBy(obj).flattened())


def may_show(query: list[dict], obj: Any, site: Any) -> bool:
    """Say whether ``query`` (of plone.app.querystring) does not rule out ``obj``."""
    for criterion in query:
        index, value = criterion.get("i"), criterion.get("v")
        if index == "portal_type" and criterion.get("o") in _SELECTIONS:
            types = [value] if isinstance(value, str) else value or ()
            if obj.portal_type not in types:
                return False
        if index == "path" and criterion.get("o") == _BELOW:
            place = _place(value, site)
            physical = obj.getPhysicalPath()
            if place is not None and physical[: len(place)] != place:
                return False
    return True


def depends_on_any_edit(collection: Any) -> bool:
    """Say whether an edit of a mere text may change what ``collection`` lists."""
    if getattr(collection, "sort_on", None) in _OF_ANY_EDIT:
        return True
    return any(each.get("i") in _OF_ANY_EDIT for each in query_of(collection))


def is_asked_for(index: str, obj: Any, site: Any) -> bool:
    """Say whether a collection that may show ``obj`` has a criterion of ``index``."""
    return any(
        each.get("i") == index
        for collection in collections_for(obj, site, all_collections(site))
        for each in query_of(collection)
    )


def query_of(collection: Any) -> list[dict]:
    """Return the query of a collection, of plone.app.querystring."""
    return list(getattr(collection, "query", None) or ())


def _place(value: Any, site: Any) -> tuple[str, ...] | None:
    """Return the path that a criterion names, or None if it cannot be told."""
    path = value if isinstance(value, str) else ""
    path = path.partition("::")[0]  # "::1" limits the depth
    if path.startswith("/"):
        inside = tuple(name for name in path.split("/") if name)
        site_path = site.getPhysicalPath()
        if inside[: len(site_path) - 1] == site_path[1:]:
            return ("", *inside)
        return (*site_path, *inside)
    brains = site["portal_catalog"].unrestrictedSearchResults(UID=path) if path else ()
    return tuple(brains[0].getPath().split("/")) if brains else None


def all_collections(site: Any) -> Iterator[Any]:
    """Yield all collections of the site."""
    # Straight from the index: a search would take longer than all the rest, and make
    # the catalog index what is still being changed.
    catalog = site["portal_catalog"]._catalog
    index = catalog.indexes["object_provides"]._index
    found: set[int] = set()
    for marker in _MARKERS:
        rids = index.get(marker, ())
        found.update((rids,) if isinstance(rids, int) else rids)
    for rid in sorted(found):
        content = content_at(catalog.paths.get(rid), site)
        if content is not None:
            yield content
