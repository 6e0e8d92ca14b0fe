"""The outbox over any store."""

from collections.abc import Callable
from collective.cloudfront.outbox.clocks import Ahead
from collective.cloudfront.outbox.history import StoredHistory
from collective.cloudfront.outbox.ledger import StoredLedger
from collective.cloudfront.outbox.memory import StoredClaims
from collective.cloudfront.outbox.memory import StoredMemory
from collective.cloudfront.outbox.owner import forget
from collective.cloudfront.outbox.owner import new_owner
from collective.cloudfront.outbox.owner import remember
from collective.cloudfront.outbox.poll import StoredPolls
from collective.cloudfront.outbox.queue import StoredQueue
from collective.cloudfront.outbox.repair import StoredRepair
from collective.cloudfront.outbox.runs import StoredRuns
from collective.cloudfront.outbox.schedule import StoredSchedule
from collective.cloudfront.outbox.store import Store
from weakref import WeakSet

import os
import threading
import time


class StoredOutbox(
    StoredQueue,
    StoredPolls,
    StoredSchedule,
    StoredClaims,
    StoredMemory,
    StoredRuns,
    StoredLedger,
    StoredHistory,
    StoredRepair,
):
    """See ``contract.Outbox``."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time):
        """``clock`` returns Unix seconds."""
        self.store = store
        self.clock = clock
        self.owner = remember(new_owner())
        self._ahead = Ahead()
        self._local = threading.local()
        _all.add(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.store!r}>"

    def close(self) -> None:
        """See ``contract.Outbox``."""
        self.store.close()

    def listen(self, wake: Callable[[], None]) -> None:
        """See ``contract.Outbox``."""
        self.store.join(self.owner, wake)

    def end(self) -> None:
        """See ``contract.Outbox``."""
        self.store.leave(self.owner)
        self.close()
        forget(self.owner)

    def forked(self) -> None:
        """Be somebody else than in the parent, who goes on or ends as it likes."""
        self.owner = remember(new_owner())
        self._ahead = Ahead()
        self._local = threading.local()
        self.store.forked()


_all: "WeakSet[StoredOutbox]" = WeakSet()


def _after_fork_in_child() -> None:
    for outbox in list(_all):
        outbox.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
