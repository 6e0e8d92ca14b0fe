"""The cache of a distribution, driven without HTTP and with a clock of our own."""

from .helpers import DISTRIBUTION
from collective.cloudfront.local.cache import EdgeCache
from collective.cloudfront.local.cache import Entry

import pytest


@pytest.fixture
def cache(control, clock):
    """A cache that takes the invalidations of a control plane."""
    cache = EdgeCache(clock)
    control.on_accepted.append(cache.schedule)
    return cache


@pytest.fixture
def invalidate(control):
    """Invalidate items; the effect comes 0.2 s later."""

    def invalidate(*items):
        reference = f"r{len(control.invalidations())}"
        control.create_invalidation(DISTRIBUTION, reference, items)

    return invalidate


@pytest.fixture
def make_entry(clock):
    def make(body="text", tags=(), seconds=60):
        now = clock()
        return Entry(200, "OK", (), body.encode(), frozenset(tags), now, now + seconds)

    return make


@pytest.fixture
def store(cache, make_entry):
    def store(url, tags=(), seconds=60, max_entries=100):
        _, flight = cache.lookup(url)
        return cache.settle(flight, make_entry(url, tags, seconds), max_entries)

    return store


def urls(cache):
    return [row["url"] for row in cache.describe()]


def test_a_stored_response_is_found_until_it_expires(cache, store, clock):
    assert store("/a", seconds=10)
    clock.advance(9.9)
    entry, flight = cache.lookup("/a")
    assert entry.body == b"/a"
    assert flight is None
    clock.advance(0.1)
    entry, flight = cache.lookup("/a")
    assert entry.body == b"/a"  # expired, good for asking whether it is still right
    assert flight


def test_urls_are_compared_as_they_came(cache, store):
    store("/a?x=1")
    for url in ("/a", "/A?x=1", "/a?x=1&", "/a?x=%31"):
        assert cache.lookup(url)[0] is None


def test_an_invalidation_takes_effect_after_its_delay(cache, store, invalidate, clock):
    for url in ("/a", "/a/", "/a?x=1", "/b"):
        store(url)
    invalidate("/a")
    clock.advance(0.19)
    assert "/a" in urls(cache)
    clock.advance(0.02)
    assert urls(cache) == ["/a/", "/a?x=1", "/b"]


def test_a_wildcard_removes_everything_that_starts_with_it(
    cache, store, invalidate, clock
):
    for url in ("/a", "/a/b?x=1", "/ab", "/b"):
        store(url)
    invalidate("/a*")
    clock.advance(1)
    assert urls(cache) == ["/b"]


def test_a_tag_removes_what_carries_it(cache, store, invalidate, clock):
    store("/a", tags=["one", "two"])
    store("/a?x=1", tags=["one"])
    store("/b", tags=["two"])
    invalidate("#ONE")
    clock.advance(1)
    assert urls(cache) == ["/b"]


def test_what_is_fetched_after_the_effect_stays(cache, store, invalidate, clock):
    store("/a")
    invalidate("/a")
    clock.advance(1)
    assert store("/a")
    clock.advance(1)
    assert urls(cache) == ["/a"]


@pytest.mark.parametrize("item", ["/a", "/a*", "/*"])
def test_a_fetch_that_began_before_the_effect_is_not_stored(
    cache, make_entry, invalidate, clock, item
):
    _, flight = cache.lookup("/a")
    invalidate(item)
    clock.advance(1)
    assert not cache.settle(flight, make_entry("old"), 100)
    assert urls(cache) == []


def test_the_same_holds_for_tags(cache, make_entry, invalidate, clock):
    _, one = cache.lookup("/a")
    _, two = cache.lookup("/b")
    invalidate("#one")
    clock.advance(1)
    assert not cache.settle(one, make_entry("old", tags=["one"]), 100)
    assert cache.settle(two, make_entry("new", tags=["two"]), 100)
    assert urls(cache) == ["/b"]


def test_a_fetch_that_ends_before_the_effect_is_stored_and_then_removed(
    cache, make_entry, invalidate, clock
):
    _, flight = cache.lookup("/a")
    invalidate("/a")
    clock.advance(0.1)
    assert cache.settle(flight, make_entry("old"), 100)
    clock.advance(0.11)
    assert urls(cache) == []


def test_a_fetch_of_something_else_is_stored(cache, make_entry, invalidate, clock):
    _, flight = cache.lookup("/a/")
    invalidate("/a")
    clock.advance(1)
    assert cache.settle(flight, make_entry(), 100)


def test_invalidations_do_not_pile_up_where_no_viewer_comes(cache, invalidate, clock):
    for number in range(20):
        invalidate(f"/{number}")
        clock.advance(1)
    assert len(cache._scheduled) <= 1


def test_the_least_recently_used_goes_first(cache, store):
    for url in ("/a", "/b", "/c"):
        store(url)
    cache.lookup("/a")
    store("/d", max_entries=3)
    assert urls(cache) == ["/c", "/a", "/d"]


def test_clearing_forgets_also_what_is_under_way(cache, store, make_entry):
    store("/a")
    _, flight = cache.lookup("/b")
    cache.clear()
    assert not cache.settle(flight, make_entry(), 100)
    assert urls(cache) == []


def test_it_shows_what_is_cached(cache, store, clock):
    store("/a", tags=["t"], seconds=10)
    clock.advance(4)
    assert cache.describe() == [
        {
            "url": "/a",
            "status": 200,
            "bytes": 2,
            "age": 4,
            "fresh_for": 6,
            "tags": ["t"],
        }
    ]
