"""When we note what a request reads: from the site on, and not for logged-in people.

::

    the site is traversed ─► begin ─┬─► the ReadSet notes until the response is there
    (GET or HEAD, tags are on)      └─► go_on: dropped if somebody is logged in

The read-set lives with the request, so threads do not mix, and a retry begins anew. A
subrequest adds to the read-set of its parent.
"""

from Acquisition import aq_base
from collections.abc import Iterator
from collective.cloudfront.settings import may_renew
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import TAGS_OFF
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.tagging.anonymous import is_anonymous
from collective.cloudfront.tagging.recording import patches
from collective.cloudfront.tagging.recording import ram_cache
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from collective.cloudfront.tagging.recording.readset import ReadSet
from collective.cloudfront.tagging.recording.readset import readset_of
from plone.rest.traverse import RESTWrapper
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.component import adapter
from zope.traversing.interfaces import IBeforeTraverseEvent
from ZPublisher.interfaces import IPubAfterTraversal


#: Methods whose responses CloudFront caches by default.
METHODS = ("GET", "HEAD")
#: Volto sends this query by POST by default, because a URL can be too short for it.
#: Volto's pages are made from the answers, and they are cached.
_LISTING = "/@querystring-search"
#: Methods whose responses CloudFront never caches.
_WRITES = ("POST", "PUT", "PATCH", "DELETE")

_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")


@adapter(ISiteRoot, IBeforeTraverseEvent)
def begin(site: Any, event: IBeforeTraverseEvent) -> None:
    """Note what the request reads from here on, if its response may get tags."""
    request = event.request
    parent = request.get("PARENT_REQUEST", None)
    if parent is not None:
        readset = readset_of(parent)
    elif readset_of(request) is None and _is_read(request):
        readset = _begun(request, site)
    else:
        return
    if readset is not None:
        setattr(request, ATTRIBUTE, readset)


@adapter(IPubAfterTraversal)
def go_on(event: IPubAfterTraversal) -> None:
    """Drop the read-set of somebody who is logged in; only now do we know."""
    readset = readset_of(event.request)
    if readset is None:
        return
    if is_anonymous():
        readset.above = frozenset(_paths_above(event.request))
    else:
        setattr(event.request, ATTRIBUTE, None)


def parents(request: Any) -> Iterator[Any]:
    """Yield the traversed content, the last first, without the wrappers of REST."""
    for parent in request.get("PARENTS", ()):
        if isinstance(aq_base(parent), RESTWrapper):
            parent = parent.context
        if IContentish.providedBy(parent) or ISiteRoot.providedBy(parent):
            yield parent


def _begun(request: Any, site: Any) -> ReadSet | None:
    registry = registry_of(site)
    if not _is_on(registry):
        return None
    _answer_in_full(request, registry)
    patches.apply()
    ram_cache.take_over()
    return ReadSet(site, registry)


def _is_on(registry: Any) -> bool:
    """Say whether responses get tags."""
    return registry is not None and value_in_force(registry, "cache_tags") != TAGS_OFF


def is_write(request: Any) -> bool:
    """Say whether neither CloudFront nor Volto keeps the response to this request."""
    return request.get("REQUEST_METHOD") in _WRITES and not _is_listing(request)


def _is_read(request: Any) -> bool:
    return request.get("REQUEST_METHOD") in METHODS or _is_listing(request)


def _is_listing(request: Any) -> bool:
    by_post = request.get("REQUEST_METHOD") == "POST"
    return by_post and request.get("PATH_INFO", "").endswith(_LISTING)


def _answer_in_full(request: Any, registry: Any) -> None:
    """Replace copies without tags: "Not modified" would renew them without tags."""
    conditions = [name for name in _CONDITIONS if name in request.environ]
    if conditions and not may_renew(registry):
        for name in conditions:
            del request.environ[name]


def _paths_above(request: Any) -> Iterator[str]:
    for parent in parents(request):
        path = parent.getPhysicalPath()
        return ("/".join(path[:end]) for end in range(1, len(path)))
    return iter(())
