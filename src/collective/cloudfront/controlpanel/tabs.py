"""The tabs of the Caching control panel, and ours among them.

Plone writes the tabs into each of its four templates. Ours is added to the page that
comes out, by a transform for exactly those views: nothing is patched or overridden,
and where it finds no tabs it changes nothing.
"""

from AccessControl import getSecurityManager
from collections.abc import Iterable
from collective.cloudfront.controlpanel.checks import checks
from collective.cloudfront.controlpanel.checks import problems
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import VIEW_STATUS
from dataclasses import dataclass
from lxml import etree
from plone import api
from plone.app.caching.browser.controlpanel import BaseView
from plone.cachepurging.utils import isCachePurgingEnabled
from plone.transformchain.interfaces import ITransform
from Products.CMFCore.permissions import ManagePortal
from repoze.xmliter.utils import getHTMLSerializer
from typing import Any
from ZODB.POSException import ConflictError
from zope.component import adapter
from zope.i18n import translate
from zope.i18nmessageid import MessageFactory
from zope.interface import implementer

import logging


logger = logging.getLogger("collective.cloudfront")

#: Message ids of plone.app.caching, which has translations for them.
_plone = MessageFactory("plone")

PAGE = "@@cloudfront-controlpanel"
SETTINGS = "@@cloudfront-settings"
LOG = "@@cloudfront-log"
#: A name; it is the same in all languages.
TITLE = "CloudFront"
BADGE = "badge rounded-pill text-bg-warning"
#: Behind the number, for who hears the page.
PROBLEMS = _("tab_problems", default="warnings and errors")

# Site Setup's own menu is a list of tabs too, and has a link to Caching in it.
_LISTS = etree.XPath(
    "//ul[contains(concat(' ', normalize-space(@class), ' '), ' nav-tabs ')]"
    "[li/a[contains(@href, '/@@caching-controlpanel-ramcache')]]"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A page of ours, below our tab."""

    title: str
    url: str
    active: bool = False


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab."""

    title: str
    url: str
    active: bool = False
    #: How many warnings and errors the page behind it has.
    problems: int = 0
    sections: tuple[Section, ...] = ()


#: Titles of our pages, and the names of the views that belong to them.
_SECTIONS = (
    (_("section_status", default="Status"), PAGE, ("cloudfront-controlpanel",)),
    (
        _("section_history", default="History"),
        LOG,
        ("cloudfront-log", "cloudfront-invalidation"),
    ),
    (
        _("section_settings", default="Settings"),
        SETTINGS,
        ("cloudfront-settings", "cloudfront-test-connection", "cloudfront-lifetimes"),
    ),
)


def caching_tabs(request: Any) -> list[Tab]:
    """Return the tabs as the Caching control panel shows them, with ours active.

    Whoever may not open a page does not see its tab.
    """
    site = api.portal.get()
    names = []
    if getSecurityManager().checkPermission(ManagePortal, site):
        names = [
            ("", _plone("label_settings", default="Change settings")),
            ("-import", _plone("label_import", default="Import settings")),
            ("-purge", _plone("label_purging", default="Purge caching proxy")),
            ("-ramcache", _plone("label_ramcache", default="RAM cache")),
        ]
    url = site.absolute_url()
    tabs = [
        Tab(title, f"{url}/@@caching-controlpanel{name}")
        for name, title in names
        if name != "-purge" or isCachePurgingEnabled()
    ]
    if may_see_status():
        number = problems(checks(site, request))
        ours = _sections(url, request)
        tabs.append(
            Tab(TITLE, f"{url}/{PAGE}", active=True, problems=number, sections=ours)
        )
    return tabs


def _sections(site_url: str, request: Any) -> tuple[Section, ...]:
    """Return our pages that this person may open."""
    here = request.get("URL", "").rpartition("/")[2].removeprefix("@@")
    return tuple(
        Section(title, f"{site_url}/{view}", active=here in names)
        for title, view, names in _SECTIONS
        if view != SETTINGS or may_configure()
    )


def may_see_status() -> bool:
    """Say whether this person may open our page."""
    return _may(VIEW_STATUS)


def may_configure() -> bool:
    """Say whether this person sees the settings there, and what is for who may change
    them.
    """
    return _may(MANAGE_PURGING)


def _may(permission: str) -> bool:
    return bool(getSecurityManager().checkPermission(permission, api.portal.get()))


@implementer(ITransform)
@adapter(BaseView, ICloudFrontLayer)
class AddTab:
    """Adds our tab to a page of the Caching control panel."""

    #: Before the theme (8850), which then has the complete page to work on, and
    #: before plone.protect (9000), which goes on with the tree that we leave.
    order = 8000

    def __init__(self, published: Any, request: Any):
        self.published = published
        self.request = request

    def transformUnicode(self, result: str, encoding: str) -> Any:
        """See ``ITransform``."""
        return self.transformIterable([result.encode(encoding)], encoding)

    def transformBytes(self, result: bytes, encoding: str) -> Any:
        """See ``ITransform``."""
        return self.transformIterable([result], encoding)

    def transformIterable(self, result: Iterable[bytes], encoding: str) -> Any:
        """See ``ITransform``."""
        if not self._is_for_us():
            return None
        try:
            return self._add_to(result, encoding)
        except ConflictError:
            raise
        except Exception:
            # A page without our tab is better than no page.
            logger.exception("The CloudFront tab cannot be shown on this page.")
            return None

    def _is_for_us(self) -> bool:
        response = self.request.response
        return (
            (response.getHeader("Content-Type") or "").startswith("text/html")
            and not response.getHeader("Content-Encoding")
            and may_see_status()
        )

    def _add_to(self, result: Iterable[bytes], encoding: str) -> Any:
        page = getHTMLSerializer(result, pretty_print=False, encoding=encoding)
        lists = _LISTS(page.tree)
        number = problems(checks(api.portal.get(), self.request)) if lists else 0
        for tabs in lists:
            item = etree.SubElement(tabs, "li", {"class": "nav-item"})
            url = f"{api.portal.get().absolute_url()}/{PAGE}"
            link = etree.SubElement(item, "a", {"class": "nav-link", "href": url})
            link.text = TITLE
            if number:
                self._add_badge(link, number)
        return page if lists else None

    def _add_badge(self, link: Any, number: int) -> None:
        """Add the number of problems, as ``tabs.pt`` does."""
        link.text += " "
        badge = etree.SubElement(link, "span", {"class": BADGE})
        badge.text = f"{number} "
        words = etree.SubElement(badge, "span", {"class": "visually-hidden"})
        words.text = translate(PROBLEMS, context=self.request)
