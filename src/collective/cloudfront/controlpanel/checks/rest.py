"""The check that the REST API answers, where somebody uses it."""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.ours import SiteCheck
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import read_settings
from functools import cached_property
from plone import api


_PROFILE = "plone.restapi:default"


class RestApi(SiteCheck):
    """Is plone.restapi's profile there? Plone's Classic UI distribution has it not."""

    title = _("check_rest_api", default="REST API")

    @cached_property
    def is_missing(self) -> bool:
        """Whether the profile is not installed."""
        setup = api.portal.get_tool("portal_setup")
        return setup.getLastVersionForProfile(_PROFILE) == "unknown"

    @cached_property
    def is_used(self) -> bool:
        """Whether answers of the REST API are purged, so visitors get them."""
        settings = read_settings(self.registry)
        return settings is not None and settings.api

    @property
    def level(self) -> Level:
        """A warning where somebody waits for answers; otherwise a hint."""
        return Level.WARNING if self.is_missing and self.is_used else Level.OK

    @property
    def text(self) -> str:
        """What that means."""
        if not self.is_missing:
            return _("check_rest_api_ok", default="plone.restapi is installed.")
        if not self.is_used:
            return _(
                "check_rest_api_unused",
                default="plone.restapi is not installed in this site. You need it only "
                "for scripts and monitoring that use the REST API.",
            )
        return _(
            "check_rest_api_missing",
            default="Every request to the REST API fails with “401 Missing 'plone.restapi: "
            "Use REST API' permission”, because plone.restapi is not installed in this "
            "site.",
        )

    @property
    def advice(self) -> str:
        """Install it."""
        if not self.is_missing:
            return ""
        return _("advice_rest_api", default="Install it in the Add-ons control panel.")

    @property
    def link(self) -> str:
        """Where to do that."""
        return "@@prefs_install_products_form" if self.is_missing else ""
