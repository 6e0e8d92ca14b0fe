"""Changes that no event tells of: default pages, layouts, undo, other people's code.

Before the commit of a request or a script, every content object that the transaction
will store and that no event has named is compared with what the database holds of it.
"""

from AccessControl.Permission import pname
from Acquisition import aq_base
from Acquisition import aq_parent
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.changes import guard
from collective.cloudfront.changes import parts
from collective.cloudfront.changes.causes import UNDO
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.changes.orders import ORDERS
from collective.cloudfront.changes.orders import reordered
from collective.cloudfront.changes.transaction import changes_here
from collective.cloudfront.changes.transaction import collect_unknown
from collective.cloudfront.changes.transaction import current_site
from collective.cloudfront.changes.transaction import known_manager
from collective.cloudfront.changes.transaction import never_failing
from collective.cloudfront.process import this_process
from collective.cloudfront.reach.change import ChromeChange
from collective.cloudfront.reach.change import Subtree
from collective.cloudfront.reach.existing import content_with
from collective.cloudfront.reach.inherited import are_shown_below
from collective.cloudfront.reach.inherited import INHERITED
from collective.cloudfront.reach.languages import shared_uids
from collective.cloudfront.reach.stored import stored_state
from collective.cloudfront.reach.visible import seen_elsewhere
from collective.cloudfront.tagging.anonymous import is_anonymous
from collective.cloudfront.tagging.inherited import is_of_plone
from collective.cloudfront.tagging.recording.begin import METHODS
from collective.cloudfront.tagging.recording.begin import parents
from OFS.DTMLMethod import DTMLMethod
from OFS.Image import File
from plone.base.interfaces import INavigationRoot
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import IAction
from Products.CMFCore.interfaces import IActionCategory
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from Products.CMFCore.interfaces import ITypeInformation
from Products.CMFCore.permissions import View
from Shared.DC.Scripts.Script import Script
from typing import Any
from zope.component import adapter
from zope.component.hooks import getSite
from zope.interface.declarations import Declaration
from zope.processlifetime import IDatabaseOpenedWithRoot
from ZPublisher.interfaces import IPubBeforeCommit

import transaction


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
        "cmf_uid",
    }
)
#: The database as a whole goes back to an earlier state.
_UNDO = "manage_undo_transactions"
#: Views that change redirects, which portlets are inherited or hidden, viewlets, files
#: of themes, and workflows: kept in trees that do not say whose they are. The catalog
#: may find something else, and comments may be seen by others.
_UNHEARD = frozenset(
    {
        "@aliases",
        "@@content-controlpanel",
        "@@manage-aliases",
        "@@manage-viewlets",
        "@@plone.resourceeditor.filemanager",
        "@@plone.resourceeditor.filemanager-actions",
        "@@redirection-controlpanel",
        "@@set-portlet-blacklist-status",
        "@@toggle-visibility",
        "manage_catalogClear",
        "manage_catalogRebuild",
        "manage_changeWorkflows",
        "updateRoleMappings",
    }
)
#: What all pages are made with. Scripts are page templates, too.
_CHROME = (IAction, IActionCategory, ITypeInformation)
_CHROME_CLASSES = (DTMLMethod, File, Script)
#: Modules of trees
_TREES = "BTrees."
_MISSING = object()
#: Where the roles are that have the permission to see an object
_VIEW = pname(View)


@adapter(IPubBeforeCommit)
@never_failing
def on_commit(event: IPubBeforeCommit) -> None:
    """Look for content that is about to be stored and that nobody spoke of."""
    called = event.request.get("ACTUAL_URL", "").rstrip("/").rpartition("/")[2]
    if called == _UNDO:
        undone(event.request)
    unheard = called in _UNHEARD or f"@@{called}" in _UNHEARD
    _look_at_stored(event.request, unheard)


