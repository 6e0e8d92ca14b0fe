"""From an object that changed to the cache tags that reach all it changed.

``tagging.names`` has the law; here is found what it asks for: what is above an object,
at the old and the new place, and what of it changed.
"""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collective.cloudfront.reach.languages import groups_of
from collective.cloudfront.settings import registry_of
from collective.cloudfront.tagging.places import navigation_of
from collective.cloudfront.tagging.vocabulary.dependencies import INTERFACES
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from collective.cloudfront.tagging.vocabulary.of_change import Change
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_site
from collective.cloudfront.tagging.vocabulary.spelling import chrome_tag
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import IFolderish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.interface import providedBy


#: A change, and the navigation roots above it.
Placed = tuple[Change, Navigation]


def change_at_place(obj: Any, site: Any, created: bool = False, **what: Any) -> Placed:
    """Return the change of ``obj`` that stays where it is, or was ``created`` there.

    ``what`` as in ``Change``.
    """
    above = above_of(obj)
    before = None if created else above
    return _change(obj, site, before=before, after=above, **what)


def change_by_leaving(obj: Any, site: Any, hidden: bool) -> Placed:
    """Return the change of ``obj`` leaving the place where it still is."""
    what = with_all_below(obj)
    return _change(obj, site, before=above_of(obj), after=None, hidden=hidden, **what)


def change_of_comment(comment: Any, page: Any, hidden: bool) -> Placed:
    """Return the change of a comment on ``page``: it is in the catalog like content,
    but not in navigation.
    """
    above = (*filter(None, [IUUID(page, None)]), *above_of(page))
    uid = IUUID(comment, None) or f"comment-{comment.getId()}"
    change = Change(uid, comment.portal_type, None, above, hidden=hidden)
    return change, Navigation()


def is_hidden(obj: Any, public: bool) -> bool:
    """Say whether visitors see nothing of ``obj``, which is ``public`` or not, nor of
    anything below it.
    """
    return not public and not (IFolderish.providedBy(obj) and len(obj))


def with_all_below(obj: Any) -> dict[str, bool]:
    """Return what of a ``Change`` says that what is below comes and goes with it."""
    return {"label": True, "subtree": bool(IFolderish.providedBy(obj))}


def tags_of_chrome(site: Any) -> frozenset[str]:
    """Return the tags of what all pages show around their content."""
    return frozenset({chrome_tag(IUUID(site))})


def tags_of_everything(site: Any) -> frozenset[str]:
    """Return the tags of all answers of the site."""
    return tags_of_site(IUUID(site))


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


def _change(obj: Any, site: Any, **what: Any) -> Placed:
    change = Change(
        # What has none still is in listings
        IUUID(obj, None) or "",
        obj.portal_type,
        more_types=tuple(filter(provided_by(obj).__contains__, INTERFACES)),
        groups=groups_of(obj),
        undated=getattr(aq_base(obj), "effective_date", None) is None,
        **what,
    )
    return change, navigation_of(obj, registry_of(site))


def provided_by(obj: Any) -> frozenset[str]:
    """Return the names of the interfaces that ``obj`` provides."""
    return frozenset(each.__identifier__ for each in providedBy(obj).flattened())
