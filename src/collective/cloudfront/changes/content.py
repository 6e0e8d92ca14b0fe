"""Events of content, and what is noted of them; ``reach/`` says what that reaches.

=====================================  ==========================================
event                                  noted
=====================================  ==========================================
``IPurgeEvent`` (anybody says so)      the object
modified                               the object; other pages, if they show it
container modified                     the folder; other pages, if reordered
added                                  the object, and who lists it
workflow action, sharing               the object and all below, and who lists it
moved, renamed, removed                the old place and the new one, all below,
                                       and who lists it at both
=====================================  ==========================================

Content is heard directly too, because Plone raises purge events only for the types
chosen in the Caching control panel, and by default pages are not among them.
"""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterable
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.changes.transaction import changes_here
from collective.cloudfront.changes.transaction import never_failing
from collective.cloudfront.reach.adapted import adapted_paths
from collective.cloudfront.reach.change import Leaving
from collective.cloudfront.reach.change import Redated
from collective.cloudfront.reach.change import Subtree
from collective.cloudfront.reach.dates import cancelled
from collective.cloudfront.reach.dates import has_moments
from collective.cloudfront.reach.inherited import INHERITED
from collective.cloudfront.reach.inherited import is_shown_below
from collective.cloudfront.reach.languages import former_translations
from collective.cloudfront.reach.languages import redirects
from collective.cloudfront.reach.redirects import redirected_places
from collective.cloudfront.reach.visible import is_public
from collective.cloudfront.reach.visible import seen_elsewhere
from OFS.interfaces import IItem
from OFS.interfaces import IObjectWillBeMovedEvent
from plone.app.workflow.interfaces import ILocalrolesModifiedEvent
from Products.CMFCore.interfaces import IActionSucceededEvent
from Products.CMFCore.interfaces import IActionWillBeInvokedEvent
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from z3c.caching.interfaces import IPurgeEvent
from zope.component import adapter
from zope.container.interfaces import IContainerModifiedEvent
from zope.interface.interfaces import IObjectEvent
from zope.lifecycleevent.interfaces import IObjectAddedEvent
from zope.lifecycleevent.interfaces import IObjectModifiedEvent
from zope.lifecycleevent.interfaces import IObjectMovedEvent


def _note_child(changes: SiteChanges, container: Any) -> None:
    """Note that something came into or went out of a container, which says so itself,
    too: with the same event as when it is reordered.
    """
    if IContentish.providedBy(container):
        changes.note(container, child_changed=True)


@adapter(IPurgeEvent)
@never_failing
def on_purge(event: IPurgeEvent) -> None:
    """Somebody says that the public pages of an object changed."""
    changes = changes_here()
    if changes is None:
        return
    obj = event.object
    if IContentish.providedBy(obj) or ISiteRoot.providedBy(obj):
        if changes.covered(obj.getPhysicalPath()) is None:
            changes.add(adapted_paths(obj, changes.site, skip_plones=True))
            changes.note(obj, purge_event=True)
    else:
        reached = adapted_paths(obj, changes.site)
        changes.add(reached)
        for each in reached[:1]:
            changes.name_cause(each.path)


def _changed_fields(descriptions: Iterable[Any]) -> list[tuple[str, Any]]:
    """Return the fields of which an event tells that they changed, each with its schema;
    nothing if others may have, too.
    """
    found = []
    for description in descriptions:
        names = getattr(description, "attributes", None)
        if names is None:
            return []
        for name in names:
            found.append((name.rpartition(".")[2], description.interface))
    return found


@adapter(IContentish, IObjectModifiedEvent)
@never_failing
def on_modified(obj: Any, event: IObjectModifiedEvent) -> None:
    """Content was edited, or something was put into, taken out of or moved within
    a folder.
    """
    changes = changes_here()
    if changes is None:
        return
    if IContainerModifiedEvent.providedBy(event):
        changes.note(obj, reordered=True)
        return
    changed = _changed_fields(event.descriptions)
    names = frozenset(dict(changed))
    shown, titled = seen_elsewhere(names, changes.site)
    changes.note_own(
        obj,
        edited=True,
        shown=shown,
        titled=titled,
        even_excluded=shown and (not names or "exclude_from_nav" in names),
        below=bool(names & INHERITED) or is_shown_below(obj, changed),
    )


