"""The old URLs that Plone redirects to where content is now."""

from collections.abc import Iterator
from collective.cloudfront.reach.change import Subtree
from plone.app.redirector.interfaces import IRedirectionStorage
from typing import Any
from zope.component import queryUtility


def redirected_places(obj: Any, site: Any) -> Iterator[Subtree]:
    """Yield the places from which Plone redirects to ``obj``.

    When it moves or goes, these redirects lead elsewhere or nowhere.
    """
    storage = queryUtility(IRedirectionStorage)
    if storage is not None:
        for path in storage.redirects("/".join(obj.getPhysicalPath())):
            place = tuple(path.split("/"))
            container = site.unrestrictedTraverse("/".join(place[:-1]), None)
            yield Subtree(place, container, untagged=True)
