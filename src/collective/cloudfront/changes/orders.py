"""Which folders have another order of their contents, told from what is stored.

Plone keeps the order of a folder in a list of ids, in the folder's annotations, and need
not raise an event. The list does not say whose it is: the catalog knows where things
with these ids are.
"""

from Acquisition import aq_parent
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.reach.existing import content_at
from collective.cloudfront.reach.stored import stored_state
from itertools import islice
from persistent.list import PersistentList
from plone.folder.default import DefaultOrdering
from plone.folder.partial import ORDER_ATTR
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.annotation.interfaces import IAnnotations


#: Attributes of a folder: how it is ordered, and its order where that is partial.
ORDERS = frozenset({"_ordering", ORDER_ATTR})

#: The id of these many that is the rarest tells where the folder may be.
_MOST_IDS = 50


def reordered(stored: Iterable[Any], heard: Iterable[Any], site: Any) -> Iterator[Any]:
    """Yield the folders whose contents have another order among what is ``stored``,
    without those of which events were ``heard``.
    """
    lists = {each._p_oid: each for each in stored if _is_changed_order(each)}
    if not lists:
        return
    for folder in heard:
        lists.pop(_order_of(folder), None)
    for oid, order in lists.items():
        for folder in (site, *_folders_with(order, site)):
            if _order_of(folder) == oid:
                yield folder
                break


def _is_changed_order(obj: Any) -> bool:
    if type(obj) is not PersistentList or not all(isinstance(id_, str) for id_ in obj):
        return False
    before = stored_state(obj)
    return bool(before) and before != obj.__getstate__()


def _order_of(folder: Any) -> Any:
    """Return what identifies the list that has the order of ``folder``."""
    annotations = IAnnotations(folder, None) or {}
    return getattr(annotations.get(DefaultOrdering.ORDER_KEY), "_p_oid", None)


def _folders_with(ids: Iterable[str], site: Any) -> Iterator[Any]:
    """Yield the folders that hold something with one of ``ids``, the rarest one."""
    # Straight from the index, as in ``reach.collections``
    catalog = site["portal_catalog"]._catalog
    index = catalog.indexes["getId"]._index
    found = [index[each] for each in islice(ids, _MOST_IDS) if each in index]
    found = [[rids] if isinstance(rids, int) else rids for rids in found]
    for rid in min(found, key=len, default=()):
        obj = content_at(catalog.paths.get(rid), site)
        folder = None if obj is None else aq_parent(obj)
        if folder is not None and not ISiteRoot.providedBy(folder):
            yield folder
