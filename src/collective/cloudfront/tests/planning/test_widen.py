from collective.cloudfront.planning.cover import broadest
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.widen import widen
from hypothesis import given
from hypothesis import strategies as st

import pytest
import time


names = st.sampled_from(["a", "b", "c", "ab", "a.b", "++api++", "@@images", "%7B"])
folders = st.lists(names, max_size=3).map(lambda each: "".join(f"/{n}" for n in each))
endings = st.sampled_from(["", "*", "/*", "?*", "?b=/c/d", "/", "/view"])
paths = st.builds(lambda folder, end: folder + end, folders, endings).map(
    lambda path: path if path.startswith("/") else f"/{path}"
)
backlogs = st.lists(st.one_of(paths, paths, st.sampled_from(["#a", "#b"])), max_size=40)
limits = st.tuples(st.integers(1, 6), st.integers(1, 5))
#: More than any test has.
MANY = 1_000_000


def widened(backlog, wildcards):
    """Return what is pending afterwards."""
    kept = [
        item
        for item in backlog
        if not any(covers(wildcard, item) for wildcard in wildcards)
    ]
    return [*dict.fromkeys(kept), *wildcards]


# --- the laws ---------------------------------------------------------------------


@given(backlogs, limits)
def test_everything_pending_is_covered(backlog, limits):
    result = widened(backlog, widen(backlog, *limits))
    for item in backlog:
        assert item in result or any(
            covers(each, item) for each in result if is_wildcard(each)
        )


@given(backlogs, limits)
def test_there_are_never_more_items_than_before(backlog, limits):
    def billed(items):
        wildcards = broadest(filter(is_wildcard, items))
        exact = {
            item
            for item in items
            if not is_wildcard(item) and not any(covers(w, item) for w in wildcards)
        }
        return len(wildcards) + len(exact)

    result = widened(backlog, widen(backlog, *limits))
    assert billed(result) <= billed(backlog)
    assert len(result) <= len(set(backlog))


@given(backlogs, limits)
def test_wildcards_fit_in_the_end(backlog, limits):
    result = widened(backlog, widen(backlog, *limits))
    assert len(broadest(filter(is_wildcard, result))) <= limits[0]


@given(backlogs, limits)
def test_what_is_widened_is_not_widened_again(backlog, limits):
    result = widened(backlog, widen(backlog, *limits))
    assert widen(result, *limits) == ()


@given(backlogs, limits, st.randoms())
def test_the_order_does_not_matter(backlog, limits, random):
    found = widen(backlog, *limits)
    random.shuffle(backlog)
    assert widen(backlog, *limits) == found


@given(backlogs)
def test_below_the_limits_nothing_changes(backlog):
    assert widen(backlog, MANY, MANY) == ()


@given(backlogs, limits)
def test_only_new_wildcards_are_returned_and_none_under_another(backlog, limits):
    found = widen(backlog, *limits)
    assert not set(found) & set(backlog)
    assert broadest(found) == found
    for wildcard in found:
        assert wildcard.endswith("/*")
        assert any(covers(wildcard, item) for item in backlog)


@given(st.lists(st.sampled_from(["#a", "#b", "#c/d", "#c/*"])), limits)
def test_cache_tags_are_never_widened(tags, limits):
    assert widen(tags, *limits) == ()


# --- siblings ---------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", "*", "?*", "/*", "/", "?a=b"])
def test_many_siblings_become_their_folders_wildcard(ending):
    siblings = [f"/news/{number}{ending}" for number in range(9)]
    assert widen(siblings, MANY, 8) == ("/news/*",)
    assert widen(siblings[:8], MANY, 8) == ()


def test_several_items_of_one_name_count_once():
    items = ["/news/a", "/news/a?*", "/news/a/*", "/news/a*", "/news/b"]
    assert widen(items, MANY, 2) == ()


def test_what_is_pending_for_the_folder_itself_stays():
    items = ["/news", "/news?*", *(f"/news/{number}" for number in range(9))]
    assert widened(items, widen(items, MANY, 8)) == ["/news", "/news?*", "/news/*"]


def test_what_lies_deeper_belongs_to_its_own_folder():
    items = [f"/{number}/a" for number in range(9)]
    assert widen(items, MANY, 8) == ()


def test_children_at_the_top_mean_everything():
    assert widen([f"/{number}" for number in range(9)], MANY, 8) == ("/*",)


def test_folders_that_became_wildcards_are_siblings_themselves():
    items = [f"/{folder}/{page}" for folder in range(3) for page in range(3)]
    assert widen(items, MANY, 2) == ("/*",)


def test_what_a_wildcard_covers_does_not_count():
    items = ["/news/a*", *(f"/news/a{number}" for number in range(9))]
    assert widen(items, MANY, 8) == ()


def test_the_tree_of_the_api_is_a_tree_of_its_own():
    children = [f"/++api++/news/{number}*" for number in range(9)]
    assert widen(children, MANY, 8) == ("/++api++/news/*",)
    top = [f"/++api++/{number}*" for number in range(9)]
    assert widen(top, MANY, 8) == ("/++api++/*",)
    beside = ["/++api++/*", "/++api++", "/a", "/b"]
    assert widen(beside, MANY, 2) == ()


# --- wildcards --------------------------------------------------------------------


def test_the_deepest_and_fullest_folders_are_merged_first():
    items = [*(f"/a/b/{n}/*" for n in range(3)), *(f"/a/c/{n}/*" for n in range(2))]
    items += [f"/d/{number}/*" for number in range(4)]
    assert widen(items, 8, MANY) == ("/a/b/*",)
    assert widen(items, 7, MANY) == ("/a/b/*",)
    assert widen(items, 6, MANY) == ("/a/b/*", "/a/c/*")


def test_at_worst_everything_is_purged():
    assert widen([f"/{n}/a/b/{n}/*" for n in range(20)], 15, MANY) == ("/*",)


def test_exact_paths_are_no_wildcards():
    assert widen([f"/{n}/a" for n in range(20)], 1, MANY) == ()


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_long_backlog_takes_the_time_of_its_length(depth):
    """Ten times the items, and not a hundred times the work."""
    folder = "/a" * depth

    def work(count):
        items = [f"{folder}/{n % 40}/{n}/*" for n in range(count)]
        started = time.thread_time()
        assert len(widened(items, widen(items, 15, MANY))) <= 15
        return time.thread_time() - started

    short = min(work(400) for _ in range(5))
    assert min(work(4_000) for _ in range(3)) < 40 * short
