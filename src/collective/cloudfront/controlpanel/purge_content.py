""" "Purge from CloudFront", among the actions of an object: asked by GET, done by POST."""

from collective.cloudfront.controlpanel.purge_form import PurgeForm
from collective.cloudfront.i18n import _
from collective.cloudfront.manual import ManualPurge
from collective.cloudfront.manual import NotPurging
from collective.cloudfront.manual import Preview
from functools import cached_property
from plone import api
from Products.CMFCore.interfaces import IFolderish
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile


class PurgeContent(PurgeForm):
    """``@@cloudfront-purge-content``."""

    index = ViewPageTemplateFile("purge_content.pt")

    def read(self, purge: ManualPurge) -> None:
        """See ``PurgeForm``."""
        purge.add_content(self.context, self.below)

    def thanks(self, count: int, later: bool) -> str:
        """See ``PurgeForm``."""
        if later:
            return super().thanks(count, later)
        return _(
            "content_purged",
            default="It is being removed from CloudFront. Visitors see it new within "
            "seconds.",
        )

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
        try:
            purge = ManualPurge(api.portal.get())
        except NotPurging:
            return None
        purge.add_content(self.context)
        return purge.preview()

    @property
    def page_url(self) -> str:
        """The object."""
        state = api.content.get_view("plone_context_state", self.context, self.request)
        return state.view_url()
