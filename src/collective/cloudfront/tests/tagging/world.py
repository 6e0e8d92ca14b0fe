"""A small model of a site, to compare the vocabulary of tags with.

It knows what each kind of dependency asks for, and answers from the objects alone.
"""

from collective.cloudfront.tagging.vocabulary import dependencies as on
from collective.cloudfront.tagging.vocabulary.dependencies import Dependency
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from collective.cloudfront.tagging.vocabulary.of_change import Change
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from hypothesis import strategies as st
from itertools import count
from typing import Any


SITE = "s"
TYPES = ("Document", "News Item")
GROUPS = ("", "g1", "g2")
#: Asked for, and not there until an operation makes it.
MISSING = "missing"


@dataclass(frozen=True)
class Thing:
    parent: str
    portal_type: str = "Document"
    name: int = 0
    title: int = 0
    description: int = 0
    body: int = 0
    #: Shown by pages below it
    banner: int = 0
    group: str = ""
    excluded: bool = False
    #: None: who may see it is what its parent says
    private: bool | None = None


@dataclass
class World:
    things: dict[str, Thing] = field(default_factory=dict)  # in the folders' order
    navigation: Navigation = Navigation()

    def copy(self) -> "World":
        return World(dict(self.things), self.navigation)

    def above(self, uid: str) -> tuple[str, ...]:
        chain = []
        while uid in self.things:
            uid = self.things[uid].parent
            chain.append(uid)
        return tuple(chain)

    def children(self, uid: str) -> list[str]:
        return [each for each, thing in self.things.items() if thing.parent == uid]

    def below(self, uid: str, depth: int = 99) -> list[str]:
        found = []
        for child in self.children(uid) if depth else ():
            found += [child, *self.below(child, depth - 1)]
        return found

    # --- what visitors see -----------------------------------------------------------

    def is_private(self, uid: str) -> bool:
        if uid == SITE:
            return False
        thing = self.things[uid]
        if thing.private is None:
            return self.is_private(thing.parent)
        return thing.private

    def shows(self, uid: str) -> bool:
        """Say whether visitors see it, or may see something below it."""
        return bool(self.label(uid) or self.children(uid))

    def label(self, uid: str) -> Any:
        if uid == SITE:
            return SITE
        if uid not in self.things or self.is_private(uid):
            return None
        return self.title(uid), self.things[uid].description

    def title(self, uid: str) -> Any:
        if uid not in self.things or self.is_private(uid):
            return None
        thing = self.things[uid]
        path = [self.things[each].name for each in self.above(uid)[:-1]]
        return uid, thing.portal_type, thing.title, thing.name, path

    def all_of(self, uid: str) -> Any:
        return self.label(uid) and (
            self.label(uid),
            self.things[uid].body if uid in self.things else 0,
        )

    def answer(self, dependency: Dependency) -> Any:
        """Return what a response with this dependency shows."""
        uid = dependency.uid
        match dependency.kind:
            case Kind.OWN:
                return self.all_of(uid)
            case Kind.LABEL:
                banner = self.things[uid].banner if uid in self.things else 0
                return self.label(uid) and (self.label(uid), banner)
            case Kind.NAMES:
                found = self.children(uid)
                return sorted((each, self.things[each].name) for each in found)
            case Kind.CHILDREN:
                found = self.children(uid)
            case Kind.BELOW:
                found = self.below(uid)
            case Kind.WITHIN:
                found = [
                    each
                    for each in self.below(uid, dependency.depth)
                    if not self.things[each].excluded
                ]
            case Kind.OF_TYPE:
                # Not in the order of folders: such queries depend on the whole site
                found = sorted(
                    each
                    for each, thing in self.things.items()
                    if thing.portal_type == dependency.name
                )
            case Kind.GROUP:
                found = sorted(
                    each
                    for each, thing in self.things.items()
                    if thing.group == dependency.name
                )
            case _:
                return None
        show = {
            Facet.EDIT: self.all_of,
            Facet.LABEL: self.label,
            Facet.TITLE: self.title,
        }[dependency.facet]
        return [each for each in map(show, found) if each]

    # --- what editors do -------------------------------------------------------------

    def change(self, operation: tuple) -> tuple["World", Change | None]:
        """Return the world after an operation, and the change that it was."""
        kind, target, *more = operation
        after = self.copy()
        uids = list(self.things)
        if not uids and kind != "add":
            return after, None
        uid = uids[target % len(uids)] if uids else SITE
        return after, getattr(self, f"_{kind}")(after, uid, *more)

    def _changed(self, after: "World", uid: str, **how: Any) -> Change:
        return Change(
            uid,
            (after.things.get(uid) or self.things[uid]).portal_type,
            self.above(uid) if uid in self.things else None,
            after.above(uid) if uid in after.things else None,
            groups=tuple(
                things[uid].group
                for things in (self.things, after.things)
                if uid in things and things[uid].group
            ),
            in_navigation=any(
                uid in things and not things[uid].excluded
                for things in (self.things, after.things)
            ),
            hidden=not (self.shows(uid) or after.shows(uid)),
            **how,
        )

    def _add(self, after, uid, private, as_missing):
        new = MISSING if as_missing and MISSING not in after.things else _new(after)
        after.things[new] = Thing(uid, private=private)
        return self._changed(after, new)

    def _paste(self, after, uid, elsewhere, as_missing):
        into = list(self.things)[elsewhere % len(self.things)]
        copies = {}
        for each in [uid, *self.below(uid)]:
            copies[each] = _new(after)
            if as_missing and each != uid and MISSING not in after.things:
                copies[each] = MISSING
            parent = copies.get(self.things[each].parent, into)
            after.things[copies[each]] = replace(self.things[each], parent=parent)
        return self._changed(after, copies[uid], subtree=len(copies) > 1)

    def _remove(self, after, uid):
        for each in [uid, *self.below(uid)]:
            del after.things[each]
        return self._changed(after, uid, subtree=bool(self.below(uid)))

    def _move(self, after, uid, elsewhere):
        into = [SITE, *self.things][elsewhere % (len(self.things) + 1)]
        if into in (uid, *self.below(uid)):
            into = self.things[uid].parent
        name = self.things[uid].name + 1
        after.things[uid] = replace(self.things[uid], parent=into, name=name)
        return self._changed(after, uid, subtree=bool(self.below(uid)))

    def _title(self, after, uid):
        thing = self.things[uid]
        after.things[uid] = replace(thing, title=thing.title + 1)
        return self._changed(after, uid)

    def _describe(self, after, uid):
        thing = self.things[uid]
        after.things[uid] = replace(thing, description=thing.description + 1)
        return self._changed(after, uid, titled=False)

    def _body(self, after, uid):
        thing = self.things[uid]
        after.things[uid] = replace(thing, body=thing.body + 1)
        return self._changed(after, uid, label=False)

    def _decorate(self, after, uid):
        thing = self.things[uid]
        after.things[uid] = replace(thing, banner=thing.banner + 1)
        return self._changed(after, uid, label=False, passed_down=True)

    def _retype(self, after, uid, portal_type):
        old = self.things[uid].portal_type
        after.things[uid] = replace(self.things[uid], portal_type=portal_type)
        return self._changed(after, uid, more_types=(old,))

    def _exclude(self, after, uid, excluded):
        after.things[uid] = replace(self.things[uid], excluded=excluded)
        return self._changed(after, uid)

    def _translate(self, after, uid, group):
        after.things[uid] = replace(self.things[uid], group=group)
        return self._changed(after, uid)

    def _hide(self, after, uid, private):
        after.things[uid] = replace(self.things[uid], private=private)
        others = any(
            self.is_private(each) != after.is_private(each) for each in self.below(uid)
        )
        return self._changed(after, uid, subtree=others)

    def _reorder(self, after, uid, to_front):
        after.things.pop(uid)
        rest = after.things
        after.things = {uid: self.things[uid], **rest} if to_front else rest
        if not to_front:
            after.things[uid] = self.things[uid]
        parent = self.things[uid].parent
        if parent == SITE:
            return Change(SITE, "Plone Site", (), (), False, False, True, False)
        return self._changed(after, parent, label=False, edited=False, reordered=True)