class ScriptWatch:
    """Looks at what scripts commit: an ``ISynchronizer`` of the main thread.

    Zope's requests run in other threads. A script's commits raise no event, and a
    transaction tells only synchronizers of its end, however it ends.
    """

    # Perhaps it is aborted: a conflict must not fail that, and nobody repeats a script
    @guard.never_failing(guard.purge_all_after_commit, even_conflicts=True)
    def beforeCompletion(self, current: Any) -> None:
        """Look, and have what is found prepared if this is a commit: what was noted
        since the before-commit hooks were called, too.
        """
        _look_at_stored()
        manager = known_manager(current)
        if manager is not None:
            manager.compute()

    def afterCompletion(self, current: Any) -> None:
        """Nothing to do."""

    def newTransaction(self, current: Any) -> None:
        """Nothing to do."""


_watch = ScriptWatch()


@adapter(IDatabaseOpenedWithRoot)
def watch_scripts(event: IDatabaseOpenedWithRoot) -> None:
    """Watch the thread that Zope is started in, and that scripts run in."""
    transaction.manager.registerSynch(_watch)


def _look_at_stored(request: Any = None, unheard: bool = False) -> None:
    """Look at what is stored by ``request``, or by a script."""
    connection = _connection(request)
    if connection is None:
        return
    stored = list(_to_be_stored(connection))
    _look_at_holders(stored, request)
    # Most requests store nothing, and must not pay for reading the settings.
    changes = changes_here() if stored else None
    if changes is None:
        return
    # Most of what a save stores are parts of trees of the catalog: neither chrome, nor
    # content, nor an order
    oids = parts.oids_of(stored)
    stored = [each for each in stored if not type(each).__module__.startswith(_TREES)]
    # To count who reads a page must not purge it
    reads = request is not None and request.get("REQUEST_METHOD") in METHODS
    by_visitor = request is not None and is_anonymous()
    if (
        unheard
        or any(map(_is_chrome, stored))
        or not (reads or by_visitor)
        and parts.are_utilities(changes.site, oids)
    ):
        changes.read(ChromeChange())
    if not reads:
        for obj in parts.annotated(_at_hand(request, connection), oids):
            content = _in_place(obj, changes.site)
            if content is not None:
                # What visitors may do must not purge more than their page
                changes.note_own(content, edited=True, below=not by_visitor)
    announced = {
        aq_base(change.obj)._p_oid for change in changes.objects.values() if change.own
    }
    for obj in stored:
        if obj._p_oid not in announced and (
            IContentish.providedBy(obj) or ISiteRoot.providedBy(obj)
        ):
            _compare(changes, obj)
    heard = [
        change.obj
        for change in changes.objects.values()
        if change.child_changed or change.reordered
    ]
    for folder in reordered(stored, heard, changes.site):
        changes.note(folder, reordered=True)


def _connection(request: Any) -> Any:
    """Return the connection of the current site, or of Zope's root, which may hold one."""
    connection = getattr(getSite(), "_p_jar", None)
    if connection is None and request is not None and request.get("PARENTS"):
        connection = getattr(request["PARENTS"][-1], "_p_jar", None)
    return connection


def _look_at_holders(stored: Iterable[Any], request: Any) -> None:
    """Purge, urgently, the sites in folders that others may see now."""
    holders = parts.holders_with_other_access(stored)
    if not holders:
        return
    here = current_site()
    if request is not None and request.get("PARENTS"):
        sites = list(this_process().sites.below(request["PARENTS"][-1]))
    else:
        sites = [] if here is None else [here]
    for site in sites:
        if parts.is_held_by(site, holders):
            collect_unknown(site, "", urgent=True)


def _at_hand(request: Any, connection: Any) -> Iterator[Any]:
    """Yield the content whose annotations may have changed: what a request was sent to,
    and what is above it; of a script all that is in memory.
    """
    if request is not None:
        yield from parents(request)
        return
    for _oid, obj in connection._cache.lru_items():
        if IContentish.providedBy(obj) or ISiteRoot.providedBy(obj):
            yield obj


