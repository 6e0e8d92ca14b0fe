"""The life of a Zope process: its start, its children and its end.

::

    start ──► the courier works ──┬──► SIGTERM, SIGHUP: ``delivery/ending`` ──► stop
                                  ├──► the interpreter ends (SIGINT) ─────────► stop
                                  └──► fork ──► a child ──first request──► its courier
"""

from collective.cloudfront.delivery.ending import Ending
from collective.cloudfront.metrics import counts
from collective.cloudfront.process import forked
from collective.cloudfront.process import known_process
from collective.cloudfront.process import this_process
from zope.component import adapter
from zope.component import getGlobalSiteManager
from zope.component import provideHandler
from zope.processlifetime import IDatabaseOpenedWithRoot
from ZPublisher.interfaces import IPubStart

import atexit
import logging
import os


logger = logging.getLogger("collective.cloudfront")

#: After it has sent what it could, a process may take so long (seconds) to write down
#: the rest.
WRITE_SECONDS = 3.0


@adapter(IDatabaseOpenedWithRoot)
def start(event: IDatabaseOpenedWithRoot) -> None:
    """Zope has started: look for work that an earlier process left behind."""
    try:
        process = this_process()
        process.start(event.database)
        if process.drain:
            ending.watch()
    except Exception:
        # A cache must never keep a site from starting.
        logger.exception("The courier could not be started. The next save tries again.")


@atexit.register
def stop() -> None:
    """Zope ends. Zope notifies nobody of it; the interpreter does."""
    process = known_process()
    if process is not None:
        process.stop()
    counts.end()


def _unfinished() -> None:
    process = known_process()
    if process is not None:
        logger.warning(
            "This process ends before it has written everything to the outbox."
        )
        process.tell_what_is_lost()


def _resume() -> None:
    process = known_process()
    if process is not None:
        process.thread.resume()


def _most() -> float:
    process = known_process()
    return WRITE_SECONDS + (process.drain if process is not None else 0.0)


#: SIGTERM ends the interpreter without its exit handlers.
ending = Ending(stop, _unfinished, _resume, _most)


def _after_fork_in_child() -> None:
    forked()
    ending.after_fork_in_child()
    if known_process() is not None:
        # The parent may be about to end: what waits is the first request's to deliver.
        provideHandler(_first_request)


@adapter(IPubStart)
def _first_request(event: IPubStart) -> None:
    """A child serves requests: what it shares with its parent is in order."""
    getGlobalSiteManager().unregisterHandler(_first_request)
    this_process().wake()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=ending.before_fork,
        after_in_parent=ending.after_fork,
        after_in_child=_after_fork_in_child,
    )
