"""The settings: on a page of their own, below a line that says how purging is."""

from collective.cloudfront.controlpanel.form import SettingsForm
from collective.cloudfront.controlpanel.overview import override_sentences
from collective.cloudfront.controlpanel.page import CloudFrontPage
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.settings.webhook import WEBHOOK
from functools import cached_property
from plone import api
from plone.app.registry.browser.controlpanel import ControlPanelFormWrapper
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from Products.CMFCore.permissions import ManagePortal
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile


class SettingsPage(ControlPanelFormWrapper, CloudFrontPage):
    """``@@cloudfront-settings``."""

    form = SettingsForm
    index = ViewPageTemplateFile("settings.pt")

    label = _("heading_cloudfront_settings", default="CloudFront settings")
    description = _(
        "description_settings",
        default="Which distributions serve this site, what a change purges, and how "
        "Plone signs in to AWS.",
    )

    def update(self) -> None:
        """Leave out the form where the add-on's profile is not upgraded yet."""
        if self.request.method == "POST":
            # z3c.form asks for it only where one of the form's buttons was sent.
            CheckAuthenticator(self.request)
        if any(name.startswith("form.buttons.") for name in self.request.form):
            # z3c.form would take a button in the query string of a link as well.
            PostOnly(self.request)
        if self.is_installed:
            super().update()

    @property
    def form_errors(self) -> bool:
        """Whether settings were refused; the field may be far down on the page."""
        return self.form_instance.status == self.form_instance.formErrorsMessage

    @cached_property
    def overrides(self) -> list[str]:
        """Which of the settings are not used."""
        return override_sentences(self.registry)

    @property
    def sends_alerts(self) -> bool:
        """Whether somebody gets alerts."""
        ways = ("alert_emails", WEBHOOK)
        return any(value_in_force(self.registry, each) for each in ways)

    @property
    def may_choose_lifetimes(self) -> bool:
        """Whether this person may change how the site is cached."""
        return api.user.has_permission(ManagePortal, obj=self.context)

    @property
    def status_url(self) -> str:
        """Where the status is."""
        return f"{self.context.absolute_url()}/{PAGE}"
