"""What a person has scheduled, and thinks better of."""

from collections.abc import Collection
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.process import this_process
from enum import Enum

import logging


logger = logging.getLogger("collective.cloudfront")

#: So many are looked at.
_MOST = 1000


class Outcome(Enum):
    """What came of it."""

    CANCELLED = "cancelled"
    #: Another site's, over, cancelled already, or never there.
    UNKNOWN = "unknown"
    #: It was about to be sent.
    OVER = "over"


def planned(distributions: Collection[str]) -> list[PurgeRequest]:
    """Return what is yet to come for a site with these distributions, soonest first."""
    return this_process().outbox.planned(_MOST, distributions)


def cancel(identifier: str, distributions: Collection[str], user: str) -> Outcome:
    """Forget what a request has scheduled, if it is one of these distributions."""
    if all(each.id != identifier for each in planned(distributions)):
        return Outcome.UNKNOWN
    count = this_process().outbox.cancel_request(identifier)
    logger.info("User %r cancelled the scheduled purge %s.", user, identifier)
    return Outcome.CANCELLED if count else Outcome.OVER
