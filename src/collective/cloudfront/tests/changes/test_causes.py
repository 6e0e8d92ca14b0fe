"""Specification: what is purged says who or what caused it."""

from AccessControl.SecurityManagement import noSecurityManager
from collective.cloudfront.changes.causes import as_cause
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.changes.transaction import collect
from collective.cloudfront.outbox.values import LONGEST_NAME as LONGEST_CAUSE
from collective.cloudfront.purge import purge_path
from collective.cloudfront.testing import use_distributions
from DateTime import DateTime
from hypothesis import given
from hypothesis import strategies as st
from plone import api
from plone.app.testing import TEST_USER_ID
from z3c.caching.interfaces import IPurgePaths
from z3c.caching.purge import Purge
from zope.component import getGlobalSiteManager
from zope.event import notify
from zope.lifecycleevent import modified

import pytest
import transaction


# --- the line -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "names", "count", "cause"),
    [
        ("jane", ["/a"], None, "jane: /a"),
        ("jane", ["/a", "/b", "/c"], None, "jane: /a /b /c"),
        ("jane", ["/a", "/b", "/c", "/d"], None, "jane: /a /b /c and 1 more"),
        ("jane", ["/a", "/b", "/c"], 7, "jane: /a /b /c and 4 more"),
        ("", ["/a", "/b"], None, "/a /b"),
    ],
)
def test_a_cause_names_the_user_and_the_first_of_what_changed(
    user, names, count, cause
):
    assert str(as_cause(user, names, count)) == cause


def test_of_a_long_path_the_end_is_shown_and_of_a_long_user_the_beginning():
    path = f"/{'folder/' * 99}story"
    assert str(as_cause("jane", [path])) == f"jane: …{path[-129:]}"
    assert str(as_cause("j" * 99, ["/a"])) == f"{39 * 'j'}…: /a"


words = st.text(st.characters(min_codepoint=33, max_codepoint=126))


@given(words, st.lists(words, max_size=5), st.integers(0, 10**6))
def test_no_cause_is_so_long_that_the_outbox_cuts_it(user, names, more):
    assert len(str(as_cause(user, names, len(names) + more))) <= LONGEST_CAUSE


# --- in a transaction ---------------------------------------------------------------


@pytest.fixture
def site(portal):
    """The site with a distribution, and nothing collected yet."""
    use_distributions()
    changes_of(portal).take()
    return portal


def taken(site):
    """Return what was collected, without what only cancels, and forget it."""
    return [entry for entry in changes_of(site).take() if entry.item]


def causes(site) -> set[str]:
    return {str(entry.cause) for entry in taken(site)}


def create(container, name: str):
    return api.content.create(container, "Folder", id=name)


def caused_by(*paths: str) -> set[str]:
    return {f"{TEST_USER_ID}: {' '.join(paths)}"}


def test_who_created_something_where(site):
    create(site, "a")
    assert causes(site) == caused_by("/a")


def test_a_folder_is_not_named_for_what_came_into_it(site):
    folder = create(site, "folder")
    taken(site)
    create(folder, "page")
    assert causes(site) == caused_by("/folder/page")


def test_of_many_objects_three_are_named(site):
    folders = [create(site, name) for name in "abcdefg"]
    taken(site)
    for folder in folders:
        modified(folder)
    assert causes(site) == caused_by("/a", "/b", "/c and 4 more")


def test_what_moves_is_named_at_its_old_place_and_its_new_one(site):
    folder = create(site, "old")
    create(folder, "below")
    transaction.savepoint()
    taken(site)
    api.content.rename(folder, "new")
    assert causes(site) == caused_by("/old", "/new")


def test_what_is_deleted_is_named(site):
    folder = create(site, "a")
    taken(site)
    api.content.delete(folder)
    assert causes(site) == caused_by("/a")


def test_the_site_itself_is_named_by_a_slash(site):
    modified(site)
    assert causes(site) == caused_by("/")


