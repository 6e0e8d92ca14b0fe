"""What is going on, and why nothing is: facts for the page, without markup."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.controlpanel.roots import ADVICE as ROOT_ADVICE
from collective.cloudfront.controlpanel.roots import missing_roots
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.presence import User
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.process import Process
from collective.cloudfront.settings import distributions_in_force as read_all
from collective.cloudfront.settings import is_installed
from collective.cloudfront.settings import is_purging_enabled
from collective.cloudfront.settings import overrides
from collective.cloudfront.settings import split_distributions
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.settings import variable
from collective.cloudfront.settings.environment import SECRETS
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import datetime
from datetime import timezone
from plone.registry.interfaces import IRegistry
from zope.component.hooks import getSite

import os
import time


#: How many rows of the history and of the quarantine are shown.
SHOWN = 10

_CHANGE_THE_VARIABLE = _(
    "advice_environment",
    default="Where that is not intended, change the variable and restart Zope.",
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing is purged, and what to do about it.

    ``place`` is where: a path below the site, or empty if not in Plone.
    """

    text: str
    advice: str
    place: str = ""


def distributions_in_force(
    registry: IRegistry, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Return the ids of a site's distributions, also while it does not purge."""
    return split_distributions(value_in_force(registry, "distribution_id", environ))


def this_month() -> str:
    """Return the current calendar month (UTC), as the outbox writes it."""
    return datetime.now(timezone.utc).strftime("%Y-%m")


def obstacles(
    registry: IRegistry, environ: Mapping[str, str] = os.environ
) -> list[Obstacle]:
    """Return what keeps a site from purging; nothing if it purges."""
    return list(_obstacles(registry, environ))


def _obstacles(registry: IRegistry, environ: Mapping[str, str]) -> Iterator[Obstacle]:
    if not is_installed(registry):
        yield Obstacle(
            _(
                "obstacle_upgrade",
                default="Nothing is purged: the add-on has been updated, but this site "
                "has not.",
            ),
            _("advice_upgrade", default="Upgrade it in the Add-ons control panel."),
            "prefs_install_products_form",
        )
        return
    if not is_purging_enabled(registry):
        yield Obstacle(
            _(
                "obstacle_caching",
                default="Purging is disabled in the Caching control panel.",
            ),
            _(
                "advice_caching",
                default="Choose “Enable purging” there, under “Caching proxies”. The "
                "list of caching proxies may stay empty.",
            ),
            "@@caching-controlpanel",
        )
    if not value_in_force(registry, "enabled", environ):
        if variable("enabled") in environ:
            yield Obstacle(
                _(
                    "obstacle_enabled_environment",
                    default="Purging from CloudFront is switched off in the "
                    "environment of this Zope process: ${assignment}.",
                    mapping={"assignment": _assignment("enabled", environ)},
                ),
                _CHANGE_THE_VARIABLE,
            )
        else:
            yield Obstacle(
                _("obstacle_enabled", default="“Purge from CloudFront” is off."),
                _("advice_enabled", default="Switch it on in the CloudFront settings."),
                "@@cloudfront-settings#fieldset-settings",
            )
    if not distributions_in_force(registry, environ):
        if variable("distribution_id") in environ:
            yield Obstacle(
                _(
                    "obstacle_distribution_environment",
                    default="The environment of this Zope process names no valid "
                    "distribution: ${assignment}.",
                    mapping={"assignment": _assignment("distribution_id", environ)},
                ),
                _CHANGE_THE_VARIABLE,
            )
        else:
            yield Obstacle(
                _("obstacle_distribution", default="No distribution is set."),
                _(
                    "advice_distribution",
                    default="Enter the ID of the distribution that serves this site in the "
                    "CloudFront settings.",
                ),
                "@@cloudfront-settings#fieldset-settings",
            )

    site = getSite()
    distributions = read_all(registry, environ)
    if site is None or not distributions:
        return
    if len(missing_roots(site, distributions)) == len(distributions):
        yield Obstacle(
            _(
                "obstacle_root",
                default="The root folder of the distribution does not exist.",
            ),
            ROOT_ADVICE,
            "@@cloudfront-settings#fieldset-settings",
        )


def _assignment(name: str, environ: Mapping[str, str]) -> str:
    return f"{variable(name)}={environ[variable(name)]}"


def override_sentences(
    registry: IRegistry, environ: Mapping[str, str] = os.environ
) -> list[str]:
    """Return a sentence for each setting that the environment overrides."""
    sentences = []
    for name in overrides(environ):
        if name in SECRETS:
            sentence = _(
                "override_secret",
                default="${variable} is set in this process's environment; the value "
                "here is not used.",
                mapping={"variable": variable(name)},
            )
        else:
            sentence = _(
                "override",
                default="${variable} is set in this process's environment; the value "
                "here is not used. In force is: ${value}",
                mapping={
                    "variable": variable(name),
                    "value": str(value_in_force(registry, name, environ)) or "—",
                },
            )
        sentences.append(sentence)
    return sentences


@dataclass(frozen=True, slots=True)
class Overview:
    """The outbox as it concerns one site.

    ``work`` has one entry for each of the site's distributions; ``orphans`` is work
    for distributions that no site here is enabled for. ``billed`` is how many items of
    this calendar month (UTC) AWS bills for each distribution, and ``billed_by_all``
    for all that use the outbox; ``by_day`` is the same by day of ``month`` (UTC).
    ``arriving`` items were committed a moment ago, and are not yet in the outbox. ``unattended``
    if this Zope does not deliver, and nobody else does. ``kept``
    items are in memory only, because of ``trouble``. If the outbox cannot be read,
    ``unavailable`` says why, and the rest is empty.
    """

    work: tuple[Work, ...] = ()
    orphans: tuple[Work, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    history: tuple[Settled, ...] = ()
    scheduled: tuple[Scheduled, ...] = ()
    planned: tuple[PurgeRequest, ...] = ()
    requests: tuple[PurgeRequest, ...] = ()
    billed: Mapping[str, int] = field(default_factory=dict)
    billed_by_all: int = 0
    month: str = ""
    by_day: Mapping[str, int] = field(default_factory=dict)
    arriving: int = 0
    unattended: bool = False
    kept: int = 0
    trouble: Message = NOTHING
    unavailable: Message = NOTHING

    @property
    def paused(self) -> tuple[str, ...]:
        """The distributions for which a person must do something."""
        return tuple(
            work.distribution
            for work in self.work
            if work.waiting is not None and work.waiting.paused
        )

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Why distributions wait; first those for which a person must do something."""
        found = (work.waiting for work in self.work if work.waiting is not None)
        return tuple(sorted(found, key=lambda waiting: not waiting.paused))

    @property
    def pending(self) -> int:
        """How many items are on their way to CloudFront."""
        return sum(work.pending for work in self.work) + self.arriving + self.kept

    @property
    def coalesced(self) -> int:
        """How many of them came again too early."""
        return sum(work.coalesced for work in self.work)

    @property
    def coalesced_until(self) -> float | None:
        """When the first of those becomes ready (Unix seconds)."""
        moments = (work.coalesced_until for work in self.work)
        return min((each for each in moments if each is not None), default=None)

    @property
    def refused(self) -> bool:
        """Whether items are in quarantine."""
        return any(work.quarantined for work in self.work)

    @property
    def in_progress(self) -> int:
        """How many invalidations CloudFront is working on."""
        return sum(work.in_progress for work in self.work)


def glance(process: Process, distributions: Collection[str]) -> Overview:
    """Return what tells the health of a site with these distributions: its work, and
    trouble with the outbox, which is asked once.
    """
    found: list[Work] = []

    def ask() -> Asked:
        work, unattended = ask_outbox(process)
        found.extend(work)
        return work, unattended

    state = work_of_site(process, distributions, ask)
    if state.unavailable:
        return state
    # What other sites of this Zope purge is their business.
    others = set(process.targets()) - set(distributions)
    orphans = (
        each
        for each in found
        if each.distribution not in others
        and each.distribution not in distributions
        and each.pending
    )
    return replace(state, orphans=tuple(orphans))


#: The work of all distributions, and whether nobody is there to do it.
Asked = tuple[Sequence[Work], bool]


def ask_outbox(process: Process) -> Asked:
    """Return what the outbox of a process says of its work."""
    work = process.outbox.work(None)
    return work, process.is_courier_off and not deliverers(process)


def work_of_site(
    process: Process, distributions: Collection[str], ask: Callable[[], Asked]
) -> Overview:
    """Return the work of a site, and trouble with the outbox. Nothing asks the outbox but
    ``ask``.
    """
    arriving = process.intake.arriving(distributions)
    kept, trouble = process.intake.kept, process.intake.trouble or NOTHING
    try:
        work, unattended = ask()
    except OutboxUnavailable as error:
        return Overview(kept=kept, trouble=trouble, unavailable=error.message)
    known = {each.distribution: each for each in work}
    return Overview(
        work=tuple(known.get(each) or _idle(each) for each in distributions),
        arriving=arriving,
        unattended=unattended,
        kept=kept,
        trouble=trouble,
    )


def deliverers(process: Process) -> list[User]:
    """Return the processes that deliver what is in the outbox of a process."""
    users = present(process.outbox, time.time())
    return [each for each in users if each.delivers]


def with_former(process: Process, distributions: Collection[str]) -> tuple[str, ...]:
    """Return the distributions of a site, and those that they have replaced: their
    history is the site's, unless another site of this Zope uses them now.
    """
    others = set(process.targets()) - set(distributions)
    former = process.outbox.former(distributions)
    return (*distributions, *(each for each in former if each not in others))


def overview(process: Process, distributions: Collection[str]) -> Overview:
    """Look at what a process delivers for a site with these distributions."""
    state = glance(process, distributions)
    if state.unavailable:
        return state
    try:
        quarantined = process.outbox.quarantined(SHOWN, distributions)
        past = with_former(process, distributions)
        history = process.outbox.history(SHOWN, past)
        scheduled = process.outbox.scheduled(SHOWN, distributions)
        planned = process.outbox.planned(SHOWN, distributions)
        requests = process.outbox.requests(SHOWN, past)
        month = this_month()
        by_day = process.outbox.billed_by_day(month)
    except OutboxUnavailable as error:
        return Overview(
            kept=state.kept, trouble=state.trouble, unavailable=error.message
        )
    return replace(
        state,
        quarantined=tuple(quarantined),
        history=tuple(history),
        scheduled=tuple(scheduled),
        planned=tuple(planned),
        requests=tuple(requests),
        billed={each: sum(days.values()) for each, days in by_day.items()},
        billed_by_all=sum(sum(days.values()) for days in by_day.values()),
        month=month,
        by_day=_together(by_day.values()),
    )


def _together(by_day: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """Add up the days of several distributions."""
    total: Counter[str] = Counter()
    for days in by_day:
        total.update(days)
    return total


def _idle(distribution: str) -> Work:
    return Work(
        distribution=distribution,
        ready=0,
        frozen=0,
        in_progress=0,
        oldest=None,
        waiting=None,
    )
