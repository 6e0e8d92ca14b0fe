""" "Test connection": what works between Zope and CloudFront, and what does not."""

from collective.cloudfront.controlpanel.sentences import site_hosts
from collective.cloudfront.controlpanel.tabs import caching_tabs
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.controlpanel.tabs import Tab
from collective.cloudfront.doctor.connection import test_connection
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.findings import MESSAGES
from collective.cloudfront.doctor.shown import change_as_json
from collective.cloudfront.i18n import _
from collective.cloudfront.i18n import message_id
from collective.cloudfront.settings import distributions_in_force
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import TAGS_INVALIDATE
from collective.cloudfront.settings import TAGS_OFF
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.targets import credentials_of
from dataclasses import dataclass
from functools import cached_property
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from urllib.parse import urlsplit
from zope.component import getUtility


_LEVELS = {
    Level.OK: ("success", _("level_ok", default="OK")),
    Level.INFO: ("info", _("level_info", default="Note")),
    Level.UNKNOWN: ("secondary", _("level_unknown", default="Not known")),
    Level.WARNING: ("warning", _("level_warning", default="Warning")),
    Level.ERROR: ("danger", _("level_error", default="Error")),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as it is shown; ``kind`` is Bootstrap's name for the colour, and
    ``finding_level`` the level's own.
    """

    name: str
    code: str
    finding_level: str
    kind: str
    level: str
    label: str
    text: str
    advice: str
    #: See ``doctor.shown``; None: there is none for machines.
    change: dict[str, Any] | None

    @property
    def commands(self) -> str:
        """The commands of the change, one a line."""
        return "\n".join(self.change["commands"]) if self.change else ""


def why_not(registry: IRegistry, tags: str, header: str) -> str:
    """Return why ``cache_tags`` cannot become ``tags`` with this ``tag_header``, or "".

    To purge by tags that were not purged by before, AWS is asked about the
    distributions, with the settings in force: where one has no CacheTagConfig, tags do
    nothing, and nothing would ever be purged.
    """
    known = registry.forInterface(ICloudFrontSettings, check=False, prefix=PREFIX)
    if tags != TAGS_INVALIDATE or (tags, header) == (
        known.cache_tags,
        known.tag_header,
    ):
        return ""
    settings = read_settings(registry)
    if settings is None or not settings.distributions:
        return _("tags_need_distribution", default="Enter a distribution first.")
    for distribution in distributions_in_force(registry, tag_header=header):
        findings = test_connection(
            distribution.id,
            credentials_of(settings, distribution),
            (),
            distribution.tag_header,
        )
        found = next(each for each in findings if each.name == "cache_tags")
        if found.code != "cache_tags":
            return _(
                "tags_impossible",
                default="${distribution} is not known to read cache tags from "
                "${header}: set CacheTagConfig there, allow "
                "cloudfront:GetDistribution, and see “Test connection”.",
                mapping={
                    "distribution": distribution.id,
                    "header": distribution.tag_header,
                },
            )
    return ""


def connection_rows(site: Any) -> list[tuple[str, list[Row]]]:
    """Ask AWS about the distributions of a site; return each with what was found."""
    registry = getUtility(IRegistry)
    settings = read_settings(registry)
    if settings is None:
        return []
    # Distributions have names without ports.
    names = {urlsplit(f"//{host}").hostname for host in site_hosts(site)}
    hosts = sorted(filter(None, names))
    tagged = value_in_force(registry, "cache_tags") != TAGS_OFF
    # One that serves several folders of the site is asked about once.
    distributions = {each.id: each for each in settings.distributions}
    return [
        (
            distribution.id,
            [
                _row(finding)
                for finding in test_connection(
                    distribution.id,
                    credentials_of(settings, distribution),
                    hosts,
                    distribution.tag_header if tagged else "",
                    is_classic=settings.classic,
                    finds_tags=settings.finds_tags,
                )
            ],
        )
        for distribution in distributions.values()
    ]


class ConnectionTest(BrowserView):
    """``@@cloudfront-test-connection``, by POST: it asks AWS."""

    index = ViewPageTemplateFile("connection.pt")
    tab_list = ViewPageTemplateFile("tabs.pt")

    def __call__(self) -> str:
        """Ask, and show what came of it."""
        PostOnly(self.request)
        CheckAuthenticator(self.request)
        return self.index()

    @cached_property
    def results(self) -> list[tuple[str, list[Row]]]:
        """The distributions, each with what was found."""
        return connection_rows(self.context)

    @cached_property
    def tabs(self) -> list[Tab]:
        """The tabs of the Caching control panel."""
        return caching_tabs(self.request)

    @property
    def page_url(self) -> str:
        """The CloudFront page."""
        return f"{self.context.absolute_url()}/{PAGE}"


def _row(finding: Finding) -> Row:
    kind, level = _LEVELS[finding.level]
    found = MESSAGES[finding.code]
    return Row(
        name=finding.name,
        code=finding.code,
        finding_level=finding.level.value,
        kind=kind,
        level=level,
        # Not by _(…): these sentences are listed in delivery/, which knows no Zope
        label=message_id(f"connection_check_{finding.name}", CHECKS[finding.name], {}),
        text=message_id(f"connection_{finding.code}", found.text, finding.mapping),
        advice=message_id(
            f"connection_advice_{finding.code}", found.advice, finding.mapping
        )
        if found.advice
        else "",
        change=change_as_json(finding),
    )
