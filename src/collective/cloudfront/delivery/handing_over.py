"""What Zope does where others deliver (``CLOUDFRONT_COURIER=off``).

One round::

    errands ──► bring in what was handed over ──► learn what others purged ──► take over
    what earlier processes have left: workers do not know where that is

It runs in the thread that a courier would have. It sends nothing, looks for no credentials
and does not import boto3: workers take what is ready from the outbox.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.delivery.courier import ADOPT_EVERY
from collective.cloudfront.delivery.courier import Learning
from collective.cloudfront.delivery.notices import Notices
from collective.cloudfront.delivery.notices import OUTBOX
from collective.cloudfront.delivery.sending import LONGEST_IDLE
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.planning.late import Lately
from pathlib import Path

import logging
import math
import time


class HandingOver:
    """Brings what was saved into the outbox, one ``round`` after the other."""

    def __init__(
        self,
        outbox: Outbox,
        intake: Intake,
        lately: Lately,
        errands: Callable[[], None] = lambda: None,
        earlier: Callable[[], Iterable[Path]] = lambda: (),
    ):
        """``errands`` is called first in every round; ``earlier`` returns the outboxes that
        other processes of the site may have left. See ``courier.Courier``.
        """
        self.outbox = outbox
        self.intake = intake
        self.lately = lately
        # Nothing is sent here, so nothing is waited for at the end.
        self.is_draining = False
        self.sendable_in = math.inf
        self._errands = errands
        self._earlier = earlier
        self._adopt_at = -math.inf
        self._learning = Learning(outbox, lately)
        self._notices = Notices(time.monotonic)

    def round(self) -> float:
        """Do what can be done now; return in how many seconds to come again."""
        try:
            self._errands()
        except OutboxUnavailable as error:
            self._complain(error)
        self.intake.retry()
        try:
            self._learning.learn(
                self.outbox.poll((), 1, math.inf, self._learning.newest)
            )
            if time.monotonic() >= self._adopt_at:
                self._adopt_at = time.monotonic() + ADOPT_EVERY
                self.outbox.adopt(self._earlier())
        except OutboxUnavailable as error:
            self._complain(error)
        return LONGEST_IDLE

    def stop(self, seconds: float = 0.0) -> None:
        """Bring in what is in memory only: it would be lost."""
        self.intake.retry()

    def give_up_claims(self) -> None:
        """Do nothing: there are no claims."""

    def _complain(self, error: OutboxUnavailable) -> None:
        if not error.is_busy:
            self._notices.log_once(
                logging.ERROR, OUTBOX, f"The outbox cannot be used: {error}."
            )
