"""Recording points: methods of Plone that we wrap, because Plone has no event there.

We put them in place for the first response that gets tags; a site with the setting off
never has them. Each wraps one method or adds one attribute, and changes no result.
Without a read-set it costs one lookup in the thread's request.

``Catalog.search``
    Every search passes it (``searchResults``, ``unrestrictedSearchResults``, the
    catalog called, with or without the permission filters of CMF).
``CatalogTool.searchResults``, ``unrestrictedSearchResults``, and the tool called
    Where another search engine answers (collective.elasticsearch, collective.solr), a
    search does not come as far as ``Catalog.search``. ``SolrConnection.search`` is there
    for who asks Solr without the tool.
``Traversable.unrestrictedTraverse``
    Search results (``getObject``, ``_unrestrictedGetObject``), ``plone.app.uuid``
    (which reads the UID index and not the catalog), portlets and feeds get objects
    from it.
``plone.app.uuid.utils.uuidToPhysicalPath``
    The same for a UID that no object has: a broken link in a text, until it works.
``AbstractCatalogBrain.modified``, ``Date``, ``getObjSize``, ``total_comments``, …
    Columns that any edit, or a comment, changes. A page that shows them depends on more
    than labels, and the query does not show it.

``hooks`` lists them with all other parts of Plone that we rely on.
"""

from Acquisition import aq_base
from collective.cloudfront.tagging.recording.queries import OF_ANY_EDIT
from functools import wraps
from OFS.Traversable import Traversable
from plone.app.uuid import utils as uuids
from Products.CMFPlone.CatalogTool import CatalogTool
from Products.ZCatalog.Catalog import Catalog
from Products.ZCatalog.CatalogBrains import AbstractCatalogBrain
from typing import Any
from zope.globalrequest import getRequest

import sys
import threading


#: The attribute of a request that has its read-set (``readset.ReadSet``).
ATTRIBUTE = "_collective_cloudfront_readset"

#: Columns that any edit, or a comment, changes.
COLUMNS = (*OF_ANY_EDIT, "Date")

#: The ways to search with the catalog tool.
_SEARCHES = ("searchResults", "unrestrictedSearchResults", "__call__")
#: collective.solr has it, and kitconcept.solr uses it.
_SOLR = "collective.solr.solr"

_lock = threading.Lock()
_applied = False


def apply() -> None:
    """Put the recording points in place, once."""
    global _applied
    if _applied:
        return
    with _lock:
        if not _applied:
            _apply()
            _applied = True


def _apply() -> None:
    Catalog.search = _noting_searches(Catalog.search)
    watch_catalog_tool()
    watch_solr()
    Traversable.unrestrictedTraverse = _noting_objects(Traversable.unrestrictedTraverse)
    uuids.uuidToPhysicalPath = _noting_uids(uuids.uuidToPhysicalPath)
    for column in COLUMNS:
        setattr(AbstractCatalogBrain, column, _noting_dates(column))


def watch_catalog_tool() -> None:
    """Wrap the searches of the catalog tool, as they are now."""
    for name in _SEARCHES:
        setattr(CatalogTool, name, _noting_answers(getattr(CatalogTool, name)))


def watch_solr() -> None:
    """Wrap searches with collective.solr's connections, if it is loaded."""
    if _SOLR in sys.modules:
        connection = sys.modules[_SOLR].SolrConnection
        connection.search = _noting_other_searches(connection.search)


def _noting_searches(search: Any) -> Any:
    @wraps(search)
    def noting(self: Any, query: Any, sort_index: Any = None, *args: Any, **kw: Any):
        readset = getattr(getRequest(), ATTRIBUTE, None)
        if readset is not None:
            frame = sys._getframe(1)
            readset.attempt(readset.note_search, self, query, sort_index, frame)
        return search(self, query, sort_index, *args, **kw)

    return noting


def _noting_answers(search: Any) -> Any:
    @wraps(search)
    def noting(self: Any, *args: Any, **kw: Any) -> Any:
        readset = getattr(getRequest(), ATTRIBUTE, None)
        if readset is None:
            return search(self, *args, **kw)
        before, outer = readset.searches, readset.is_searching
        readset.is_searching = True
        try:
            found = search(self, *args, **kw)
        finally:
            readset.is_searching = outer
        if readset.searches == before:
            readset.attempt(readset.note_search_elsewhere, self, args, kw)
        return found

    return noting


def _noting_other_searches(search: Any) -> Any:
    @wraps(search)
    def noting(self: Any, *args: Any, **kw: Any) -> Any:
        readset = getattr(getRequest(), ATTRIBUTE, None)
        if readset is not None and not readset.is_searching:
            readset.attempt(readset.note_search_elsewhere)
        return search(self, *args, **kw)

    return noting


def _noting_objects(traverse: Any) -> Any:
    @wraps(traverse)
    def noting(self: Any, *args: Any, **kw: Any) -> Any:
        found = traverse(self, *args, **kw)
        readset = getattr(getRequest(), ATTRIBUTE, None)
        # Content is wrapped. Views, values and methods, the most, are not
        if readset is not None and aq_base(found) is not found:
            readset.attempt(readset.note_object, self, found, sys._getframe(1))
        return found

    return noting


def _noting_uids(find: Any) -> Any:
    @wraps(find)
    def noting(uuid: Any) -> Any:
        readset = getattr(getRequest(), ATTRIBUTE, None)
        if readset is not None and uuid:
            readset.attempt(readset.note_uid, str(uuid))
        return find(uuid)

    return noting


def _noting_dates(column: str) -> Any:
    def noting(self: Any) -> Any:
        if column not in self:
            raise AttributeError(column)
        readset = getattr(getRequest(), ATTRIBUTE, None)
        if readset is not None:
            readset.attempt(readset.note_date, column, self, sys._getframe(1))
        return self[column]

    return property(noting)
