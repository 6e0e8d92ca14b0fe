"""Where Plone reads without telling anybody, so that it must be told for it.

In place from the first response that gets tags; where the setting is off, never. Each
wraps one method or adds one attribute, changes no result, and costs a look at the
thread's request where nothing is noted:

``Catalog.search``
    what all searches pass (``searchResults``, ``unrestrictedSearchResults``, the
    catalog called, with or without the permission filters of CMF): no event, no adapter
``Traversable.unrestrictedTraverse``
    what results of searches (``getObject``, ``_unrestrictedGetObject``),
    ``plone.app.uuid`` (which looks into the UID index, not into the catalog), portlets
    and feeds pass to get at objects
``plone.app.uuid.utils.uuidToPhysicalPath``
    also of UIDs that nothing has: a link in a text that is broken until it is not
``AbstractCatalogBrain.modified``, ``Date``, ``getObjSize``, ``total_comments``, …
    columns that any edit, or a comment, changes. Whoever shows them depends on more
    than labels; no query tells
"""

from Acquisition import aq_base
from collective.cloudfront.tagging.recording.queries import OF_ANY_EDIT
from functools import wraps
from OFS.Traversable import Traversable
from plone.app.uuid import utils as uuids
from Products.ZCatalog.Catalog import Catalog
from Products.ZCatalog.CatalogBrains import AbstractCatalogBrain
from typing import Any
from zope.globalrequest import getRequest

import sys
import threading


#: Where a request has its reading (``reading.Reading``).
ATTRIBUTE = "_collective_cloudfront_reading"

#: Columns that any edit, or a comment, changes.
COLUMNS = (*OF_ANY_EDIT, "Date")

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
    Traversable.unrestrictedTraverse = _noting_objects(Traversable.unrestrictedTraverse)
    uuids.uuidToPhysicalPath = _noting_uids(uuids.uuidToPhysicalPath)
    for column in COLUMNS:
        setattr(AbstractCatalogBrain, column, _noting_dates(column))


def _noting_searches(search: Any) -> Any:
    @wraps(search)
    def noting(self: Any, query: Any, sort_index: Any = None, *args: Any, **kw: Any):
        reading = getattr(getRequest(), ATTRIBUTE, None)
        if reading is not None:
            frame = sys._getframe(1)
            reading.attempt(reading.searched, self, query, sort_index, frame)
        return search(self, query, sort_index, *args, **kw)

    return noting


def _noting_objects(traverse: Any) -> Any:
    @wraps(traverse)
    def noting(self: Any, *args: Any, **kw: Any) -> Any:
        found = traverse(self, *args, **kw)
        reading = getattr(getRequest(), ATTRIBUTE, None)
        # Content is wrapped; views, values and methods, which are most, are not
        if reading is not None and aq_base(found) is not found:
            reading.attempt(reading.opened, self, found, sys._getframe(1))
        return found

    return noting


def _noting_uids(look_up: Any) -> Any:
    @wraps(look_up)
    def noting(uuid: Any) -> Any:
        reading = getattr(getRequest(), ATTRIBUTE, None)
        if reading is not None and uuid:
            reading.attempt(reading.sought, str(uuid))
        return look_up(uuid)

    return noting


def _noting_dates(column: str) -> Any:
    def noting(self: Any) -> Any:
        if column not in self:
            raise AttributeError(column)
        reading = getattr(getRequest(), ATTRIBUTE, None)
        if reading is not None:
            reading.attempt(reading.dated, column, self, sys._getframe(1))
        return self[column]

    return property(noting)
