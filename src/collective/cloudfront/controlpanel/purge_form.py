"""What the pages have in common on which a person purges."""

from collective.cloudfront.changes.causes import current_user
from collective.cloudfront.controlpanel.headline import after_click
from collective.cloudfront.controlpanel.health import health_of_click
from collective.cloudfront.controlpanel.overview import Obstacle
from collective.cloudfront.controlpanel.overview import obstacles
from collective.cloudfront.controlpanel.sentences import NOTHING_TO_PURGE
from collective.cloudfront.controlpanel.tabs import caching_tabs
from collective.cloudfront.controlpanel.tabs import may_see_status
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.controlpanel.tabs import Tab
from collective.cloudfront.i18n import _
from collective.cloudfront.manual.purge import ImpossibleMoment
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.manual.purge import NothingToPurge
from collective.cloudfront.manual.purge import NotPurging
from collective.cloudfront.manual.purge import require_possible
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.settings import is_installed
from datetime import datetime
from functools import cached_property
from plone import api
from plone.app.event.base import default_timezone
from plone.protect import CheckAuthenticator
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zope.component import getUtility


NOTHING_PURGED = _("nothing_purged", default="Nothing was purged; below is why.")


class PurgeForm(BrowserView):
    """Shows a form; purges by POST what a subclass reads from it."""

    tab_list = ViewPageTemplateFile("tabs.pt")
    when = ViewPageTemplateFile("purge_when.pt")

    def __call__(self) -> str:
        """Return the form, with what is wrong with it, or do it and go back."""
        self.errors: dict[str, str] = {}
        if not is_installed(getUtility(IRegistry)):
            return self._go_to(self.page_url)
        if self.request.method == "POST":
            CheckAuthenticator(self.request)
            done = self._answer()
            if done is not None:
                return done
        return self.index()

    def read(self, purge: ManualPurge) -> None:
        """Add to ``purge`` what was asked for; put into ``errors`` what is wrong."""
        raise NotImplementedError

    def wants_preview(self, purge: ManualPurge) -> bool:
        """Say whether the person asks for a preview only."""
        return False

    # What was typed

    def typed(self, name: str) -> str:
        """Return what was typed into a field."""
        value = self.request.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    @cached_property
    def moment(self) -> float | None:
        """When it is to happen (Unix seconds), or None for at once.

        Raises ``ValueError`` if something else was typed.
        """
        value = self.typed("at")
        if not value:
            return None
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            zone = default_timezone(self.context, as_tzinfo=True)
            moment = moment.replace(tzinfo=zone)
        return moment.timestamp()

    # What is done

    def _answer(self) -> str | None:
        """Return what follows a form that was sent, or None for the form again."""
        try:
            purge = ManualPurge(api.portal.get())
        except NotPurging:
            self.errors["form"] = NOTHING_PURGED
            return None
        self.read(purge)
        self._read_moment()
        if self.errors or self.wants_preview(purge):
            return None
        return self._send(purge)

    def _read_moment(self) -> None:
        try:
            require_possible(self.moment)
        except ImpossibleMoment:
            self.errors["at"] = _(
                "moment_out_of_range",
                default="This moment is over, or more than a year away.",
            )
        except ValueError:
            self.errors["at"] = _("moment_unknown", default="This is no date and time.")

    def _send(self, purge: ManualPurge) -> str | None:
        try:
            purge_request = purge.send(
                current_user(), self.typed("reason"), self.moment
            )
        except ImpossibleMoment:  # over since it was looked at
            self._read_moment()
            return None
        except NothingToPurge:
            self.errors["form"] = NOTHING_TO_PURGE
            return None
        is_scheduled = purge_request.due is not None
        thanks = self.thanks(purge_request)
        text, kind = after_click(health_of_click(), thanks, is_scheduled)
        api.portal.show_message(text, self.request, type=kind)
        return self._go_to(self.next_url(purge_request))

    def next_url(self, purge_request: PurgeRequest) -> str:
        """Return where to go from here."""
        return self.page_url

    def thanks(self, purge_request: PurgeRequest) -> str:
        """Return what to say when it is on its way, or will be."""
        mapping = {"count": len(purge_request.items)}
        if purge_request.due is not None:
            return _(
                "purge_scheduled", default="Items scheduled: ${count}.", mapping=mapping
            )
        return _(
            "purge_queued",
            default="Visitors see the current pages within seconds. Items on their way "
            "to CloudFront: ${count}.",
            mapping=mapping,
        )

    # The page

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        """Why nothing can be purged."""
        return obstacles(getUtility(IRegistry))

    @cached_property
    def tabs(self) -> list[Tab]:
        """The tabs of the Caching control panel."""
        return caching_tabs(self.request)

    @property
    def page_url(self) -> str:
        """Where to go back to: the CloudFront page, or for who may not, the site."""
        url = self.context.absolute_url()
        return f"{url}/{PAGE}" if may_see_status() else url

    def _go_to(self, url: str) -> str:
        self.request.response.redirect(url)
        return ""
