"""Specification: results of functions that all Zope processes share, in Redis.

collective.redismemoize keeps plain data there, and nothing else; one value that is
something else, and it never asks Redis again for that function. ``Shared`` does the same.
"""

from collective.cloudfront.tagging.recording.ram_cache import take_over
from plone import api
from plone.memoize import ram
from plone.memoize.interfaces import ICacheChooser
from Products.Five.browser import BrowserView
from zope.component import getGlobalSiteManager

import pytest


_PLAIN = (str, int, bool, type(None))


class Shared(dict):
    """A memory for plain data."""

    def __setitem__(self, key, value):
        assert_plain(value)
        super().__setitem__(key, value)


def assert_plain(value):
    if type(value) in (tuple, list, set, frozenset):
        for each in value:
            assert_plain(each)
    else:
        assert type(value) in _PLAIN, f"{value!r} cannot be shared"


class Counting(BrowserView):
    made = 0

    def __call__(self):
        return str(self.result())

    @ram.cache(lambda method, self: "result")
    def result(self):
        type(self).made += 1
        catalog = api.portal.get_tool("portal_catalog")
        return len(catalog(portal_type="News Item"))


@pytest.fixture
def shared(tagged, view):
    """Memory that is shared, and a view that uses it."""
    memory = Shared()
    registry = getGlobalSiteManager()
    before = registry.queryUtility(ICacheChooser)

    def choose(name):
        return memory if name.endswith("test_shared_memory.result") else before(name)

    registry.registerUtility(choose, ICacheChooser)
    take_over()
    view("counting", Counting)
    Counting.made = 0
    yield memory
    registry.registerUtility(before, ICacheChooser)


def test_results_are_shared_with_what_they_depend_on(shared, get):
    first = get("/folder/@@counting")
    assert "plone.t.news-item" in first.tags
    assert get("/folder/@@counting").tags == first.tags
    assert Counting.made == 1


def test_what_another_version_has_left_there_is_made_again(shared, get):
    get("/folder/@@counting")
    for key in shared:
        dict.__setitem__(shared, key, ("3", (("no longer known", "x"),)))
    assert get("/folder/@@counting").body == "0"
    assert Counting.made == 2


@pytest.mark.parametrize("left", [None, "3", ("3",), ("3", 4), ("3", (4,))])
def test_what_is_no_result_of_ours_is_made_again(shared, get, left):
    get("/folder/@@counting")
    for key in shared:
        dict.__setitem__(shared, key, left)
    assert get("/folder/@@counting").body == "0"
