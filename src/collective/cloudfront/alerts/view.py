"""``@@cloudfront-test-alert``: sends an alert now, to see whether it arrives. By POST."""

from collective.cloudfront.alerts.outgoing import MAIL
from collective.cloudfront.alerts.sending import DEADLINE
from collective.cloudfront.alerts.sending import NoSender
from collective.cloudfront.alerts.sending import Receivers
from collective.cloudfront.alerts.sending import send
from collective.cloudfront.alerts.site import alerted
from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.i18n import _
from collective.cloudfront.settings.webhook import masked
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
        for text, kind in self._send():
            api.portal.show_message(text, self.request, type=kind)
        url = self.context.absolute_url()
        self.request.response.redirect(f"{url}/@@cloudfront-settings")
        return ""

    def _send(self) -> list[tuple[str, str]]:
        # The site as it is stored: the mail host is asked in another thread.
        site = alerted(self.context, self.context._p_jar.db())
        if site is None or not site.receivers.ways:
            return [(_NOBODY, "warning")]
        calls, results = InThreads(DEADLINE), []
        for way in site.receivers.ways:
            to = _to(site.receivers, way)
            try:
                send(site.receivers, calls, lambda seconds: None, way, site.test())
            except NoSender:
                results.append((_NO_SENDER, "error"))
            except NotDelivered as error:
                results.append((_not_sent(to, str(error)), "error"))
            else:
                results.append((_sent(to), "info"))
        return results


def _to(receivers: Receivers, way: str) -> str:
    return " ".join(receivers.emails) if way == MAIL else masked(receivers.webhook)


_NOBODY = _(
    "alert_to_nobody",
    default="Nobody gets alerts. Enter an e-mail address or a webhook, and save the "
    "settings first.",
)


_NO_SENDER = _(
    "alert_no_sender",
    default="No e-mail was sent. Enter a “From” address in the Mail control panel.",
)


def _sent(to: str) -> str:
    return _(
        "alert_test_sent",
        default="A test alert was sent to ${receiver}.",
        mapping={"receiver": to},
    )


def _not_sent(to: str, reason: str) -> str:
    return _(
        "alert_test_failed",
        default="The test alert was not sent to ${receiver} (${reason}).",
        mapping={"receiver": to, "reason": reason},
    )
