"""The header with the tags of a response.

There are several ways out of Zope, and we handle each. Pages and errors pass
plone.transformchain. There we come after plone.app.caching's own transform (12000: it
sets Cache-Control) and before its memory for whole responses (90000: it stores the
headers). HEAD requests and streamed responses do not pass the chain, so events of the
publisher tag them.
"""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.metrics import counts
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import tag_headers
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.tagging.aliases import is_alias
from collective.cloudfront.tagging.anonymous import is_anonymous
from collective.cloudfront.tagging.late import is_late
from collective.cloudfront.tagging.negotiated import is_negotiated
from collective.cloudfront.tagging.places import Places
from collective.cloudfront.tagging.recording.begin import is_write
from collective.cloudfront.tagging.recording.begin import parents
from collective.cloudfront.tagging.recording.integrators import facts_of_integrators
from collective.cloudfront.tagging.recording.published import facts_of_published
from collective.cloudfront.tagging.recording.readset import ReadSet
from collective.cloudfront.tagging.recording.readset import readset_of
from collective.cloudfront.tagging.unreached import is_unreached
from collective.cloudfront.tagging.vocabulary.fit import fitting
from plone.rest.interfaces import IAPIRequest
from plone.transformchain.interfaces import DISABLE_TRANSFORM_REQUEST_KEY
from plone.transformchain.interfaces import ITransform
from typing import Any
from ZODB.POSException import ConflictError
from zope.component import adapter
from zope.component.hooks import getSite
from zope.globalrequest import getRequest
from zope.interface import implementer
from zope.interface import Interface
from ZPublisher.interfaces import IPubBeforeAbort
from ZPublisher.interfaces import IPubBeforeCommit
from ZPublisher.interfaces import IPubBeforeStreaming

import logging
import time


logger = logging.getLogger("collective.cloudfront")

#: After plone.app.caching's operations and before its memory.
ORDER = 50000

#: Keeps CloudFront from storing a response (developer guide, "Manage how long content
#: stays in the cache"). The minimum TTL must be 0, because a longer one overrules this.
PRIVATE = "private, no-store"

#: Volto makes a page from several answers. With so many tags each, three listings and
#: the answers around them stay below 50.
MOST_OF_ANSWER = 15

_NO_TAGS: frozenset[str] = frozenset()

#: Set on a request whose response has passed the chain of transforms.
_PASSED = "_collective_cloudfront_passed"

#: Seconds between two lines in the log about responses without tags.
_LOG_INTERVAL = 60.0


@implementer(ITransform)
@adapter(Interface, ICloudFrontLayer)
class TagTransform:
    """Leaves the response as it is and adds the header."""

    order = ORDER

    def __init__(self, published: Any, request: Any):
        self.request = request

    def transformUnicode(self, result: Any, encoding: str) -> None:
        """See ``ITransform``."""
        leave(self.request)
        setattr(self.request, _PASSED, True)

    transformBytes = transformIterable = transformUnicode


@adapter(IPubBeforeCommit)
def on_success(event: IPubBeforeCommit) -> None:
    """Tag a response that did not pass the chain of transforms."""
    if not getattr(event.request, _PASSED, False):
        _outside_of_chain(event.request)


@adapter(IPubBeforeAbort)
def on_failure(event: IPubBeforeAbort) -> None:
    """Tag an error that did not pass the chain of transforms."""
    if not event.retry:
        _outside_of_chain(event.request)


@adapter(IPubBeforeStreaming)
def on_streaming(event: IPubBeforeStreaming) -> None:
    """Tag a streamed response before its first part is sent."""
    request = getRequest()
    if request is not None:
        leave(request)


def _outside_of_chain(request: Any) -> None:
    # plone.app.caching switches the chain off for a response from its memory, which has
    # the tags that it was stored with
    if request.environ.get(DISABLE_TRANSFORM_REQUEST_KEY, False) is True:
        _keep_back_if_late(request, _tags_in_header(request))
    else:
        leave(request)


