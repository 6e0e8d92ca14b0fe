"""What installing and removing needs besides the XML in ``profiles/``."""

from collective.cloudfront.controlpanel.lifetimes import API
from collective.cloudfront.controlpanel.lifetimes import choose
from collective.cloudfront.controlpanel.lifetimes import PAGES
from collective.cloudfront.dates import since
from collective.cloudfront.interfaces import PERMISSIONS
from collective.cloudfront.reach.portlets import forget_all_places
from collective.cloudfront.reach.portlets import remember_all_places
from collective.cloudfront.tagging.since import begin
from collective.cloudfront.upgrades.to_3000 import remove_2_0
from plone import api
from plone.base.interfaces import INonInstallable
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility
from zope.interface import implementer


@implementer(INonInstallable)
class HiddenProfiles:
    """Keeps what nobody should choose out of the lists of add-ons."""

    def getNonInstallableProducts(self) -> list[str]:
        """Return products that the Add-ons control panel does not show."""
        return ["collective.cloudfront.upgrades"]

    def getNonInstallableProfiles(self) -> list[str]:
        """Return profiles that are not offered when a site is created."""
        return [
            "collective.cloudfront:uninstall",
            "collective.cloudfront:with-cloudfront",
            "collective.cloudfront:with-cloudfront-tags",
        ]


def installed(setup: Any) -> None:
    """Find what nothing in Plone lists: the folders with portlets of their own. And note
    that what was saved before has told nobody of its dates, and was answered without tags.
    """
    site = api.portal.get()
    remember_all_places(site)
    since.note(site)
    begin(getUtility(IRegistry))


def with_cloudfront(setup: Any) -> None:
    """Have the HTML of texts made each time. Kept in memory, for an hour and by each
    thread, links in it lead to where pages were; and the edge would get that again.
    """
    # 0 is for ever
    api.portal.get_tool("portal_transforms").max_sec_in_cache = -1


def with_cloudfront_and_tags(setup: Any) -> None:
    """Have copies live longer, because tags purge searches as well. Pages not for a month:
    while copies without tags may live, changes are purged by path too.
    """
    with_cloudfront(setup)
    choose(getUtility(IRegistry), {PAGES.name: "week", API.name: "day"})


def uninstalled(setup: Any) -> None:
    """Remove what XML cannot: our permissions' roles, and leftovers of 2.0."""
    site = api.portal.get()
    for permission in PERMISSIONS:
        # Without roles and acquired, a permission leaves no attribute on the site.
        site.manage_permission(permission, roles=[], acquire=1)
    remove_2_0(site)
    forget_all_places(site)
    since.forget(site)
