"""The history: page by page and filtered, as a file, and one invalidation in detail."""

from collective.cloudfront.controlpanel.history_csv import CsvFile
from collective.cloudfront.controlpanel.history_filter import Choice
from collective.cloudfront.controlpanel.history_filter import CHOICES
from collective.cloudfront.controlpanel.history_filter import FIELDS
from collective.cloudfront.controlpanel.history_filter import Query
from collective.cloudfront.controlpanel.history_filter import read_query
from collective.cloudfront.controlpanel.history_rows import pieces
from collective.cloudfront.controlpanel.history_rows import Row
from collective.cloudfront.controlpanel.history_rows import Rows
from collective.cloudfront.controlpanel.overview import with_former
from collective.cloudfront.controlpanel.page import CloudFrontPage
from collective.cloudfront.controlpanel.tabs import LOG
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.finding import BY_HAND
from collective.cloudfront.outbox.finding import HistoryPage
from collective.cloudfront.outbox.finding import HistoryState
from collective.cloudfront.outbox.finding import OF_INVALIDATIONS
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.process import this_process
from datetime import datetime
from datetime import timezone
from functools import cached_property
from plone import api
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from urllib.parse import urlsplit
from zExceptions import NotFound

import re
import time


#: Entries on a page.
ROWS = 50
#: Entries that a file reads at once.
AT_ONCE = 500

_HELP = {
    "person": _("history_help_person", default="A user name."),
    "path": _(
        "history_help_path",
        default="Also finds what is below it, and wildcards that include it.",
    ),
    "search": _(
        "history_help_search",
        default="Words in items, IDs, user names, changed objects, or reasons.",
    ),
}


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

    @cached_property
    def past(self) -> tuple[str, ...]:
        """The distributions of this site, and those that it had before."""
        return with_former(this_process(), self.distributions)

    @property
    def back_url(self) -> str:
        """The CloudFront page."""
        return f"{self.context.absolute_url()}/{PAGE}"


class Log(_Page):
    """``@@cloudfront-log``; see ``history_filter`` for its parameters."""

    index = ViewPageTemplateFile("log.pt")
    table = ViewPageTemplateFile("history.pt")
    label = _("heading_log", default="History")
    description = _(
        "description_log",
        default="Invalidations, refused items, and manual purges.",
    )

    query = Query()
    found = HistoryPage()

    def read(self) -> None:
        """Read what is asked for, unless something is wrong with it."""
        self.query = read_query(self.request.form, self.past)
        if not self.query.errors:
            query = self.query
            self.found = this_process().outbox.find(
                query.wanted, ROWS, query.before, query.after
            )

    @cached_property
    def make(self) -> Rows:
        """Makes rows in which what is looked for is not hidden."""
        return Rows(self.context, time.time(), self.query.wanted)

    @cached_property
    def rows(self) -> list[Row]:
        """The entries."""
        return self.make.rows(self.found.entries)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show, though nothing is wrong."""
        return not (self.found.entries or self.unavailable or self.query.errors)

    @property
    def page_errors(self) -> list[str]:
        """What is wrong with parameters that nobody types."""
        errors = self.query.errors
        return [errors[name] for name in ("before", "after") if name in errors]

    @property
    def distribution_choices(self) -> tuple[str, ...]:
        """What there is to choose from; nothing if there is only one."""
        try:
            return self.past if len(self.past) > 1 else ()
        except OutboxUnavailable:
            return ()

    @property
    def states(self) -> list[Choice]:
        """The states of invalidations, and of refused items."""
        wanted = OF_INVALIDATIONS | {HistoryState.REFUSED}
        return [_choice(each.value) for each in HistoryState if each in wanted]

    @property
    def states_by_hand(self) -> list[Choice]:
        """The states of purges by hand."""
        names = [each.value for each in HistoryState if each in BY_HAND]
        return [_choice(name) for name in ("by_hand", *names)]

    def typed(self, name: str) -> str:
        """Return what was typed into a field, also if it is wrong."""
        value = self.request.form.get(name, "")
        return self.query.given.get(name, value if isinstance(value, str) else "")

    def title_of(self, name: str) -> str:
        """Return what a field is called."""
        return FIELDS[name]

    def help_of(self, name: str) -> str:
        """Return what may be typed into a field."""
        return _HELP[name]

    @property
    def url(self) -> str:
        """This page without a filter."""
        return f"{self.context.absolute_url()}/{LOG}"

    @property
    def older_url(self) -> str:
        """The next page, or ""."""
        if self.found.older is None:
            return ""
        return f"{self.url}?{self.query.as_query(before=self.found.older)}"

    @property
    def newer_url(self) -> str:
        """The page before, or ""."""
        if self.found.newer is None:
            return ""
        return f"{self.url}?{self.query.as_query(after=self.found.newer)}"

    @property
    def csv_url(self) -> str:
        """The same as a file."""
        query = self.query.as_query()
        url = f"{self.context.absolute_url()}/@@cloudfront-history-csv"
        return f"{url}?{query}" if query else url

    @property
    def searched_to(self) -> str:
        """Where a long search ended, or ""."""
        end = self.found.searched_to
        return "" if end is None else self.make.moments.text(end)


def _choice(name: str) -> Choice:
    return Choice(name, CHOICES[name][0])


class HistoryFile(Log):
    """``@@cloudfront-history-csv``: all that the same filter finds."""

    def __call__(self) -> CsvFile | str:
        """Return the file. What is wrong with the filter, the page says."""
        outbox = this_process().outbox
        response = self.request.response
        try:
            self.query = read_query(self.request.form, self.past)
            if self.query.errors:
                return super().__call__()
            wanted = self.query.wanted
            first = outbox.find(wanted, AT_ONCE)
        except OutboxUnavailable:
            response.setStatus(503)
            return super().__call__()
        response.setHeader("Content-Type", "text/csv; charset=utf-8")
        response.setHeader(
            "Content-Disposition", f'attachment; filename="{self.filename}"'
        )
        response.setHeader("Cache-Control", "no-store")
        response.setHeader("X-Content-Type-Options", "nosniff")
        return CsvFile(
            first,
            lambda page: outbox.find(wanted, AT_ONCE, before=page.older),
            time.time(),
        )

    @property
    def filename(self) -> str:
        """The site and the date (UTC)."""
        parts = urlsplit(api.portal.get().absolute_url())
        site = re.sub(r"[^A-Za-z0-9.]+", "-", f"{parts.hostname or ''}{parts.path}")
        day = datetime.now(timezone.utc).date().isoformat()
        return f"cloudfront-history-{site.strip('-.')}-{day}.csv"


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

    @property
    def row(self) -> Row:
        """What there is to say of it."""
        return self.make.row(self.settled)

    def pieces(self, item: str) -> tuple[str, ...]:
        """Return an item in pieces, after which a line may end."""
        return pieces(item)
