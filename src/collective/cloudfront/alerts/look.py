"""One look at all sites: what people are to be told."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.alerts.outgoing import InMemory
from collective.cloudfront.alerts.outgoing import InOutbox
from collective.cloudfront.alerts.outgoing import Place
from collective.cloudfront.alerts.outgoing import tell
from collective.cloudfront.alerts.sending import DEADLINE
from collective.cloudfront.alerts.sending import root_of
from collective.cloudfront.alerts.sending import send
from collective.cloudfront.alerts.site import alerted
from collective.cloudfront.alerts.site import AlertedSite
from collective.cloudfront.alerts.troubles import OUTBOX
from collective.cloudfront.alerts.troubles import over_budget
from collective.cloudfront.alerts.troubles import troubles
from collective.cloudfront.controlpanel.health import quick_overview
from collective.cloudfront.controlpanel.overview import this_month
from collective.cloudfront.delivery.calls import Calls
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.watch import Ended
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from functools import partial
from typing import Any

import logging


logger = logging.getLogger("collective.cloudfront")


class Look:
    """Tells what is new of all sites of a database, whenever it is called."""

    def __init__(
        self,
        outbox: Outbox,
        sites: Callable[[Any], Iterable[Any]],
        rest: Callable[[float], None],
        clock: Callable[[], float],
        complain: Callable[[], None],
        calls: Calls | None = None,
    ):
        """``sites`` returns the Plone sites in Zope's root; ``rest`` sleeps for so many
        seconds, or raises ``Ended``; ``clock`` returns Unix seconds; ``complain`` logs the
        current exception; ``calls`` begins what may hang.
        """
        self._outbox = outbox
        self._sites = sites
        self._rest = rest
        self._clock = clock
        self._complain = complain
        self._calls = calls or InThreads(DEADLINE)
        # By site: what this process knows of trouble with the outbox
        self._in_memory: dict[str, InMemory] = {}

    def __call__(self, database: Any) -> None:
        """Look."""
        with root_of(database) as app:
            found = [alerted(each, database) for each in self._sites(app)]
        for site in found:
            if site is not None and site.receivers.ways:
                self._safely(site)

    def _safely(self, site: AlertedSite) -> None:
        try:
            self._look_at(site)
        except Ended:
            raise
        except (OutboxUnavailable, ClaimLost, MemoryChanged) as error:
            logger.debug("Alerts are sent later: %s", error)
        except Exception:
            # Another site may be in order.
            self._complain()

    def _look_at(self, site: AlertedSite) -> None:
        now = self._clock()
        state = quick_overview(site.distributions)
        found = troubles(state, site.limits, now)
        own = {key: each for key, each in found.items() if key == OUTBOX}
        shared = {key: each for key, each in found.items() if key != OUTBOX}
        self._tell(self._in_memory.setdefault(site.key, InMemory()), site, own, now)
        if state.unavailable:
            # What hangs is asked no more.
            return
        if site.limits.budget:
            billed = sum(self._outbox.billed(this_month()).values())
            shared |= over_budget(billed, site.limits)
        self._tell(InOutbox(self._outbox, site.key), site, shared, now)

    def _tell(
        self, place: Place, site: AlertedSite, found: Mapping[str, Any], now: float
    ) -> None:
        tell(
            place,
            found,
            site.receivers.ways,
            partial(site.about, found),
            partial(send, site.receivers, self._calls, self._rest),
            now,
        )
