"""The CloudFront page: the status first, then what to do, then what was done."""

from AccessControl import getSecurityManager
from collections.abc import Iterable
from collective.cloudfront.controlpanel.cards import Card
from collective.cloudfront.controlpanel.cards import cards
from collective.cloudfront.controlpanel.chart import Bar
from collective.cloudfront.controlpanel.chart import bars
from collective.cloudfront.controlpanel.checks import checks
from collective.cloudfront.controlpanel.checks import find_check
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks import Result
from collective.cloudfront.controlpanel.headline import budget_exceeded
from collective.cloudfront.controlpanel.headline import every_page_in
from collective.cloudfront.controlpanel.headline import headline
from collective.cloudfront.controlpanel.headline import OUTBOX_UNREADABLE
from collective.cloudfront.controlpanel.headline import OUTBOX_UNWRITABLE
from collective.cloudfront.controlpanel.headline import START_WORKER
from collective.cloudfront.controlpanel.health import Code
from collective.cloudfront.controlpanel.health import Health
from collective.cloudfront.controlpanel.health import health
from collective.cloudfront.controlpanel.hindrances import Hindrance
from collective.cloudfront.controlpanel.hindrances import hindrances
from collective.cloudfront.controlpanel.history_rows import FIRST_ITEMS
from collective.cloudfront.controlpanel.history_rows import Row
from collective.cloudfront.controlpanel.history_rows import Rows
from collective.cloudfront.controlpanel.numbers import dollars
from collective.cloudfront.controlpanel.numbers import number
from collective.cloudfront.controlpanel.overview import distributions_in_force
from collective.cloudfront.controlpanel.overview import Obstacle
from collective.cloudfront.controlpanel.overview import obstacles
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.controlpanel.overview import overview
from collective.cloudfront.controlpanel.progress import in_progress
from collective.cloudfront.controlpanel.progress import Progress
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.controlpanel.tabs import caching_tabs
from collective.cloudfront.controlpanel.tabs import may_configure
from collective.cloudfront.controlpanel.tabs import PAGE
from collective.cloudfront.controlpanel.tabs import SETTINGS
from collective.cloudfront.controlpanel.tabs import Tab
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import ICheck
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.planning.price import shares
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import is_installed
from collective.cloudfront.settings import value_in_force
from dataclasses import dataclass
from dataclasses import replace
from DateTime import DateTime
from datetime import datetime
from datetime import timezone
from functools import cached_property
from plone import api
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zope.component import getUtility

import time


@dataclass(frozen=True, slots=True)
class Badge:
    """A word on a colour; ``kind`` is Bootstrap's name for it."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A level for the eyes, and in a word; ``kind`` is Bootstrap's name for it."""

    kind: str
    icon: str
    text: str


_SIGNS = {
    Level.OK: Sign("success", "check-circle", _("sign_ok", default="In order:")),
    Level.WARNING: Sign(
        "warning", "exclamation-triangle", _("sign_warning", default="Warning:")
    ),
    Level.ERROR: Sign("danger", "x-circle", _("sign_error", default="Error:")),
}


#: Of the banner, where nothing is wrong and something is on its way.
_ON_ITS_WAY = Sign("info", "arrow-repeat", _("sign_info", default="In progress:"))


#: The state of a distribution in a word.
_BADGES = {
    # There is no table then.
    Code.UNAVAILABLE: Badge("secondary", _("badge_unknown", default="Not known")),
    Code.OFF: Badge("secondary", _("badge_off", default="Off")),
    Code.IN_MEMORY: Badge("danger", _("badge_in_memory", default="In memory")),
    Code.UNATTENDED: Badge("danger", _("badge_unattended", default="No worker")),
    Code.PAUSED: Badge("danger", _("badge_paused", default="Paused")),
    Code.WAITING: Badge("warning", _("badge_waiting", default="Waiting")),
    Code.QUARANTINED: Badge("warning", _("badge_refused", default="Refused items")),
    Code.PENDING: Badge("info", _("badge_sending", default="Sending")),
    Code.COALESCED: Badge("info", _("badge_waiting", default="Waiting")),
    Code.IN_PROGRESS: Badge("info", _("badge_in_progress", default="In progress")),
    Code.DELIVERED: Badge("success", _("badge_delivered", default="Delivered")),
}


