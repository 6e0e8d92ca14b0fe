"""Is purging healthy? One answer, which everything that speaks of it reads.

::

    Overview ─┐
    obstacles ┴─► health ─► Health(level, code, values)
                              ├─► headline, and the badge of each distribution
                              ├─► check "purging", and with it the number at the tab
                              ├─► GET @cloudfront and GET @cloudfront/checks
                              ├─► @@cloudfront-health, alerts, and metrics
                              └─► what is said after somebody purges

``health`` is pure. Of several troubles the one counts that comes first in ``Code``.
"""

from collections.abc import Collection
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.overview import ask_outbox
from collective.cloudfront.controlpanel.overview import Asked
from collective.cloudfront.controlpanel.overview import distributions_in_force
from collective.cloudfront.controlpanel.overview import glance
from collective.cloudfront.controlpanel.overview import obstacles
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.controlpanel.overview import work_of_site
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.outbox.within import Late
from collective.cloudfront.outbox.within import Within
from collective.cloudfront.process import this_process
from dataclasses import dataclass
from enum import Enum
from functools import partial
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import time


#: What goes on by itself is a warning when it lasts longer than this (seconds).
LASTS_LONG = 15 * 60.0

#: Machines wait so long (seconds) for the outbox: less than a probe does.
LONGEST_ANSWER = 2.0


class Code(Enum):
    """How a site's purging is, the worst first. The values are part of the REST API."""

    #: The outbox cannot be read.
    UNAVAILABLE = "unavailable"
    #: A setting keeps the site from purging, or the add-on is not upgraded.
    OFF = "off"
    #: The outbox cannot be written: items are in memory only.
    IN_MEMORY = "in_memory"
    #: This Zope does not deliver, and no worker does.
    UNATTENDED = "unattended"
    #: A person must do something.
    PAUSED = "paused"
    #: CloudFront takes nothing now; it is tried again.
    WAITING = "waiting"
    #: Everything else is delivered or on its way, but CloudFront refuses some items.
    QUARANTINED = "quarantined"
    #: On the way.
    PENDING = "pending"
    #: On the way, and not sent before an interval is over.
    COALESCED = "coalesced"
    #: Delivered; CloudFront is working on it.
    IN_PROGRESS = "in_progress"
    DELIVERED = "delivered"


#: Trouble with the outbox.
OF_THE_OUTBOX = frozenset({Code.UNAVAILABLE, Code.IN_MEMORY})
_ERRORS = OF_THE_OUTBOX | {Code.OFF, Code.UNATTENDED, Code.PAUSED}


@dataclass(frozen=True, slots=True)
class Health:
    """How purging is, and what of it people are told.

    ``pending`` items are on their way; ``in_progress`` counts invalidations. ``paused``
    names distributions. ``trouble`` is the outbox's. ``coalesced_until`` (Unix seconds)
    is when every page is purged again.
    """

    level: Level
    code: Code
    pending: int = 0
    in_progress: int = 0
    paused: tuple[str, ...] = ()
    waiting: Waiting | None = None
    trouble: Message = NOTHING
    coalesced_until: float | None = None


def health(state: Overview, is_off: bool, now: float) -> Health:
    """Return how the purging of a site is at ``now`` (Unix seconds).

    ``is_off``: something keeps it from purging, see ``obstacles``.
    """
    waiting = _hindrance(state)
    code = _code(state, is_off, waiting)
    return Health(
        level=_level(code, waiting, now),
        code=code,
        pending=state.pending,
        in_progress=state.in_progress,
        paused=state.paused,
        waiting=waiting,
        trouble=state.unavailable or state.trouble,
        coalesced_until=state.coalesced_until,
    )


def site_health(registry: IRegistry) -> Health:
    """Return how the purging of a site is now. Asks the outbox once."""
    state = glance(this_process(), distributions_in_force(registry))
    return health(state, bool(obstacles(registry)), time.time())


def quick_health(registry: IRegistry, seconds: float = LONGEST_ANSWER) -> Health:
    """Return the same, for machines that must get an answer: if the outbox has none after
    so many seconds, it is unavailable.
    """
    state = quick_overview(distributions_in_force(registry), seconds)
    return health(state, bool(obstacles(registry)), time.time())


def quick_overview(
    distributions: Collection[str], seconds: float = LONGEST_ANSWER
) -> Overview:
    """Return what tells the health of a site with these distributions, as soon."""
    return work_of_site(this_process(), distributions, partial(_ask_in, seconds))


def _ask_in(seconds: float) -> Asked:
    try:
        return _asked.ask(seconds)
    except Late as error:
        raise OutboxUnavailable(message("outbox_late", seconds=seconds)) from error


def _ask() -> Asked:
    process = this_process()
    try:
        return ask_outbox(process)
    finally:
        # The thread ends, and its connection with it.
        process.outbox.close()


_asked = Within("cloudfront-health", _ask)


def health_of_click() -> Health:
    """Return how the purging of the current site is for somebody who purges now: also
    whether the outbox takes anything.
    """
    this_process().intake.is_usable()
    return site_health(getUtility(IRegistry))


def _hindrance(state: Overview) -> Waiting | None:
    """Return why something waits that a person should know of, if anything does."""
    for waiting in state.waiting:
        if waiting.paused or state.pending:
            return waiting
    return None


def _code(state: Overview, is_off: bool, waiting: Waiting | None) -> Code:
    if state.unavailable:
        return Code.UNAVAILABLE
    if is_off:
        return Code.OFF
    if state.kept or state.trouble:
        return Code.IN_MEMORY
    if state.unattended:
        return Code.UNATTENDED
    if waiting is not None:
        return Code.PAUSED if waiting.paused else Code.WAITING
    return Code.QUARANTINED if state.refused else flow(state)


def flow(state: "Overview | Health") -> Code:
    """Return how far everything is, trouble aside."""
    if state.pending:
        coalesced = isinstance(state, Overview) and state.pending == state.coalesced
        return Code.COALESCED if coalesced else Code.PENDING
    return Code.IN_PROGRESS if state.in_progress else Code.DELIVERED


def _level(code: Code, waiting: Waiting | None, now: float) -> Level:
    if code in _ERRORS:
        return Level.ERROR
    if code is Code.QUARANTINED:
        return Level.WARNING
    if code is Code.WAITING and waiting is not None:
        return Level.WARNING if now - waiting.since > LASTS_LONG else Level.OK
    return Level.OK
