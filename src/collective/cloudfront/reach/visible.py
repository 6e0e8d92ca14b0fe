"""What of a change is to be seen on other pages than the object's own."""

from AccessControl.PermissionRole import rolesForPermissionOn
from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Collection
from collective.cloudfront.reach.change import ObjectChange
from collective.cloudfront.reach.embedding import has_tiles
from collective.cloudfront.reach.portlets import places_showing
from plone.base.interfaces import INavigationRoot
from plone.namedfile.interfaces import INamedImage
from plone.registry.interfaces import IRegistry
from Products.CMFCore.interfaces import ISiteRoot
from Products.CMFCore.permissions import View
from typing import Any


#: Plone's settings of how deep they are.
NAVIGATION, SITE_MAP = "navigation_depth", "sitemap_depth"

#: Fields that listings, navigation, breadcrumbs and feeds show or sort by. So do the
#: columns of the catalog, whatever an add-on has put there.
SHOWN = frozenset(
    {
        "allow_discussion",
        "creators",
        "default_page",
        "effective",
        "effective_date",
        "end",
        "exclude_from_nav",
        "expiration_date",
        "expires",
        "file",
        "id",
        "image",
        "image_caption",
        "language",
        "layout",
        "location",
        "nextPreviousEnabled",
        "open_end",
        "preview_image",
        "preview_image_link",
        "recurrence",
        "remoteUrl",
        "short_name",
        "start",
        "subject",
        "subjects",
        "title",
        "description",
        "whole_day",
    }
)
#: Of those, what tabs do not show.
_NOT_IN_TABS = frozenset(
    {
        "allow_discussion",
        "creators",
        "description",
        "end",
        "file",
        "image",
        "image_caption",
        "layout",
        "location",
        "open_end",
        "preview_image",
        "preview_image_link",
        "recurrence",
        "start",
        "subject",
        "subjects",
        "whole_day",
    }
)
#: Fields whose names are columns of the catalog but whose change no reader sees there.
_NOT_SHOWN = frozenset({"modified", "modification_date"})


def seen_elsewhere(names: Collection[str], site: Any) -> tuple[bool, bool]:
    """Say whether a change of these fields shows on other pages, and whether it does
    where only titles are shown. Any field may have changed where there are no names.
    """
    if not names:
        return True, True
    columns = site["portal_catalog"]._catalog.schema
    shown = {
        name
        for name in names
        if name in SHOWN or (name in columns and name not in _NOT_SHOWN)
    }
    return bool(shown), not shown <= _NOT_IN_TABS


def is_public(obj: Any) -> bool:
    """Say whether visitors who have not logged in may see ``obj``."""
    return "Anonymous" in rolesForPermissionOn(View, obj)


def has_picture(obj: Any) -> bool:
    """Say whether ``obj`` has a picture, which others show at URLs that name its scale:
    old ones answer "not found" when it was cropped.
    """
    base = aq_base(obj)
    getattr(base, "_p_activate", lambda: None)()
    return any(map(INamedImage.providedBy, vars(base).values()))


def publicity(change: ObjectChange) -> tuple[bool, bool]:
    """Return whether visitors could see the object before, and can now."""
    public = is_public(change.obj)
    return public if change.was_public is None else change.was_public, public


def is_in_navigation(
    obj: Any, registry: IRegistry, even_excluded: bool, where: str = NAVIGATION
) -> bool:
    """Say whether the navigation of other pages shows ``obj``, or would.

    From Plone's settings (Navigation control panel). ``even_excluded``: its exclusion
    may be what changed. ``where``: or whether the site map does.
    """
    depth = _depth(obj)
    if depth is None or depth > _setting(registry, where, 3):
        return False
    return is_navigated(obj, registry, even_excluded)


def is_site_wide(obj: Any, site: Any, even_excluded: bool, api: bool) -> bool:
    """Say whether so many pages show ``obj`` that all of them are purged.

    ``api``: the site has Volto, whose pages show anything anywhere, by blocks. Mosaic's
    do, by tiles.
    """
    if api or has_tiles(site) or ISiteRoot.providedBy(obj):
        return True
    if is_in_navigation(obj, site["portal_registry"], even_excluded):
        return True
    return any(place is site for place in places_showing(obj, site))


def is_navigated(obj: Any, registry: IRegistry, even_excluded: bool) -> bool:
    """Say whether navigation shows ``obj``, or would, where it is deep enough."""
    if obj.portal_type not in (_setting(registry, "displayed_types", None) or ()):
        return False
    if even_excluded or _setting(registry, "show_excluded_items", False):
        return True
    return not getattr(obj, "exclude_from_nav", False)


def is_in_navigation_with_children(
    folder: Any, registry: IRegistry, where: str = NAVIGATION
) -> bool:
    """Say whether the navigation of other pages shows what ``folder`` holds."""
    depth = _depth(folder)
    return depth is not None and depth < _setting(registry, where, 3)


def _depth(obj: Any) -> int | None:
    """Return how deep below its navigation root ``obj`` is; a root is at 0."""
    depth = 0
    while obj is not None:
        if INavigationRoot.providedBy(obj):
            return depth
        depth += 1
        obj = aq_parent(aq_inner(obj))
    return None


def _setting(registry: IRegistry, name: str, default: Any) -> Any:
    value = registry.get(f"plone.{name}")
    return default if value is None else value
