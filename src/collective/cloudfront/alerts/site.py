"""What alerts are to know of a site: who gets them, in which words."""

from collections.abc import Mapping
from collective.cloudfront.alerts.known import News
from collective.cloudfront.alerts.message import about
from collective.cloudfront.alerts.message import Message
from collective.cloudfront.alerts.message import test_message
from collective.cloudfront.alerts.sending import Receivers
from collective.cloudfront.alerts.troubles import Limits
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import settings_of
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.settings.alerts import split_addresses
from collective.cloudfront.settings.records import has_volto
from dataclasses import dataclass
from plone.uuid.interfaces import IUUID
from typing import Any


_LANGUAGE = "plone.default_language"


@dataclass(frozen=True, slots=True)
class AlertedSite:
    """A site, read in a transaction and used after it. ``distributions`` are those that
    it purges; none if it does not purge.
    """

    key: str
    title: str
    language: str
    url: str
    distributions: tuple[str, ...]
    limits: Limits
    receivers: Receivers

    def about(self, found: Mapping[str, Any], news: News, is_all_over: bool) -> Message:
        """Return the message about what is new."""
        return about(news, found, is_all_over, **self._words())

    def test(self) -> Message:
        """Return a message to see whether it arrives."""
        return test_message(**self._words())

    def _words(self) -> dict[str, str]:
        return {"site": self.title, "url": self.url, "language": self.language}


def alerted(site: Any, database: Any) -> AlertedSite | None:
    """Return what alerts are to know of ``site``; None where the add-on is not
    installed.
    """
    settings, registry = settings_of(site), registry_of(site)
    if settings is None or registry is None:
        return None
    path = site.getPhysicalPath()
    return AlertedSite(
        # Databases that share an outbox may have sites of one path
        key=IUUID(site, None) or "/".join(path),
        title=site.Title() or site.getId(),
        language=registry.get(_LANGUAGE) or "en",
        url=_status_url(registry),
        distributions=settings.distribution_ids if settings.enabled else (),
        limits=Limits(
            value_in_force(registry, "alert_minutes"),
            settings.monthly_budget if settings.enabled else 0,
        ),
        receivers=Receivers(
            database,
            path,
            split_addresses(value_in_force(registry, "alert_emails")),
            value_in_force(registry, "alert_webhook"),
        ),
    )


def _status_url(registry: Any) -> str:
    """Return where the status is; "" if nobody has said where the site is."""
    url = value_in_force(registry, "alert_url").rstrip("/")
    page = "controlpanel/cloudfront" if has_volto(registry) else PAGE
    return f"{url}/{page}" if url else ""
