"""Small things that people do to what is listed: cancel, try again, discard. By POST."""

from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.controlpanel.tabs import may_see_status
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.i18n import _
from collective.cloudfront.manual.cancel import cancel
from collective.cloudfront.manual.cancel import Outcome
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import read_settings
from plone import api
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from zope.component import getUtility


#: What to say, and the kind of message.
CANCELLED = {
    Outcome.CANCELLED: (
        _("purge_cancelled", default="The scheduled purge was cancelled."),
        "info",
    ),
    Outcome.UNKNOWN: (
        _("purge_unknown", default="This scheduled purge no longer exists."),
        "warning",
    ),
    Outcome.OVER: (
        _(
            "purge_over",
            default="It is too late to cancel this purge: the items are already on "
            "their way to CloudFront.",
        ),
        "warning",
    ),
}


class _Action(BrowserView):
    """Does something by POST, says what came of it, and goes back."""

    def __call__(self) -> str:
        """Do it."""
        PostOnly(self.request)
        CheckAuthenticator(self.request)
        try:
            text, kind = self.act()
        except OutboxUnavailable as error:
            text, kind = (
                _(
                    "outbox_failed",
                    default="The outbox cannot be used: ${error}",
                    mapping={"error": sentence(error.message)},
                ),
                "error",
            )
        api.portal.show_message(text, self.request, type=kind)
        url = self.context.absolute_url()
        self.request.response.redirect(f"{url}/{PAGE}" if may_see_status() else url)
        return ""

    def act(self) -> tuple[str, str]:
        """Do it; return what to say, and the kind of message."""
        raise NotImplementedError

    def sent(self, name: str) -> str:
        """Return what was sent under a name."""
        value = self.request.form.get(name, "")
        return value if isinstance(value, str) else ""

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions of this site; those of others are their business."""
        settings = read_settings(getUtility(IRegistry))
        return settings.distribution_ids if settings else ()


class Cancel(_Action):
    """``@@cloudfront-cancel``: a purge that was scheduled is not to happen."""

    def act(self) -> tuple[str, str]:
        """Cancel the purge request whose id was sent."""
        user = api.user.get_current().getId()
        return CANCELLED[cancel(self.sent("id"), self.distributions, user)]


class Quarantined(_Action):
    """``@@cloudfront-refused``: try items again that CloudFront refused, or not."""

    def act(self) -> tuple[str, str]:
        """Take the item that was sent out of the quarantine."""
        outbox = this_process().outbox
        distribution, item = self.sent("distribution"), self.sent("item")
        again = bool(self.sent("retry"))
        found = distribution in self.distributions and (
            outbox.retry_quarantined(distribution, item)
            if again
            else outbox.discard_quarantined(distribution, item)
        )
        if not found:
            return _(
                "refused_unknown", default="The item is no longer listed."
            ), "warning"
        if again:
            this_process().wake()
            return _("refused_again", default="The item will be sent again."), "info"
        return _("refused_discarded", default="The item was discarded."), "info"
