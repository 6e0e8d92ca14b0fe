"""What a change makes stale, by cache tag.

``tagging.vocabulary`` has the law; here is found what it asks for: what is above an
object, at the old and the new place, and what of it changed.
"""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterable
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
from collective.cloudfront.reach.languages import groups_of
from collective.cloudfront.reach.languages import redirects
from collective.cloudfront.reach.reached import AT_ONCE
from collective.cloudfront.reach.reached import How
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.reached import URGENT
from collective.cloudfront.reach.urls import place_cover
from collective.cloudfront.reach.visible import is_navigated
from collective.cloudfront.reach.visible import is_public
from collective.cloudfront.reach.visible import publicity
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import Settings
from collective.cloudfront.tagging.places import navigation_of
from collective.cloudfront.tagging.vocabulary import of_change
from collective.cloudfront.tagging.vocabulary.dependencies import INTERFACES
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_change
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_site
from collective.cloudfront.tagging.vocabulary.spelling import chrome_tag
from collective.cloudfront.tagging.vocabulary.spelling import foreign_tag
from plone.uuid.interfaces import IUUID
from Products.CMFCore.interfaces import IFolderish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.interface import providedBy


#: A change in the words of the vocabulary, and the navigation roots above it.
Placed = tuple[of_change.Change, Navigation]


def by_tag(change: Change, site: Any, settings: Settings) -> list[Reached]:
    """Return the cache tags that reach all that ``change`` made stale, and what has
    none: redirects.
    """
    match change:
        case ObjectChange():
            return _of_object(change, site)
        case Leaving():
            hidden = is_hidden(change.obj, change.public)
            placed = change_by_leaving(change.obj, site, hidden)
            return _reached(placed, URGENT if change.public else AT_ONCE)
        case Redated():
            return _of_dates(change.obj, site, change.since)
        case CommentChange():
            hidden = not is_public(change.page)
            return _reached(change_of_comment(change.comment, change.page, hidden))
        case ChromeChange():
            # Not coalesced: navigation, which editors change all day, is told otherwise
            tags = tags_of_everything(site) if change.pictures else frozenset()
            return _tags(tags | tags_of_chrome(site))
        case UnknownChange():
            return _tags(tags_of_everything(site), URGENT if change.urgent else AT_ONCE)
        case NamedChange():
            return [Reached(f"#{foreign_tag(change.name)}", Kind.ITEM)]
        case Subtree():
            return place_cover(change, site) if change.untagged else []


def _of_object(change: ObjectChange, site: Any) -> list[Reached]:
    obj = change.obj
    found: list[Reached] = []
    if change.child_changed or change.reordered:
        reordered = not change.child_changed
        found += _reached(change_at_place(obj, site, label=False, reordered=reordered))
    if not change.about_itself:
        return found
    was_public, public = publicity(change)
    with_below = change.moved or change.regranted or public is not was_public
    placed = change_at_place(
        obj,
        site,
        created=change.created,
        # Who tells does not say what other pages show of it
        label=change.shown or change.only_told,
        titled=change.titled,
        passed_down=change.below and bool(IFolderish.providedBy(obj) and len(obj)),
        subtree=with_below and bool(IFolderish.providedBy(obj)),
        in_navigation=is_navigated(obj, site["portal_registry"], change.even_excluded),
        hidden=not was_public and is_hidden(obj, public),
    )
    leaves = was_public and not public
    found += _reached(placed, URGENT if leaves or change.regranted else AT_ONCE)
    if change.shown:
        found += _of_dates(obj, site)
        if change.listed or change.moved:
            found += redirects(obj)
    return found


def _of_dates(obj: Any, site: Any, since: float | None = None) -> list[Reached]:
    """Return the tags that the dates of ``obj``, from ``since`` on, reach when they
    arrive, and what cancels those that it had before.
    """
    found, dates = dates_of(obj, site, since)
    for how in dates:
        found += _reached(change_at_place(obj, site, **with_all_below(obj)), how)
    return found


def _reached(placed: Placed, how: How = AT_ONCE) -> list[Reached]:
    """Return the tags of a change. Those that wait for a date stand for themselves."""
    change, _navigation = placed
    place = (change.uid, change.place) if change.place and not how.key else None
    return _tags(tags_of_change(*placed), how, place)


def _tags(
    tags: Iterable[str],
    how: How = AT_ONCE,
    place: tuple[str, tuple[str, ...]] | None = None,
) -> list[Reached]:
    return [Reached(f"#{tag}", Kind.TAG, how, place) for tag in tags]


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
    change = of_change.Change(uid, comment.portal_type, None, above, hidden=hidden)
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
    change = of_change.Change(
        # What has none still is in listings
        IUUID(obj, None) or "",
        obj.portal_type,
        more_types=tuple(filter(provided_by(obj).__contains__, INTERFACES)),
        groups=groups_of(obj, site),
        undated=getattr(aq_base(obj), "effective_date", None) is None,
        **what,
    )
    return change, navigation_of(obj, registry_of(site))


def provided_by(obj: Any) -> frozenset[str]:
    """Return the names of the interfaces that ``obj`` provides."""
    return frozenset(each.__identifier__ for each in providedBy(obj).flattened())
