"""The settings of alerts: who is told when a person must act."""

from collective.cloudfront.i18n import _
from collective.cloudfront.settings.invalid import InvalidSetting
from collective.cloudfront.settings.webhook import is_https_url
from urllib.parse import urlsplit
from zope import schema
from zope.interface import Interface

import re


#: A longer text is no list of addresses, and no URL.
_LONGEST = 2000
_ADDRESS = re.compile(r"[^\s@<>\"(),:;]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
_BETWEEN = re.compile(r"[\s,;]+")


def split_addresses(text: str | None) -> tuple[str, ...]:
    """Return the e-mail addresses in a text, each once."""
    return tuple(dict.fromkeys(filter(None, _BETWEEN.split(text or ""))))


def are_addresses(value: str | None) -> bool:
    """Constraint: e-mail addresses, or nothing."""
    for each in split_addresses((value or "")[:_LONGEST]):
        if not _ADDRESS.match(each):
            raise InvalidSetting(
                _(
                    "invalid_alert_emails",
                    default="“${address}” is not an e-mail address. Separate several "
                    "addresses with spaces.",
                    mapping={"address": each},
                )
            )
    return len(value or "") <= _LONGEST


def is_webhook(value: str | None) -> bool:
    """Constraint: the URL of a webhook, or nothing."""
    # It is a secret: the sentence does not repeat it.
    if value and not (len(value) <= _LONGEST and is_https_url(value)):
        raise InvalidSetting(
            _(
                "invalid_alert_webhook",
                default="This is not the URL of a webhook. Enter the whole URL. It must "
                "start with https:// and must not contain a user name, spaces, or "
                "non-ASCII characters.",
            )
        )
    return True


def is_url_of_plone(value: str | None) -> bool:
    """Constraint: the URL of a site, or nothing."""
    try:
        parts = urlsplit(value or "")
        is_url = parts.scheme in ("http", "https") and "@" not in parts.netloc
    except ValueError:
        is_url = False
    if value and not (is_url and parts.netloc and value.isprintable()):
        raise InvalidSetting(
            _(
                "invalid_alert_url",
                default="“${value}” is not the URL of a site. It must start with "
                "https:// or http://.",
                mapping={"value": value},
            )
        )
    return True


class IAlertSettings(Interface):
    """A part of ``ICloudFrontSettings``."""

    alert_emails = schema.TextLine(
        title=_("label_alert_emails", default="E-mail addresses for alerts"),
        description=_(
            "help_alert_emails",
            default="These people get an e-mail when somebody must act, and when it is "
            "over. Separate several addresses with spaces. Plone must be able to send "
            "e-mail (see the Mail control panel).",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=are_addresses,
    )

    alert_webhook = schema.TextLine(
        title=_("label_alert_webhook", default="Webhook for alerts"),
        description=_(
            "help_alert_webhook",
            default="A URL that receives the same alerts, for example an incoming "
            "webhook of Slack. It must start with https://. It is a secret, so only its "
            "host is displayed once it is stored. To remove it, clear this field.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_webhook,
    )

    alert_minutes = schema.Int(
        title=_("label_alert_minutes", default="Alert after (minutes)"),
        description=_(
            "help_alert_minutes",
            default="Send an alert when items have been waiting for this many minutes, "
            "whatever the reason is.",
        ),
        default=30,
        min=1,
        max=10080,
        required=True,
    )

    alert_url = schema.TextLine(
        title=_("label_alert_url", default="URL for links in alerts"),
        description=_(
            "help_alert_url",
            default="The URL at which you log in to this site. If you leave this field "
            "empty, the URL at which you save the settings is used.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_url_of_plone,
    )
