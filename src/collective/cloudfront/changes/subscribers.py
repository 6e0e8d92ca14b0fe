"""What is heard, and what is noted of it; ``objects`` says what that reaches.

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
a setting, a portlet                   every page
=====================================  ==========================================

Content is heard directly too, because Plone raises purge events only for the types
chosen in the Caching control panel, and by default pages are not among them.
"""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Callable
from collective.cloudfront.changes.causes import SETTINGS
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.changes.transaction import collect
from collective.cloudfront.changes.transaction import forget_settings
from collective.cloudfront.changes.transaction import SiteChanges
from collective.cloudfront.changes.transaction import suspended
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.process import this_process
from collective.cloudfront.reach.adapted import purge_paths
from collective.cloudfront.reach.by_tag import change_by_leaving
from collective.cloudfront.reach.by_tag import is_hidden
from collective.cloudfront.reach.dates import has_moments
from collective.cloudfront.reach.languages import former_translations
from collective.cloudfront.reach.objects import add_dates
from collective.cloudfront.reach.objects import add_links
from collective.cloudfront.reach.objects import add_reach
from collective.cloudfront.reach.objects import add_redirects
from collective.cloudfront.reach.objects import cover_default_pages
from collective.cloudfront.reach.objects import forget_dates
from collective.cloudfront.reach.portlets import remember_place
from collective.cloudfront.reach.redirects import old_places
from collective.cloudfront.reach.showing import contents_below
from collective.cloudfront.reach.visible import field_names
from collective.cloudfront.reach.visible import is_public
from collective.cloudfront.reach.visible import shows
from collective.cloudfront.reach.visible import shows_in_tabs
from collective.cloudfront.settings import ABOUT
from collective.cloudfront.settings import is_installed
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import split_distributions
from functools import wraps
from OFS.interfaces import IItem
from OFS.interfaces import IObjectWillBeMovedEvent
from plone.app.workflow.interfaces import ILocalrolesModifiedEvent
from plone.base.interfaces import IImagingSchema
from plone.portlets.interfaces import IPortletAssignment
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.registry.interfaces import IRecordEvent
from plone.registry.interfaces import IRecordModifiedEvent
from Products.CMFCore.interfaces import IActionSucceededEvent
from Products.CMFCore.interfaces import IActionWillBeInvokedEvent
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from Products.GenericSetup.interfaces import IProfileImportedEvent
from Products.PluggableAuthService.interfaces.events import IPrincipalDeletedEvent
from Products.PluggableAuthService.interfaces.events import IPropertiesUpdatedEvent
from transaction.interfaces import TransientError
from typing import Any
from z3c.caching.interfaces import IPurgeEvent
from zope.component import adapter
from zope.component.hooks import getSite
from zope.container.interfaces import IContainerModifiedEvent
from zope.interface.interfaces import IObjectEvent
from zope.lifecycleevent.interfaces import IObjectAddedEvent
from zope.lifecycleevent.interfaces import IObjectModifiedEvent
from zope.lifecycleevent.interfaces import IObjectMovedEvent

import logging
import transaction


logger = logging.getLogger("collective.cloudfront")

#: Fields of a folder that pages below it show, in breadcrumbs and in navigation, which
#: leaves out default pages, or take from it. Also if visitors may not see the folder.
INHERITED = frozenset({"default_page", "language", "nextPreviousEnabled", "title"})
#: When one of these is switched on, everything is purged once.
SWITCHES = frozenset({PURGING_ENABLED, f"{PREFIX}.enabled"})
#: Settings of scales, which are files of their own.
_OF_IMAGES = frozenset(f"plone.{name}" for name in IImagingSchema)
#: Settings of Plone that no page shows.
_UNSEEN_SETTINGS = ("plone.cachepurging", "plone.app.caching", "plone.caching")


def never_failing(handler: Callable[..., None]) -> Callable[..., None]:
    """Let a handler's error cost a purge of the whole site, and no save.

    What changed is unknown then, so only everything is certain to cover it.
    """

    @wraps(handler)
    def handle(*arguments: Any) -> None:
        try:
            handler(*arguments)
        except TransientError:
            raise  # Zope repeats the whole request
        except Exception:
            logger.exception("%s failed; the whole site is purged.", handler.__name__)
            site = current_site()
            if site is not None:
                collect(site, ["/*"])

    return handle


def changes_here() -> SiteChanges | None:
    """Return the current transaction's changes of the current site, if it purges."""
    site = current_site()
    if site is None or suspended():
        return None
    changes = changes_of(site)
    return changes if changes.active else None


