"""Specification: dates of content that was saved before anybody asked for them."""

from collective.cloudfront.changes.transaction import suspending
from collective.cloudfront.dates.run import MOST_OBJECTS
from collective.cloudfront.dates.since import SINCE
from collective.cloudfront.delivery.watch import Ended
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.outbox.lately import is_again
from collective.cloudfront.purge import suspended
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import DISTRIBUTION
from DateTime import DateTime
from plone import api
from plone.event.utils import pydt
from plone.registry.interfaces import IRegistry
from zope.annotation.interfaces import IAnnotations
from zope.component import getUtility
from zope.component.hooks import site as current_site
from zope.lifecycleevent import modified

import pytest
import time
import transaction


E2 = "E2SECOND"
DAY = 86400.0


def setting(name, value):
    getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value


def later(days=1.0):
    return DateTime() + days


def create(container, name, portal_type="Document", **fields):
    return api.content.create(container, portal_type, name, **fields)


def dated(container, name, days=1.0, portal_type="Document", **fields):
    return create(container, name, portal_type, expiration_date=later(days), **fields)


def scheduled(process):
    """Return what is scheduled with a date, without who caused it."""
    return {
        (each.distribution, each.item, each.key, each.due, each.urgent)
        for each in process.outbox.scheduled(100_000)
        if not each.coalesced and not is_again(each.key)
    }


def items(process, distribution=DISTRIBUTION):
    found = process.outbox.scheduled(100_000, [distribution])
    return {
        each.item for each in found if not each.coalesced and not is_again(each.key)
    }


@pytest.fixture
def site(functional_portal, process):
    """A site that purges, with all its dates scheduled: there are none."""
    process.schedule_dates()
    process.deliver()
    process.gateway.batches.clear()
    return functional_portal


def commit():
    transaction.commit()


# --- what appears -------------------------------------------------------------------------


def test_what_was_saved_before_the_first_distribution_is_scheduled(site, process):
    with suspending():
        setting("distribution_id", "")
    commit()
    dated(site, "page")
    commit()
    assert items(process) == set()
    setting("distribution_id", DISTRIBUTION)
    commit()
    assert process.schedule_dates() == 1
    assert "/page*" in items(process)


def test_what_was_saved_before_a_further_distribution_is_scheduled_for_it(
    site, process
):
    dated(site, "page")
    commit()
    before = scheduled(process)
    setting("distribution_id", f"{DISTRIBUTION} {E2}")
    commit()
    assert process.schedule_dates() == 1
    for_second = {each for each in scheduled(process) if each[0] == E2}
    assert for_second == {(E2, *each[1:]) for each in before}


@pytest.mark.parametrize("switch", [PURGING_ENABLED, "collective.cloudfront.enabled"])
def test_what_was_saved_while_purging_was_off_is_scheduled(site, process, switch):
    registry = getUtility(IRegistry)
    registry[switch] = False
    commit()
    dated(site, "page")
    commit()
    assert process.schedule_dates() == 0
    registry[switch] = True
    commit()
    assert process.schedule_dates() == 1
    assert "/page*" in items(process)


def test_what_was_saved_during_a_migration_is_scheduled(site, process):
    with suspended():
        dated(site, "page")
        commit()
    commit()
    assert process.schedule_dates() == 1
    assert "/page*" in items(process)


def test_a_new_outbox_gets_what_the_old_one_had(site, process, new_process):
    dated(site, "page")
    dated(site, "other", days=2)
    commit()
    before = scheduled(process)
    fresh = new_process()
    assert scheduled(fresh) == set()
    assert fresh.schedule_dates() == 2
    assert scheduled(fresh) == before


def test_another_root_folder_replaces_what_was_scheduled_for_the_wrong_one(
    site, process
):
    dated(create(site, "right", "Folder"), "page")
    setting("distribution_id", f"{DISTRIBUTION}/wrong")
    commit()
    process.schedule_dates()
    assert "/page*" not in items(process)
    setting("distribution_id", f"{DISTRIBUTION}/right")
    commit()
    process.schedule_dates()
    assert "/page*" in items(process)


def test_nothing_is_done_twice(site, process, new_process):
    dated(site, "page")
    commit()
    fresh = new_process()
    assert fresh.schedule_dates() == 1
    assert fresh.schedule_dates() == 0
    # Nor by another process on the same outbox, after a restart
    assert new_process(fresh).schedule_dates() == 0


