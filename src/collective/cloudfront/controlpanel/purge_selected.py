""" "Purge from CloudFront" for what is selected in a folder's contents.

Plone's extension point for it is a utility, which the profile registers in the site:
a global one would be offered in sites without the add-on, too.
"""

from collective.cloudfront.changes.causes import current_user
from collective.cloudfront.controlpanel.headline import after_click
from collective.cloudfront.controlpanel.health import health_of_click
from collective.cloudfront.controlpanel.sentences import NOT_PURGING
from collective.cloudfront.controlpanel.sentences import NOTHING_TO_PURGE
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import PURGE_CONTENT
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.manual.purge import NotPurging
from plone import api
from plone.app.content.browser.contents import ContentsBaseAction
from plone.app.content.interfaces import IStructureAction
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zope.i18n import translate
from zope.interface import implementer


@implementer(IStructureAction)
class PurgeAction:
    """The button, and what it asks."""

    template = ViewPageTemplateFile("purge_selected.pt")
    #: After Plone's own, which go to 9.
    order = 20

    def __init__(self, context: Any, request: Any):
        self.context = context
        self.request = request

    def get_options(self) -> dict[str, Any]:
        """Return what Plone's pat-structure makes a button of."""
        title = translate(
            _("heading_purge_content", default="Purge from CloudFront"),
            context=self.request,
        )
        return {
            "tooltip": title,
            "id": "cloudfront-purge",
            "icon": "cloud-check",
            "url": f"{self.context.absolute_url()}/@@fc-cloudfront-purge",
            "form": {
                "title": title,
                "submitText": translate(
                    _("label_purge", default="Purge"), context=self.request
                ),
                "template": self.template(),
                "closeText": translate(
                    _("label_cancel", default="Cancel"), context=self.request
                ),
            },
        }


class PurgeSelected(ContentsBaseAction):
    """``@@fc-cloudfront-purge``, by POST: one purge for all that is selected."""

    required_obj_permission = PURGE_CONTENT
    success_msg = _(
        "selected_purged", default="Visitors see the current pages within seconds."
    )
    failure_msg = _("selected_not_purged", default="Not everything was purged")

    def protect(self) -> None:
        """Refuse links and forged forms as our other views do, with 403."""
        PostOnly(self.request)
        CheckAuthenticator(self.request)

    def __call__(self) -> str:
        """Do it; return Plone's kind of answer as JSON."""
        self.protect()
        try:
            self._purge = ManualPurge(api.portal.get())
        except NotPurging:
            self.errors = [NOT_PURGING]
            return self.message()
        return super().__call__()

    def action(self, obj: Any) -> None:
        """Add an object that is selected."""
        self._purge.add_content(obj, below=bool(self.request.form.get("below")))

    def finish(self) -> None:
        """Send what was added."""
        if not self._purge.preview().items:
            self.errors.append(NOTHING_TO_PURGE)
        else:
            self._purge.send(current_user())
            thanks = self.success_msg
            self.success_msg, _kind = after_click(health_of_click(), thanks, False)
