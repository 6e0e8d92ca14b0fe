"""Changes of what is no content, told from what is stored: annotations, utilities,
workflows, and the folders that hold a site.

What a transaction stores does not say whose it is. So we begin at those who may have
it, and look at what they have in memory: who changed something deep inside of them has
come the same way.
"""

from AccessControl.Permission import pname
from Acquisition import aq_base
from Acquisition import aq_chain
from Acquisition import aq_inner
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.reach.stored import stored_state
from OFS.interfaces import IObjectManager
from persistent import GHOST
from persistent.interfaces import IPersistent
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from Products.CMFCore.permissions import AccessContentsInformation
from Products.CMFCore.permissions import View
from typing import Any


#: More than these parts of one thing are not looked at: it counts as changed.
_MOST_PARTS = 2_000
_ANNOTATIONS = "__annotations__"
#: Annotations of Plone's own that no page shows or whose changes are heard, ...
_HEARD = ("plone.", "Products.", "zope.", "z3c.", "collective.cloudfront")
#: ... but for tiles, and for which portlets are hidden or inherited.
_UNHEARD = ("plone.tiles.", "plone.portlets.categoryblackliststatus")
#: Classes of Plone's own whose changes are heard, or that no page shows.
_PLONES = ("Products.", "plone.", "zope.", "five.", "z3c.", "zc.", "persistent.")
#: The states and transitions of a workflow: menus and searches show their titles.
_OF_WORKFLOWS = "Products.DCWorkflow."
#: Who may see all that a folder holds.
_OF_ACCESS = tuple(map(pname, (View, AccessContentsInformation)))


def oids_of(stored: Iterable[Any]) -> frozenset[bytes]:
    """Return what identifies the objects that are ``stored``."""
    return frozenset(each._p_oid for each in stored)


def is_workflow(obj: Any) -> bool:
    """Say whether ``obj`` is part of the definition of a workflow."""
    return type(obj).__module__.startswith(_OF_WORKFLOWS)


def annotated(contents: Iterable[Any], changed: Collection[bytes]) -> Iterator[Any]:
    """Yield the content whose annotations ``changed``, but for those that are heard."""
    for obj in contents:
        # Content without annotations would look for the name in its schemas
        annotations = vars(aq_base(obj)).get(_ANNOTATIONS)
        if annotations is None or annotations._p_state == GHOST:
            continue
        shown = _shown(annotations.items())
        if any(_is_among(value, changed) for value in shown.values()) or (
            _is_among(_nodes(annotations), changed)
            and _shown(_items_before(annotations)) != shown
        ):
            yield obj


def are_utilities(site: Any, changed: Collection[bytes]) -> bool:
    """Say whether a utility of an add-on that ``site`` has of its own ``changed``."""
    # Asked in public, it makes an acquisition wrapper for each: a save waits for that
    registered = aq_base(site.getSiteManager())._utility_registrations
    for component, *_about in list(registered.values()):
        # A tool is registered by its path (five.localsitemanager)
        if type(component).__name__ == "ComponentPathWrapper":
            component = component.component
        own = type(aq_base(component)).__module__.startswith(_PLONES)
        if not own and _is_among(component, changed):
            return True
    return False


def holders_with_other_access(stored: Iterable[Any]) -> list[Any]:
    """Return what, of ``stored``, may hold a site and has others who may see it."""
    return [each for each in stored if _is_holder(each) and _has_other_access(each)]


def is_held_by(site: Any, holders: Iterable[Any]) -> bool:
    """Say whether ``site`` is in one of ``holders``."""
    ids = {id(aq_base(each)) for each in holders}
    return any(id(aq_base(each)) in ids for each in aq_chain(aq_inner(site)))


def _is_holder(obj: Any) -> bool:
    is_content = IContentish.providedBy(obj) or ISiteRoot.providedBy(obj)
    return bool(IObjectManager.providedBy(obj)) and not is_content


def _has_other_access(obj: Any) -> bool:
    before, now = stored_state(obj), obj.__getstate__()
    return bool(before) and any(
        before.get(name) != now.get(name) for name in _OF_ACCESS
    )


def _shown(items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return those of annotations that pages may show, and of which no event tells."""
    return {
        key: value
        for key, value in items
        if not str(key).startswith(_HEARD) or str(key).startswith(_UNHEARD)
    }


def _nodes(tree: Any) -> list[Any]:
    """Return what keeps the keys of a tree, and is in memory: not their values."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        found.append(_Alone(node))
        if node._p_state != GHOST:
            todo += _children(node.__getstate__())
    return found


def _children(state: Any) -> list[Any]:
    """Return the nodes below a tree that has this state; none of what keeps its keys."""
    first = state[0] if isinstance(state, tuple) and len(state) == 2 else ()
    return [each for each in first[::2] if IPersistent.providedBy(each)]


def _items_before(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the keys and values that a tree had before this transaction."""
    state = stored_state(node)
    children = _children(state)
    for child in children:
        yield from _items_before(child)
    # A small tree has its keys in itself, in one more pair of tuples
    while not children and state and isinstance(state[0], tuple):
        state = state[0]
    if not children and state:
        yield from zip(state[::2], state[1::2], strict=False)


class _Alone:
    """Stands for an object, without what it has."""

    def __init__(self, obj: Any):
        self.obj = obj


def _is_among(thing: Any, changed: Collection[bytes]) -> bool:
    """Say whether ``thing``, or a part of it that is in memory, is among what ``changed``."""
    seen: set[int] = set()
    todo = [thing]
    while todo:
        each = aq_base(todo.pop())
        if isinstance(each, _Alone):
            each, parts = each.obj, ()
        else:
            parts = _parts(each)
        if getattr(each, "_p_oid", None) in changed:
            return True
        if id(each) not in seen:
            seen.add(id(each))
            todo += parts
        if len(seen) > _MOST_PARTS:
            return True
    return False


def _parts(obj: Any) -> list[Any]:
    """Return what an object has in memory, but for content: that speaks for itself."""
    if isinstance(obj, dict):
        return list(obj.values())
    if isinstance(obj, (list, tuple, set, frozenset)):
        return list(obj)
    if not IPersistent.providedBy(obj) or obj._p_state == GHOST:
        return []
    if IContentish.providedBy(obj) or ISiteRoot.providedBy(obj):
        return []
    state = obj.__getstate__()
    if isinstance(state, dict):
        return [value for name, value in state.items() if not name.startswith("__")]
    return [state]
