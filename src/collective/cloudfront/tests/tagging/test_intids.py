"""Specification: the number of an object is found quickly, and never a wrong one."""

from Acquisition import aq_base
from collective.cloudfront.tagging.intids import intid_of
from plone import api
from zope.component import getUtility
from zope.intid.interfaces import IIntIds

import pytest


@pytest.fixture
def page(portal):
    with api.env.adopt_roles(["Manager"]):
        return api.content.create(portal, "Document", "page")


class Counting:
    """Numbers that count how often they are searched."""

    def __init__(self, intids):
        self.refs, self.queryId, self.searched = intids.refs, self.search, 0
        self._intids = intids

    def search(self, obj):
        self.searched += 1
        return self._intids.queryId(obj)


def test_it_is_the_one_that_plone_finds(page):
    intids = getUtility(IIntIds)
    for _ in range(2):
        assert intid_of(intids, page) == intids.queryId(aq_base(page))


def test_it_is_searched_once(page):
    intids = Counting(getUtility(IIntIds))
    found = {intid_of(intids, page) for _ in range(3)}
    assert len(found) == 1
    assert intids.searched <= 1


def test_a_number_given_anew_is_found(page):
    intids = getUtility(IIntIds)
    before = intid_of(intids, page)
    intids.unregister(page)
    assert intid_of(intids, page) is None
    intids._v_nextid = None
    after = intids.register(page)
    assert intid_of(intids, page) == after
    assert intids.refs.get(before) is None or before == after


def test_a_number_that_another_object_has_got_is_not_taken(page, portal):
    intids = getUtility(IIntIds)
    before = intid_of(intids, page)
    intids.unregister(page)
    with api.env.adopt_roles(["Manager"]):
        other = api.content.create(portal, "Document", "other")
    intids.unregister(other)
    intids._v_nextid = before
    assert intids.register(other) == before
    assert intid_of(intids, page) is None


def test_other_ways_to_keep_numbers_are_only_asked(page):
    class Others:
        def queryId(self, obj):
            return 42

    assert intid_of(Others(), page) == 42
    assert intid_of(Others(), page) == 42