def note(obj: Any, **flags: Any) -> None:
    """Note that ``obj`` changed, with flags of ``ObjectChange``; once true, they stay.

    What is ``shown`` is ``titled`` unless somebody knows that it is not.
    """
    changes = changes_here()
    if changes is None:
        return
    flags.setdefault("titled", flags.get("shown", False))
    obj = aq_inner(obj)
    if changes.is_below_subtree(obj.getPhysicalPath()) and not flags.get("shown"):
        return
    _add_adapted(changes, obj, skip_plones=True)
    change = changes.note(obj)
    change.own = True
    for name, flag in flags.items():
        if name == "was_public":
            if change.was_public is None:
                change.was_public = flag
        elif flag:
            setattr(change, name, True)


def current_site() -> Any:
    """Return the Plone site that is current, or None."""
    site = getSite()
    while site is not None and not ISiteRoot.providedBy(site):
        site = aq_parent(aq_inner(site))
    return site


@adapter(IPurgeEvent)
@never_failing
def on_purge(event: IPurgeEvent) -> None:
    """Somebody says that the public pages of an object changed."""
    changes = changes_here()
    if changes is None:
        return
    obj = event.object
    if IContentish.providedBy(obj) or ISiteRoot.providedBy(obj):
        if not changes.is_below_subtree(obj.getPhysicalPath()):
            _add_adapted(changes, obj, skip_plones=True)
            changes.note(aq_inner(obj)).told = True
    else:
        for path in _add_adapted(changes, obj, skip_plones=False)[:1]:
            changes.name_cause(path)


def _add_adapted(changes: SiteChanges, obj: Any, skip_plones: bool) -> tuple[str, ...]:
    """Add what adapters say, now, while an old path may still exist; return it."""
    paths = purge_paths(obj, changes.site, skip_plones)
    changes.add(paths.inside)
    changes.add_items(map(normalise, paths.absolute))
    return paths.inside + paths.absolute


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
        changes.note(aq_inner(obj)).reordered = True
        return
    names = field_names(event.descriptions)
    shown = not names or shows(names, changes.site)
    note(
        obj,
        edited=True,
        shown=shown,
        titled=not names or shows_in_tabs(names, changes.site),
        even_excluded=shown and (not names or "exclude_from_nav" in names),
        below=bool(names & INHERITED),
    )


@adapter(IContentish, IObjectAddedEvent)
@never_failing
def on_added(obj: Any, event: IObjectAddedEvent) -> None:
    """Content was created: its path may be cached as "not found"."""
    note(obj, shown=True, created=True, listed=True, was_public=False)
    _note_child(event.newParent)


@adapter(IContentish, IActionWillBeInvokedEvent)
@never_failing
def on_will_workflow(obj: Any, event: IActionWillBeInvokedEvent) -> None:
    """The workflow state is about to change: who sees the object now?"""
    note(obj, shown=True, listed=True, below=True, was_public=is_public(obj))


@adapter(IContentish, IActionSucceededEvent)
@never_failing
def on_workflow(obj: Any, event: IActionSucceededEvent) -> None:
    """The workflow state changed, and with it who sees the object, and where."""
    note(obj, shown=True, listed=True, below=True)


@adapter(IContentish, ILocalrolesModifiedEvent)
@never_failing
def on_local_roles(obj: Any, event: ILocalrolesModifiedEvent) -> None:
    """Sharing changed: somebody may no longer see the object and what is below."""
    changes = changes_here()
    if changes is not None:
        parent = aq_parent(aq_inner(obj))
        changes.add_subtree(obj.getPhysicalPath(), parent, urgent=True)
        note(obj, shown=True, regranted=True)


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
    for place in old_places(obj):
        container = changes.site.unrestrictedTraverse("/".join(place[:-1]), None)
        changes.add_subtree(place, container, by_tags_too=True)
    if obj is not event.object:
        # Below what moves: its place is covered, but not what is yet to come.
        if has_moments(obj):
            forget_dates(changes, obj)
        return
    public = is_public(obj)
    physical = obj.getPhysicalPath()
    if changes.settings.by_tags:
        hidden = is_hidden(obj, public)
        changes.add_change(*change_by_leaving(obj, changes.site, hidden), urgent=public)
    changes.add_subtree(physical, event.oldParent, urgent=public)
    changes.objects.pop(physical, None)
    forget_dates(changes, obj)
    if changes.settings.by_paths:
        cover_default_pages(changes, obj, urgent=public)
        # What is below it may be public although it is not
        shown = [obj] * public + contents_below(obj)
        if shown:
            renamed = event.oldParent is event.newParent
            add_reach(changes, shown[0], False, not renamed, below=shown[1:])
        else:
            add_links(changes, obj)
    _note_child(event.oldParent)


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
        changes.add_subtree(obj.getPhysicalPath(), event.newParent)
        listed = event.oldParent is not event.newParent
        note(obj, shown=True, listed=listed, moved=True)
        _note_child(event.newParent)
    elif has_moments(obj):
        add_dates(changes, obj)