def leave(request: Any) -> None:
    """Tag a response, and keep CloudFront from storing it if it comes too late, if it is
    at a path that nobody knows, if others get another one at the same URL, or if what it
    shows changes without a purge.
    """
    if not _is_shared(request):
        return
    way = list(parents(request))
    if is_alias(request, way) or is_negotiated(request):
        _keep_back(request, "another_place")
    tags = tag(request, way)
    if _is_shared(request) and is_unreached(request, way):
        _keep_back(request, "unreached")
    _keep_back_if_late(request, tags)


def _keep_back_if_late(request: Any, tags: Iterable[str]) -> None:
    if _is_shared(request) and is_late(request, tags):
        _keep_back(request, "late")


def _is_shared(request: Any) -> bool:
    if is_write(request):
        return False
    response = request.response
    return (
        request.get("PARENT_REQUEST") is None
        and ICloudFrontLayer.providedBy(request)
        and may_be_shared(response.getStatus(), response.getHeader("Cache-Control"))
    )


def _keep_back(request: Any, reason: str) -> None:
    request.response.setHeader("Cache-Control", PRIVATE)
    if counts.current is not None:
        counts.current.private_responses.labels(reason).inc()


def _tags_in_header(request: Any) -> list[str]:
    names = tag_headers(registry_of(getSite()))
    header = next(filter(None, map(request.response.getHeader, names)), "")
    return [tag.strip() for tag in header.split(",")]


def tag(request: Any, way: Sequence[Any]) -> frozenset[str]:
    """Set the header, once, where a shared cache may store the response; returns the
    tags.

    ``way``: the content that was traversed, the last first.
    """
    readset = readset_of(request)
    if readset is None or readset.tagged:
        return _NO_TAGS
    # Keep the read-set: the memory for responses asks for it later
    readset.tagged = True
    if not (is_anonymous() and _is_shared(request)):
        return _NO_TAGS
    response = request.response
    try:
        tags = tags_for(readset, request, way)
        problem = (
            "what it depends on could not be noted"
            if readset.incomplete
            else "it depends on too much for 50 tags"
        )
    except ConflictError:
        raise
    except Exception:
        tags, problem = None, "what it depends on could not be computed"
        logger.debug("Cache tags of %s", request.get("URL"), exc_info=True)
    if tags is None:
        _keep_back(request, "tags")
        _log_once_a_minute(request, problem)
    else:
        header = ",".join(sorted(tags))
        for name in tag_headers(readset.registry):
            response.setHeader(name, header)
        if counts.current is not None:
            counts.current.tag_header_bytes.observe(len(header))
    return tags or _NO_TAGS


def may_be_shared(status: int, cache_control: str | None) -> bool:
    """Say whether CloudFront may store a response. Without a header it does.

    It keeps errors (5xx) for seconds only. A 304 has no page that we could describe.
    """
    if status >= 500 or status == 304:
        return False
    directives = {
        each.strip().partition("=")[0].lower()
        for each in (cache_control or "").split(",")
    }
    return directives.isdisjoint({"private", "no-store"})


def tags_for(
    readset: ReadSet, request: Any, way: Sequence[Any]
) -> frozenset[str] | None:
    """Return the tags of the response, or None if CloudFront must not store it."""
    if readset.incomplete:
        return None
    way = way or [readset.site]
    more = [
        *facts_of_published(readset, request, way),
        *facts_of_integrators(request, way[0]),
    ]
    places = Places(readset.site, readset.catalog)
    dependencies = readset.dependencies(places, way[0], more)
    tags = None
    if _is_part_of_page(readset, request):
        tags = fitting(dependencies, places.site, MOST_OF_ANSWER)
    return fitting(dependencies, places.site) if tags is None else tags


def _is_part_of_page(readset: ReadSet, request: Any) -> bool:
    """Say whether Volto may make a page from this answer, with its tags."""
    return IAPIRequest.providedBy(request) and value_in_force(
        readset.registry, "volto_tags"
    )


_last_logged = 0.0


def _log_once_a_minute(request: Any, problem: str) -> None:
    """Log that the response is private, at most once a minute in this process."""
    global _last_logged
    now = time.monotonic()
    if not _last_logged or now - _last_logged >= _LOG_INTERVAL:
        _last_logged = now
        logger.warning(
            "%s cannot be cached at the edge (%s), so it is sent as private.",
            request.get("URL"),
            problem,
        )
