from collective.cloudfront.planning.cover import Allowance
from collective.cloudfront.planning.cover import broadest
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.cover import next_batch
from collective.cloudfront.planning.cover import urgent_first
from collective.cloudfront.planning.items import is_wildcard
from hypothesis import given
from hypothesis import strategies as st


#: Few letters, so that items are prefixes of each other; ``!`` sorts before ``/``
#: and ``c`` after it.
paths = st.text("a/!c", max_size=4).map("/".__add__)
wildcards = paths.map(lambda path: path + "*")
items = st.one_of(paths, paths, wildcards, st.sampled_from(["#a", "#b", "#/a"]))
backlogs = st.lists(items, max_size=40)
allowances = st.builds(Allowance, exact=st.integers(0, 12), wildcards=st.integers(0, 6))
plenty = Allowance(exact=10_000, wildcards=10_000)


def wildcards_of(backlog):
    return [item for item in backlog if is_wildcard(item)]


def exact_of(backlog):
    return [item for item in backlog if not is_wildcard(item)]


def reached(item, wildcards):
    """Say whether ``item`` is under another one of ``wildcards``, the slow way."""
    return any(
        item.startswith("/") and item.startswith(wildcard[:-1]) and item != wildcard
        for wildcard in wildcards
    )


# --- the law --------------------------------------------------------------------


@given(backlogs, allowances)
def test_every_pending_item_is_sent_or_reached_or_stays_pending(backlog, allowance):
    plan = next_batch(backlog, allowance)
    sent = set(plan.items)
    for item in backlog:
        if item in sent or reached(item, wildcards_of(plan.items)):
            continue
        under_a_pending_wildcard = reached(item, wildcards_of(backlog))
        kept_by_quota = (
            len(wildcards_of(plan.items)) == allowance.wildcards
            if is_wildcard(item)
            else len(exact_of(plan.items)) == allowance.exact
        )
        assert under_a_pending_wildcard or kept_by_quota


@given(backlogs, allowances)
def test_no_batch_is_larger_than_its_allowance(backlog, allowance):
    plan = next_batch(backlog, allowance)
    assert len(exact_of(plan.items)) <= allowance.exact
    assert len(wildcards_of(plan.items)) <= allowance.wildcards


@given(backlogs, allowances)
def test_only_what_is_pending_is_sent_and_nothing_twice(backlog, allowance):
    plan = next_batch(backlog, allowance)
    assert set(plan.items) <= set(backlog)
    assert len(set(plan.items)) == len(plan.items)


@given(backlogs, allowances)
def test_nothing_is_paid_for_that_a_pending_wildcard_will_reach(backlog, allowance):
    """… but the very page whose wildcard is held back: it goes ahead."""
    plan = next_batch(backlog, allowance)
    sent = wildcards_of(plan.items)
    assert not [item for item in plan.items if reached(item, sent)]
    twice = [item for item in plan.items if reached(item, wildcards_of(backlog))]
    assert all(f"{item}*" in backlog for item in twice)


def test_a_page_whose_wildcard_is_throttled_goes_ahead():
    backlog = ["/a", "/a*", "/b", "/b*", "/b/c"]
    assert next_batch(backlog, Allowance(9, 1)).items == ("/a*", "/b")
    assert next_batch(backlog, Allowance(9, 2)).items == ("/a*", "/b*")
    # … also if all of it waits for a broader one
    assert next_batch([*backlog, "/*"], Allowance(9, 0)).items == ("/a", "/b")


@given(backlogs, allowances)
def test_the_same_input_gives_the_same_plan(backlog, allowance):
    assert next_batch(list(backlog), allowance) == next_batch(backlog, allowance)
    assert next_batch(backlog + backlog, allowance) == next_batch(backlog, allowance)


@given(backlogs, allowances)
def test_the_oldest_go_first(backlog, allowance):
    plan = next_batch(backlog, allowance)
    everything = wildcards_of(next_batch(backlog, plenty).items)
    chosen = wildcards_of(plan.items)
    assert chosen == everything[: len(chosen)]
    for kind in (wildcards_of, exact_of):
        chosen = kind(plan.items)
        assert chosen == sorted(chosen, key=backlog.index)


@given(backlogs)
def test_enough_quota_leaves_nothing_pending(backlog):
    plan = next_batch(backlog, plenty)
    assert not plan.throttled
    for item in backlog:
        assert item in plan.items or reached(item, wildcards_of(plan.items))


@given(backlogs, allowances)
def test_throttled_says_whether_quota_keeps_exact_paths_waiting(backlog, allowance):
    more = Allowance(plenty.exact, allowance.wildcards)
    everything = exact_of(next_batch(backlog, more).items)
    plan = next_batch(backlog, allowance)
    assert plan.throttled == (len(exact_of(plan.items)) < len(everything))


@given(backlogs, allowances.filter(lambda each: each.exact and each.wildcards))
def test_batch_after_batch_empties_any_backlog(backlog, allowance):
    pending, sent = list(dict.fromkeys(backlog)), []
    while pending:
        plan = next_batch(pending, allowance)
        assert plan.items
        sent += plan.items
        pending = [
            item
            for item in pending
            if item not in plan.items and not reached(item, wildcards_of(plan.items))
        ]
    for item in backlog:
        assert item in sent or reached(item, wildcards_of(sent))


def test_nothing_pending_makes_an_empty_plan():
    plan = next_batch([], plenty)
    assert plan.items == ()
    assert not plan.throttled


def test_no_allowance_makes_an_empty_plan():
    plan = next_batch(["/a", "/b/*"], Allowance(exact=0, wildcards=0))
    assert plan.items == ()
    assert plan.throttled


def test_a_cache_tag_is_reached_by_no_wildcard():
    assert set(next_batch(["#a", "/*"], plenty).items) == {"#a", "/*"}


def test_everything_covers_a_whole_backlog():
    backlog = [f"/folder-{number}/page" for number in range(1000)] + ["/*"]
    assert next_batch(backlog, plenty).items == ("/*",)


# --- urgency --------------------------------------------------------------------


@given(backlogs, st.data())
def test_a_wildcard_that_reaches_something_urgent_goes_before_all_others(backlog, data):
    urgent = data.draw(st.lists(st.sampled_from(backlog))) if backlog else []
    ordered = urgent_first(backlog, urgent)
    assert sorted(ordered) == sorted(backlog)
    first = [
        wildcard
        for wildcard in broadest(wildcards_of(backlog))
        if any(covers(wildcard, item) for item in urgent)
    ]
    count = sum(item in first for item in backlog)
    assert set(ordered[:count]) == set(first)
    rest = [item for item in backlog if item not in first]
    assert ordered[count:] == rest


# --- broadest -------------------------------------------------------------------


@given(st.lists(wildcards, max_size=30))
def test_the_broadest_wildcards_are_those_that_no_other_covers(wildcards):
    kept = broadest(wildcards)
    assert set(kept) == {
        wildcard for wildcard in wildcards if not reached(wildcard, wildcards)
    }
    assert len(set(kept)) == len(kept)
    for wildcard in wildcards:
        assert any(covers(each, wildcard) for each in kept)
