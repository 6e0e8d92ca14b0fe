"""The check that this Plone is as we know it."""

from collective.cloudfront.controlpanel.checks import Check
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.hooks import missing
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import TAGS_OFF
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.tagging.recording.selfcheck import points_missing
from functools import cached_property
from plone.registry.interfaces import IRegistry
from zope.component import getUtility


class Hooks(Check):
    """Is every part of Plone in place that has no public name and that we use?"""

    title = _("check_hooks", default="Hooks into Plone")

    @cached_property
    def names(self) -> list[str]:
        """The names of those that are not, as in ``hooks.HOOKS``."""
        names = {hook.name for hook in missing()}
        if value_in_force(getUtility(IRegistry), "cache_tags") != TAGS_OFF:
            names |= points_missing(self.site)
        return sorted(names)

    @property
    def level(self) -> Level:
        """A warning where one is missing."""
        return Level.WARNING if self.names else Level.OK

    @property
    def text(self) -> str:
        """Which are missing."""
        if not self.names:
            return _(
                "check_hooks_ok",
                default="Everything that purging relies on is in place.",
            )
        return _(
            "check_hooks_missing",
            default="This version of Plone or an add-on has changed code that purging "
            "relies on, so some pages may stay stale: ${names}.",
            mapping={"names": ", ".join(self.names)},
        )

    @property
    def advice(self) -> str:
        """Another release."""
        if not self.names:
            return ""
        return _(
            "advice_hooks",
            default="Update collective.cloudfront. If no newer release is available, "
            "report these names as a bug, and set a short lifetime for pages "
            "in CloudFront.",
        )