def test_where_nothing_is_purged_nothing_is_scheduled(site, process):
    setting("enabled", False)
    dated(site, "page")
    commit()
    assert process.schedule_dates() == 0
    assert scheduled(process) == set()


# --- just as a save does ------------------------------------------------------------------


def _everything_with_dates(site):
    """Content of each kind that has a date, some of it shown elsewhere."""
    folder = create(site, "folder", "Folder", title="Folder")
    deep = create(create(folder, "b", "Folder"), "c", "Folder")
    dated(deep, "expiring")
    create(deep, "embargo", effective_date=later(2))
    create(deep, "both", effective_date=later(1), expiration_date=later(3))
    moved = dated(deep, "old-name")
    commit()
    api.content.rename(moved, "renamed")
    default = dated(folder, "default")
    folder.default_page = default.getId()
    modified(folder)
    dated(site, "top")
    dated(deep, "folderish", portal_type="Folder")
    start, end = pydt(later(4)), pydt(later(4.1))
    create(deep, "event", "Event", start=start, end=end)
    # And a half: no occurrence begins now, while others look
    past = pydt(DateTime() - 3.5), pydt(DateTime() - 3.4)
    create(
        deep,
        "recurring",
        "Event",
        start=past[0],
        end=past[1],
        recurrence="RRULE:FREQ=DAILY;COUNT=9",
    )
    create(deep, "past", "Event", start=past[0], end=past[1])
    create(
        folder,
        "collection",
        "Collection",
        query=[
            {
                "i": "start",
                "o": "plone.app.querystring.operation.date.afterToday",
                "v": "",
            }
        ],
    )
    for brain in site.portal_catalog.unrestrictedSearchResults(path="/plone/folder"):
        modified(brain.getObject())
    commit()


@pytest.mark.parametrize("tags", ["off", "invalidate"])
@pytest.mark.parametrize("api_paths", ["off", "on"])
def test_the_same_items_are_scheduled_as_by_saves(
    site, process, new_process, tags, api_paths
):
    setting("cache_tags", tags)
    setting("api_paths", api_paths)
    setting("distribution_id", f"{DISTRIBUTION} {E2}/folder;prefix=/p")
    commit()
    _everything_with_dates(site)
    before = scheduled(process)
    assert len({each[2] for each in before}) >= 8
    fresh = new_process()
    fresh.schedule_dates()
    assert scheduled(fresh) == before
    # It names who caused it
    causes = {str(each.causes) for each in fresh.outbox.scheduled(9999)}
    assert any(each.endswith("/folder/b/c/expiring") for each in causes)


def test_a_date_that_arrived_meanwhile_is_purged_at_once(site, process, new_process):
    with suspending():
        for name, days in (("new", -0.002), ("old", -0.1)):  # three minutes, two hours
            folder = create(create(site, name, "Folder"), "b", "Folder")
            dated(create(folder, "c", "Folder"), "page", days)
    # When everything was purged
    IAnnotations(site)[SINCE] = time.time() - 3600
    commit()
    fresh = new_process()
    fresh.schedule_dates()
    assert items(fresh) == set()
    delivered = fresh.deliver()
    assert any(reaches(each, "/new/b/c/page") for each in delivered)
    assert not any(reaches(each, "/old/b/c/page") for each in delivered)


def test_one_object_that_cannot_be_read_keeps_no_other_from_being_scheduled(
    site, process, new_process, monkeypatch, caplog
):
    from collective.cloudfront.reach import by_path

    for name in ("a", "b", "c"):
        dated(site, name)
    commit()
    original = by_path.of_dates

    def failing(obj, *args):
        if obj.getId() == "b":
            raise ValueError("broken")
        return original(obj, *args)

    monkeypatch.setattr(by_path, "of_dates", failing)
    fresh = new_process()
    fresh.schedule_dates()
    assert {"/a", "/c"} <= items(fresh)
    assert "/b" not in items(fresh)
    assert "The dates of /plone/b cannot be scheduled" in caplog.text


# --- meanwhile ----------------------------------------------------------------------------


class During:
    """Do something when the run rests for the n-th time."""

    def __init__(self, number, action):
        self.left = number
        self.action = action

    def __call__(self, seconds):
        self.left -= 1
        if self.left == 0:
            self.action()


