"""What a change makes stale, by path.

===================================  ===============================================
in the navigation                    every page: scope *site*
deeper                               its folder with all below (listing, navigation
                                     portlet, previous and next), the site maps
anywhere                             the folders it is the default page of, its
                                     translations, what relates to it, collections
too many of those, or a portlet      every page: scope *site*
===================================  ===============================================
"""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Sequence
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.reach import relations
from collective.cloudfront.reach.change import Change
from collective.cloudfront.reach.change import ChromeChange
from collective.cloudfront.reach.change import CommentChange
from collective.cloudfront.reach.change import Leaving
from collective.cloudfront.reach.change import NamedChange
from collective.cloudfront.reach.change import ObjectChange
from collective.cloudfront.reach.change import Redated
from collective.cloudfront.reach.change import Subtree
from collective.cloudfront.reach.change import UnknownChange
from collective.cloudfront.reach.dates import dates_of
from collective.cloudfront.reach.languages import redirects
from collective.cloudfront.reach.maps import is_in_site_map
from collective.cloudfront.reach.maps import is_order_in_site_map
from collective.cloudfront.reach.maps import robots_maps
from collective.cloudfront.reach.maps import site_maps
from collective.cloudfront.reach.reached import AT_ONCE
from collective.cloudfront.reach.reached import COALESCED
from collective.cloudfront.reach.reached import every_page
from collective.cloudfront.reach.reached import How
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.reached import URGENT
from collective.cloudfront.reach.showing import listing
from collective.cloudfront.reach.showing import of_links
from collective.cloudfront.reach.showing import of_showing
from collective.cloudfront.reach.showing import of_text
from collective.cloudfront.reach.urls import default_pages
from collective.cloudfront.reach.urls import object_cover
from collective.cloudfront.reach.urls import page_cover
from collective.cloudfront.reach.urls import path_of
from collective.cloudfront.reach.urls import place_cover
from collective.cloudfront.reach.urls import subtree_cover
from collective.cloudfront.reach.urls import subtree_of
from collective.cloudfront.reach.visible import has_picture
from collective.cloudfront.reach.visible import is_in_navigation_with_children
from collective.cloudfront.reach.visible import is_public
from collective.cloudfront.reach.visible import is_site_wide
from collective.cloudfront.reach.visible import publicity
from collective.cloudfront.settings import Settings
from dataclasses import replace
from Products.CMFCore.interfaces import IFolderish
from typing import Any


def by_path(change: Change, site: Any, settings: Settings) -> list[Reached]:
    """Return the paths that reach all that ``change`` made stale."""
    match change:
        case ObjectChange():
            return _of_object(change, site, settings)
        case Leaving():
            return _of_leaving(change, site, settings)
        case Subtree():
            return place_cover(change, site)
        case Redated():
            return of_dates(change.obj, site, settings, change.since)
        case CommentChange():
            # Comments are in the catalog, and so in the site map for robots
            return robots_maps(change.page, site)
        case UnknownChange():
            return [every_page(URGENT if change.urgent else AT_ONCE)]
        case ChromeChange() | NamedChange():
            return [every_page(COALESCED)]


# --- an object ------------------------------------------------------------------------


def _of_object(change: ObjectChange, site: Any, settings: Settings) -> list[Reached]:
    obj = change.obj
    inside = path_of(obj, site)
    if inside is None:
        return []
    found: list[Reached] = []
    if change.child_changed or change.reordered:
        if not change.child_changed:
            found += _of_order(obj, site, settings)
        # Whatever comes or goes, its folder has another date of change
        found += of_text(obj, site)
    if settings.api and not change.own:
        # There, not in Classic UI, a folder tells when something came or went
        found += [replace(each, kind=Kind.API) for each in page_cover(obj, inside)]
    if not change.about_itself:
        return found
    was_public, public = publicity(change)
    found += _own(change, inside, leaves=was_public and not public)
    found += default_pages(obj, site, URGENT if was_public and not public else AT_ONCE)
    if change.shown:
        found += of_dates(obj, site, settings)
    if change.shown or (change.only_told and has_picture(obj)):
        found += _elsewhere(change, site, settings, was_public, public)
    elif change.edited:
        found += of_text(obj, site)
    return found


