"""Specification: where a Zope process schedules what is missing."""

from collective.cloudfront.changes.transaction import suspending
from collective.cloudfront.dates.thread import DatesThread
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.sites import sites_below
from collective.cloudfront.tests.http.people import eventually
from contextlib import ExitStack
from DateTime import DateTime
from plone import api

import pytest
import threading
import transaction


@pytest.fixture
def database(functional_portal):
    """A site with a page that expires, of which nobody knows."""
    with suspending():
        api.content.create(
            functional_portal, "Document", "page", expiration_date=DateTime() + 1
        )
    transaction.commit()
    return functional_portal._p_jar.db()


@pytest.fixture
def make_thread(process):
    with ExitStack() as stack:

        def make(**options):
            thread = DatesThread(
                process.outbox, sites_below, first_after=0.0, **options
            )
            stack.callback(thread.stop)
            return thread

        yield make


@pytest.fixture
def thread(make_thread):
    return make_thread()


def is_running():
    return any(each.name == "cloudfront-dates" for each in threading.enumerate())


def items(process):
    return {each.item for each in process.outbox.scheduled(99)}


def test_it_works_from_the_start_of_zope(database, thread, process):
    thread.start(database)
    eventually(lambda: "/page*" in items(process))


def test_it_looks_again_when_settings_change(
    database, functional_portal, thread, process
):
    thread.start(database)
    eventually(lambda: "/page*" in items(process))
    name = "collective.cloudfront.distribution_id"
    api.portal.set_registry_record(name, "E2OTHER")
    transaction.commit()
    thread.wake()
    eventually(lambda: process.outbox.scheduled(99, ["E2OTHER"]))


def test_nobody_starts_it_before_there_is_a_database(thread):
    thread.wake()
    assert not is_running()


def test_it_ends_while_it_rests(database, thread, process, monkeypatch):
    monkeypatch.setattr("collective.cloudfront.dates.run.SETTLE", 3600.0)
    thread.start(database)
    eventually(lambda: "/page*" in items(process))
    thread.stop(timeout=60.0)
    assert not is_running()
    # Another process need not wait for its claim
    name = f"dates:{api.content.get_uuid(api.portal.get())}"
    assert process.outbox.claim_run(name, 60)


def test_an_outbox_that_fails_is_tried_again(
    database, make_thread, process, monkeypatch
):
    def fail(*args):
        raise OutboxUnavailable("disk full")

    thread = make_thread(every=0.05)
    with monkeypatch.context() as patched:
        patched.setattr(process.outbox, "release", fail)
        thread.start(database)
        eventually(lambda: process.outbox.run(_name()) is not None)
        assert items(process) == set()
    eventually(lambda: "/page*" in items(process))


def test_an_error_is_logged_once_an_hour(database, make_thread, caplog, monkeypatch):
    looks = []

    def fail(*args):
        looks.append(1)
        raise ValueError("a bug")

    thread = make_thread(every=0.01)
    monkeypatch.setattr(thread, "look", fail)
    thread.start(database)
    eventually(lambda: len(looks) > 3)
    assert caplog.text.count("Dates cannot be scheduled now") == 1


def _name():
    return f"dates:{api.content.get_uuid(api.portal.get())}"