def _new(world: World) -> str:
    return next(each for each in map("n{}".format, count()) if each not in world.things)


@st.composite
def worlds(draw: Any) -> World:
    world = World()
    for number in range(draw(st.integers(0, 9))):
        # Those made last more often, so that it gets deep
        parent = draw(st.sampled_from([SITE, *world.things, *list(world.things)[-3:]]))
        world.things[f"o{number}"] = Thing(
            parent,
            draw(st.sampled_from(TYPES)),
            group=draw(st.sampled_from(GROUPS)),
            excluded=draw(st.booleans()),
            private=draw(st.sampled_from([None, None, False, True])),
        )
    roots = draw(st.sets(st.sampled_from([SITE, *world.things]), max_size=2))
    depths = draw(st.sets(st.integers(1, 4), max_size=2))
    world.navigation = Navigation(frozenset(depths), frozenset({SITE, *roots}))
    return world


def dependencies_in(world: World) -> st.SearchStrategy[Dependency]:
    """All that a response may depend on in ``world``."""
    uids = [SITE, *world.things]
    facets = st.sampled_from([Facet.LABEL, Facet.EDIT])
    titles = st.sampled_from([Facet.LABEL, Facet.TITLE])

    def placed(make: Any, *more: Any) -> st.SearchStrategy[Dependency]:
        return st.builds(
            lambda uid, *rest: make(uid, world.above(uid), *rest),
            st.sampled_from(uids),
            *more,
        )

    return st.one_of(
        placed(on.own),
        placed(on.label),
        st.just(on.label(MISSING)),
        placed(on.names),
        placed(on.children, facets),
        placed(on.below, facets),
        placed(on.within, st.integers(1, 5), st.just(world.navigation), titles),
        st.builds(on.of_type, st.just(SITE), st.sampled_from(TYPES), facets),
        st.builds(on.group, st.just(SITE), st.sampled_from(GROUPS[1:])),
        st.just(on.chrome(SITE)),
        st.builds(on.foreign, st.text("abc,é ", min_size=1)),
    )


