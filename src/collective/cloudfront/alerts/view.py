"""``@@cloudfront-test-alert``: sends an alert now, to see whether it arrives. By POST."""

from collective.cloudfront.alerts.trial import NOBODY
from collective.cloudfront.alerts.trial import send_test
from plone import api
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from Products.Five import BrowserView


class TestAlert(BrowserView):
    """Sends a test to everybody who gets alerts, and says what came of it."""

    #: For pytest
    __test__ = False

    def __call__(self) -> str:
        """Send it, and go back."""
        PostOnly(self.request)
        CheckAuthenticator(self.request)
        trials = send_test(self.context)
        for each in trials:
            kind = "info" if each.is_sent else "error"
            api.portal.show_message(each.text, self.request, type=kind)
        if not trials:
            api.portal.show_message(NOBODY, self.request, type="warning")
        url = self.context.absolute_url()
        self.request.response.redirect(f"{url}/@@cloudfront-settings")
        return ""
