"""The CloudFront page: state, last invalidations, "Purge all", settings."""

from AccessControl import getSecurityManager
from collections.abc import Iterable
from collective.cloudfront.controlpanel.chart import Bar
from collective.cloudfront.controlpanel.chart import bars
from collective.cloudfront.controlpanel.checks import checks
from collective.cloudfront.controlpanel.checks import find_check
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks import Result
from collective.cloudfront.controlpanel.form import SettingsForm
from collective.cloudfront.controlpanel.headline import clock
from collective.cloudfront.controlpanel.headline import every_page_in
from collective.cloudfront.controlpanel.headline import headline
from collective.cloudfront.controlpanel.headline import next_try
from collective.cloudfront.controlpanel.health import Code
from collective.cloudfront.controlpanel.health import Health
from collective.cloudfront.controlpanel.health import health
from collective.cloudfront.controlpanel.history_rows import Row
from collective.cloudfront.controlpanel.history_rows import Rows
from collective.cloudfront.controlpanel.overview import distributions_in_force
from collective.cloudfront.controlpanel.overview import Obstacle
from collective.cloudfront.controlpanel.overview import obstacles
from collective.cloudfront.controlpanel.overview import override_sentences
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.controlpanel.overview import overview
from collective.cloudfront.controlpanel.progress import in_progress
from collective.cloudfront.controlpanel.progress import Progress
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.controlpanel.tabs import caching_tabs
from collective.cloudfront.controlpanel.tabs import may_configure
from collective.cloudfront.controlpanel.tabs import Tab
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import ICheck
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.outbox.values import Work
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
from plone.app.registry.browser.controlpanel import ControlPanelFormWrapper
from plone.protect import CheckAuthenticator
from plone.protect import PostOnly
from plone.registry.interfaces import IRegistry
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zExceptions import Unauthorized
from zope.component import getUtility

import time


#: How many items of an invalidation are shown.
FIRST_ITEMS = 3


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


#: The state of a distribution in a word.
_BADGES = {
    # There is no table then.
    Code.UNAVAILABLE: Badge("secondary", _("badge_unknown", default="Not known")),
    Code.OFF: Badge("secondary", _("badge_off", default="Off")),
    Code.IN_MEMORY: Badge("danger", _("badge_in_memory", default="In memory")),
    Code.PAUSED: Badge("danger", _("badge_paused", default="Paused")),
    Code.WAITING: Badge("warning", _("badge_waiting", default="Waiting")),
    Code.QUARANTINED: Badge("warning", _("badge_refused", default="Refused items")),
    Code.PENDING: Badge("info", _("badge_sending", default="Sending")),
    Code.COALESCED: Badge("info", _("badge_waiting", default="Waiting")),
    Code.IN_PROGRESS: Badge("info", _("badge_in_progress", default="In progress")),
    Code.DELIVERED: Badge("success", _("badge_delivered", default="Delivered")),
}


class CloudFrontPage(ControlPanelFormWrapper):
    """``@@cloudfront-controlpanel``."""

    form = SettingsForm
    index = ViewPageTemplateFile("page.pt")
    tab_list = ViewPageTemplateFile("tabs.pt")
    state = ViewPageTemplateFile("state.pt")
    history = ViewPageTemplateFile("history.pt")
    rows_table = ViewPageTemplateFile("history_table.pt")
    check_list = ViewPageTemplateFile("checks/checks.pt")

    label = "CloudFront"
    description = _(
        "description_cloudfront",
        default="What editors change in Plone is removed from Amazon CloudFront, so "
        "that visitors see it within seconds.",
    )

    def update(self) -> None:
        """Leave out the form for who may not configure, and where the add-on's profile
        is not upgraded yet.
        """
        if self.request.method == "POST":
            # z3c.form asks for it only where one of the form's buttons was sent.
            CheckAuthenticator(self.request)
            if not self.may_configure:
                raise Unauthorized()
        if any(name.startswith("form.buttons.") for name in self.request.form):
            # z3c.form would take a button in the query string of a link as well.
            PostOnly(self.request)
        if self.is_installed and self.may_configure:
            super().update()

    @property
    def form_errors(self) -> bool:
        """Whether settings were refused; the form is far down on the page."""
        if not self.may_configure:
            return False
        return self.form_instance.status == self.form_instance.formErrorsMessage

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
        """Whether this person sees the settings, and buttons that change something."""
        return may_configure()

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
        """The checks that found something."""
        return [check for check in self.checks if check.level is not Level.OK]

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

    @cached_property
    def overrides(self) -> list[str]:
        """Which settings below are not used."""
        return override_sentences(self.registry)

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
    def clock(self) -> str:
        """What is to be added to it, and counts seconds; or ""."""
        last = max((each.accepted for each in self.overview.history), default=None)
        return clock(self.health, last, time.time())

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
        return _(
            "budget_exceeded",
            default="This month's budget of ${budget} items is used up. Purging goes "
            "on, with fewer and broader items, so Plone answers more visitors itself.",
            mapping={"budget": budget},
        )

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
        state = replace(self.overview, work=(work,))
        found = health(state, bool(self.obstacles), time.time())
        if found.code is Code.OFF and found.pending:
            return Badge("secondary", _("badge_kept", default="Kept"))
        return _BADGES[found.code]

    def every_page_in(self, until: float) -> str:
        """Say when every page is purged again."""
        return every_page_in(until, time.time())

    def next_try(self, waiting: Waiting) -> str:
        """Say when a waiting distribution is tried again."""
        return next_try(waiting, time.time())

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
    """``@@cloudfront-state``: the part of the page that a script keeps current."""

    part = "state"

    def __call__(self) -> str:
        """Return the part alone."""
        self.request.response.setHeader("Cache-Control", "no-store")
        return getattr(self, self.part)() if self.is_installed else ""


class HistoryPart(StatePart):
    """``@@cloudfront-history``: the same for the last invalidations."""

    part = "history"