def pages_in(world: World) -> st.SearchStrategy[list[Dependency]]:
    """Responses as Plone makes them: with the labels of all above what they show."""

    def page(uid: str, rest: list[Dependency]) -> list[Dependency]:
        above = world.above(uid)
        labels = [
            on.label(each, above[position + 1 :]) for position, each in enumerate(above)
        ]
        return [on.own(uid, above), *labels, *rest]

    return st.builds(
        page,
        st.sampled_from([SITE, *world.things]),
        st.lists(dependencies_in(world), max_size=4),
    )


_number = st.integers(0, 20)
_private = st.sampled_from([None, False, True])
operations = st.one_of(
    st.tuples(st.just("add"), _number, _private, st.booleans()),
    st.tuples(st.just("paste"), _number, _number, st.booleans()),
    st.tuples(st.just("remove"), _number),
    st.tuples(st.just("move"), _number, _number),
    st.tuples(st.just("title"), _number),
    st.tuples(st.just("describe"), _number),
    st.tuples(st.just("body"), _number),
    st.tuples(st.just("decorate"), _number),
    st.tuples(st.just("retype"), _number, st.sampled_from(TYPES)),
    st.tuples(st.just("translate"), _number, st.sampled_from(GROUPS)),
    st.tuples(st.just("exclude"), _number, st.booleans()),
    st.tuples(st.just("hide"), _number, _private),
    st.tuples(st.just("reorder"), _number, st.booleans()),
)
