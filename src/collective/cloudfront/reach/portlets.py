"""Which pages show an object in a portlet, told from the portlets' own settings.

A portlet is shown by the folder it was assigned to and all below. Nothing in Plone
lists those folders, so their UIDs are remembered: found once at the installation, then
kept when portlets are assigned, and when folders arrive that have some.
"""

from Acquisition import aq_base
from Acquisition import aq_chain
from BTrees.OOBTree import OOTreeSet
from collections.abc import Iterator
from collective.cloudfront.reach.collections import depends_on_any_edit
from collective.cloudfront.reach.collections import may_show
from collective.cloudfront.reach.collections import query_of
from collective.cloudfront.reach.existing import content_at
from collective.cloudfront.reach.existing import content_with
from plone.event.interfaces import IEvent
from plone.portlets.constants import CONTENT_TYPE_CATEGORY
from plone.portlets.constants import CONTEXT_ASSIGNMENT_KEY
from plone.portlets.interfaces import IPortletManager
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.annotation.interfaces import IAnnotations


#: Annotation of the site: UIDs of the folders with portlets of their own.
PLACES = "collective.cloudfront.portlets"

#: Portlets of Plone's own, by their modules, that show visitors no content. Any other
#: one, whatever it is called, may show anything.
_HARMLESS = frozenset(
    {
        "plone.app.portlets.portlets.actions",
        "plone.app.portlets.portlets.language",
        "plone.app.portlets.portlets.login",
        "plone.app.portlets.portlets.recent",  # not for visitors
        "plone.app.portlets.portlets.review",  # not for visitors
        "plone.app.portlets.portlets.rss",
        "plone.app.portlets.portlets.search",
        "plone.portlet.static.static",
    }
)
#: It shows a template; these of Plone's own show no content.
_CLASSIC = "plone.app.portlets.portlets.classic"
_TEMPLATES = frozenset({"colophon", "footer", "siteactions"})
_NAVIGATION = "plone.app.portlets.portlets.navigation"
_NEWS = "plone.app.portlets.portlets.news"
_EVENTS = frozenset(
    {
        "plone.app.event.portlets.portlet_calendar",
        "plone.app.event.portlets.portlet_events",
    }
)
_COLLECTION = "plone.portlet.collection.collection"


def places_showing(obj: Any, site: Any, text: bool = False) -> Iterator[Any]:
    """Yield the folders that, with all below, may show ``obj`` in a portlet.

    ``text``: nothing changed that a portlet shows, only the date of the change.
    """
    for place in _places(obj, site):
        if any(_may_show(each, obj, site, text) for each in _assignments(place)):
            yield place


def remember_place(assignments: Any, site: Any) -> None:
    """Remember the folder whose ``assignments`` (of a portlet manager) changed."""
    for parent in aq_chain(assignments):
        if ISiteRoot.providedBy(parent):
            return  # always looked at
        uid = IUUID(parent, None)
        if uid is not None:
            _remember(site, uid)
            return
    # Code that assigns portlets need not say where
    remember_all_places(site)


def remember_if_place(obj: Any, site: Any) -> None:
    """Remember ``obj`` if it has portlets of its own, with which it has come: copied or
    imported, and no event tells of them.
    """
    uid = IUUID(obj, None)
    if uid is not None and _has_own(obj):
        _remember(site, uid)


def remember_all_places(site: Any) -> None:
    """Find the folders with portlets of their own. Looks at every folder once."""
    catalog = site["portal_catalog"]
    for brain in catalog.unrestrictedSearchResults(is_folderish=True):
        folder = content_at(brain.getPath(), site)
        if folder is not None and not ISiteRoot.providedBy(folder):
            remember_if_place(folder, site)


def forget_all_places(site: Any) -> None:
    """Remove what was remembered from the site."""
    IAnnotations(site).pop(PLACES, None)


def _remember(site: Any, uid: str) -> None:
    annotations = IAnnotations(site)
    places = annotations.get(PLACES)
    if places is None:
        places = annotations[PLACES] = OOTreeSet()
    if uid not in places:
        places.insert(uid)


def _places(obj: Any, site: Any) -> Iterator[Any]:
    yield site
    for uid in IAnnotations(site).get(PLACES, ()):
        place = content_with(uid, site)
        if place is not None:
            yield place


def _has_own(place: Any) -> bool:
    return any(True for _each in _own(place))


def _own(place: Any) -> Iterator[Any]:
    annotations = IAnnotations(place, None) or {}
    for assignments in annotations.get(CONTEXT_ASSIGNMENT_KEY, {}).values():
        yield from assignments.values()


def _assignments(place: Any) -> Iterator[Any]:
    yield from _own(place)
    if not ISiteRoot.providedBy(place):
        return
    # Those of content types are shown anywhere
    # Of the site itself: a look-up by ``context`` takes ten times as long
    for _name, manager in place.getSiteManager().getUtilitiesFor(IPortletManager):
        for assignments in (manager.get(CONTENT_TYPE_CATEGORY) or {}).values():
            yield from assignments.values()


def _may_show(assignment: Any, obj: Any, site: Any, text: bool) -> bool:
    module = type(aq_base(assignment)).__module__
    if module == _COLLECTION:
        collection = content_with(getattr(assignment, "uid", None), site)
        if collection is None or text and not depends_on_any_edit(collection):
            return False
        return may_show(query_of(collection), obj, site)
    if text:
        return False
    if module == _NEWS:
        return obj.portal_type == "News Item"
    if module in _EVENTS:
        return IEvent.providedBy(obj)
    if module == _NAVIGATION:
        return _is_navigated(assignment.root_uid, obj, site)
    if module == _CLASSIC:
        return (assignment.template or "").removeprefix("@@") not in _TEMPLATES
    return module not in _HARMLESS


def _is_navigated(root: str | None, obj: Any, site: Any) -> bool:
    """Say whether a navigation portlet with a root of its own may show ``obj``.

    Without, it shows what is around the page that it is on, like navigation.
    """
    top = content_with(root, site)
    if top is None:
        return False
    place = top.getPhysicalPath()
    return obj.getPhysicalPath()[: len(place)] == place
