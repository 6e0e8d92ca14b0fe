"""Specification: whatever has another answer after a change is purged."""

from collective.cloudfront.tagging.vocabulary import dependencies as on
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from collective.cloudfront.tagging.vocabulary.fold import fold
from collective.cloudfront.tagging.vocabulary.levels import LEVELS
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from collective.cloudfront.tagging.vocabulary.of_change import Change
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_change
from collective.cloudfront.tagging.vocabulary.of_response import tags_of
from collective.cloudfront.tagging.vocabulary.spelling import moved_tag
from collective.cloudfront.tests.profile import repetitions
from collective.cloudfront.tests.tagging.world import dependencies_in
from collective.cloudfront.tests.tagging.world import operations
from collective.cloudfront.tests.tagging.world import pages_in
from collective.cloudfront.tests.tagging.world import SITE
from collective.cloudfront.tests.tagging.world import World
from collective.cloudfront.tests.tagging.world import worlds
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import pytest


UID = "5a9ac1a9c1dd4dc29ab6b2d5a54e9f1f"

Examples = settings(max_examples=repetitions(500))


def purged(world: World, operation: tuple) -> tuple[World, frozenset[str]]:
    after, change = world.change(operation)
    assume(change is not None)
    return after, tags_of_change(change, world.navigation)


# --- the law --------------------------------------------------------------------------


@Examples
@given(st.data(), worlds(), operations)
def test_whatever_has_another_answer_is_purged(data, world, operation):
    after, tags = purged(world, operation)
    dependencies = data.draw(st.lists(dependencies_in(world), min_size=1, max_size=4))
    if any(world.answer(each) != after.answer(each) for each in dependencies):
        assert tags & tags_of(dependencies, SITE)


@Examples
@given(st.data(), worlds(), operations)
def test_a_page_that_shows_something_else_is_purged(data, world, operation):
    after, tags = purged(world, operation)
    dependencies = data.draw(pages_in(world))
    if any(world.answer(each) != after.answer(each) for each in dependencies):
        assert tags & tags_of(dependencies, SITE)


@Examples
@given(st.data(), worlds(), st.lists(operations, min_size=2, max_size=8))
def test_whatever_many_changes_give_another_answer_is_purged(data, world, several):
    after, tags, places = world, set(), {}
    for operation in several:
        after, change = after.change(operation)
        if change is not None:
            tags |= tags_of_change(change, world.navigation)
            if change.place:
                places.setdefault(change.uid, set()).add(change.place)
    folded = fold(places, data.draw(st.integers(0, 3)))
    if folded is None:
        return  # everything is purged
    tags = {tag for tag in tags if not folded.replaces(tag)} | folded.tags
    dependencies = data.draw(
        pages_in(world) | st.lists(dependencies_in(world), min_size=1, max_size=4)
    )
    if any(world.answer(each) != after.answer(each) for each in dependencies):
        assert tags & tags_of(dependencies, SITE)


# --- what is not purged ---------------------------------------------------------------


@given(st.data(), worlds(), st.integers(0, 20))
def test_an_edit_of_a_text_leaves_alone_what_shows_labels(data, world, target):
    _after, tags = purged(world, ("body", target))
    dependency = data.draw(dependencies_in(world))
    assume(dependency.facet is Facet.LABEL and dependency.kind is not Kind.OWN)
    assume(dependency.kind is not Kind.FOREIGN)
    assert not tags & tags_of([dependency], SITE)


def test_what_nobody_sees_purges_only_itself_and_its_name():
    change = Change(UID, "Document", ("p", "s"), ("q", "s"), hidden=True)
    assert tags_of_change(change, NAVIGATION) == {UID, "p.n", "q.n"}
    created = Change(UID, "Document", None, ("p", "s"), hidden=True)
    assert tags_of_change(created, NAVIGATION) == {"p.n"}
    edited = Change(UID, "Document", ("p", "s"), ("p", "s"), label=False, hidden=True)
    assert tags_of_change(edited, NAVIGATION) == {UID}


