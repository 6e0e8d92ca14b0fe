"""What happened: all invalidations page by page, one in detail, and people's purges."""

from collective.cloudfront.controlpanel.overview import with_former
from collective.cloudfront.controlpanel.page import CloudFrontPage
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.process import this_process
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zExceptions import NotFound

import math


#: Rows on a page.
ROWS = 50


class _Page(CloudFrontPage):
    """Reads something in the outbox before it is shown; ``unavailable`` says why not."""

    unavailable = NOTHING

    def __call__(self) -> str:
        """Return the page."""
        try:
            self.read()
        except OutboxUnavailable as error:
            self.unavailable = error.message
        return self.index()

    def read(self) -> None:
        """Read it."""
        raise NotImplementedError

    @property
    def past(self) -> tuple[str, ...]:
        """The distributions of this site, and those that it had before."""
        return with_former(this_process(), self.distributions)

    @property
    def back_url(self) -> str:
        """The CloudFront page."""
        return f"{self.context.absolute_url()}/{PAGE}"


class Log(_Page):
    """``@@cloudfront-log``; ``?before=`` (Unix seconds) is where a page begins."""

    index = ViewPageTemplateFile("log.pt")
    table = ViewPageTemplateFile("history.pt")
    label = _("heading_log", default="What happened?")
    description = _(
        "description_log",
        default="All invalidations that are kept, and who purged by hand.",
    )

    invalidations: tuple[Settled, ...] = ()
    requests: tuple[PurgeRequest, ...] = ()
    #: Where the next page begins, if there is one.
    older: float | None = None

    @property
    def before(self) -> float | None:
        """Where this page begins; the newest is first where it is no number."""
        try:
            before = float(self.request.form.get("before", ""))
        except (TypeError, ValueError):
            return None
        return before if math.isfinite(before) else None

    def read(self) -> None:
        """Read both lists, and end them at the same moment: that of the fuller one."""
        outbox = this_process().outbox
        settled = outbox.history(ROWS + 1, self.past, self.before)
        requests = outbox.requests(ROWS + 1, self.past, self.before)
        ends = [settled[ROWS - 1].accepted] if len(settled) > ROWS else []
        ends += [requests[ROWS - 1].time] if len(requests) > ROWS else []
        self.older = max(ends, default=None)
        start = max(ends, default=0.0)
        self.invalidations = tuple(each for each in settled if each.accepted >= start)
        self.requests = tuple(each for each in requests if each.time >= start)


class Invalidation(_Page):
    """``@@cloudfront-invalidation?id=I2J0I21PCUYOIK``: all that is known of one."""

    index = ViewPageTemplateFile("invalidation.pt")
    label = _("column_invalidation", default="Invalidation")

    settled: Settled | None = None

    def read(self) -> None:
        """Read it. Raises ``NotFound`` for what is not, or not any more, known."""
        wanted = self.request.form.get("id")
        if isinstance(wanted, str):
            self.settled = this_process().outbox.settled(wanted, self.past)
        if self.settled is None:
            raise NotFound("id")
