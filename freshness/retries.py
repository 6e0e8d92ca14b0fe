"""Runs in Zope: the log tells of conflicts, on which Zope says nothing."""

from pathlib import Path
from transaction.interfaces import TransientError
from zope.component import adapter
from ZPublisher.interfaces import IPubFailure

import logging


logger = logging.getLogger("freshness")

RETRIED = "tried again after"
GIVEN_UP = "given up after"


@adapter(IPubFailure)
def on_failure(event: IPubFailure) -> None:
    """Tell of a request that met a conflict."""
    kind = event.exc_info[0]
    if issubclass(kind, TransientError):
        what = RETRIED if event.retry else GIVEN_UP
        logger.info("%s %s %s", event.request["PATH_INFO"], what, kind.__name__)


def count(log: Path) -> tuple[int, int]:
    """Return how many requests were tried again, and how many given up."""
    text = log.read_text(errors="replace")
    return text.count(f" {RETRIED} "), text.count(f" {GIVEN_UP} ")
