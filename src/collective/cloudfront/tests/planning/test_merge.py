"""Specification: the same item twice is one item, and waits no longer for that."""

from collective.cloudfront.planning.merge import merged
from collective.cloudfront.planning.merge import Priority
from hypothesis import given
from hypothesis import strategies as st


some = st.lists(
    st.builds(Priority, st.floats(0.0, 1e9), st.booleans()), min_size=1, max_size=8
)


@given(some, st.randoms())
def test_order_and_grouping_do_not_matter(priorities, dice):
    shuffled = list(priorities)
    dice.shuffle(shuffled)
    cut = dice.randrange(len(shuffled))
    first, rest = shuffled[: cut + 1], shuffled[cut + 1 :]
    assert merged(priorities) == merged(shuffled) == merged([merged(first), *rest])


@given(some)
def test_nothing_becomes_younger_or_less_urgent(priorities):
    found = merged(priorities)
    assert all(found.since <= each.since for each in priorities)
    assert found.urgent == any(each.urgent for each in priorities)
    assert found.since in {each.since for each in priorities}
