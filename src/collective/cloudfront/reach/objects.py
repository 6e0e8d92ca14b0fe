"""From an object that changed to the items that reach all it changed."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.reach import showing as reach
from collective.cloudfront.reach.by_tag import change_at_place
from collective.cloudfront.reach.by_tag import is_hidden
from collective.cloudfront.reach.by_tag import with_all_below
from collective.cloudfront.reach.collections import is_asked_for
from collective.cloudfront.reach.dates import Moment
from collective.cloudfront.reach.dates import moments
from collective.cloudfront.reach.dates import STARTS
from collective.cloudfront.reach.languages import is_translatable
from collective.cloudfront.reach.languages import REDIRECTS
from collective.cloudfront.reach.urls import object_cover
from collective.cloudfront.reach.urls import page_cover
from collective.cloudfront.reach.urls import path_inside
from collective.cloudfront.reach.urls import subtree_cover
from collective.cloudfront.reach.visible import is_navigated
from collective.cloudfront.reach.visible import is_public
from Products.CMFCore.interfaces import IFolderish
from typing import Any


def add_object(changes: Any, physical: tuple[str, ...], change: Any) -> None:
    """Add to ``changes`` (``SiteChanges``) what an ``ObjectChange`` reaches."""
    inside = path_inside(physical, changes.site_path)
    if inside is None:
        return
    if changes.settings.by_tags:
        _add_by_tags(changes, change)
    if changes.settings.by_paths:
        _add_by_paths(changes, physical, inside, change)


def _add_by_tags(changes: Any, change: Any) -> None:
    obj, site = change.obj, changes.site
    if change.within:
        changes.add_change(
            *change_at_place(obj, site, label=False, reordered=change.has_new_order)
        )
    if not change.about_itself:
        return
    was_public, public = _publicity(change)
    with_below = change.moved or change.regranted or public is not was_public
    changes.add_change(
        *change_at_place(
            obj,
            site,
            created=change.created,
            label=change.shown,
            titled=change.titled,
            subtree=with_below and bool(IFolderish.providedBy(obj)),
            in_navigation=is_navigated(obj, site.portal_registry, change.even_excluded),
            hidden=not was_public and is_hidden(obj, public),
        ),
        urgent=(was_public and not public) or change.regranted,
    )
    if change.shown and not changes.settings.by_paths:
        add_dates(changes, obj)
        if change.listed or change.moved:
            add_redirects(changes, obj)


def _publicity(change: Any) -> tuple[bool, bool]:
    """Return whether visitors could see an object before, and can now."""
    public = is_public(change.obj)
    return public if change.was_public is None else change.was_public, public


def _add_by_paths(
    changes: Any, physical: tuple[str, ...], inside: str, change: Any
) -> None:
    obj = change.obj
    if change.has_new_order:
        add_order(changes, obj)
    if change.within:
        # Whatever comes or goes, its folder has another date of change
        _add_text(changes, obj)
    if not change.own and changes.settings.api:
        # There, not in Classic UI, a folder tells when something came or went
        changes.add_api(page_cover(obj, inside))
    if not change.about_itself:
        return
    was_public, public = _publicity(change)
    leaves = was_public and not public
    if change.below or leaves:
        changes.add_subtree(physical, aq_parent(aq_inner(obj)), urgent=leaves)
    elif not changes.is_below_subtree(physical):
        changes.add(object_cover(obj, inside))
    cover_default_pages(changes, obj, urgent=leaves)
    if not change.shown:
        if change.edited:
            _add_text(changes, obj)
        return
    add_dates(changes, obj)
    if public or was_public:
        below = None
        if change.moved or public is not was_public:
            # What has no workflow of its own comes and goes with it
            below = reach.contents_below(obj, is_public if public else bool)
        add_reach(changes, obj, change.even_excluded, change.listed, below)
    elif change.below and IFolderish.providedBy(obj):
        # Its children may be public, and site maps leave out default pages
        changes.add_coalesced(reach.site_maps(obj, changes.site))


def _add_text(changes: Any, obj: Any) -> None:
    if not is_public(obj):
        return
    changes.add(reach.of_text(obj, changes.site))
    changes.add_coalesced(reach.robots_maps(obj, changes.site))
    if reach.is_text_site_wide(obj, changes.site):
        changes.add_site()


def cover_default_pages(changes: Any, obj: Any, urgent: bool) -> None:
    """Add the folders at whose URL ``obj`` answers."""
    for folder in reach.chain_of_default_pages(obj, changes.site):
        cover = page_cover(folder, reach.path_of(folder, changes.site))
        changes.add(cover, urgent=urgent)


def add_order(changes: Any, folder: Any) -> None:
    """Add the pages that show the contents of ``folder`` in their order."""
    if changes.settings.site_on_navigation and reach.is_order_site_wide(
        folder, changes.site, changes.settings.api
    ):
        changes.add_site()
    else:
        changes.add(reach.listing(folder, changes.site))
        if reach.is_order_in_site_map(folder, changes.site):
            changes.add_coalesced(reach.site_maps(folder, changes.site))


def add_reach(
    changes: Any,
    obj: Any,
    even_excluded: bool,
    listed: bool,
    below: Sequence[Any] | None = None,
    **how: Any,
) -> None:
    """Add the pages that show ``obj`` at the place where it is now.

    ``listed``: it came, went, or changed its state, which the visitors of its folder
    are to see at once. ``below``: what came or went with it; None: it stayed.
    """
    site, settings = changes.site, changes.settings
    shown = (obj, *(below or ()))
    everywhere = settings.site_on_navigation and any(
        reach.is_site_wide(each, site, even_excluded, settings.api) for each in shown
    )
    many = len(shown) > reach.MOST_BELOW
    showing = None if everywhere or many else reach.of_showing(shown, site)
    if everywhere or (showing is None and settings.site_on_navigation):
        if listed:
            changes.add(_folder_page(changes, obj), **how)
        changes.add_site(**how)
        return
    changes.add(reach.of_folder(obj, site), **how)
    changes.add(showing or (), **how)
    if listed or below is not None:
        add_redirects(changes, obj, **how)
    if listed or reach.is_in_site_map(obj, site, even_excluded):
        changes.add_coalesced(reach.site_maps(obj, site), **how)
    else:
        changes.add_coalesced(reach.robots_maps(obj, site), **how)


def add_links(changes: Any, obj: Any) -> None:
    """Add the pages whose texts link to ``obj``, whoever may follow that."""
    linking = reach.of_links(obj, changes.site)
    if linking is None:
        changes.add_site()
    else:
        changes.add(linking)


def add_redirects(changes: Any, obj: Any, **how: Any) -> None:
    """Add the redirects to translations, if ``obj`` may be among them."""
    if is_translatable(obj):
        changes.add_at_front_pages(REDIRECTS, **how)


def add_dates(changes: Any, obj: Any) -> None:
    """Keep the moments at which pages change, and forget what was kept before."""
    for moment in moments(obj):
        _forget(changes, moment)
        if moment.due is not None and (
            moment.name not in STARTS or is_asked_for("start", obj, changes.site)
        ):
            _keep(changes, obj, moment)


def forget_dates(changes: Any, obj: Any) -> None:
    """Forget the moments of an object that goes."""
    for moment in moments(obj):
        _forget(changes, moment)


def _forget(changes: Any, moment: Moment) -> None:
    changes.add_items([""], key=moment.key)


def _keep(changes: Any, obj: Any, moment: Moment) -> None:
    inside = reach.path_of(obj, changes.site)
    cause = changes.cause_of(obj.getPhysicalPath())
    how = {"due": moment.due, "key": moment.key, "cause": cause}
    if changes.settings.by_tags:
        change = change_at_place(obj, changes.site, **with_all_below(obj))
        changes.add_change(*change, urgent=moment.leaves, **how)
    if not changes.settings.by_paths:
        return
    folder = aq_parent(aq_inner(obj))
    changes.add(subtree_cover(inside, folder, obj.getId()), urgent=moment.leaves, **how)
    add_reach(changes, obj, False, True, **how)


def _folder_page(changes: Any, obj: Any) -> Iterable[str]:
    folder = aq_parent(aq_inner(obj))
    inside = reach.path_of(folder, changes.site)
    return () if inside is None else page_cover(folder, inside)
