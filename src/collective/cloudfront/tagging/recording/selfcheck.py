"""Tries out the recording points: is what we read noted?

Other add-ons patch Plone, too. If one replaces a method that we have wrapped, we note
nothing any more, and pages stay stale.
"""

from collections.abc import Callable
from collective.cloudfront.tagging.recording import patches
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from plone.app.uuid import utils as uuids
from Products.CMFPlone.CatalogTool import CatalogTool
from typing import Any
from zope.globalrequest import getRequest

import inspect


#: The names of the methods, as ``hooks.HOOKS`` has them.
SEARCH = "Products.ZCatalog.Catalog:Catalog.search"
TRAVERSE = "OFS.Traversable:Traversable.unrestrictedTraverse"
UUID = "plone.app.uuid.utils:uuidToPhysicalPath"
COLUMN = "Products.ZCatalog.CatalogBrains:AbstractCatalogBrain.modified"

TOOL = "Products.CMFPlone.CatalogTool:CatalogTool.searchResults"
#: Not a point of its own: what ``TOOL`` notes where another engine has answered.
ELSEWHERE = "elsewhere"

#: A UID that no object has.
_NO_UID = "0" * 32


class _Probe:
    """Takes the place of a request's read-set, and notes only where it was called."""

    note_search, note_object, note_uid, note_date = SEARCH, TRAVERSE, UUID, COLUMN
    note_search_elsewhere = ELSEWHERE
    is_searching = False

    def __init__(self) -> None:
        self.noted: set[str] = set()

    @property
    def searches(self) -> int:
        """How many kinds of searches were noted."""
        return len(self.noted & {SEARCH, ELSEWHERE})

    def attempt(self, point: str, *what: Any) -> None:
        self.noted.add(point)


def points_missing(site: Any) -> frozenset[str]:
    """Return the names of the recording points at which nothing is noted.

    Puts them in place first, so ask only where the site sends cache tags. Needs a
    current request, whose read-set it leaves as it was.
    """
    patches.apply()
    tool = site.portal_catalog
    tries: dict[str, Callable[[], Any]] = {
        TOOL: lambda: tool.unrestrictedSearchResults(UID=_NO_UID),
        TRAVERSE: lambda: site.unrestrictedTraverse(site.getPhysicalPath()),
        UUID: lambda: uuids.uuidToPhysicalPath(_NO_UID),
    }
    catalog = getattr(tool, "_catalog", None)
    if catalog is not None:
        tries[SEARCH] = lambda: catalog(UID=_NO_UID)
        number = next(iter(catalog.data.keys()), None)
        if number is not None and "modified" in catalog.schema:
            tries[COLUMN] = lambda: catalog[number].modified
    return frozenset(point for point, read in tries.items() if not _noted_by(read))


def searches_elsewhere() -> str:
    """Return the module of an add-on that answers searches with the catalog tool, perhaps
    not all; empty if there is none.
    """
    module = str(inspect.unwrap(CatalogTool.unrestrictedSearchResults).__module__)
    return "" if module.startswith("Products.") else module


def _noted_by(read: Callable[[], Any]) -> set[str]:
    request = getRequest()
    if request is None:
        return {SEARCH}
    before, probe = getattr(request, ATTRIBUTE, None), _Probe()
    setattr(request, ATTRIBUTE, probe)
    try:
        read()
    finally:
        setattr(request, ATTRIBUTE, before)
    return probe.noted
