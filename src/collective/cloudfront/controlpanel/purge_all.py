""" "Purge all": asked for by GET, done by POST."""

from collective.cloudfront.changes.transaction import public_item
from collective.cloudfront.controlpanel.checks import checks
from collective.cloudfront.controlpanel.checks import problems
from collective.cloudfront.controlpanel.overview import Obstacle
from collective.cloudfront.controlpanel.overview import obstacles
from collective.cloudfront.controlpanel.tabs import caching_tabs
from collective.cloudfront.controlpanel.tabs import may_configure
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.controlpanel.tabs import Tab
from collective.cloudfront.i18n import _
from collective.cloudfront.purge import purge_all
from collective.cloudfront.settings import is_installed
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import Settings
from functools import cached_property
from plone import api
from plone.protect import CheckAuthenticator
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zope.component import getUtility

import logging


logger = logging.getLogger("collective.cloudfront")


class PurgeAll(BrowserView):
    """``@@cloudfront-purge-all``: explains and asks; POST purges everything."""

    index = ViewPageTemplateFile("purge_all.pt")
    tab_list = ViewPageTemplateFile("tabs.pt")

    def __call__(self) -> str:
        """Return the question, or purge and go back."""
        if self.request.method == "POST":
            CheckAuthenticator(self.request)
            return self.purge()
        if not is_installed(getUtility(IRegistry)):
            return self._go_to(self.page_url)
        return self.index()

    def purge(self) -> str:
        """Purge everything, or say why not."""
        if not self.settings or self.obstacles:
            self._say(
                _("nothing_purged", default="Nothing was purged; below is why."),
                "warning",
            )
            # Both say why; the page is not for everybody.
            return self._go_to(self.page_url if may_configure() else self.own_url)
        purge_all()
        user = api.user.get_current().getId()
        logger.info("%r purges everything: %s", user, self.item)
        self._say(
            _(
                "all_purged",
                default="Everything will be removed from CloudFront within seconds.",
            ),
            "info",
        )
        return self._go_to(self.page_url)

    @cached_property
    def settings(self) -> Settings | None:
        """The settings in force."""
        return read_settings(getUtility(IRegistry))

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        """Why nothing can be purged."""
        return obstacles(getUtility(IRegistry))

    @cached_property
    def tabs(self) -> list[Tab]:
        """The tabs of the Caching control panel."""
        return caching_tabs(problems(checks(self.context, self.request)))

    @property
    def item(self) -> str:
        """The item that covers all of this site."""
        return public_item(self.settings.public_prefix, "/*")

    @property
    def own_url(self) -> str:
        """The question."""
        return f"{self.context.absolute_url()}/@@cloudfront-purge-all"

    @property
    def page_url(self) -> str:
        """Where to go back to: the CloudFront page, or for who may not, the site."""
        url = self.context.absolute_url()
        return f"{url}/{PAGE}" if may_configure() else url

    def _say(self, text: str, kind: str) -> None:
        api.portal.show_message(text, self.request, type=kind)

    def _go_to(self, url: str) -> str:
        self.request.response.redirect(url)
        return ""


class Formerly(BrowserView):
    """``@@purge-cloudfront``, which people have in bookmarks: go and ask."""

    def __call__(self) -> str:
        """Redirect to the question."""
        url = self.context.absolute_url()
        self.request.response.redirect(f"{url}/@@cloudfront-purge-all")
        return ""
