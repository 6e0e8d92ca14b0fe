"""The check that nothing is kept long that no change purges."""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.ours import SiteCheck
from collective.cloudfront.controlpanel.lifetimes import API
from collective.cloudfront.controlpanel.lifetimes import in_force
from collective.cloudfront.controlpanel.lifetimes import is_caching_enabled
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import read_settings
from functools import cached_property


#: Seconds that people may wait for a search to be up to date.
PATIENCE = 300


class ApiLifetime(SiteCheck):
    """Does CloudFront keep searches of the REST API though nothing purges them?"""

    title = _("check_api_lifetime", default="Lifetime of searches")

    @cached_property
    def seconds(self) -> int:
        """For how long CloudFront may keep them."""
        if not is_caching_enabled(self.registry):
            return 0
        found = (in_force(self.registry, rule).seconds or 0 for rule in API.rules)
        return max(found)

    @cached_property
    def are_purged(self) -> bool:
        """Whether a change purges them: by tag only."""
        settings = read_settings(self.registry)
        return settings is not None and settings.by_tags

    @property
    def level(self) -> Level:
        """A warning where they are kept long, and not purged."""
        is_wrong = self.seconds > PATIENCE and not self.are_purged
        return Level.WARNING if is_wrong else Level.OK

    @property
    def text(self) -> str:
        """How long they are kept, and what that means."""
        mapping = {"seconds": self.seconds}
        if self.level:
            return _(
                "check_api_lifetime_long",
                default="CloudFront keeps searches and other responses of the REST API "
                "for up to ${seconds} seconds. Changes are purged by path, which does not "
                "purge searches, so visitors may see outdated results for that long.",
                mapping=mapping,
            )
        if self.are_purged:
            return _(
                "check_api_lifetime_purged",
                default="Changes purge searches of the REST API by cache tag.",
            )
        return _(
            "check_api_lifetime_ok",
            default="CloudFront keeps searches of the REST API for ${seconds} seconds at "
            "most.",
            mapping=mapping,
        )

    @property
    def advice(self) -> str:
        """Shorter, or by tag."""
        if not self.level:
            return ""
        return _(
            "advice_api_lifetime",
            default="Choose a minute, or let the distribution read cache tags.",
        )

    @property
    def link(self) -> str:
        """Where to choose."""
        return "@@cloudfront-lifetimes" if self.level else ""
