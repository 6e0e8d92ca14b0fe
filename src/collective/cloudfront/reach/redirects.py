"""The old URLs that Plone redirects to where content is now."""

from collections.abc import Iterator
from plone.app.redirector.interfaces import IRedirectionStorage
from typing import Any
from zope.component import queryUtility


def old_places(obj: Any) -> Iterator[tuple[str, ...]]:
    """Yield the physical paths from which Plone redirects to ``obj``.

    When it moves or goes, these redirects lead elsewhere or nowhere.
    """
    storage = queryUtility(IRedirectionStorage)
    if storage is not None:
        for path in storage.redirects("/".join(obj.getPhysicalPath())):
            yield tuple(path.split("/"))
