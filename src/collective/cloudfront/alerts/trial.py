"""Sends an alert to everybody who gets alerts, to see whether it arrives."""

from collective.cloudfront.alerts.outgoing import MAIL
from collective.cloudfront.alerts.sending import DEADLINE
from collective.cloudfront.alerts.sending import NoSender
from collective.cloudfront.alerts.sending import Receivers
from collective.cloudfront.alerts.sending import send
from collective.cloudfront.alerts.site import alerted
from collective.cloudfront.alerts.site import AlertedSite
from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.i18n import _
from collective.cloudfront.settings.webhook import masked
from dataclasses import dataclass
from typing import Any


#: What to say where there is nobody.
NOBODY = _(
    "alert_to_nobody",
    default="Nobody gets alerts. Enter an e-mail address or a webhook, and save the "
    "settings first.",
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a test: to whom, whether it was sent, and a sentence."""

    receiver: str
    is_sent: bool
    text: str


def send_test(context: Any) -> list[Trial]:
    """Send a test alert of a site as it is stored; return what came of it, for each way.
    Nothing if nobody gets alerts.
    """
    site = alerted(context, context._p_jar.db())
    if site is None:
        return []
    calls = InThreads(DEADLINE)
    return [_try(site, calls, way) for way in site.receivers.ways]


def _try(site: AlertedSite, calls: InThreads, way: str) -> Trial:
    to = _to(site.receivers, way)
    try:
        send(site.receivers, calls, lambda seconds: None, way, site.test())
    except NoSender:
        return Trial(to, False, _NO_SENDER)
    except NotDelivered as error:
        return Trial(to, False, _not_sent(to, str(error)))
    return Trial(to, True, _sent(to))


def _to(receivers: Receivers, way: str) -> str:
    return " ".join(receivers.emails) if way == MAIL else masked(receivers.webhook)


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
