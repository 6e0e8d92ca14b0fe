"""What a change makes stale, as values: what ``reach/`` returns.

``changes/`` alone makes items of them: for each language, for Plone's REST API, behind
the public prefix, for each distribution.
"""

from collections.abc import Iterable
from collective.cloudfront.planning.items import EVERYTHING
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a path is written, and where it answers."""

    #: Inside the site. The REST API has a twin of it.
    PAGE = "page"
    #: Inside the site, without a twin.
    FEED = "feed"
    #: Inside the site. Only Classic UI has it.
    CLASSIC = "classic"
    #: Only the twin of a path inside the site.
    API = "api"
    #: Classic UI's, at the front page of every distribution, whatever that is.
    FRONT_PAGE = "front page"
    #: As visitors see it, from the root of their host.
    PUBLIC = "public"
    #: A cache tag, for which a broader one may stand if there are many.
    TAG = "tag"
    #: A cache tag that nothing else can stand for; or nothing, which only cancels.
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class How:
    """How something is purged. Several items share one of these."""

    #: At once, and before others.
    urgent: bool = False
    #: At most once in the site purge interval.
    coalesced: bool = False
    #: When, in Unix seconds; 0 is now.
    due: float = 0.0
    #: What was kept under it before is cancelled.
    key: str = ""
    #: The path inside the site of what alone causes it; None: the transaction does.
    cause: str | None = None


AT_ONCE = How()
COALESCED = How(coalesced=True)
URGENT = How(urgent=True)


def coalescing(how: How) -> How:
    """Return ``how``, at most once in the site purge interval unless it says when."""
    return COALESCED if how is AT_ONCE else how


@dataclass(frozen=True, slots=True)
class Reached:
    """One path or cache tag."""

    path: str
    kind: Kind = Kind.PAGE
    how: How = AT_ONCE
    #: Of a tag: the object that changed, as its UID, and those of what is above it.
    #: Where many change, that tells which broader tag may stand for this one.
    place: tuple[str, tuple[str, ...]] | None = None
    #: The physical path of the object that is reached with all that is below it.
    below: tuple[str, ...] | None = None


def pages(paths: Iterable[str], how: How = AT_ONCE) -> list[Reached]:
    """Return what is reached by paths inside the site."""
    return [Reached(path, Kind.PAGE, how) for path in paths]


def every_page(how: How = AT_ONCE) -> Reached:
    """Return what reaches every page of the site."""
    return Reached(EVERYTHING, Kind.PAGE, how)
