"""Translations, and what several languages have in common: plone.app.multilingual.

Asked of the catalog's indexes themselves: its translation manager searches, which makes
the catalog index what is still being changed; and where content belongs to no group of
translations, it makes one, and switches off the protection against forged requests to
be allowed to.
"""

from Acquisition import aq_base
from collections.abc import Iterator
from collective.cloudfront.reach.existing import content_at
from collective.cloudfront.reach.reached import AT_ONCE
from collective.cloudfront.reach.reached import How
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.stored import stored_state
from collective.cloudfront.reach.urls import path_inside
from typing import Any


try:
    from plone.app.multilingual.interfaces import ATTRIBUTE_NAME
    from plone.app.multilingual.interfaces import ITG
except ImportError:  # it is not installed
    ITG, ATTRIBUTE_NAME = None, ""


#: Redirects to translations, at the front page: in the language selector, and those
#: that authors may write. Where they lead to depends on translations of folders, too.
_REDIRECTS = "/@@multilingual-*"

_SHARED_FOLDER = "LIF"

#: The index of groups of translations, which a site with one language does not have.
_GROUPS = "TranslationGroup"


def redirects(obj: Any, how: How = AT_ONCE) -> list[Reached]:
    """Return what reaches the redirects to translations, if ``obj`` may be one."""
    if _group_of(obj) is None:
        return []
    return [Reached(_REDIRECTS, Kind.FRONT_PAGE, how)]


def translations(obj: Any, site: Any) -> Iterator[Any]:
    """Yield the translations of ``obj``, which link to it."""
    return _in_group(_group_of(obj), obj, site)


def former_translations(obj: Any, site: Any) -> Iterator[Any]:
    """Yield what were translations of ``obj`` before this transaction."""
    return _in_group(stored_state(obj).get(ATTRIBUTE_NAME), obj, site)


def groups_of(obj: Any, site: Any) -> tuple[str, ...]:
    """Return the groups of translations that ``obj`` belongs to, or did."""
    # Most sites have one language; to read what is stored takes as long as the rest
    if ITG is None or _GROUPS not in site["portal_catalog"].indexes():
        return ()
    groups = (_group_of(obj), stored_state(obj).get(ATTRIBUTE_NAME))
    return tuple(dict.fromkeys(filter(None, groups)))


def shared_folders(site: Any) -> tuple[str, ...]:
    """Return the paths inside the site at which all languages have the same content."""
    paths = _paths(site, "portal_type", _SHARED_FOLDER)
    physical = (tuple(path.split("/")) for path in paths)
    found = (path_inside(each, site.getPhysicalPath()) for each in physical)
    return tuple(filter(None, found))


def shared_uids(uid: str, site: Any) -> Iterator[str]:
    """Yield the UIDs that content in ``shared_folders`` has in each language."""
    for path in shared_folders(site):
        yield f"{uid}-{path.split('/')[-2]}"


def _group_of(obj: Any) -> str | None:
    return None if ITG is None else ITG(obj, None)


def _in_group(group: str | None, obj: Any, site: Any) -> Iterator[Any]:
    for path in _paths(site, _GROUPS, group) if group else ():
        other = content_at(path, site)
        if other is not None and aq_base(other) is not aq_base(obj):
            yield other


def _paths(site: Any, name: str, value: str) -> Iterator[str]:
    """Yield the physical paths of what has ``value`` in an index of the catalog."""
    catalog = site["portal_catalog"]._catalog
    index = catalog.indexes.get(name)
    rids = () if index is None else index._index.get(value, ())
    for rid in (rids,) if isinstance(rids, int) else rids:
        if rid in catalog.paths:
            yield catalog.paths[rid]
