"""Specification: how a site purges depends on what its distributions read."""

from collective.cloudfront import settings
from collective.cloudfront.planning.reading import CERTAIN_FOR
from collective.cloudfront.planning.reading import Reading
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import readers
from collective.cloudfront.settings import VOLTO
from collective.cloudfront.tests.settings.test_in_plone import store
from plone import api
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest
import time


DAY = 86400.0
PATHS, BOTH, TAGS = ["paths"], ["tags", "paths"], ["tags"]


def learn(**headers):
    """Know that distributions have read headers for two days."""
    now = time.time()
    readers.learn(
        {
            name: Reading(header, now - 2 * DAY, now, now)
            for name, header in headers.items()
        }
    )


def ways():
    found = read_settings(getUtility(IRegistry), {})
    found = {"tags": found.by_tags, "paths": found.by_paths}
    return [name for name, used in found.items() if used]


@pytest.fixture
def site(portal, process):
    store(
        distribution_id="E1AAA E2BBB/en",
        cache_tags_since="2020-01-01T00:00:00+00:00",
    )
    yield portal
    readers.forget()


def test_a_new_site_uses_tags_by_itself(portal):
    assert api.portal.get_registry_record(f"{PREFIX}.cache_tags") == "auto"


def test_nobody_has_looked_yet(site):
    assert ways() == PATHS


def test_all_distributions_must_read_them(site):
    learn(E1AAA="cache-tag")
    assert ways() == PATHS
    learn(E1AAA="cache-tag", E2BBB="")
    assert ways() == PATHS
    learn(E1AAA="cache-tag", E2BBB="x-other")
    assert ways() == PATHS
    learn(E1AAA="cache-tag", E2BBB="cache-tag")
    assert ways() == TAGS


def test_each_distribution_may_have_a_header_of_its_own(site):
    store(distribution_id="E1AAA E2BBB/en;header=X-Tags")
    store(cache_tags_since="2020-01-01T00:00:00+00:00")
    learn(E1AAA="cache-tag", E2BBB="x-tags")
    assert ways() == TAGS


def test_a_site_without_distributions_purges_nothing_by_tag(site):
    store(distribution_id="")
    assert ways() == PATHS


def test_copies_from_before_the_header_was_read_are_purged_by_path(site):
    now = time.time()
    old = Reading("cache-tag", now - 2 * DAY, now, now)
    new = Reading("cache-tag", now - 0.9 * DAY, now, now)
    readers.learn({"E1AAA": old, "E2BBB": new})
    assert ways() == BOTH


def test_copies_from_before_tags_were_sent_are_purged_by_path(site):
    learn(E1AAA="cache-tag", E2BBB="cache-tag")
    store(cache_tags_since="")
    assert ways() == BOTH


def test_what_is_deployed_in_a_moment_is_not_counted_yet(site):
    now = time.time()
    soon = Reading("cache-tag", now + 900, now, now)
    readers.learn({"E1AAA": soon, "E2BBB": soon})
    assert ways() == BOTH


def test_what_was_seen_long_ago_is_not_relied_on(site):
    now = time.time()
    seen = Reading("cache-tag", now - 9 * DAY, now - CERTAIN_FOR - 1, now)
    readers.learn({"E1AAA": seen, "E2BBB": seen})
    assert ways() == BOTH


def test_what_was_learnt_long_ago_is_not_relied_on(site, monkeypatch):
    learn(E1AAA="cache-tag", E2BBB="cache-tag")
    late = time.monotonic() + readers.LEARNT_FOR + 1
    monkeypatch.setattr(readers.time, "monotonic", lambda: late)
    assert ways() == BOTH


def test_pages_of_volto_are_purged_by_path_until_it_forwards_tags(site):
    learn(E1AAA="cache-tag", E2BBB="cache-tag")
    getUtility(IRegistry).records[VOLTO] = volto_record()
    assert ways() == BOTH
    store(volto_tags=True)
    store(cache_tags_since="2020-01-01T00:00:00+00:00")
    assert ways() == TAGS


def volto_record():
    from plone.registry import field
    from plone.registry import Record

    return Record(field.TextLine(title="Frontend"), "https://www.example.com")


@pytest.mark.parametrize(("tags", "expected"), [("off", PATHS), ("headers", PATHS)])
def test_whoever_has_chosen_need_not_fear_that_it_changes(site, tags, expected):
    learn(E1AAA="cache-tag", E2BBB="cache-tag")
    store(cache_tags=tags)
    assert ways() == expected


def test_whoever_knows_better_purges_by_tag(site):
    store(cache_tags="invalidate")
    store(cache_tags_since="2020-01-01T00:00:00+00:00")
    assert ways() == TAGS


def test_only_what_matters_is_new(site):
    learn(E1AAA="cache-tag")
    known = readers._known["E1AAA"]
    assert not readers.learn({"E1AAA": known})
    seen_again = Reading("cache-tag", known.since, known.seen + 600, known.looked + 600)
    assert not readers.learn({"E1AAA": seen_again})
    assert readers.learn({"E1AAA": Reading("", known.seen, known.seen, known.seen)})


# --- "not modified" -------------------------------------------------------------------------


def may_renew():
    return settings.may_renew(getUtility(IRegistry), {})


def test_a_copy_is_renewed_where_nobody_reads_tags(site):
    assert not may_renew()
    learn(E1AAA="cache-tag", E2BBB="")
    assert may_renew()


def test_a_copy_without_tags_is_not_renewed_where_they_are_read(site):
    now = time.time()
    new = Reading("cache-tag", now - 0.9 * DAY, now, now)
    readers.learn({"E1AAA": new, "E2BBB": new})
    assert not may_renew()
    learn(E1AAA="cache-tag", E2BBB="cache-tag")
    assert may_renew()
    store(cache_tags_since="")
    assert not may_renew()
