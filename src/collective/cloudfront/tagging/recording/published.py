"""What every response depends on because of the URL that was asked for."""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.tagging.inherited import texts_inherited
from collective.cloudfront.tagging.intids import intid_of
from collective.cloudfront.tagging.recording.queries import Fact
from collective.cloudfront.tagging.recording.readset import ReadSet
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from plone.app.dexterity.behaviors.nextprevious import INextPreviousProvider
from plone.app.dexterity.behaviors.nextprevious import NextPreviousToggle
from typing import Any
from urllib.parse import unquote
from urllib.parse import urlsplit
from zc.relation.interfaces import ICatalog
from zope.component import getSiteManager
from zope.component import queryUtility
from zope.interface import providedBy
from zope.intid.interfaces import IIntIds


#: Responses of these content types show nothing of the site around their content.
_BARE = ("image/", "video/", "audio/", "font/", "application/pdf")


def facts_of_published(
    readset: ReadSet, request: Any, way: Sequence[Any]
) -> Iterator[Fact]:
    """Yield facts of the published object, of where it is, and of how it was found.

    ``way``: the content that was traversed, the last first.
    """
    context, status = way[0], request.response.getStatus()
    path = _path(context)
    # The rest of the URL names a view, something acquired or nothing. A new child with
    # that name would answer instead
    name = _is_name(_rest(request, context))
    # Where nothing has that name, the response shows only where the object is
    yield Fact(Kind.LABEL if name and status == 404 else Kind.OWN, path)
    for above in _paths_above(path, readset.path):
        yield Fact(Kind.LABEL, above)
    if name or status >= 300:
        yield Fact(Kind.NAMES, path)
    yield from _names_on_the_way(way)
    bare = _is_bare(request.response)
    if not bare or name or path == readset.path:
        # Also for pictures that are not content: the site's logo, portraits
        yield Fact(Kind.CHROME, "")
    if not bare:
        if path != readset.path:
            yield from _beside(context)
        yield from _related(context)
        for above in texts_inherited(request, context):
            yield Fact(Kind.OWN, _path(above))
    yield from _led_to(readset, request)


def _paths_above(path: str, top: str) -> Iterator[str]:
    while len(path) > len(top):
        path = path.rpartition("/")[0]
        yield path


def _names_on_the_way(way: Sequence[Any]) -> Iterator[Fact]:
    """Yield the containers in which a new child would hide what is acquired."""
    for inner, outer in zip(way, way[1:]):
        # With REST the site is there twice
        if aq_base(outer) not in (aq_base(inner), aq_base(aq_parent(aq_inner(inner)))):
            yield Fact(Kind.NAMES, _path(outer))


def _rest(request: Any, context: Any) -> str:
    """Return what follows the object in the URL."""
    asked = request.get("ACTUAL_URL", "").replace("/++api++", "", 1)
    url = context.absolute_url()
    return asked[len(url) :].strip("/") if asked.startswith(url + "/") else ""


def _is_name(rest: str) -> bool:
    return bool(rest) and not rest.startswith(("@", "+"))


def _is_bare(response: Any) -> bool:
    kind = (response.getHeader("Content-Type") or "").lower()
    return response.getStatus() == 200 and kind.startswith(_BARE)


def _beside(context: Any) -> Iterator[Fact]:
    """Yield the folder if the page links to next and previous.

    Plone finds them by the order of the folder, not by the catalog.
    """
    parent = aq_parent(aq_inner(context))
    if _links_to_next(parent):
        yield Fact(Kind.CHILDREN, _path(parent))


def _links_to_next(folder: Any) -> bool:
    factory = getSiteManager().adapters.lookup1(
        providedBy(folder), INextPreviousProvider
    )
    if factory is NextPreviousToggle:
        # Plone's own reads the order of the whole folder when it is made
        return bool(getattr(aq_base(folder), "nextPreviousEnabled", False))
    return bool(factory is not None and factory(folder).enabled)


def _related(context: Any) -> Iterator[Fact]:
    """Yield the targets of relations.

    Plone follows relations by intid, which no search and no path shows.
    """
    relations, intids = queryUtility(ICatalog), queryUtility(IIntIds)
    if relations is None or intids is None:
        return
    intid = intid_of(intids, context)
    if intid is None:
        return
    # The target has a number, too, so we need not load the relation itself
    for number in relations.findValueTokens("to_id", {"from_id": intid}):
        target = intids.queryObject(number)
        if target is not None:
            yield Fact(Kind.LABEL, _path(target))


def _led_to(readset: ReadSet, request: Any) -> Iterator[Fact]:
    """Yield the target of a redirect, if it is in the site."""
    location = request.response.getHeader("Location")
    if not location:
        return
    try:
        found = request.physicalPathFromURL(
            unquote(urlsplit(location)._replace(query="", fragment="").geturl())
        )
    except ValueError:
        return
    path = "/".join(found)
    if path.startswith(readset.path + "/"):
        yield Fact(Kind.LABEL, path.rstrip("/"))


def _path(obj: Any) -> str:
    return "/".join(obj.getPhysicalPath())
