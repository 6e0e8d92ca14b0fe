"""Content that the catalog, portlets, or relations name, if it is there.

A catalog keeps entries of content that is gone, or that cannot be loaded any more. Such an
entry is skipped here: what is not there is shown nowhere.
"""

from Acquisition import aq_inner
from plone.app.uuid.utils import uuidToPhysicalPath
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from ZODB.POSException import POSKeyError


def content_at(path: str | None, site: Any) -> Any:
    """Return the content at a physical path, or None: what is found instead, because it
    is acquired, is not it.
    """
    if not path:
        return None
    try:
        found = site.unrestrictedTraverse(path, None)
        if not (IContentish.providedBy(found) or ISiteRoot.providedBy(found)):
            return None
        there = aq_inner(found).getPhysicalPath() == tuple(path.split("/"))
    except (POSKeyError, AttributeError):
        return None
    return found if there else None


def content_with(uid: str | None, site: Any) -> Any:
    """Return the content with a UID, or None."""
    return content_at(uuidToPhysicalPath(uid), site) if uid else None
