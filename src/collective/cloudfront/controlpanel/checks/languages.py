"""The check that visitors do not choose the language of a page that is shared."""

from collective.cloudfront.controlpanel.checks import Check
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.i18n import _
from collective.cloudfront.tagging.negotiated import negotiations
from functools import cached_property
from plone.registry.interfaces import IRegistry
from zope.component import getUtility


class Languages(Check):
    """Does Plone find the language by something that is not in the URL?"""

    title = _("check_languages", default="Language of pages")

    @cached_property
    def headers(self) -> list[str]:
        """The request headers by which it does."""
        return negotiations(getUtility(IRegistry))

    @property
    def level(self) -> Level:
        """A warning where there are any."""
        return Level.WARNING if self.headers else Level.OK

    @property
    def text(self) -> str:
        """What that means."""
        if not self.headers:
            return _(
                "check_languages_ok", default="The URL alone determines the language."
            )
        return _(
            "check_languages_negotiated",
            default="If the URL does not determine the language, the browser does "
            "(${headers}). CloudFront does not cache these pages, so Plone "
            "serves every visitor itself.",
            mapping={"headers": ", ".join(self.headers)},
        )

    @property
    def advice(self) -> str:
        """The settings of Plone, or a cache key that knows."""
        if not self.headers:
            return ""
        return _(
            "advice_languages",
            default="Use the language of the content item, and turn off language "
            "negotiation by browser and cookie. Alternatively, add ${headers} "
            "to CloudFront’s cache key and to the Vary header of the caching "
            "operations.",
            mapping={"headers": ", ".join(self.headers)},
        )

    @property
    def link(self) -> str:
        """Plone's settings."""
        return "@@language-controlpanel" if self.headers else ""
