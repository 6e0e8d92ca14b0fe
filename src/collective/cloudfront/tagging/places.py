"""Where objects are, from the catalog's own tables: no object is loaded, no search done."""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterator
from collective.cloudfront.tagging.recording.queries import Navigated
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from plone.base.interfaces import INavigationRoot
from plone.uuid.interfaces import ATTRIBUTE_NAME
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any


#: Plone's settings of how deep navigation is, and their default (plone.base).
_DEPTHS = ("plone.navigation_depth", "plone.sitemap_depth")
_DEFAULT_DEPTH = 3
#: Tabs of the first level (``portal_tabs_view``) have descriptions. Those below have not.
_TABS_DEPTH = 1


class Places:
    """UIDs for paths, and what is above them, in one site."""

    def __init__(self, site: Any, catalog: Any):
        """``catalog``: ZCatalog's inner one."""
        self.site = _uid_of(site) or ""
        self.path = "/".join(site.getPhysicalPath())
        self._catalog = catalog
        self._uids: dict[str, str | None] = {self.path: self.site}
        self._chains: dict[str, tuple[str, ...]] = {self.path: (self.site,)}

    def chain(self, path: str) -> tuple[str, ...]:
        """Return the UIDs of what is at ``path`` and above it, up to the site.

        What the catalog does not know is left out. Empty: ``path`` is not in the site.
        """
        chain = self._chains.get(path)
        if chain is None:
            if not path.startswith(self.path + "/"):
                return ()
            chain = self.chain(path.rpartition("/")[0])
            uid = self.uid(path)
            if uid:
                chain = (uid, *chain)
            self._chains[path] = chain
        return chain

    def uid(self, path: str) -> str | None:
        """Return the UID of what is at ``path``, or None if the catalog has none."""
        if path not in self._uids:
            rid = self._catalog.uids.get(path)
            # From the index, because a site may lack the column
            known = self._catalog.indexes["UID"]._unindex
            self._uids[path] = None if rid is None else known.get(rid)
        return self._uids[path]

    def path_of(self, uid: str) -> str | None:
        """Return the path of the object with ``uid``, or None if there is none."""
        rid = self._catalog.indexes["UID"]._index.get(uid)
        return None if rid is None else self._catalog.paths.get(rid)


def navigation_of(obj: Any, registry: Any) -> Navigation:
    """Return the depths that navigation has by Plone's settings, and roots above ``obj``."""
    depths = (registry.get(name, None) or _DEFAULT_DEPTH for name in _DEPTHS)
    return Navigation(frozenset({_TABS_DEPTH, *depths}), frozenset(_roots(obj)))


def navigated(registry: Any) -> Navigated:
    """Return what navigation shows by Plone's settings."""
    return Navigated(
        frozenset(registry.get("plone.displayed_types", None) or ()),
        bool(registry.get("plone.show_excluded_items", False)),
    )


def _roots(obj: Any) -> Iterator[str]:
    while obj is not None:
        if INavigationRoot.providedBy(obj):
            uid = _uid_of(obj)
            if uid:
                yield uid
        if ISiteRoot.providedBy(obj):
            return
        obj = aq_parent(aq_inner(obj))


def _uid_of(obj: Any) -> str | None:
    # The attribute is at hand. To look for an adapter takes long
    return getattr(aq_base(obj), ATTRIBUTE_NAME, None) or IUUID(obj, None)