def test_a_folder_that_is_reordered_is_named(site):
    folder = create(site, "folder")
    for name in "ab":
        create(folder, name)
    taken(site)
    folder.moveObjectsToTop(["b"])
    notify(Purge(folder))
    assert causes(site) == caused_by("/folder")


def test_a_purge_event_names_its_object_unless_something_else_changed(site):
    told, changed = create(site, "told"), create(site, "changed")
    taken(site)
    notify(Purge(told))
    assert causes(site) == caused_by("/told")
    notify(Purge(told))
    modified(changed)
    assert causes(site) == caused_by("/changed")


def test_a_purge_event_of_what_is_no_content_names_its_path(site):
    class Thing:
        """Something that only its adapter knows."""

    class Paths:
        def __init__(self, context):
            """Any context will do."""

        def getRelativePaths(self):
            return []

        def getAbsolutePaths(self):
            return ["/thing", "/other"]

    taken(site)
    registry = getGlobalSiteManager()
    registration = (Paths, (Thing,), IPurgePaths, "thing")
    registry.registerAdapter(*registration)
    try:
        notify(Purge(Thing()))
    finally:
        registry.unregisterAdapter(*registration)
    assert causes(site) == caused_by("/thing")


def test_settings_are_named_so(site):
    api.portal.set_registry_record("plone.site_title", "New")
    assert causes(site) == caused_by("settings")


def test_purging_that_is_switched_on_is_a_setting(site):
    api.portal.set_registry_record("collective.cloudfront.enabled", False)
    api.portal.set_registry_record("collective.cloudfront.enabled", True)
    assert causes(site) == caused_by("settings")


def test_paths_purged_from_code_are_named(site):
    for path in ("/a", "/b*", "/c", "/d"):
        purge_path(path)
    assert causes(site) == caused_by("/a", "/b*", "/c and 1 more")


def test_code_may_say_what_causes_a_purge(site):
    collect(site, ["/*"], "Purge all (new theme)")
    assert causes(site) == caused_by("Purge all (new theme)")


def test_nobody_is_not_named(site):
    noSecurityManager()
    assert str(SiteChanges(site, None).cause_of("/a")) == "/a"


def test_who_was_logged_in_at_the_first_event_is_named(site):
    purge_path("/a")
    noSecurityManager()
    purge_path("/b")
    assert causes(site) == caused_by("/a", "/b")


def test_a_further_hook_names_what_it_has_collected(site):
    purge_path("/a")
    assert causes(site) == caused_by("/a")
    purge_path("/b")
    assert causes(site) == caused_by("/b")


def test_a_date_is_caused_by_its_object_alone(site):
    pages = [api.content.create(site, "Document", id=name) for name in "ab"]
    taken(site)
    for page in pages:
        page.effective_date = DateTime() + 1
        modified(page)
    found = {(e.key != "", str(e.cause)) for e in taken(site)}
    assert found == {
        (False, f"{TEST_USER_ID}: /a /b"),
        (True, f"{TEST_USER_ID}: /a"),
        (True, f"{TEST_USER_ID}: /b"),
    }


# --- on the way ---------------------------------------------------------------------


def test_a_commit_is_in_the_history_with_its_cause(functional_portal, process):
    process.deliver()
    api.content.create(functional_portal, "Document", id="page")
    transaction.commit()
    process.deliver()
    assert str(process.outbox.history(1)[0].causes) == f"{TEST_USER_ID}: /page"


def test_a_date_waits_in_the_outbox_with_its_cause(functional_portal, process):
    page = api.content.create(functional_portal, "Document", id="page")
    page.expiration_date = DateTime() + 1
    modified(page)
    transaction.commit()
    scheduled = process.outbox.scheduled(99)
    assert {str(each.causes) for each in scheduled if each.key} == {
        f"{TEST_USER_ID}: /page"
    }
