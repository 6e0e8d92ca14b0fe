"""The site maps, of people and of robots, at each navigation root."""

from Acquisition import aq_chain
from Acquisition import aq_inner
from collections.abc import Iterator
from collective.cloudfront.reach.reached import AT_ONCE
from collective.cloudfront.reach.reached import coalescing
from collective.cloudfront.reach.reached import How
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.urls import path_of
from collective.cloudfront.reach.visible import is_in_navigation
from collective.cloudfront.reach.visible import is_in_navigation_with_children
from collective.cloudfront.reach.visible import SITE_MAP
from plone.base.interfaces import INavigationRoot
from typing import Any


def is_in_site_map(obj: Any, site: Any, even_excluded: bool) -> bool:
    """Say whether the site map, which may be deeper than navigation, shows ``obj``."""
    return is_in_navigation(obj, site["portal_registry"], even_excluded, SITE_MAP)


def is_order_in_site_map(folder: Any, site: Any) -> bool:
    """Say whether the site map shows the order of what ``folder`` holds."""
    return is_in_navigation_with_children(folder, site["portal_registry"], SITE_MAP)


def site_maps(obj: Any, site: Any, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches the site maps, of people and of robots, that list ``obj``."""
    return _maps("sitemap*", obj, site, how)


def robots_maps(obj: Any, site: Any, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches the site maps of robots, which date all changes of ``obj``."""
    if not site["portal_registry"].get("plone.enable_sitemap", False):
        return []
    return _maps("sitemap.xml.gz*", obj, site, how)


def _maps(name: str, obj: Any, site: Any, how: How) -> list[Reached]:
    return [
        Reached(f"{root}/{name}", Kind.FEED, coalescing(how))
        for root in _navigation_roots(obj, site)
    ]


def _navigation_roots(obj: Any, site: Any) -> Iterator[str]:
    for parent in aq_chain(aq_inner(obj)):
        inside = path_of(parent, site)
        if inside is None:
            return
        if INavigationRoot.providedBy(parent):
            yield inside
