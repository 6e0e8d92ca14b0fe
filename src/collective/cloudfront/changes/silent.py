"""Changes that no event tells of: default pages, layouts, undo, other people's code.

Before a request's commit, every content object that the transaction will store and
that no event has named is compared with what the database holds of it.
"""

from collections.abc import Iterator
from collective.cloudfront.changes.subscribers import changes_here
from collective.cloudfront.changes.subscribers import current_site
from collective.cloudfront.changes.subscribers import never_failing
from collective.cloudfront.changes.subscribers import note
from collective.cloudfront.changes.transaction import collect
from collective.cloudfront.changes.visible import shows
from collective.cloudfront.process import sites_below
from plone.app.uuid.utils import uuidToObject
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from ZODB.utils import z64
from zope.component import adapter
from zope.component.hooks import getSite
from ZPublisher.interfaces import IPubBeforeCommit


#: Written without anything to be seen: locks, histories, scales, and dates of the
#: write itself.
_UNSEEN = frozenset(
    {
        "__annotations__",
        "__ac_local_roles_block__",
        "_plone.uuid",
        "modification_date",
        "version_id",
        "workflow_history",
        "_count",
        "_dav_writelocks",
        "_mt_index",
        "_tree",
    }
)
#: The database as a whole goes back to an earlier state.
_UNDO = "manage_undo_transactions"
_MISSING = object()


@adapter(IPubBeforeCommit)
@never_failing
def on_commit(event: IPubBeforeCommit) -> None:
    """Look for content that is about to be stored and that nobody spoke of."""
    if event.request.get("URL", "").endswith(f"/{_UNDO}"):
        undone(event.request)
    connection = getattr(getSite(), "_p_jar", None)
    if connection is None:
        return
    changes = None
    for obj in list(connection._registered_objects):
        if not (IContentish.providedBy(obj) or ISiteRoot.providedBy(obj)):
            continue
        if obj._p_serial in (None, z64):
            continue  # new: its addition was announced
        changes = changes or changes_here()
        if changes is None:
            return
        _look_at(changes, connection, obj)


def undone(request: Any) -> None:
    """Purge the site, or all sites if undone at the root: what came back is unknown."""
    here = current_site()
    sites = [here] if here is not None else sites_below(request["PARENTS"][-1])
    for site in sites:
        collect(site, ["/*"])


def _look_at(changes: Any, connection: Any, obj: Any) -> None:
    names = frozenset(_changed(connection, obj))
    if not names:
        return
    content = _in_place(obj, changes.site)
    if content is None:
        return
    known = changes.objects.get(content.getPhysicalPath())
    if known is None or not known.own:
        note(content, shown=shows(names, changes.site), even_excluded=True)


def _in_place(obj: Any, site: Any) -> Any:
    """Return ``obj`` where it is in the site: what is stored knows no parents."""
    if ISiteRoot.providedBy(obj):
        return site
    return uuidToObject(IUUID(obj, None), unrestricted=True)


def _changed(connection: Any, obj: Any) -> Iterator[str]:
    """Yield the names of the attributes that differ from what is stored."""
    before = connection.oldstate(obj, obj._p_serial)
    now = obj.__getstate__()
    for name in {*before, *now} - _UNSEEN:
        if before.get(name, _MISSING) != now.get(name, _MISSING):
            yield name
