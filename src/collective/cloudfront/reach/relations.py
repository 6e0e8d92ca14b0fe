"""What relates to an object: what links to it, and what is below it."""

from Acquisition import aq_base
from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.reach.visible import is_public
from collective.cloudfront.tagging.intids import intid_of
from itertools import islice
from Products.CMFCore.interfaces import IContentish
from typing import Any
from zc.relation.interfaces import ICatalog
from zExceptions import NotFound
from zope.component import queryUtility
from zope.intid.interfaces import IIntIds


#: For more objects than these that come or go with their folder, it is not asked who
#: shows them.
MOST_BELOW = 50


def relating(obj: Any) -> Iterator[Any]:
    """Yield the content that links or relates to ``obj``."""
    relations, intids = queryUtility(ICatalog), queryUtility(IIntIds)
    if relations is None or intids is None:
        return
    intid = intid_of(intids, obj)
    if intid is None:
        return
    for relation in relations.findRelations({"to_id": intid}):
        origin = _origin(relation)
        if IContentish.providedBy(origin):
            yield origin


def _origin(relation: Any) -> Any:
    """Return what a relation begins at, or None: it may be gone."""
    try:
        return relation.from_object
    except (AttributeError, KeyError, NotFound):
        return None


def contents_below(obj: Any, counts: Callable[[Any], bool] = is_public) -> list[Any]:
    """Return the content below ``obj`` that ``counts``; where there is much, one too
    many of all.
    """
    found = list(islice(_contents_below(obj), MOST_BELOW + 1))
    return found if len(found) > MOST_BELOW else list(filter(counts, found))


def _contents_below(obj: Any) -> Iterator[Any]:
    if not hasattr(aq_base(obj), "objectIds"):
        return
    # One by one: its order may name something that is gone
    for name in obj.objectIds():
        child = obj._getOb(name, None)
        if IContentish.providedBy(child):
            yield child
            yield from _contents_below(child)
