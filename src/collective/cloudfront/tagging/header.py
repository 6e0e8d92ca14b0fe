"""The header with the tags of a response.

Every way out of Zope is met: pages and errors pass plone.transformchain, in which ours
stands behind plone.app.caching's own (12000: it sets Cache-Control) and before its
memory for whole responses (90000: it stores the headers). HEAD requests do not pass it,
nor does what is streamed.
"""

from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.tagging.anonymous import is_anonymous
from collective.cloudfront.tagging.places import Places
from collective.cloudfront.tagging.recording.integrators import facts_of_integrators
from collective.cloudfront.tagging.recording.published import facts_of_published
from collective.cloudfront.tagging.recording.readset import parents
from collective.cloudfront.tagging.recording.readset import Reading
from collective.cloudfront.tagging.recording.readset import reading_of
from collective.cloudfront.tagging.vocabulary.fit import fitting
from plone.rest.interfaces import IAPIRequest
from plone.transformchain.interfaces import DISABLE_TRANSFORM_REQUEST_KEY
from plone.transformchain.interfaces import ITransform
from typing import Any
from ZODB.POSException import ConflictError
from zope.component import adapter
from zope.globalrequest import getRequest
from zope.interface import implementer
from zope.interface import Interface
from ZPublisher.interfaces import IPubBeforeAbort
from ZPublisher.interfaces import IPubBeforeCommit
from ZPublisher.interfaces import IPubBeforeStreaming

import logging
import time


logger = logging.getLogger("collective.cloudfront")

#: Behind plone.app.caching's operations and before its memory.
ORDER = 50000

#: What keeps CloudFront from storing a response (developer guide, "Manage how long
#: content stays in the cache"); a minimum TTL above 0 overrules it, which has to be 0.
PRIVATE = "private, no-store"

#: Tags of an answer from which, and others, Volto makes a page: three listings, and what
#: is around them, stay below 50.
MOST_OF_ANSWER = 15

#: Seconds between two lines in the log about responses without tags.
_SILENCE = 60.0


@implementer(ITransform)
@adapter(Interface, ICloudFrontLayer)
class TagTransform:
    """Leaves the response as it is and adds the header."""

    order = ORDER

    def __init__(self, published: Any, request: Any):
        self.request = request

    def transformUnicode(self, result: Any, encoding: str) -> None:
        """See ``ITransform``."""
        tag(self.request)

    transformBytes = transformIterable = transformUnicode


@adapter(IPubBeforeCommit)
def on_success(event: IPubBeforeCommit) -> None:
    """Tag what does not pass the chain of transforms."""
    _outside_of_chain(event.request)


@adapter(IPubBeforeAbort)
def on_failure(event: IPubBeforeAbort) -> None:
    """The same for errors."""
    if not event.retry:
        _outside_of_chain(event.request)


@adapter(IPubBeforeStreaming)
def on_streaming(event: IPubBeforeStreaming) -> None:
    """Tag what is sent while it is being made: its headers go first."""
    request = getRequest()
    if request is not None:
        tag(request)


def _outside_of_chain(request: Any) -> None:
    # Switched off it is for what comes from memory, with the tags it was stored with
    if request.environ.get(DISABLE_TRANSFORM_REQUEST_KEY, False) is not True:
        tag(request)


def tag(request: Any) -> None:
    """Set the header, once, where a shared cache may store the response."""
    reading = reading_of(request)
    if reading is None or reading.told or request.get("PARENT_REQUEST") is not None:
        return
    # Not forgotten: the memory for responses is yet to ask for it
    reading.told = True
    if not (ICloudFrontLayer.providedBy(request) and is_anonymous()):
        return
    response = request.response
    if not may_be_shared(response.getStatus(), response.getHeader("Cache-Control")):
        return
    try:
        tags = tags_for(reading, request)
        problem = (
            "what it depends on could not be noted"
            if reading.incomplete
            else "it depends on too much that cannot be told in 50 tags"
        )
    except ConflictError:
        raise
    except Exception:
        tags, problem = None, "what it depends on could not be told"
        logger.debug("Cache tags of %s", request.get("URL"), exc_info=True)
    if tags is None:
        response.setHeader("Cache-Control", PRIVATE)
        _complain(request, problem)
    else:
        response.setHeader(_name(reading), ",".join(sorted(tags)))


def may_be_shared(status: int, cache_control: str | None) -> bool:
    """Say whether CloudFront may store a response; without a header it does.

    5xx it keeps for seconds only, and 304 tells nothing of what was not made.
    """
    if status >= 500 or status == 304:
        return False
    directives = {
        each.strip().partition("=")[0].lower()
        for each in (cache_control or "").split(",")
    }
    return directives.isdisjoint({"private", "no-store"})


def tags_for(reading: Reading, request: Any) -> frozenset[str] | None:
    """Return the tags of the response, or None if they cannot be told."""
    if reading.incomplete:
        return None
    way = list(parents(request)) or [reading.site]
    more = [
        *facts_of_published(reading, request, way),
        *facts_of_integrators(request, way[0]),
    ]
    places = Places(reading.site, reading.catalog)
    dependencies = reading.dependencies(places, way[0], more)
    tags = None
    if _is_part_of_page(reading, request):
        tags = fitting(dependencies, places.site, MOST_OF_ANSWER)
    return fitting(dependencies, places.site) if tags is None else tags


def _is_part_of_page(reading: Reading, request: Any) -> bool:
    """Say whether Volto may make a page of this answer and others, with their tags."""
    return IAPIRequest.providedBy(request) and value_in_force(
        reading.registry, "volto_tags"
    )


def _name(reading: Reading) -> str:
    return value_in_force(reading.registry, "tag_header")


_complained = 0.0


def _complain(request: Any, problem: str) -> None:
    """Say so, once a minute at most."""
    global _complained
    now = time.monotonic()
    if not _complained or now - _complained >= _SILENCE:
        _complained = now
        logger.warning(
            "%s cannot be cached at the edge: %s. It is sent as private.",
            request.get("URL"),
            problem,
        )