def _rescheduling(process, number, action):
    during = During(number, action)
    process.schedule_dates(during)
    assert during.left <= 0


@pytest.fixture
def editor(site):
    """Do something in the site in a transaction of its own, which is committed."""

    def edit(action):
        # The run has a connection, and a current site, of its own
        with current_site(site):
            action(site)
            commit()

    return edit


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_saved_during_the_run_keeps_its_new_date(
    site, process, new_process, editor, number
):
    dated(site, "page", days=1)
    commit()
    fresh = new_process()

    def save(site):
        site.page.expiration_date = later(5)
        modified(site.page)

    _rescheduling(fresh, number, lambda: editor(save))
    dues = {each.due for each in fresh.outbox.scheduled(99) if not each.coalesced}
    assert len(dues) == 1
    assert dues.pop() > float(later(4))


@pytest.mark.parametrize("number", [1, 2])
def test_what_moves_during_the_run_is_scheduled_at_its_new_place(
    site, process, new_process, editor, number
):
    create(site, "folder", "Folder")
    dated(site.folder, "page")
    commit()
    fresh = new_process()
    _rescheduling(
        fresh,
        number,
        lambda: editor(lambda site: api.content.rename(site.folder, "new")),
    )
    assert "/new/page*" in items(fresh)
    assert "/folder/page*" not in items(fresh)


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_deleted_during_the_run_is_not_scheduled(
    site, process, new_process, editor, number
):
    dated(site, "page")
    commit()
    fresh = new_process()
    _rescheduling(
        fresh, number, lambda: editor(lambda site: api.content.delete(site.page))
    )
    assert scheduled(fresh) == set()


def test_settings_that_change_during_the_run_begin_it_again(
    site, process, new_process, editor
):
    dated(site, "page")
    commit()
    fresh = new_process()
    _rescheduling(
        fresh,
        1,
        lambda: editor(lambda site: setting("distribution_id", f"{DISTRIBUTION} {E2}")),
    )
    fresh.schedule_dates()
    assert "/page*" in items(fresh)
    assert "/page*" in items(fresh, E2)


def test_it_writes_nothing_to_the_database(site, process, new_process):
    dated(site, "page")
    commit()
    database = site._p_jar.db()
    before = database.lastTransaction()
    new_process().schedule_dates()
    assert database.lastTransaction() == before


# --- ends before it is done ---------------------------------------------------------------


def _until(number):
    """Return a rest during which the process ends, at the n-th time."""

    def rest(seconds):
        nonlocal number
        number -= 1
        if number == 0:
            raise Ended()

    return rest


def test_a_process_that_ends_leaves_the_rest_to_the_next(site, process, new_process):
    names = [f"page-{number:03}" for number in range(MOST_OBJECTS * 2 + 5)]
    for name in names:
        dated(site, name)
    commit()
    fresh = new_process()
    rests = MOST_OBJECTS + 5
    with pytest.raises(Ended):
        fresh.schedule_dates(_until(rests))
    first = items(fresh)
    assert 0 < len([each for each in first if each.startswith("/page")]) < len(names)
    again = new_process(fresh)
    # What was looked at again is not done again
    assert again.schedule_dates() <= len(names)
    assert {f"/{name}*" for name in names} <= items(again)
    assert again.schedule_dates() == 0


def test_only_one_process_does_it(site, process, new_process):
    dated(site, "page")
    commit()
    fresh = new_process()
    other = new_process(fresh)
    found = []
    _rescheduling(fresh, 1, lambda: found.append(other.schedule_dates()))
    assert found == [0]
    assert "/page*" in items(fresh)


def test_a_broken_site_keeps_no_other_from_being_scheduled(
    site, process, new_process, monkeypatch, caplog
):
    from collective.cloudfront.dates import thread

    dated(site, "page")
    commit()
    fresh = new_process()
    original, broken = thread._wanted, []

    def failing(found):
        if not broken or found in broken:
            broken.append(found)
            raise ValueError("broken")
        return original(found)

    monkeypatch.setattr(thread, "_wanted", failing)
    # The site stands for two
    fresh.dates._sites = lambda app: ["broken", app[site.getId()]]
    monkeypatch.setattr(thread, "_name_of", lambda site: "dates:site")
    fresh.schedule_dates()
    assert "/page*" in items(fresh)
    assert "Dates cannot be scheduled now" in caplog.text
