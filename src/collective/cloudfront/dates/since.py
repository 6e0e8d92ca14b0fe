"""Since when a site purges what it purges now: dates saved before are not scheduled.

Kept in the site, because it becomes true with a transaction or not at all.
"""

from typing import Any
from zope.annotation.interfaces import IAnnotations

import time


#: Annotation of the site: Unix seconds.
SINCE = "collective.cloudfront.purging_since"


def note(site: Any) -> None:
    """Note that ``site`` begins to purge now, or to purge more."""
    IAnnotations(site)[SINCE] = time.time()


def noted(site: Any) -> float:
    """Return what was noted last (Unix seconds), or 0."""
    return IAnnotations(site).get(SINCE, 0.0)


def forget(site: Any) -> None:
    """Remove what was noted from the site."""
    IAnnotations(site).pop(SINCE, None)
