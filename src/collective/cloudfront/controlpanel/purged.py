"""On an object that a person has just purged: how far CloudFront is with it."""

from collective.cloudfront.controlpanel.headline import OUTBOX_FAILS
from collective.cloudfront.controlpanel.health import OF_THE_OUTBOX
from collective.cloudfront.controlpanel.health import site_health
from collective.cloudfront.controlpanel.progress import Stage
from collective.cloudfront.controlpanel.progress import stage
from collective.cloudfront.i18n import _
from collective.cloudfront.manual.purge import Preview
from collective.cloudfront.manual.purge import preview_of_content
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.process import this_process
from dataclasses import dataclass
from functools import cached_property
from plone.app.layout.viewlets.common import ViewletBase
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from urllib.parse import urlencode
from zope.component import getUtility

import time


#: In the query string: when the object was purged (Unix seconds).
PURGED = "cloudfront-purged"
#: It is not shown any more after this (seconds): somebody has kept the URL.
_SHOWN_FOR = 3600.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence; ``kind`` is Bootstrap's name for its colour, ``final`` the end."""

    text: str
    kind: str
    final: bool = False


_NOTICES = {
    Stage.WAITING: Notice(
        _(
            "purged_waiting",
            default="Visitors may still see the old page. The change is on its way to "
            "CloudFront.",
        ),
        "info",
    ),
    Stage.IN_MEMORY: Notice(OUTBOX_FAILS, "danger"),
    Stage.PAUSED: Notice(
        _(
            "purged_paused",
            default="Visitors may still see the old page, because purging is paused. "
            "Nothing is lost. An administrator sees in the CloudFront control panel what "
            "to do.",
        ),
        "warning",
    ),
    Stage.QUARANTINED: Notice(
        _(
            "purged_refused",
            default="Visitors may see the old page until it expires, because CloudFront "
            "refuses to remove it. An administrator sees why in the CloudFront control "
            "panel.",
        ),
        "danger",
        final=True,
    ),
    Stage.IN_PROGRESS: Notice(
        _(
            "purged_in_progress",
            default="CloudFront is removing the old page everywhere. This takes some "
            "seconds.",
        ),
        "info",
    ),
    Stage.FRESH: Notice(
        _("purged_fresh", default="Visitors now see the current page."),
        "success",
        final=True,
    ),
}


class Purged(BrowserView):
    """``@@cloudfront-purged?cloudfront-purged=…``: the sentence alone, for a script."""

    template = ViewPageTemplateFile("purged.pt")

    def __call__(self) -> str:
        """Return it, or "" where there is nothing to show."""
        self.request.response.setHeader("Cache-Control", "no-store")
        return self.template() if self.notice else ""

    @cached_property
    def moment(self) -> float | None:
        """When the object was purged, if that was not long ago."""
        try:
            moment = float(self.request.form.get(PURGED, ""))
        except (TypeError, ValueError):
            return None
        return moment if 0 <= time.time() - moment < _SHOWN_FOR else None

    @cached_property
    def notice(self) -> Notice | None:
        """What to show, if anything."""
        # Of nothing nobody can say that it is fresh.
        if self.moment is None or self.preview is None or not self.preview.items:
            return None
        return _NOTICES[self._stage(self.preview, self.moment)]

    @cached_property
    def preview(self) -> Preview | None:
        """What is sent for the object; None where nothing is purged."""
        return preview_of_content(self.context)

    def _stage(self, preview: Preview, moment: float) -> Stage:
        if site_health(getUtility(IRegistry)).code in OF_THE_OUTBOX:
            return Stage.IN_MEMORY
        outbox = this_process().outbox
        try:
            return stage(outbox, preview.distributions, preview.items, moment)
        except OutboxUnavailable:
            return Stage.IN_MEMORY

    @property
    def refresh_url(self) -> str:
        """Where a script asks again."""
        query = urlencode({PURGED: self.moment})
        return f"{self.context.absolute_url()}/@@cloudfront-purged?{query}"


class PurgedViewlet(ViewletBase):
    """The same above the title, kept current by a script."""

    index = ViewPageTemplateFile("purged_viewlet.pt")

    def update(self) -> None:
        """Find out whether there is something to show."""
        super().update()
        self.purged: Any = Purged(self.context, self.request)

    def render(self) -> str:
        """Return it. Every page is rendered with this viewlet, so be quick."""
        if PURGED not in self.request.form or not self.purged.notice:
            return ""
        return self.index()
