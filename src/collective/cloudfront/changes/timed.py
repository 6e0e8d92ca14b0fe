"""Measures the time that the add-on takes in a transaction, if somebody wants to know.

Nothing of it runs in a process that is not watched: see ``transaction.make_manager``.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.changes import transaction
from collective.cloudfront.changes.transaction import PurgeManager
from collective.cloudfront.metrics import counts
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import logging


logger = logging.getLogger("collective.cloudfront")


class TimedManager(PurgeManager):
    """Adds up the time of what it does, from the first look at what is stale until all is
    handed over. What subscribers take to note a change is not in it.
    """

    def __init__(self, current: Any):
        super().__init__(current)
        self._seconds = 0.0

    def compute(self) -> None:
        """See ``PurgeManager``."""
        with self._timed():
            super().compute()

    def tpc_begin(self, current: Any) -> None:
        """See ``PurgeManager``."""
        with self._timed():
            super().tpc_begin(current)

    def commit(self, current: Any) -> None:
        """See ``PurgeManager``."""
        with self._timed():
            super().commit(current)

    def tpc_vote(self, current: Any) -> None:
        """See ``PurgeManager``."""
        with self._timed():
            super().tpc_vote(current)

    def after_commit(self, succeeded: bool) -> None:
        """See ``PurgeManager``."""
        has_purged = bool(self._prepared or self._entries)
        with self._timed():
            super().after_commit(succeeded)
        if succeeded and has_purged:
            _observe(self._seconds)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self._seconds += perf_counter() - started


def _observe(seconds: float) -> None:
    if counts.current is None:
        return
    try:
        counts.current.save_seconds.observe(seconds)
        counts.current.note_memory()
    except Exception:
        # A full disk, perhaps, where the figures of several processes are.
        logger.debug("A save was not counted.", exc_info=True)


def switch_on() -> None:
    """Measure each transaction that begins from now on."""
    transaction.make_manager = TimedManager


def switch_off() -> None:
    """Measure no more. For tests."""
    make: Callable[[Any], PurgeManager] = PurgeManager
    transaction.make_manager = make
