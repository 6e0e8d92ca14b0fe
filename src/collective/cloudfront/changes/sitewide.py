"""Events of what every page shows: settings, portlets, add-ons, templates, authors."""

from collective.cloudfront.changes.guard import never_failing as never_failing_with
from collective.cloudfront.changes.guard import purge_all_after_commit
from collective.cloudfront.changes.transaction import active_changes_of
from collective.cloudfront.changes.transaction import changes_here
from collective.cloudfront.changes.transaction import collect_shares
from collective.cloudfront.changes.transaction import current_site
from collective.cloudfront.changes.transaction import forget_settings
from collective.cloudfront.changes.transaction import never_failing
from collective.cloudfront.dates import since
from collective.cloudfront.process import this_process
from collective.cloudfront.reach.change import ChromeChange
from collective.cloudfront.reach.portlets import remember_if_place
from collective.cloudfront.reach.portlets import remember_place
from collective.cloudfront.settings import ABOUT
from collective.cloudfront.settings import is_installed
from collective.cloudfront.settings import new_shares
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import settings_before
from collective.cloudfront.settings import settings_of
from collective.cloudfront.settings import split_distributions
from OFS.interfaces import IItem
from OFS.interfaces import IObjectWillBeMovedEvent
from plone.base.interfaces import IImagingSchema
from plone.portlets.interfaces import IPortletAssignment
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.registry.interfaces import IRecordEvent
from plone.registry.interfaces import IRecordModifiedEvent
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from Products.GenericSetup.interfaces import IProfileImportedEvent
from Products.PluggableAuthService.interfaces.events import IPrincipalDeletedEvent
from Products.PluggableAuthService.interfaces.events import IPropertiesUpdatedEvent
from typing import Any
from zope.component import adapter
from zope.container.interfaces import IContainerModifiedEvent
from zope.interface.interfaces import IObjectEvent
from zope.lifecycleevent.interfaces import IObjectMovedEvent

import transaction


#: Settings of scales, which are files of their own.
_OF_IMAGES = frozenset(f"plone.{name}" for name in IImagingSchema)
#: Settings of Plone that no page shows.
_UNSEEN_SETTINGS = (
    "plone.cachepurging",
    "plone.app.caching",
    "plone.caching",
    "plone.smtp_",
)


def _note_chrome() -> None:
    changes = changes_here()
    if changes is not None:
        changes.read(ChromeChange())


def _note_setting(name: str) -> None:
    """A setting of Plone changed: title, logo, theme, navigation are on every page."""
    changes = changes_here()
    if changes is None or name.startswith(_UNSEEN_SETTINGS):
        return
    changes.read(ChromeChange(pictures=name in _OF_IMAGES))


@never_failing
def purge_site() -> None:
    """Purge every page of the site, with what else this transaction changes."""
    _note_chrome()


@adapter(IProfileImportedEvent)
@never_failing
def on_profile(event: IProfileImportedEvent) -> None:
    """An add-on was installed or upgraded: some of that is in no registry."""
    _note_chrome()


@adapter(IItem, IObjectMovedEvent)
@never_failing
def on_item(obj: Any, event: IObjectMovedEvent) -> None:
    """What is no content came, went or moved: files and scripts in the ZMI, portraits.

    It may be acquired anywhere.
    """
    if not (IContentish.providedBy(obj) or ISiteRoot.providedBy(obj)):
        _note_chrome()


@adapter(ISiteRoot, IObjectWillBeMovedEvent)
@never_failing_with(purge_all_after_commit)
def on_site_goes(site: Any, event: IObjectWillBeMovedEvent) -> None:
    """A site is about to be deleted, renamed or moved, or what it is in. No site needs to
    be current: that is done in the ZMI.
    """
    changes = None if event.oldParent is None else active_changes_of(site)
    if changes is not None:
        changes.end(deleted=event.newParent is None)


@never_failing
def on_resource(event: IObjectEvent) -> None:
    """A file of a theme in the database was written."""
    _note_chrome()


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
    authors = changes.site["portal_catalog"]._catalog.indexes["Creator"]._index
    if user in authors or changes.site["portal_registry"].get(ABOUT, False):
        changes.read(ChromeChange())


@adapter(IPortletAssignment, IObjectEvent)
@never_failing
def on_portlet(assignment: Any, event: IObjectEvent) -> None:
    """A portlet was added, edited, or removed."""
    site = _installed_site()
    if site is not None:
        remember_place(getattr(event, "newParent", None) or assignment, site)
    _note_chrome()


def _installed_site() -> Any:
    """Return the current site if it has the add-on, or None. Portlets are remembered
    also while nothing is purged: one day it will be.
    """
    site = current_site()
    registry = None if site is None else registry_of(site)
    return site if registry is not None and is_installed(registry) else None


@adapter(IContentish, IObjectMovedEvent)
@never_failing
def on_arrival(obj: Any, event: IObjectMovedEvent) -> None:
    """Content came, perhaps with portlets: copied, imported, or from another site."""
    site = None if event.newParent is None else _installed_site()
    if site is not None:
        remember_if_place(obj, site)


@adapter(IPortletAssignmentMapping, IContainerModifiedEvent)
@never_failing
def on_portlets(assignments: Any, event: IContainerModifiedEvent) -> None:
    """Portlets of a column may have another order."""
    _note_chrome()


@adapter(IRecordEvent)
@never_failing
def on_record(event: IRecordEvent) -> None:
    """A setting came or went, such as those of a bundle of scripts and styles."""
    name = event.record.__name__
    if not (IRecordModifiedEvent.providedBy(event) or name.startswith(f"{PREFIX}.")):
        _note_setting(name)


@adapter(IRecordModifiedEvent)
@never_failing
def on_setting(event: IRecordModifiedEvent) -> None:
    """A setting changed: use it at once, and end what waited for it.

    Of what is purged from now on, and was not before, nobody knows what the edge holds:
    it is purged whole, once.
    """
    name = event.record.__name__
    if name != PURGING_ENABLED and not name.startswith(f"{PREFIX}."):
        _note_setting(name)
        return
    site = current_site()
    if site is not None:
        forget_settings(site)
        before = settings_before(site, name, event.oldValue)
        shares = new_shares(before, settings_of(site))
        if shares:
            since.note(site)
            collect_shares(site, shares)
    replaced = []
    if name == f"{PREFIX}.distribution_id":
        old = split_distributions(event.oldValue)
        new = split_distributions(event.newValue)
        added = [identifier for identifier in new if identifier not in old]
        gone = [identifier for identifier in old if identifier not in new]
        replaced = [(identifier, added[0]) for identifier in gone if added]
    transaction.get().addAfterCommitHook(_settings_changed, (replaced,))


@never_failing_with(purge_all_after_commit, even_conflicts=True)
def _settings_changed(succeeded: bool, replaced: list[tuple[str, str]]) -> None:
    if succeeded:
        this_process().settings_changed(replaced)