def _note_child(container: Any) -> None:
    """Note that something came into or went out of a container, which says so itself,
    too: with the same event as when it is reordered.
    """
    changes = changes_here()
    if changes is not None and IContentish.providedBy(container):
        changes.note(aq_inner(container)).child_changed = True


def _add_chrome() -> None:
    changes = changes_here()
    if changes is not None:
        changes.add_chrome()


@never_failing
def on_chrome(name: str) -> None:
    """A setting of Plone changed: title, logo, theme, navigation are on every page."""
    changes = changes_here()
    if changes is None or name.startswith(_UNSEEN_SETTINGS):
        return
    if name in _OF_IMAGES and changes.settings.by_tags:
        # Pictures have nothing else around them that could tell
        changes.add_everything()
    changes.add_chrome()


@adapter(IProfileImportedEvent)
@never_failing
def on_profile(event: IProfileImportedEvent) -> None:
    """An add-on was installed or upgraded: some of that is in no registry."""
    _add_chrome()


@adapter(IItem, IObjectMovedEvent)
@never_failing
def on_item(obj: Any, event: IObjectMovedEvent) -> None:
    """What is no content came, went or moved: files and scripts in the ZMI, portraits.

    It may be acquired anywhere.
    """
    if not (IContentish.providedBy(obj) or ISiteRoot.providedBy(obj)):
        _add_chrome()


@never_failing
def on_resource(event: IObjectEvent) -> None:
    """A file of a theme in the database was written."""
    _add_chrome()


@adapter(IPropertiesUpdatedEvent)
@never_failing
def on_properties(event: IPropertiesUpdatedEvent) -> None:
    """Somebody has another name, which is on pages that they wrote."""
    _note_person(event.principal.getId())


@adapter(IPrincipalDeletedEvent)
@never_failing
def on_deleted(event: IPrincipalDeletedEvent) -> None:
    """Somebody has no name any more."""
    _note_person(event.principal)


def _note_person(user: str) -> None:
    changes = changes_here()
    if changes is None:
        return
    authors = changes.site.portal_catalog._catalog.indexes["Creator"]._index
    if user in authors or changes.site.portal_registry.get(ABOUT, False):
        changes.add_chrome()


@never_failing
def on_translation(event: IObjectEvent) -> None:
    """A translation was linked or unlinked: each links to the others."""
    changes = changes_here()
    if changes is None:
        return
    for name in ("object", "target", "old_object"):
        obj = getattr(event, name, None)
        if IContentish.providedBy(obj):
            note(obj, shown=True)
            add_redirects(changes, obj)
            for former in former_translations(obj, changes.site):
                note(former)


@adapter(IPortletAssignment, IObjectEvent)
@never_failing
def on_portlet(assignment: Any, event: IObjectEvent) -> None:
    """A portlet was added, edited, or removed."""
    site = current_site()
    registry = None if site is None else registry_of(site)
    if registry is not None and is_installed(registry):
        # Also while nothing is purged: one day it will be
        remember_place(getattr(event, "newParent", None) or assignment, site)
    _add_chrome()


@adapter(IPortletAssignmentMapping, IContainerModifiedEvent)
@never_failing
def on_portlets(assignments: Any, event: IContainerModifiedEvent) -> None:
    """Portlets of a column may have another order."""
    _add_chrome()


@adapter(IRecordEvent)
def on_record(event: IRecordEvent) -> None:
    """A setting came or went, such as those of a bundle of scripts and styles."""
    name = event.record.__name__
    if not (IRecordModifiedEvent.providedBy(event) or name.startswith(f"{PREFIX}.")):
        on_chrome(name)


@adapter(IRecordModifiedEvent)
def on_setting(event: IRecordModifiedEvent) -> None:
    """A setting changed: use it at once, and end what waited for it."""
    name = event.record.__name__
    if name != PURGING_ENABLED and not name.startswith(f"{PREFIX}."):
        on_chrome(name)
        return
    site = current_site()
    if site is not None:
        forget_settings(site)
        if event.newValue and not event.oldValue and name in SWITCHES:
            # What changed meanwhile is not known.
            collect(site, ["/*"], SETTINGS)
    replaced = []
    if name == f"{PREFIX}.distribution_id":
        old = split_distributions(event.oldValue)
        new = split_distributions(event.newValue)
        added = [identifier for identifier in new if identifier not in old]
        gone = [identifier for identifier in old if identifier not in new]
        replaced = [(identifier, added[0]) for identifier in gone if added]
    transaction.get().addAfterCommitHook(_settings_changed, (replaced,))


def _settings_changed(succeeded: bool, replaced: list[tuple[str, str]]) -> None:
    if succeeded:
        this_process().settings_changed(replaced)
