"""Answers that come too late: ``planning.late`` says what that is.

::

    the site is traversed ──► begin: when, and from which snapshot
                                       │
    the response is complete ──► is_late: was what it shows purged since?
                                       │ yes: private      │ no: remembered by
                                       ▼                   ▼ ``process.lately``
"""

from collections.abc import Iterable
from collective.cloudfront.planning.late import INDEX_LAG
from collective.cloudfront.process import this_process
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from collective.cloudfront.tagging.snapshot import snapshot
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from urllib.parse import urlsplit
from zope.component import adapter
from zope.traversing.interfaces import IBeforeTraverseEvent

import time


#: What is known of a request: when it began, and the snapshot that it shows.
_BEGUN = "_collective_cloudfront_begun"


@adapter(ISiteRoot, IBeforeTraverseEvent)
def begin(site: Any, event: IBeforeTraverseEvent) -> None:
    """Note when a request begins to read the site, and which snapshot it reads."""
    # A commit in the middle moves the snapshot: what was read first counts.
    if not hasattr(event.request, _BEGUN):
        setattr(event.request, _BEGUN, (time.time(), snapshot(site)))


def is_late(request: Any, tags: Iterable[str]) -> bool:
    """Say whether CloudFront must not store a response that is complete now.

    To be called once, for a response that a shared cache may store otherwise. One for
    which another engine than the catalog has searched may be made from an older state
    than its snapshot.
    """
    begun = getattr(request, _BEGUN, None)
    if begun is None:
        return False
    setattr(request, _BEGUN, None)
    path = urlsplit(request.get("ACTUAL_URL", "")).path
    started, shown = begun
    readset = getattr(request, ATTRIBUTE, None)
    lag = INDEX_LAG if readset is not None and readset.searched_elsewhere else 0.0
    lately = this_process().lately
    query = request.get("QUERY_STRING", "")
    return lately.is_late(path, query, tags, started, shown, lag)
