"""From an object that changed to the cache tags that reach all it changed.

``tagging.names`` has the law; here is found what it asks for: what is above an object,
at the old and the new place, and what of it changed.
"""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collective.cloudfront.changes.languages import groups_of
from collective.cloudfront.tagging.names import Change
from collective.cloudfront.tagging.names import chrome_tag
from collective.cloudfront.tagging.names import INTERFACES
from collective.cloudfront.tagging.names import Navigation
from collective.cloudfront.tagging.names import tags_of_change
from collective.cloudfront.tagging.places import navigation_of
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import IFolderish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.interface import providedBy


def tags_at_place(obj: Any, site: Any, **what: Any) -> frozenset[str]:
    """Return the tags of a change of ``obj`` that stays where it is.

    ``what`` as in ``Change``.
    """
    above = above_of(obj)
    return _tags(obj, site, before=above, after=above, **what)


def tags_of_leaving(obj: Any, site: Any) -> frozenset[str]:
    """Return the tags of ``obj`` leaving the place where it still is."""
    return _tags(obj, site, before=above_of(obj), after=None, **with_all_below(obj))


def tags_of_comment(comment: Any, page: Any, site: Any) -> frozenset[str]:
    """Return the tags of a comment on ``page``: it is in the catalog like content, but
    not in navigation.
    """
    above = (*filter(None, [IUUID(page, None)]), *above_of(page))
    uid = IUUID(comment, None) or f"comment-{comment.getId()}"
    change = Change(uid, comment.portal_type, None, above)
    return tags_of_change(change, Navigation())


def with_all_below(obj: Any) -> dict[str, bool]:
    """Return what of a ``Change`` says that what is below comes and goes with it."""
    return {"label": True, "subtree": bool(IFolderish.providedBy(obj))}


def tags_of_chrome(site: Any) -> frozenset[str]:
    """Return the tags of what all pages show around their content."""
    return frozenset({chrome_tag(IUUID(site))})


def above_of(obj: Any) -> tuple[str, ...]:
    """Return the UIDs of what is above ``obj``, from its parent to the site."""
    found = []
    while not ISiteRoot.providedBy(obj):
        obj = aq_parent(aq_inner(obj))
        if obj is None:
            break
        uid = IUUID(obj, None)
        if uid is not None:
            found.append(uid)
    return tuple(found)


def _tags(obj: Any, site: Any, **what: Any) -> frozenset[str]:
    uid = IUUID(obj, None)
    if uid is None:
        return frozenset()
    change = Change(
        uid,
        obj.portal_type,
        more_types=tuple(filter(provided_by(obj).__contains__, INTERFACES)),
        groups=groups_of(obj),
        undated=getattr(aq_base(obj), "effective_date", None) is None,
        **what,
    )
    return tags_of_change(change, navigation_of(obj, site))


def provided_by(obj: Any) -> frozenset[str]:
    """Return the names of the interfaces that ``obj`` provides."""
    return frozenset(each.__identifier__ for each in providedBy(obj).flattened())
