"""Specification: few enough tags, and whatever purged before still purges."""

from collective.cloudfront.tagging.vocabulary import dependencies as on
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.fit import fitting
from collective.cloudfront.tagging.vocabulary.fit import MOST_TAGS
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_change
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_site
from collective.cloudfront.tagging.vocabulary.of_response import tags_of
from collective.cloudfront.tests.profile import repetitions
from collective.cloudfront.tests.tagging.world import dependencies_in
from collective.cloudfront.tests.tagging.world import operations
from collective.cloudfront.tests.tagging.world import pages_in
from collective.cloudfront.tests.tagging.world import SITE
from collective.cloudfront.tests.tagging.world import worlds
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st


#: So small that much must be folded.
FEW = st.integers(3, 9)


@settings(max_examples=repetitions(500))
@given(st.data(), worlds(), operations, FEW)
def test_whatever_purged_a_response_purges_it_with_fewer_tags(
    data, world, operation, most
):
    after, change = world.change(operation)
    assume(change is not None)
    responses = st.lists(dependencies_in(world), max_size=12) | pages_in(world)
    dependencies = data.draw(responses)
    tags = fitting(dependencies, SITE, most)
    purged = tags_of_change(change, world.navigation)
    was_purged = purged & tags_of(dependencies, SITE)
    if change.hidden:  # then only what leads to a name says something else
        was_purged = any(world.answer(d) != after.answer(d) for d in dependencies)
    if tags is not None and was_purged:
        assert purged & tags


@given(st.data(), worlds(), FEW)
def test_never_more_and_always_the_same(data, world, most):
    dependencies = data.draw(st.lists(dependencies_in(world), max_size=12))
    tags = fitting(dependencies, SITE, most)
    assert tags is None or len(tags) <= most
    assert tags == fitting(dependencies[::-1], SITE, most)


@settings(max_examples=repetitions(300))
@given(st.data(), worlds(), FEW)
def test_two_tags_purge_every_response_however_many_are_folded(data, world, most):
    tags = fitting(data.draw(pages_in(world)), SITE, most)
    assert tags is None or tags & tags_of_site(SITE)


@given(st.data(), worlds())
def test_few_tags_are_left_alone(data, world):
    dependencies = data.draw(st.lists(dependencies_in(world), max_size=12))
    plain = tags_of(dependencies, SITE)
    assert fitting(dependencies, SITE, len(plain)) == plain


# --- which way it is folded -----------------------------------------------------------


def listing(folder: str, count: int, make=on.label, above=(SITE,)):
    return [make(f"{folder}{number}", (folder, *above)) for number in range(count)]


def test_siblings_are_folded_into_their_folder():
    dependencies = [on.label("a", (SITE,)), *listing("a", 60)]
    assert fitting(dependencies, SITE) == {"a.l", "a.b"}


def test_labels_stay_labels_and_others_become_any_edit():
    dependencies = [*listing("a", 60), *listing("b", 2, on.own)]
    assert fitting(dependencies, SITE) == {"a.b", "b0", "b1", f"{SITE}.m"}
    dependencies = [*listing("a", 60), *listing("a", 1, on.own)]
    assert fitting(dependencies, SITE) == {"a.b", "a.be", f"{SITE}.m"}


def test_deep_folders_are_folded_before_those_above():
    dependencies = [
        *listing("c", 30, above=("a", SITE)),
        *listing("d", 30, above=("a", SITE)),
        *listing("b", 2),
    ]
    tags = fitting(dependencies, SITE)
    assert {"b0.l", "b1.l"} < tags
    assert "a.b" not in tags


def test_the_largest_folder_is_folded_first():
    dependencies = [*listing("a", 20), *listing("b", 45)]
    assert {"b.b", "a0.l"} < fitting(dependencies, SITE)


def test_many_types_become_the_site():
    types = [on.of_type(SITE, f"T{n}", Facet.EDIT) for n in range(40)]
    assert fitting(types, SITE) == {f"{SITE}.b", f"{SITE}.be"}


def test_dates_of_many_types_become_any_edit():
    dates = [on.undated(SITE, f"T{n}") for n in range(60)]
    assert fitting(dates, SITE) == {f"{SITE}.b", f"{SITE}.be"}


def test_too_many_foreign_tags_do_not_fit():
    tags = [on.foreign(f"t{n}") for n in range(MOST_TAGS)]
    assert len(fitting(tags, SITE)) == MOST_TAGS
    assert fitting([*tags, on.chrome(SITE)], SITE) is None
