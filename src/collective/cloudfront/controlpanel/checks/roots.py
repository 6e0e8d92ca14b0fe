"""Are the root folders of all distributions there?"""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.ours import SiteCheck
from collective.cloudfront.controlpanel.roots import ADVICE
from collective.cloudfront.controlpanel.roots import missing_roots
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import distributions_in_force
from functools import cached_property
from urllib.parse import unquote


class Roots(SiteCheck):
    """One may have been deleted, renamed or moved since it was entered."""

    title = _("check_roots", default="Root folders")

    @cached_property
    def missing(self) -> tuple[Distribution, ...]:
        """The distributions whose root folder is not there."""
        return missing_roots(self.site, distributions_in_force(self.registry))

    @property
    def level(self) -> Level:
        """A warning where one is missing."""
        return Level.WARNING if self.missing else Level.OK

    @property
    def text(self) -> str:
        """Which are missing."""
        if not self.missing:
            return _("check_roots_ok", default="All root folders exist.")
        names = (f"{each.id} ({unquote(each.root)})" for each in self.missing)
        return _(
            "check_roots_missing",
            default="Nothing is sent to these distributions because their root folders "
            "do not exist: ${names}.",
            mapping={"names": ", ".join(names)},
        )

    @property
    def advice(self) -> str:
        """Correct one of both."""
        return ADVICE if self.missing else ""

    @property
    def link(self) -> str:
        """The settings."""
        return "@@cloudfront-settings#fieldset-settings" if self.missing else ""
