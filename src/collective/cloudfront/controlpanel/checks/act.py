"""The button of a check: POST only, with an authenticator."""

from collective.cloudfront.controlpanel.checks import find_check
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.i18n import _
from plone import api
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from Products.Five import BrowserView

import logging


logger = logging.getLogger("collective.cloudfront")


class Act(BrowserView):
    """``@@cloudfront-check-act``: what the button of the check ``name`` promises."""

    def __call__(self) -> str:
        """Act, and go back to the page."""
        PostOnly(self.request)
        CheckAuthenticator(self.request)
        self.act(str(self.request.form.get("name", "")))
        self.request.response.redirect(f"{self.context.absolute_url()}/{PAGE}")
        return ""

    def act(self, name: str) -> None:
        """Act, unless somebody else was faster."""
        check = find_check(self.context, self.request, name)
        if check is None or not check.action:
            api.portal.show_message(
                _("nothing_to_act", default="There was nothing left to do."),
                self.request,
                type="info",
            )
            return
        done = check.act()
        user = api.user.get_current().getId()
        logger.info("User %r ran the action of the check %r.", user, name)
        api.portal.show_message(done, self.request, type="info")
