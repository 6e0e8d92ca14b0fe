"""Runs in Zope: the log tells of conflicts, on which Zope says nothing.

In a walk CloudFront's quotas are lifted. Its editors never rest, and at one wildcard a
second everything would be purged most of the time, so that nothing could be stale.
"""

from collective.cloudfront import process
from collective.cloudfront.planning.pacing import Limits
from functools import partial
from pathlib import Path
from Products.Five.browser import BrowserView
from transaction.interfaces import TransientError
from zope.component import adapter
from ZPublisher.interfaces import IPubFailure

import html
import logging
import os
import time


logger = logging.getLogger("freshness")

RETRIED = "tried again after"
GIVEN_UP = "given up after"

#: The environment variable that lifts quotas.
NO_QUOTAS = "FRESHNESS_NO_QUOTAS"
_MANY = 10**6

if os.environ.get(NO_QUOTAS):
    process.Limits = partial(
        Limits,
        wildcards_in_progress=_MANY,
        wildcard_rate=_MANY,
        wildcard_burst=_MANY,
        wildcards=_MANY,
    )


class Slow(BrowserView):
    """A page that takes as many seconds as are asked for."""

    def __call__(self) -> str:
        title = self.context.title
        # Plone's caching profiles do not know it, and by tags the edge does as it is told
        self.request.response.setHeader("Cache-Control", "max-age=0, s-maxage=86400")
        time.sleep(min(10.0, float(self.request.get("seconds", 0))))
        return f"<html><body><h1>{html.escape(title)}</h1></body></html>"


@adapter(IPubFailure)
def on_failure(event: IPubFailure) -> None:
    """Tell of a request that met a conflict."""
    kind = event.exc_info[0]
    if issubclass(kind, TransientError):
        what = RETRIED if event.retry else GIVEN_UP
        logger.info("%s %s %s", event.request["PATH_INFO"], what, kind.__name__)


def count_conflicts(log: Path) -> tuple[int, int]:
    """Return how many requests were tried again, and how many given up."""
    text = log.read_text(errors="replace")
    return text.count(f" {RETRIED} "), text.count(f" {GIVEN_UP} ")