def _to_be_stored(connection: Any) -> Iterator[Any]:
    """Yield what this transaction has changed; ZODB has no public name for that."""
    yield from connection._registered_objects
    at_savepoints = connection._savepoint_storage
    if at_savepoints is not None:
        for oid in list(at_savepoints.index):
            yield connection.get(oid)


def undone(request: Any) -> None:
    """Purge the site, or all sites if undone at the root: what came back is unknown."""
    here = current_site()
    sites = (
        [here]
        if here is not None
        else this_process().sites.below(request["PARENTS"][-1])
    )
    for site in sites:
        collect_unknown(site, UNDO)


def _compare(changes: SiteChanges, obj: Any) -> None:
    names = frozenset(_changed(obj))
    if not names:
        return
    content = _in_place(obj, changes.site)
    if content is None:
        return
    if any(map(_is_about_access, names)):
        place = content.getPhysicalPath()
        changes.read_subtree(Subtree(place, aq_parent(content), urgent=True))
        changes.note_own(
            content,
            shown=True,
            below=True,
            regranted=True,
            was_public=_was_public(obj) if _VIEW in names else None,
        )
    if names & ORDERS:
        changes.note(content, reordered=True)
    marks = _other_marks(obj) if "__provides__" in names else frozenset()
    rooted = INavigationRoot in marks
    shown, titled = seen_elsewhere(names, changes.site)
    changes.note_own(
        content,
        edited=True,
        shown=rooted or shown,
        titled=rooted or titled,
        even_excluded=True,
        below=_are_shown_below(content, names, marks),
    )


def _other_marks(obj: Any) -> frozenset[Any]:
    """Return the interfaces that ``obj`` itself provides only before, or only now."""
    return _marks(stored_state(obj)) ^ _marks(obj.__getstate__())


def _marks(state: Mapping[str, Any]) -> frozenset[Any]:
    # The last base is what its class implements
    bases = getattr(state.get("__provides__"), "__bases__", ())
    return frozenset(Declaration(*bases[:-1]).flattened())


def _are_shown_below(obj: Any, names: frozenset[str], marks: frozenset[Any]) -> bool:
    """Say whether pages below ``obj`` may show what changed. Add-ons know sections by
    their markers.
    """
    if INavigationRoot in marks or not names.isdisjoint(INHERITED):
        return True
    return not all(map(is_of_plone, marks)) or are_shown_below(obj, names)


def _is_chrome(obj: Any) -> bool:
    return (
        isinstance(obj, _CHROME_CLASSES)
        or parts.is_workflow(obj)
        or any(interface.implementedBy(type(obj)) for interface in _CHROME)
    )


def _was_public(obj: Any) -> bool:
    """Say whether visitors could see ``obj``, or perhaps could: a list is of roles
    besides those of the folder.
    """
    roles = stored_state(obj).get(_VIEW)
    return not isinstance(roles, tuple) or "Anonymous" in roles


def _is_about_access(name: str) -> bool:
    return name == "__ac_local_roles__" or name.endswith("_Permission")


def _in_place(obj: Any, site: Any) -> Any:
    """Return ``obj`` where it is in the site: what is stored knows no parents."""
    if ISiteRoot.providedBy(obj):
        return site
    uid = IUUID(obj, None)
    for known_as in (uid, *shared_uids(uid, site)):
        content = content_with(known_as, site)
        if content is not None:
            return content
    return None


def _changed(obj: Any) -> Iterator[str]:
    """Yield the names of the attributes that differ from what is stored."""
    before = stored_state(obj)
    if not before:
        return  # new: its addition was announced
    now = obj.__getstate__()
    for name in {*before, *now} - _UNSEEN:
        if before.get(name, _MISSING) != now.get(name, _MISSING):
            yield name
