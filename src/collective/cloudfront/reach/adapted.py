"""The paths of an object, as the ``IPurgePaths`` adapters and visitors know them.

The adapters give paths relative to the virtual host root of the *current* request,
and editors often work on another host than visitors, or without virtual hosting.
So every path is traced back to the object it belongs to, and from there to a path
inside the site: what visitors see is that path behind the site's public prefix.
"""

from Acquisition import aq_chain
from Acquisition import aq_inner
from collections.abc import Iterator
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import pages
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.urls import path_inside
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from z3c.caching.interfaces import IPurgePaths
from zope.component import getSiteManager
from zope.globalrequest import getRequest
from zope.interface import providedBy

import logging
import re


logger = logging.getLogger("collective.cloudfront")

# What only makes sense to a proxy in front of Zope: never to CloudFront.
_NOT_PUBLIC = re.compile(r"/*(@@purgebyid|VirtualHostBase)(/|\Z)")


# Their paths of content are among those in ``urls``: 37 for a single image.
_PLONES = frozenset(
    {
        "plone.app.caching.purge",
        "plone.cachepurging.paths",
        "plone.restapi.cache.paths",
    }
)

_METHODS = frozenset({"PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"})


@dataclass(frozen=True, slots=True)
class _Anchor:
    """An object's path as adapters write it now, and inside its site."""

    relative: str
    inside: str


def adapted_paths(obj: Any, site: Any, skip_plones: bool = False) -> list[Reached]:
    """Return what the ``IPurgePaths`` adapters name for ``obj``: paths inside the site,
    and such as visitors see them.

    ``skip_plones``: only those of add-ons, for content whose URLs we know better.

    An adapter that fails costs precision, not freshness: the object's whole
    subtree is purged in its place.
    """
    site_path = site.getPhysicalPath()
    anchors: tuple[_Anchor, ...] = ()
    inside: list[str] = []
    absolute: list[str] = []
    for name, adapter in _adapters(obj, skip_plones):
        anchors = anchors or tuple(_anchors(obj, site_path))
        try:
            relative = list(adapter.getRelativePaths() or ())
            absolute.extend(adapter.getAbsolutePaths() or ())
        except Exception:
            logger.exception(
                "The IPurgePaths adapter %r failed for %r, so the object is purged "
                "with everything below it.",
                name or type(adapter).__name__,
                obj,
            )
            inside.extend(f"{anchor.inside}*" for anchor in anchors[:1])
            continue
        found = (_inside(each, anchors, site_path) for each in relative)
        inside.extend(_named_view(path, obj) for path in found if path is not None)
    if not (inside or absolute):
        return []
    public = [path for path in dict.fromkeys(absolute) if not _NOT_PUBLIC.match(path)]
    return [
        *pages(dict.fromkeys(inside)),
        *(Reached(path, Kind.PUBLIC) for path in public),
    ]


def _adapters(obj: Any, skip_plones: bool) -> Iterator[tuple[str, Any]]:
    """Yield the adapters with their names. Those of Plone's that are skipped are not even
    made: a save waits for this.
    """
    factories = getSiteManager().adapters.lookupAll((providedBy(obj),), IPurgePaths)
    for name, factory in factories:
        if skip_plones and factory.__module__ in _PLONES:
            continue
        adapter = factory(obj)
        if adapter is not None:
            yield name, adapter


def _anchors(obj: Any, site_path: tuple[str, ...]) -> Iterator[_Anchor]:
    """Yield the object and its parents up to the site, innermost first."""
    for parent in aq_chain(aq_inner(obj)):
        physical = getattr(parent, "getPhysicalPath", None)
        inside = path_inside(physical(), site_path) if physical else None
        if inside is None:
            return
        yield _Anchor(f"/{parent.virtual_url_path()}".rstrip("/"), inside)
        if not inside:
            return


def _inside(
    path: str, anchors: tuple[_Anchor, ...], site_path: tuple[str, ...]
) -> str | None:
    if _NOT_PUBLIC.match(path):
        return None
    path = re.sub(r"/{2,}", "/", f"/{path}")
    for anchor in anchors:
        if path == anchor.relative or path.startswith(f"{anchor.relative}/"):
            return anchor.inside + path[len(anchor.relative) :]
    return _from_virtual_root(path, site_path)


def _named_view(path: str, obj: Any) -> str:
    """Put the name of the default view back where plone.app.caching, in a REST
    request, finds the name of the HTTP method instead (``/page/PATCH``).
    """
    base, _slash, name = path.rpartition("/")
    if name not in _METHODS:
        return path
    get_layout = getattr(obj, "getLayout", None)
    layout = get_layout() if get_layout else ""
    return f"{base}/{layout}"


def _from_virtual_root(path: str, site_path: tuple[str, ...]) -> str | None:
    """Invert ``virtual_url_path`` for a path that belongs to no parent of the
    object: put the virtual host root back in front of it.
    """
    request = getRequest()
    root = request.get("VirtualRootPhysicalPath", ("",)) if request else ("",)
    site = "".join(f"/{quote(name)}" for name in site_path[1:])
    for physical in ("".join(f"/{quote(n)}" for n in root[1:]) + path, path):
        if physical == site or physical.startswith(f"{site}/"):
            return physical[len(site) :]
    return None
