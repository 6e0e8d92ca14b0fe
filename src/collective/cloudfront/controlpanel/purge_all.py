""" "Purge all": asked for by GET, done by POST."""

from collective.cloudfront.changes.addresses import public_item
from collective.cloudfront.controlpanel.purge_form import NOTHING_PURGED
from collective.cloudfront.controlpanel.purge_form import PurgeForm
from collective.cloudfront.i18n import _
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import Settings
from functools import cached_property
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zope.component import getUtility


class PurgeAll(PurgeForm):
    """``@@cloudfront-purge-all``: explains and asks; POST purges everything."""

    index = ViewPageTemplateFile("purge_all.pt")

    def read(self, purge: ManualPurge) -> None:
        """See ``PurgeForm``."""
        if self.obstacles:
            self.errors["form"] = NOTHING_PURGED
        purge.add_everything()

    def thanks(self, purge_request: PurgeRequest) -> str:
        """See ``PurgeForm``."""
        if purge_request.due is not None:
            return _(
                "all_scheduled",
                default="Everything will be removed from CloudFront at that time. "
                "Until then it can be cancelled.",
            )
        return _(
            "all_purged",
            default="Everything will be removed from CloudFront within seconds.",
        )

    @cached_property
    def settings(self) -> Settings | None:
        """The settings in force."""
        return read_settings(getUtility(IRegistry))

    @property
    def item(self) -> str:
        """The items that cover all of this site: one for each public prefix."""
        prefixes = dict.fromkeys(each.prefix for each in self.settings.distributions)
        return " ".join(public_item(prefix, "/*") for prefix in prefixes)


class Formerly(BrowserView):
    """``@@purge-cloudfront``, which people have in bookmarks: go and ask."""

    def __call__(self) -> str:
        """Redirect to the question."""
        url = self.context.absolute_url()
        self.request.response.redirect(f"{url}/@@cloudfront-purge-all")
        return ""
