"""Sends a message by e-mail and to a webhook, each with a deadline."""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront import sites
from collective.cloudfront.alerts.message import Message
from collective.cloudfront.alerts.outgoing import MAIL
from collective.cloudfront.alerts.outgoing import WEBHOOK
from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.alerts.webhook import post
from collective.cloudfront.delivery.calls import Calls
from collective.cloudfront.delivery.calls import GivenUp
from collective.cloudfront.delivery.calls import NoThread
from collective.cloudfront.outbox.values import as_line
from collective.cloudfront.settings import registry_of
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from email.mime.text import MIMEText
from email.utils import formataddr
from functools import partial
from Testing.makerequest import makerequest
from typing import Any
from zope.component.hooks import site as current_site


#: Seconds for one try, one way.
DEADLINE = 20.0

_ADDRESS, _NAME = "plone.email_from_address", "plone.email_from_name"


class NoSender(NotDelivered):
    """The site does not say who sends its e-mails."""


@dataclass(frozen=True, slots=True)
class Receivers:
    """Who gets the alerts of a site, which is at ``path`` in ``database``."""

    database: Any
    path: tuple[str, ...]
    emails: tuple[str, ...] = ()
    webhook: str = field(default="", repr=False)

    @property
    def ways(self) -> tuple[str, ...]:
        """How they get them."""
        wanted = {MAIL: self.emails, WEBHOOK: self.webhook}
        return tuple(way for way, who in wanted.items() if who)


def send(
    receivers: Receivers,
    calls: Calls,
    rest: Callable[[float], None],
    way: str,
    message: Message,
) -> None:
    """Send a message one way; raises ``NotDelivered``. ``rest`` may raise something to end
    the waiting.
    """
    if way == MAIL:
        job = partial(_mail, receivers, message)
    else:
        job = partial(post, receivers.webhook, message.payload)
    try:
        call = calls.begin(f"alert by {way}", job)
        while not call.is_over:
            rest(0.0)
            calls.wait(0.5)
        call.result()
    except GivenUp:
        raise NotDelivered(f"no answer within {DEADLINE:.0f} s") from None
    except NoThread as error:
        raise NotDelivered(str(error)) from None
    except NotDelivered:
        raise
    except Exception as error:
        raise NotDelivered(as_line(f"{type(error).__name__}: {error}")) from error


def _mail(receivers: Receivers, message: Message) -> None:
    """Send an e-mail by Plone's mail host, at once."""
    with site_at(receivers.database, receivers.path) as site:
        registry = registry_of(site)
        address = registry.get(_ADDRESS) if registry is not None else None
        if not address:
            raise NoSender("the Mail control panel has no “From” address")
        text = MIMEText(message.body, "plain", "utf-8")
        # Mail programs send no "out of office" to it (RFC 3834).
        text["Auto-Submitted"] = "auto-generated"
        site.MailHost.send(
            text,
            mto=list(receivers.emails),
            mfrom=formataddr((registry.get(_NAME) or "", address)),
            subject=message.subject,
            charset="utf-8",
            immediate=True,
        )


@contextmanager
def site_at(database: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Open a connection for reading; yield a site, which is current meanwhile."""
    with root_of(database) as app, current_site(site := app.unrestrictedTraverse(path)):
        yield site


@contextmanager
def root_of(database: Any) -> Iterator[Any]:
    """Open Zope's root for reading, with a request, which mail hosts and URLs need."""
    with sites.root_of(database) as app:
        yield makerequest(app)
