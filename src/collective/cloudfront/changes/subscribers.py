"""What is heard, and what it means.

=====================================  ==========================================
event                                  purged
=====================================  ==========================================
``IPurgeEvent`` (anybody says so)      the object's ``IPurgePaths``
modified, container modified, added    the same
workflow action                        the object's and its container's
moved, renamed                         the old and the new path, with all below
removed                                the path, with all below
=====================================  ==========================================

Content is heard directly too, because Plone raises purge events only for the types
chosen in the Caching control panel, and by default pages are not among them.
"""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.changes.paths import purge_paths
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.changes.transaction import collect
from collective.cloudfront.changes.transaction import forget_settings
from collective.cloudfront.changes.transaction import public_item
from collective.cloudfront.changes.transaction import SiteChanges
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.settings import split_distributions
from functools import wraps
from OFS.interfaces import IItem
from OFS.interfaces import IObjectWillBeMovedEvent
from plone.registry.interfaces import IRecordModifiedEvent
from Products.CMFCore.interfaces import IActionSucceededEvent
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from transaction.interfaces import TransientError
from typing import Any
from z3c.caching.interfaces import IPurgeEvent
from zope.component import adapter
from zope.component.hooks import getSite
from zope.lifecycleevent.interfaces import IObjectAddedEvent
from zope.lifecycleevent.interfaces import IObjectModifiedEvent

import logging
import transaction


logger = logging.getLogger("collective.cloudfront")


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
            site = _current_site()
            if site is not None:
                collect(site, ["/*"])

    return handle


def purge_object(obj: Any) -> None:
    """Add the paths of ``obj`` to what the current transaction will purge."""
    site = _current_site()
    if site is None:
        return
    changes = changes_of(site)
    if not changes.active:
        return
    get_path = getattr(obj, "getPhysicalPath", None)
    # What has no place in the site may still have paths of its own.
    physical = get_path() if get_path else ("", str(id(obj)))
    changes.add_object(physical, lambda: _items(obj, site, changes))


def _items(obj: Any, site: Any, changes: SiteChanges) -> Iterator[str]:
    paths = purge_paths(obj, site)
    for path in paths.inside:
        yield public_item(changes.settings.public_prefix, path)
    for path in paths.absolute:
        yield normalise(path)


def _current_site() -> Any:
    site = getSite()
    while site is not None and not ISiteRoot.providedBy(site):
        site = aq_parent(aq_inner(site))
    return site


@adapter(IPurgeEvent)
@never_failing
def on_purge(event: IPurgeEvent) -> None:
    """Somebody says that the public pages of an object changed."""
    purge_object(event.object)


@adapter(IContentish, IObjectModifiedEvent)
@never_failing
def on_modified(obj: Any, event: IObjectModifiedEvent) -> None:
    """Content was edited, or something was put into, taken out of or moved within
    a folder.
    """
    purge_object(obj)


@adapter(IContentish, IObjectAddedEvent)
@never_failing
def on_added(obj: Any, event: IObjectAddedEvent) -> None:
    """Content was created: its path may be cached as "not found"."""
    purge_object(obj)


@adapter(IContentish, IActionSucceededEvent)
@never_failing
def on_workflow(obj: Any, event: IActionSucceededEvent) -> None:
    """The workflow state changed, and with it who sees the object, and where."""
    purge_object(obj)
    parent = aq_parent(aq_inner(obj))
    if parent is not None:
        purge_object(parent)


@adapter(IItem, IObjectWillBeMovedEvent)
@never_failing
def on_will_move(obj: Any, event: IObjectWillBeMovedEvent) -> None:
    """Content is about to be moved, renamed or removed, with all below it.

    Now, because the purge events of each thing below follow, and need not be
    looked at once the subtree is collected.
    """
    if obj is not event.object or not IContentish.providedBy(obj):
        return
    site = _current_site()
    if site is None:
        return
    changes = changes_of(site)
    if not changes.active:
        return
    places = (
        (event.oldParent, event.oldName),
        # Adding moves nothing: what is new has an object of its own to purge.
        (event.newParent if event.oldParent is not None else None, event.newName),
    )
    for parent, name in places:
        if parent is not None and name:
            changes.add_subtree((*parent.getPhysicalPath(), name))


@adapter(IRecordModifiedEvent)
def on_setting(event: IRecordModifiedEvent) -> None:
    """A setting changed: use it at once, and end what waited for it."""
    name = event.record.__name__
    if name != PURGING_ENABLED and not name.startswith(f"{PREFIX}."):
        return
    site = _current_site()
    if site is not None:
        forget_settings(site)
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