@adapter(IContentish, IObjectAddedEvent)
@never_failing
def on_added(obj: Any, event: IObjectAddedEvent) -> None:
    """Content was created: its path may be cached as "not found"."""
    changes = changes_here()
    if changes is not None:
        changes.note_own(obj, shown=True, created=True, listed=True, was_public=False)
        _note_child(changes, event.newParent)


@adapter(IContentish, IActionWillBeInvokedEvent)
@never_failing
def on_will_workflow(obj: Any, event: IActionWillBeInvokedEvent) -> None:
    """The workflow state is about to change: who sees the object now?"""
    changes = changes_here()
    if changes is not None:
        public = is_public(obj)
        changes.note_own(obj, shown=True, listed=True, below=True, was_public=public)


@adapter(IContentish, IActionSucceededEvent)
@never_failing
def on_workflow(obj: Any, event: IActionSucceededEvent) -> None:
    """The workflow state changed, and with it who sees the object, and where."""
    changes = changes_here()
    if changes is not None:
        changes.note_own(obj, shown=True, listed=True, below=True)


@adapter(IContentish, ILocalrolesModifiedEvent)
@never_failing
def on_local_roles(obj: Any, event: ILocalrolesModifiedEvent) -> None:
    """Sharing changed: somebody may no longer see the object and what is below."""
    changes = changes_here()
    if changes is not None:
        parent = aq_parent(aq_inner(obj))
        changes.read_subtree(Subtree(obj.getPhysicalPath(), parent, urgent=True))
        changes.note_own(obj, shown=True, regranted=True)


@adapter(IItem, IObjectWillBeMovedEvent)
@never_failing
def on_will_move(obj: Any, event: IObjectWillBeMovedEvent) -> None:
    """Content is about to be moved, renamed or removed, with all below it.

    Now, because the old place can be looked at, and because the purge events of each
    thing below follow, and need not be looked at once the subtree is collected.
    """
    if event.oldParent is None or not IContentish.providedBy(obj):
        return
    changes = changes_here()
    if changes is None:
        return
    for subtree in redirected_places(obj, changes.site):
        changes.read_subtree(subtree)
    if obj is not event.object:
        # Below what moves: its place is covered, but not what is yet to come.
        if has_moments(obj):
            changes.add(cancelled(obj))
        return
    public = is_public(obj)
    changes.read_subtree(Subtree(obj.getPhysicalPath(), event.oldParent, public))
    changes.forget(obj)
    changes.add(cancelled(obj))
    changes.read(Leaving(obj, public, event.oldParent is event.newParent))
    _note_child(changes, event.oldParent)


@adapter(IItem, IObjectMovedEvent)
@never_failing
def on_moved(obj: Any, event: IObjectMovedEvent) -> None:
    """Content has been moved or renamed: it answers at a new place."""
    if event.oldParent is None or event.newParent is None:
        return
    if not IContentish.providedBy(obj):
        return
    changes = changes_here()
    if changes is None:
        return
    if obj is event.object:
        changes.read_subtree(Subtree(obj.getPhysicalPath(), event.newParent))
        listed = event.oldParent is not event.newParent
        changes.note_own(obj, shown=True, listed=listed, moved=True)
        _note_child(changes, event.newParent)
    elif has_moments(obj):
        changes.read(Redated(obj))


@never_failing
def on_translation(event: IObjectEvent) -> None:
    """A translation was linked or unlinked: each links to the others."""
    changes = changes_here()
    if changes is None:
        return
    for name in ("object", "target", "old_object"):
        obj = getattr(event, name, None)
        if IContentish.providedBy(obj):
            changes.note_own(obj, shown=True)
            changes.add(redirects(obj))
            for former in former_translations(obj, changes.site):
                changes.note_own(former)
