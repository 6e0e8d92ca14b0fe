"""Specification: distributions that come and go with the environment of a process."""

from collective.cloudfront.changes.transaction import suspending
from collective.cloudfront.dates.since import SINCE
from collective.cloudfront.testing import DISTRIBUTION
from DateTime import DateTime
from plone import api
from zope.annotation.interfaces import IAnnotations

import pytest
import time
import transaction


E2 = "E2SECOND"


@pytest.fixture
def site(functional_portal, process):
    """A site that has been purging for a day, with a page that expires."""
    with suspending():
        api.content.create(
            functional_portal, "Document", "page", expiration_date=DateTime() + 1
        )
    IAnnotations(functional_portal)[SINCE] = time.time() - 90_000
    transaction.commit()
    process.schedule_dates()
    assert process.deliver() == []
    return functional_portal


def scheduled(process, distribution):
    return {each.item for each in process.outbox.scheduled(99, [distribution])}


def test_a_new_distribution_is_purged_and_gets_the_dates(
    site, new_process, process, monkeypatch
):
    monkeypatch.setenv("CLOUDFRONT_DISTRIBUTION_ID", f"{DISTRIBUTION} {E2}")
    process.schedule_dates()
    assert "/page*" in scheduled(process, E2)
    process.deliver()
    assert process.gateway.batches == [(E2, ("/*",))]


def test_another_place_is_purged_and_another_way_is_not(site, process, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_CACHE_TAGS", "invalidate")
    process.schedule_dates()
    assert process.deliver() == []
    monkeypatch.setenv("CLOUDFRONT_PUBLIC_PREFIX", "/intranet")
    process.schedule_dates()
    assert process.deliver() == ["/intranet*"]


def test_a_new_outbox_gets_the_dates_and_purges_nothing(site, new_process):
    fresh = new_process()
    assert fresh.schedule_dates() == 1
    assert fresh.deliver() == []


def test_what_a_process_saves_that_purges_nothing_is_scheduled_by_others(
    site, process, new_process, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setenv("CLOUDFRONT_ENABLED", "false")
        importing = new_process(process)
        assert importing.schedule_dates() == 0
        api.content.create(site, "Document", "imported", expiration_date=DateTime() + 2)
        transaction.commit()
    assert process.schedule_dates() == 2
    assert "/imported*" in scheduled(process, DISTRIBUTION)
    assert process.deliver() == []
    # And not again and again
    monkeypatch.setenv("CLOUDFRONT_ENABLED", "false")
    importing.schedule_dates()
    monkeypatch.delenv("CLOUDFRONT_ENABLED")
    assert process.schedule_dates() == 0


def test_two_processes_with_other_settings_do_not_take_turns(
    site, process, new_process, monkeypatch
):
    other = new_process(process)

    def look_as_other():
        with monkeypatch.context() as patched:
            patched.setenv("CLOUDFRONT_PUBLIC_PREFIX", "/other")
            return other.schedule_dates()

    assert look_as_other() == 1
    assert process.schedule_dates() == 0
    assert look_as_other() == 0
    assert process.schedule_dates() == 0