class CloudFrontPage(BrowserView):
    """``@@cloudfront-controlpanel``."""

    cancel_label = _("label_cancel_scheduled", default="Cancel scheduled purge")
    retry_label = _("label_retry", default="Try again")
    discard_label = _("label_discard", default="Discard…")
    discard_confirm_label = _("label_discard_confirm", default="Discard this item")
    outbox_unreadable = OUTBOX_UNREADABLE
    outbox_unwritable = OUTBOX_UNWRITABLE
    start_worker = START_WORKER

    index = ViewPageTemplateFile("page.pt")
    tab_list = ViewPageTemplateFile("tabs.pt")
    banner = ViewPageTemplateFile("banner.pt")
    state = ViewPageTemplateFile("state.pt")
    scheduled_list = ViewPageTemplateFile("scheduled.pt")
    quarantined_list = ViewPageTemplateFile("quarantined.pt")
    history = ViewPageTemplateFile("history.pt")
    rows_table = ViewPageTemplateFile("history_table.pt")
    check_list = ViewPageTemplateFile("checks/checks.pt")

    label = "CloudFront"
    description = _(
        "description_cloudfront",
        default="What editors change in Plone is removed from Amazon CloudFront, so "
        "that visitors see it within seconds.",
    )

    def __call__(self) -> str:
        """Return the page."""
        return self.index()

    @cached_property
    def registry(self) -> IRegistry:
        """The site's registry."""
        return getUtility(IRegistry)

    @cached_property
    def is_installed(self) -> bool:
        """Whether our records are there. On a site of 2.0 they are not."""
        return is_installed(self.registry)

    @cached_property
    def may_configure(self) -> bool:
        """Whether this person sees buttons that change something."""
        return may_configure()

    @property
    def settings_url(self) -> str | None:
        """Where the settings are, for who may change them."""
        site = self.context.absolute_url()
        return f"{site}/{SETTINGS}" if self.may_configure else None

    @property
    def may_purge_everything(self) -> bool:
        """Whether this person may; to configure is another permission."""
        security = getSecurityManager()
        return bool(security.checkPermission(PURGE_EVERYTHING, self.context))

    @cached_property
    def tabs(self) -> list[Tab]:
        """The tabs of the Caching control panel."""
        return caching_tabs(self.request)

    @cached_property
    def checks(self) -> list[Result]:
        """What may be wrong, the worst first."""
        return checks(self.context, self.request)

    @property
    def problems(self) -> list[Result]:
        """The checks that found something. What the banner says is not said again."""
        return [
            check
            for check in self.checks
            if check.level is not Level.OK and check.name != "purging"
        ]

    @property
    def in_order(self) -> list[Result]:
        """The other checks."""
        return [check for check in self.checks if check.level is Level.OK]

    @property
    def way(self) -> ICheck | None:
        """How changes are purged, and what would make that better. A problem is among the
        checks.
        """
        found = find_check(self.context, self.request, "tags")
        is_shown = found is not None and found.level is Level.OK
        return found if is_shown and not self.obstacles else None

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        """Why nothing is purged."""
        return obstacles(self.registry)

    @property
    def distributions(self) -> tuple[str, ...]:
        """Those of this site; what others purge is their business."""
        return distributions_in_force(self.registry)

    @cached_property
    def overview(self) -> Overview:
        """The outbox."""
        return overview(this_process(), self.distributions)

    @cached_property
    def health(self) -> Health:
        """How purging is."""
        return health(self.overview, bool(self.obstacles), time.time())

    @cached_property
    def headline(self) -> str:
        """The state in one sentence."""
        return headline(self.health)

    @property
    def banner_sign(self) -> Sign:
        """The colour, icon and word of the banner."""
        if self.health.level is Level.OK and self.health.code is not Code.DELIVERED:
            return _ON_ITS_WAY
        return _SIGNS[self.health.level]

    @property
    def status_url(self) -> str:
        """Where the status is, from pages that are about something else; or ""."""
        return ""

    @property
    def cards(self) -> list[Card]:
        """The few numbers to begin with."""
        return cards(self.overview, self.health, time.time())

    @property
    def hindrances(self) -> list[Hindrance]:
        """Why distributions wait, and what to do; nothing waits where nothing is sent."""
        return [] if self.obstacles else hindrances(self.overview, time.time())

    @property
    def in_progress(self) -> list[Progress]:
        """The invalidations that CloudFront is working on."""
        return in_progress(self.overview.history, time.time())

    @property
    def budget(self) -> int:
        """The monthly budget in items; 0 where there is none."""
        return value_in_force(self.registry, "monthly_budget")

    @cached_property
    def budget_warning(self) -> str:
        """What to know where this month's items are more than the budget, or ""."""
        budget = self.budget
        if not budget or self.overview.billed_by_all <= budget:
            return ""
        return budget_exceeded(budget)

    def sign(self, check: Result) -> Sign:
        """Return how to show the level of a check."""
        return _SIGNS[check.level]

    def check_url(self, check: Result) -> str:
        """Return where to do what a check advises."""
        if check.link.startswith("#"):
            return check.link
        return f"{self.context.absolute_url()}/{check.link}"

    @property
    def bars(self) -> list[Bar]:
        """The chart of this month's items; empty if there were none."""
        month = self.overview
        return bars(month.month, month.by_day) if month.billed_by_all else []

    def badge(self, work: Work) -> Badge:
        """Return the state of a distribution in a word."""
        found = self._health_of(work)
        if found.code is Code.OFF and found.pending:
            return Badge("secondary", _("badge_kept", default="Kept"))
        return _BADGES[found.code]

    @property
    def shows_distributions(self) -> bool:
        """Whether one of several distributions is in trouble: then which one matters."""
        works = self.overview.work
        return len(works) > 1 and any(self._health_of(each).level for each in works)

    def _health_of(self, work: Work) -> Health:
        state = replace(self.overview, work=(work,))
        return health(state, bool(self.obstacles), time.time())

    def number(self, value: int) -> str:
        """Return a number as people here write it."""
        return number(value)

    def billed(self, work: Work) -> int:
        """Return how many items of this month AWS bills for a distribution."""
        return self.overview.billed.get(work.distribution, 0)

    def share(self, work: Work) -> str:
        """Return what part of this month's bill is a distribution's; "" if nothing is."""
        amount = shares(self.overview.billed).get(work.distribution)
        return f"≈ {dollars(amount)}" if amount else ""

    def naming(self, action: str, *names: str) -> str:
        """Return what a button does, and to what: there are others with its words."""
        mapping = {"action": action, "names": " ".join(names)}
        return _("action_on", default="${action}: ${names}", mapping=mapping)

    def every_page_in(self, until: float) -> str:
        """Say when every page is purged again."""
        return every_page_in(until, time.time())

    @cached_property
    def make(self) -> Rows:
        """Makes rows of the history."""
        return Rows(self.context, time.time())

    @property
    def rows(self) -> list[Row]:
        """The last invalidations."""
        return self.make.rows(self.overview.history)

    @property
    def time_zone(self) -> str:
        """The name of the site's time zone."""
        return self.make.moments.zone

    @property
    def unavailable(self) -> Message:
        """Why the outbox cannot be read, or ""."""
        return self.overview.unavailable

    def when(self, timestamp: float) -> str:
        """Return a time as people here write it."""
        return api.portal.get_localized_time(DateTime(timestamp), long_format=True)

    def translated(self, message: Message) -> str:
        """Return a message of the outbox or the courier as a sentence to translate."""
        return sentence(message)

    def iso(self, timestamp: float) -> str:
        """Return a time as machines write it, to the second."""
        moment = datetime.fromtimestamp(timestamp, timezone.utc)
        return moment.isoformat(timespec="seconds")

    def first_items(self, items: Iterable[str]) -> list[str]:
        """Return the items that the table shows."""
        return list(items)[:FIRST_ITEMS]

    def more_items(self, items: Iterable[str]) -> int:
        """Return how many items the table does not show."""
        return max(0, len(list(items)) - FIRST_ITEMS)


class StatePart(CloudFrontPage):
    """``@@cloudfront-state``: the parts of the page that a script keeps current."""

    parts = ("banner", "state")

    def __call__(self) -> str:
        """Return the parts alone."""
        self.request.response.setHeader("Cache-Control", "no-store")
        if not self.is_installed:
            return ""
        return "".join(getattr(self, part)() for part in self.parts)


class HistoryPart(StatePart):
    """``@@cloudfront-history``: the same for the last invalidations."""

    parts = ("history",)


class BannerPart(StatePart):
    """``@@cloudfront-banner``: the same for the banner of the settings."""

    parts = ("banner",)

    @property
    def status_url(self) -> str:
        """See ``CloudFrontPage``."""
        return f"{self.context.absolute_url()}/{PAGE}"