@given(st.data(), worlds(), st.integers(0, 20), st.integers(2, 4))
def test_what_lies_deeper_or_is_excluded_leaves_navigation_alone(
    data, world, target, depth
):
    world.navigation = Navigation(frozenset({2, 4}), frozenset({SITE}))
    _after, tags = purged(world, ("title", target))
    uid = list(world.things)[target % len(world.things)]
    navigation = on.within(SITE, (), depth, world.navigation)
    shown = len(world.above(uid)) <= (2 if depth == 2 else 4)
    shown &= not world.things[uid].excluded and world.shows(uid)
    assert bool(tags & tags_of([navigation], SITE)) == shown


@given(st.data(), worlds(), st.integers(0, 20), st.integers(2, 4))
def test_a_description_leaves_tabs_alone_but_not_what_shows_it(
    data, world, target, depth
):
    world.navigation = Navigation(frozenset({2, 4}), frozenset({SITE}))
    _after, tags = purged(world, ("describe", target))
    tabs = on.within(SITE, (), depth, world.navigation, Facet.TITLE)
    assert not tags & tags_of([tabs], SITE)
    shown = on.within(SITE, (), depth, world.navigation)
    _after, of_title = purged(world, ("title", target))
    assert bool(tags & tags_of([shown], SITE)) == bool(
        of_title & tags_of([shown], SITE)
    )


def test_the_deepest_navigation_stands_for_what_is_less_deep():
    navigation = Navigation(frozenset({1, 3}), frozenset({SITE}))
    tabs = on.within(SITE, (), 1, navigation)
    deep = on.within(SITE, (), 3, navigation, Facet.TITLE)
    assert tags_of([tabs], SITE) == {"s.b1", "s.bl1"}
    assert tags_of([tabs, deep], SITE) == {"s.bl1", "s.b3"}


def test_navigation_of_one_level_is_that_of_the_top():
    navigation = Navigation(frozenset({1, 3}), frozenset({SITE}))
    top = Change("x", "Document", (SITE,), (SITE,))
    assert {"s.b1", "s.b3"} <= tags_of_change(top, navigation)
    below = Change("x", "Document", ("f", SITE), ("f", SITE))
    assert "s.b1" not in tags_of_change(below, navigation)


@given(st.data(), worlds())
def test_the_breadcrumbs_of_a_page_tell_when_it_moves(data, world):
    page = data.draw(pages_in(world))
    breadcrumbs = page[: len(page[0].above) + 1]
    assert moved_tag(SITE) not in tags_of(breadcrumbs, SITE)


# --- bills ----------------------------------------------------------------------------

ABOVE = tuple(f"{letter}{UID[1:]}" for letter in "fedcba")
OTHER = tuple(f"{letter}{UID[1:]}" for letter in "543210")
NAVIGATION = Navigation(frozenset({3}), frozenset({ABOVE[-1]}))


@pytest.mark.parametrize("depth", range(1, 7))
def test_an_edit_of_a_text_costs_seven_items_or_fewer(depth):
    change = Change(UID, "Document", ABOVE[-depth:], ABOVE[-depth:], label=False)
    assert len(tags_of_change(change, NAVIGATION)) <= 4 + LEVELS


def test_the_tags_of_an_edit_of_a_text():
    change = Change(UID, "News Item", ("p", "q", "s"), ("p", "q", "s"), label=False)
    assert tags_of_change(change, NAVIGATION) == {
        UID,
        "p.ce",
        "p.be",
        "q.be",
        "s.be",
        "s.te.news-item",
    }


@pytest.mark.parametrize("depth", range(1, 7))
def test_an_edit_of_a_title_costs_nine_items_or_fewer(depth):
    change = Change(UID, "Document", ABOVE[-depth:], ABOVE[-depth:])
    assert len(tags_of_change(change, NAVIGATION)) <= 9


def test_a_move_costs_thirteen_items_or_fewer():
    before, after = ABOVE, (*OTHER, ABOVE[-1])
    for subtree in (True, False):
        change = Change(UID, "Document", before, after, subtree=subtree)
        assert len(tags_of_change(change, NAVIGATION)) <= 13
