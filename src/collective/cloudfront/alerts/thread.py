"""The thread in which a Zope process looks for what people are to be told."""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.delivery.watch import Watch
from collective.cloudfront.outbox import Outbox
from typing import Any

import time


#: How often (seconds) it looks.
LOOK_EVERY = 30.0
#: After the start of Zope others come first, for so many seconds.
FIRST_AFTER = 10.0


class AlertsThread:
    """Tells people what they must do, in a daemon thread."""

    def __init__(
        self,
        outbox: Outbox,
        sites: Callable[[Any], Iterable[Any]],
        clock: Callable[[], float] = time.time,
        every: float = LOOK_EVERY,
        first_after: float = FIRST_AFTER,
    ):
        """``sites`` returns the Plone sites in Zope's root; ``clock`` returns Unix
        seconds; ``every`` and ``first_after`` are seconds.
        """
        self._outbox = outbox
        self._sites = sites
        self._clock = clock
        self._database: Any = None
        self._look: Callable[[Any], None] | None = None
        self._watch = Watch(
            "cloudfront-alerts",
            lambda: self.look(self._database),
            every,
            "Alerts cannot be sent now; trying again.",
            first_after,
            self._outbox.close,
        )
        self.stop = self._watch.stop

    def start(self, database: Any) -> None:
        """Begin to work with ``database``."""
        self._database = database
        self._watch.start()

    def look(self, database: Any) -> None:
        """Tell what is new of all sites of ``database``."""
        if self._look is None:
            # Not above: it reads the health of this process, which has this thread.
            from collective.cloudfront.alerts.look import Look

            self._look = Look(
                self._outbox,
                self._sites,
                self._watch.rest,
                self._clock,
                self._watch.complain,
            )
        self._look(database)
