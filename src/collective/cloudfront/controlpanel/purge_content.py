""" "Purge from CloudFront", among the actions of an object: asked by GET, done by POST."""

from collective.cloudfront.controlpanel.purge_form import PurgeForm
from collective.cloudfront.controlpanel.purged import PURGED
from collective.cloudfront.i18n import _
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.manual.purge import Preview
from collective.cloudfront.manual.purge import preview_of_content
from collective.cloudfront.outbox.values import PurgeRequest
from functools import cached_property
from plone import api
from Products.CMFCore.interfaces import IFolderish
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from urllib.parse import urlencode


class PurgeContent(PurgeForm):
    """``@@cloudfront-purge-content``."""

    index = ViewPageTemplateFile("purge_content.pt")

    def read(self, purge: ManualPurge) -> None:
        """See ``PurgeForm``."""
        purge.add_content(self.context, self.below)

    def thanks(self, purge_request: PurgeRequest) -> str:
        """See ``PurgeForm``."""
        if purge_request.due is not None:
            return super().thanks(purge_request)
        return _(
            "content_purged",
            default="CloudFront is asked to drop its old copies. Visitors see the "
            "current page within seconds.",
        )

    def next_url(self, purge_request: PurgeRequest) -> str:
        """See ``PurgeForm``: the object, where a viewlet tells what becomes of it."""
        if purge_request.due is not None:
            return self.page_url
        return f"{self.page_url}?{urlencode({PURGED: round(purge_request.time, 3)})}"

    @property
    def below(self) -> bool:
        """Whether all below is meant, too."""
        return self.is_folder and bool(self.typed("below"))

    @property
    def is_folder(self) -> bool:
        """Whether there can be anything below."""
        return IFolderish.providedBy(self.context)

    @cached_property
    def preview(self) -> Preview | None:
        """What would be sent for the object alone; None where nothing is purged."""
        return preview_of_content(self.context)

    @property
    def page_url(self) -> str:
        """The object."""
        state = api.content.get_view("plone_context_state", self.context, self.request)
        return state.view_url()
