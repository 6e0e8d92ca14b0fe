"""Is anything purged? The health, as a check."""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.ours import SiteCheck
from collective.cloudfront.controlpanel.headline import headline
from collective.cloudfront.controlpanel.health import Health
from collective.cloudfront.controlpanel.health import site_health
from collective.cloudfront.i18n import _
from functools import cached_property


class Purging(SiteCheck):
    """Is everything purged? The section above says why not."""

    title = _("check_purging", default="Purging")

    @cached_property
    def health(self) -> Health:
        """How purging is."""
        return site_health(self.registry)

    @property
    def level(self) -> Level:
        """That of the health."""
        return self.health.level

    @property
    def text(self) -> str:
        """The headline, where something is wrong."""
        if self.level:
            return headline(self.health)
        return _("check_purging_on", default="Changes are purged.")

    @property
    def advice(self) -> str:
        """Where to read more."""
        if not self.level:
            return ""
        return _(
            "advice_purging_off",
            default="See the status for the reason and what to do.",
        )

    @property
    def link(self) -> str:
        """There."""
        return "#cloudfront-state" if self.level else ""