def _own(change: ObjectChange, inside: str, leaves: bool) -> list[Reached]:
    """Return what reaches the object itself, ``inside`` the site, unless a subtree that
    was collected does.
    """
    obj = change.obj
    if not (change.below or leaves):
        return object_cover(obj, inside) if change.covered is None else []
    if change.covered is not None and change.covered >= leaves:
        return []
    how = URGENT if leaves else AT_ONCE
    cover = subtree_cover(inside, aq_parent(aq_inner(obj)), obj.getId(), how)
    physical = obj.getPhysicalPath()
    return [replace(each, below=physical) for each in cover]


def _elsewhere(
    change: ObjectChange, site: Any, settings: Settings, was_public: bool, public: bool
) -> list[Reached]:
    """Return what reaches the pages that show the object, or did."""
    obj = change.obj
    if public or was_public:
        below = None
        if change.moved or public is not was_public:
            # What has no workflow of its own comes and goes with it
            counts = is_public if public else bool
            below = relations.contents_below(obj, counts)
        # Whoever must not see it any more does not wait until every page is due
        how = AT_ONCE if public else URGENT
        return _of_showing(
            obj, site, settings, change.even_excluded, change.listed, below, how
        )
    if change.below and IFolderish.providedBy(obj):
        # Its children may be public, and site maps leave out default pages
        return site_maps(obj, site)
    return []


def _of_showing(
    obj: Any,
    site: Any,
    settings: Settings,
    even_excluded: bool,
    listed: bool,
    below: Sequence[Any] | None = None,
    how: How = AT_ONCE,
) -> list[Reached]:
    """Return what reaches the pages that show ``obj`` at the place where it is now.

    ``listed``: it came, went, or changed its state, which the visitors of its folder
    are to see at once. ``below``: what came or went with it; None: it stayed.
    """
    shown = (obj, *(below or ()))
    # What others must not see any more is purged whatever the setting for titles says
    may_be_all = settings.site_on_navigation or how is URGENT
    everywhere = may_be_all and any(
        is_site_wide(each, site, even_excluded, settings.api) for each in shown
    )
    many = len(shown) > relations.MOST_BELOW
    showing = None if everywhere or many else of_showing(shown, site, how)
    if everywhere or (showing is None and may_be_all):
        # An urgent purge of every page is not kept back, so it reaches the folder, too
        first = listed and how is not URGENT
        found = _folder_page(obj, site, how) if first else []
        when = COALESCED if how is AT_ONCE else how
        return [*found, Reached(EVERYTHING, Kind.PAGE, when)]
    found = listing(aq_parent(aq_inner(obj)), site, how)
    found += showing or ()
    if listed or below is not None:
        found += redirects(obj, how)
    if listed or is_in_site_map(obj, site, even_excluded):
        return found + site_maps(obj, site, how)
    return found + robots_maps(obj, site, how)


def _folder_page(obj: Any, site: Any, how: How) -> list[Reached]:
    folder = aq_parent(aq_inner(obj))
    inside = path_of(folder, site)
    return [] if inside is None else page_cover(folder, inside, how)


def _of_order(folder: Any, site: Any, settings: Settings) -> list[Reached]:
    """Return what reaches the pages that show the contents of ``folder`` in order."""
    if settings.site_on_navigation and (
        settings.api or is_in_navigation_with_children(folder, site["portal_registry"])
    ):
        return [every_page(COALESCED)]
    found = listing(folder, site)
    if is_order_in_site_map(folder, site):
        found += site_maps(folder, site)
    return found


def of_dates(
    obj: Any, site: Any, settings: Settings, since: float | None = None
) -> list[Reached]:
    """Return what the dates of ``obj``, from ``since`` on, reach when they arrive, and
    what cancels those that it had before.
    """
    found, dates = dates_of(obj, site, since)
    if dates:
        own = subtree_of(obj, site)
        # Those who list it are in no hurry
        shown = _of_showing(obj, site, settings, False, True, how=dates[0])
        for how in dates:
            listed = replace(how, urgent=False)
            found += [replace(each, how=how) for each in own]
            found += [replace(each, how=listed) for each in shown]
    return found


# --- what leaves its place ------------------------------------------------------------


def _of_leaving(change: Leaving, site: Any, settings: Settings) -> list[Reached]:
    obj = change.obj
    found = default_pages(obj, site, URGENT if change.public else AT_ONCE)
    # What is below it may be public although it is not
    shown = [obj] * change.public + relations.contents_below(obj)
    if not shown:
        return found + of_links(obj, site)
    listed = not change.renamed
    return found + _of_showing(shown[0], site, settings, False, listed, shown[1:])
