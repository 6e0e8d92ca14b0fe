"""Tries out the recording points: is what we read noted?

Other add-ons patch Plone, too. If one replaces a method that we have wrapped, we note
nothing any more, and pages stay stale.
"""

from collections.abc import Callable
from collective.cloudfront.tagging.recording import patches
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from plone.app.uuid import utils as uuids
from typing import Any
from zope.globalrequest import getRequest


#: The names of the methods, as ``hooks.HOOKS`` has them.
SEARCH = "Products.ZCatalog.Catalog:Catalog.search"
TRAVERSE = "OFS.Traversable:Traversable.unrestrictedTraverse"
UUID = "plone.app.uuid.utils:uuidToPhysicalPath"
COLUMN = "Products.ZCatalog.CatalogBrains:AbstractCatalogBrain.modified"

#: A UID that no object has.
_NO_UID = "0" * 32


class _Probe:
    """Takes the place of a request's read-set, and notes only where it was called."""

    note_search, note_object, note_uid, note_date = SEARCH, TRAVERSE, UUID, COLUMN

    def __init__(self) -> None:
        self.noted: set[str] = set()

    def attempt(self, point: str, *what: Any) -> None:
        self.noted.add(point)


def points_missing(site: Any) -> frozenset[str]:
    """Return the names of the recording points at which nothing is noted.

    Puts them in place first, so ask only where the site sends cache tags. Needs a
    current request, whose read-set it leaves as it was.
    """
    patches.apply()
    tries: dict[str, Callable[[], Any]] = {
        SEARCH: lambda: site.portal_catalog.unrestrictedSearchResults(UID=_NO_UID),
        TRAVERSE: lambda: site.unrestrictedTraverse(site.getPhysicalPath()),
        UUID: lambda: uuids.uuidToPhysicalPath(_NO_UID),
    }
    catalog = site.portal_catalog._catalog
    number = next(iter(catalog.data.keys()), None)
    if number is not None and "modified" in catalog.schema:
        tries[COLUMN] = lambda: catalog[number].modified
    return frozenset(point for point, read in tries.items() if not _is_noted(read))


def _is_noted(read: Callable[[], Any]) -> bool:
    request = getRequest()
    if request is None:
        return True
    before, probe = getattr(request, ATTRIBUTE, None), _Probe()
    setattr(request, ATTRIBUTE, probe)
    try:
        read()
    finally:
        setattr(request, ATTRIBUTE, before)
    return bool(probe.noted)
