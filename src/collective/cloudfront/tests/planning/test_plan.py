from collective.cloudfront.planning.cover import count_items
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.items import wildcards_of
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.plan import decide
from collective.cloudfront.tests.planning.test_cover import backlogs
from collective.cloudfront.tests.planning.test_cover import items
from hypothesis import given
from hypothesis import strategies as st


NOW = 1000.0

limits = st.builds(
    Limits,
    exact_in_progress=st.integers(1, 20),
    wildcards_in_progress=st.integers(1, 4),
    exact_burst=st.integers(1, 20).map(float),
    wildcard_burst=st.integers(1, 4).map(float),
    batch=st.integers(1, 20),
    wildcards=st.integers(1, 3),
)
running = st.lists(items, max_size=8)


@st.composite
def worlds(draw):
    """Return limits, a pace within them, what is pending, urgent, and running."""
    quotas = draw(limits)
    pace = Pace(
        exact=Bucket(draw(st.floats(-5.0, quotas.exact_burst)), NOW),
        wildcards=Bucket(draw(st.floats(-2.0, quotas.wildcard_burst)), NOW),
        shrink=draw(st.sampled_from([1.0, 2.0, 64.0])),
    )
    pending = list(dict.fromkeys(draw(backlogs)))
    urgent = [item for item in pending if draw(st.booleans())]
    return quotas, pace, pending, urgent, draw(running)


def decided(world, most_siblings=8):
    quotas, pace, pending, urgent, busy = world
    return decide(pending, urgent, pace, busy, NOW, quotas, most_siblings)


def is_reached(item, wildcards):
    return any(covers(each, item) for each in wildcards)


@given(worlds())
def test_nothing_is_sent_that_is_not_pending_or_above_the_quotas(world):
    quotas, pace, pending, _urgent, busy = world
    decision = decided(world)
    assert set(decision.items) <= set(pending)
    allowed = pace.allowance(NOW, count_items(busy), quotas)
    sent = count_items(decision.items)
    assert sent.exact <= allowed.exact
    assert sent.wildcards <= allowed.wildcards


@given(worlds())
def test_wider_items_cover_something_that_is_pending_and_are_new(world):
    _quotas, _pace, pending, *_others = world
    wider = decided(world, most_siblings=2).wider
    assert not set(wider) & set(pending)
    for each in wider:
        assert any(covers(each, item) for item in pending)


@given(worlds())
def test_widening_ends(world):
    quotas, pace, pending, urgent, busy = world
    for _ in range(100):
        decision = decide(pending, urgent, pace, busy, NOW, quotas, 2)
        if not decision.wider:
            break
        left = [each for each in pending if not is_reached(each, decision.wider)]
        pending = [*left, *decision.wider]
        urgent = [each for each in urgent if each in pending]
    assert not decision.wider


@given(worlds())
def test_only_for_quota_nothing_is_sent(world):
    quotas, pace, pending, _urgent, busy = world
    decision = decided(world)
    if pending and not decision.items and not decision.wider:
        allowed = pace.allowance(NOW, count_items(busy), quotas)
        pending_kinds = count_items(pending)
        assert (
            pending_kinds.exact > allowed.exact
            or pending_kinds.wildcards > allowed.wildcards
        )


@given(worlds())
def test_urgent_items_never_wait_for_a_larger_batch(world):
    quotas, pace, pending, urgent, busy = world
    decision = decided(world)
    allowed = pace.allowance(NOW, count_items(busy), quotas)
    if urgent and not decision.wider and allowed.exact and allowed.wildcards:
        assert decision.items


@given(worlds())
def test_what_is_reserved_is_missing_afterwards(world):
    _quotas, pace, *_others = world
    decision = decided(world)
    if not decision.items:
        return
    after, kinds = decision.pace, count_items(decision.items)
    assert after.exact.tokens == pace.exact.tokens - kinds.exact
    assert after.wildcards.tokens == pace.wildcards.tokens - kinds.wildcards
    assert after.shrink == pace.shrink


def test_a_few_items_go_out_together_as_they_are():
    pace = Pace.fresh(NOW, Limits())
    decision = decide(["/a", "/b*", "#c"], [], pace, [], NOW, Limits(), 8)
    assert sorted(decision.items) == ["#c", "/a", "/b*"]
    assert wildcards_of(decision.items) == ["/b*"]
    assert not decision.wider
    assert not decision.is_over_quota
