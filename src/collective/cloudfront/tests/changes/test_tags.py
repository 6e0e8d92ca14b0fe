"""Specification: where purging goes by cache tags, which a change purges."""

from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.purge import purge_all
from collective.cloudfront.purge import purge_tag
from collective.cloudfront.purge import suspended
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import registry_of
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_site
from collective.cloudfront.tagging.vocabulary.spelling import chrome_tag
from collective.cloudfront.tagging.vocabulary.spelling import foreign_tag
from collective.cloudfront.tagging.vocabulary.spelling import moved_tag
from collective.cloudfront.tagging.vocabulary.spelling import type_tag
from collective.cloudfront.tagging.vocabulary.spelling import undated_tag
from collective.cloudfront.tests.changes.test_changes import collected
from collective.cloudfront.tests.changes.test_changes import create
from collective.cloudfront.tests.changes.test_changes import edited
from collective.cloudfront.tests.changes.test_changes import site  # noqa: F401
from collective.cloudfront.tests.changes.test_unannounced import commit_at
from dataclasses import replace
from DateTime import DateTime
from plone import api
from plone.app.workflow.events import LocalrolesModifiedEvent
from plone.uuid.interfaces import IUUID
from zope.event import notify

import pytest
import transaction


@pytest.fixture
def tagged(site):  # noqa: F811
    """A site whose pages all carry tags: folder ``news`` with a published page."""
    site.portal_workflow.setDefaultChain("simple_publication_workflow")
    news = create(site, "Folder", id="news")
    page = create(news, id="page")
    for content in (news, page):
        api.content.transition(content, "publish")
    transaction.savepoint(optimistic=True)
    collected(site)
    changes = changes_of(site)
    changes.settings = replace(changes.settings, by_tags=True, by_paths=False)
    return site


def tags(site) -> set[str]:  # noqa: F811
    """Return the tags collected so far; there must be nothing else."""
    items = collected(site)
    assert all(item.startswith("#") for item in items), items
    return {item[1:] for item in items}


def entries(site):  # noqa: F811
    return [entry for entry in changes_of(site).take() if entry.item]


def test_the_edit_of_a_text_purges_the_page_and_what_depends_on_any_edit(tagged):
    page = tagged["news"]["page"]
    edited(page, "IRichTextBehavior.text")
    uid, news, root = IUUID(page), IUUID(tagged["news"]), IUUID(tagged)
    assert tags(tagged) == {
        uid,
        f"{news}.ce",
        f"{news}.be",
        f"{root}.be",
        f"{root}.te.document",
        f"{root}.d.document",
    }


def test_a_title_purges_listings_navigation_and_labels(tagged):
    page = tagged["news"]["page"]
    edited(page, "IDublinCore.title")
    uid, news, root = IUUID(page), IUUID(tagged["news"]), IUUID(tagged)
    found = tags(tagged)
    assert {uid, f"{uid}.l", f"{news}.c", f"{root}.b", f"{root}.b3"} <= found
    assert f"{root}.t.document" in found
    assert chrome_tag(root) not in found
    assert moved_tag(root) not in found


def test_neither_costs_more_than_the_paths_of_an_image(tagged):
    folder = tagged
    for name in ("a", "b", "c", "d", "e", "f"):
        folder = create(folder, "Folder", id=name)
    page = create(folder, id="page")
    tags(tagged)
    edited(page, "IRichTextBehavior.text")
    assert len(tags(tagged)) <= 8
    edited(page, "IDublinCore.title")
    assert len(tags(tagged)) <= 16
    api.content.move(page, tagged["news"])
    assert len(tags(tagged)) <= 16


def test_a_folder_that_is_retracted_takes_what_is_below_with_it_at_once(tagged):
    api.content.transition(tagged["news"], "retract")
    found = entries(tagged)
    root = IUUID(tagged)
    assert f"#{moved_tag(root)}" in {entry.item for entry in found}
    assert all(entry.urgent for entry in found if IUUID(tagged["news"]) in entry.item)


def test_what_is_published_is_not_urgent(tagged):
    page = create(tagged["news"], id="draft")
    tags(tagged)
    api.content.transition(page, "publish")
    assert not any(entry.urgent for entry in entries(tagged))


def test_sharing_is_urgent(tagged):
    notify(LocalrolesModifiedEvent(tagged["news"], None))
    found = entries(tagged)
    assert f"#{moved_tag(IUUID(tagged))}" in {entry.item for entry in found}
    assert all(entry.urgent for entry in found)


def test_a_move_purges_both_places(tagged):
    other = create(tagged, "Folder", id="other")
    transaction.savepoint(optimistic=True)
    tags(tagged)
    page, news = tagged["news"]["page"], tagged["news"]
    api.content.move(page, other)
    found = tags(tagged)
    for container in (news, other):
        assert {f"{IUUID(container)}.c", f"{IUUID(container)}.b"} <= found
    assert {IUUID(page), f"{IUUID(page)}.l"} <= found


def test_a_move_of_a_full_folder_costs_no_more(tagged):
    other = create(tagged, "Folder", id="other")
    for number in range(20):
        create(tagged["news"], id=f"page-{number}")
    transaction.savepoint(optimistic=True)
    tags(tagged)
    api.content.move(tagged["news"], other)
    found = tags(tagged)
    assert moved_tag(IUUID(tagged)) in found
    assert len(found) <= 16


def test_what_is_deleted_is_purged_with_its_listings(tagged):
    page, news = tagged["news"]["page"], tagged["news"]
    uid = IUUID(page)
    api.content.delete(page)
    assert {uid, f"{uid}.l", f"{IUUID(news)}.c"} <= tags(tagged)


def test_redirects_to_what_moves_are_purged_by_path(tagged):
    # A redirect answers where nothing is: nobody knows its tags
    news = tagged["news"]
    api.content.rename(news["page"], "renamed")
    transaction.savepoint(optimistic=True)
    tags(tagged)
    api.content.rename(news["renamed"], "again")
    items = {entry.item for entry in entries(tagged)}
    assert "/news/page*" in items
    assert all(item.startswith("#") for item in items - {"/news/page*", "/news/page"})


def test_another_order_purges_who_shows_it(tagged):
    news = tagged["news"]
    create(news, id="other")
    transaction.savepoint(optimistic=True)
    tags(tagged)
    news.moveObjectsToTop(["other"])
    from zope.container.contained import notifyContainerModified

    notifyContainerModified(news)
    found = tags(tagged)
    assert {f"{IUUID(news)}.c", f"{IUUID(tagged)}.b3"} <= found


def test_a_setting_purges_at_once_what_shows_the_site_around_its_content(tagged):
    api.portal.set_registry_record("plone.site_title", "Another")
    (entry,) = entries(tagged)
    assert entry.item == f"#{chrome_tag(IUUID(tagged))}"
    assert not entry.every


def test_dates_purge_tags_when_they_arrive(tagged):
    page = tagged["news"]["page"]
    page.setExpirationDate(DateTime() + 1)
    edited(page, "IPublication.expires")
    later = [entry for entry in entries(tagged) if entry.due]
    uid = IUUID(page)
    assert f"#{uid}" in {entry.item for entry in later}
    assert all(entry.urgent and entry.key == f"{uid}:expires" for entry in later)


def test_what_a_person_names_is_purged_by_path(tagged):
    api.portal.set_registry_record("collective.cloudfront.cache_tags", "invalidate")
    since = "collective.cloudfront.cache_tags_since"
    api.portal.set_registry_record(since, "2020-01-01T00:00:00+00:00")
    assert not read_settings(registry_of(tagged)).by_paths
    alone, with_below = ManualPurge(tagged), ManualPurge(tagged)
    alone.add_content(tagged["news"], False)
    with_below.add_content(tagged["news"], True)
    assert {item[:5] for item in alone.preview().items} == {"/news"}
    assert with_below.preview().items == ("/news*",)


def test_everything_is_still_a_path(tagged):
    purge_all()
    assert collected(tagged) == {"/*"}


def test_a_name_of_an_add_on_is_purged_as_it_was_told(tagged):
    purge_tag("Weather")
    purge_tag("märz")
    found = tags(tagged)
    assert found == {foreign_tag("Weather"), foreign_tag("märz")}
    assert "weather" in found


def test_a_name_of_an_add_on_purges_everything_where_nobody_knows_it(tagged):
    changes = changes_of(tagged)
    changes.settings = replace(changes.settings, by_tags=False, by_paths=True)
    purge_tag("weather")
    assert collected(tagged) == {"/*"}


def test_a_name_of_an_add_on_needs_letters_and_a_time_to_purge(tagged):
    with pytest.raises(ValueError, match="name"):
        purge_tag("")
    with suspended():
        purge_tag("weather")
        assert tags(tagged) == set()
    assert collected(tagged) == {"/*"}


def test_as_long_as_pages_without_tags_are_cached_there_are_both(tagged):
    changes = changes_of(tagged)
    changes.settings = replace(changes.settings, by_paths=True)
    edited(tagged["news"]["page"], "IRichTextBehavior.text")
    found = collected(tagged)
    assert "/news/page*" in found
    assert f"#{IUUID(tagged['news']['page'])}" in found


def test_an_event_is_found_by_what_it_provides(tagged):
    event = create(tagged["news"], "Event", id="event")
    api.content.transition(event, "publish")
    tags(tagged)
    root = IUUID(tagged)
    edited(event, "IDublinCore.title")
    assert type_tag(root, "plone.event.interfaces.IEvent") in tags(tagged)
    edited(event, "IRichTextBehavior.text")
    found = tags(tagged)
    assert type_tag(root, "plone.event.interfaces.IEvent", Facet.EDIT) in found


def test_the_date_of_what_was_not_published_is_that_of_its_last_change(tagged):
    page = tagged["news"]["page"]
    page.effective_date = None
    edited(page, "IRichTextBehavior.text")
    assert undated_tag(IUUID(tagged), "Document") in tags(tagged)
    page.effective_date = DateTime("2026-01-01")
    edited(page, "IRichTextBehavior.text")
    assert undated_tag(IUUID(tagged), "Document") not in tags(tagged)


def test_what_navigation_does_not_show_leaves_it_alone(tagged):
    navigation = f"{IUUID(tagged)}.b3"
    image = create(tagged["news"], "Image", id="image")
    page = tagged["news"]["page"]
    tags(tagged)
    edited(image, "IDublinCore.title")
    assert navigation not in tags(tagged)
    page.exclude_from_nav = True
    edited(page, "IExcludeFromNavigation.exclude_from_nav")
    assert navigation in tags(tagged)
    edited(page, "IDublinCore.title")
    assert navigation not in tags(tagged)


@pytest.mark.parametrize(
    "field", ["IDublinCore.description", "ILeadImageBehavior.image", "layout"]
)
def test_what_tabs_do_not_show_leaves_them_alone(tagged, field):
    page, root = tagged["news"]["page"], IUUID(tagged)
    edited(page, field)
    found = tags(tagged)
    assert {f"{IUUID(page)}.l", f"{root}.bl3", f"{root}.b"} <= found
    assert f"{root}.b3" not in found


def test_a_title_reaches_tabs_whatever_else_changed(tagged):
    page, root = tagged["news"]["page"], IUUID(tagged)
    edited(page, "IDublinCore.description")
    edited(page, "IDublinCore.title")
    found = tags(tagged)
    assert f"{root}.b3" in found
    assert f"{root}.bl3" not in found  # whatever carries it carries the other, too


# --- what visitors do not see ---------------------------------------------------------


def test_the_edit_of_a_draft_purges_nothing_but_itself(tagged):
    draft = create(tagged["news"], id="draft")
    tags(tagged)
    edited(draft, "IRichTextBehavior.text")
    assert tags(tagged) == {IUUID(draft)}
    edited(draft, "IDublinCore.title")
    assert tags(tagged) == {IUUID(draft), f"{IUUID(tagged['news'])}.n"}


def test_a_draft_that_comes_or_goes_purges_what_answered_at_its_name(tagged):
    news = IUUID(tagged["news"])
    draft = create(tagged["news"], id="draft")
    found = tags(tagged)
    assert f"{news}.n" in found
    assert not {f"{news}.c", f"{news}.b", f"{IUUID(tagged)}.b3"} & found
    transaction.savepoint(optimistic=True)
    api.content.delete(draft)
    found = tags(tagged)
    assert f"{news}.n" in found
    assert not {f"{news}.c", f"{news}.b", f"{IUUID(tagged)}.b3"} & found


def test_a_private_folder_may_hold_what_visitors_see(tagged):
    api.content.transition(tagged["news"], "retract")
    tags(tagged)
    edited(tagged["news"], "IDublinCore.title")
    assert f"{IUUID(tagged)}.b" in tags(tagged)


# --- many at once ---------------------------------------------------------------------


def several(container, many=60):
    pages = [create(container, id=f"page-{number}") for number in range(many)]
    transaction.savepoint(optimistic=True)
    return pages


@pytest.mark.parametrize("transition", ["publish", "retract"])
def test_sixty_at_once_cost_forty_items_or_fewer(tagged, transition):
    pages = several(tagged["news"])
    tags(tagged)
    for page in pages:
        api.content.transition(page, "publish")
    if transition == "retract":
        tags(tagged)
        for page in pages:
            api.content.transition(page, "retract")
    found = entries(tagged)
    assert len(found) <= 40
    items = {entry.item for entry in found}
    news = IUUID(tagged["news"])
    assert {f"#{news}", f"#{news}.l", f"#{moved_tag(IUUID(tagged))}"} <= items
    assert f"#{IUUID(pages[0])}" not in items
    urgent = {entry.item for entry in found if entry.urgent}
    assert (f"#{news}.l" in urgent) is (transition == "retract")


def test_sixty_deleted_at_once_cost_forty_items_or_fewer_beside_their_paths(tagged):
    pages = several(tagged["news"])
    for page in pages:
        api.content.transition(page, "publish")
    tags(tagged)
    api.content.delete(objects=pages)
    assert len(tags(tagged)) <= 40


def test_many_in_many_folders_are_folded_further_up(tagged):
    folders = [create(tagged["news"], "Folder", id=f"f{n}") for n in range(8)]
    pages = [page for folder in folders for page in several(folder, 8)]
    tags(tagged)
    for page in pages:
        api.content.transition(page, "publish")
    assert len(tags(tagged)) <= 40


def test_many_drafts_purge_little(tagged):
    several(tagged)
    assert len(tags(tagged)) < 10


def test_many_at_the_top_of_the_site_purge_everything(tagged):
    pages = several(tagged)
    tags(tagged)
    for page in pages:
        api.content.transition(page, "publish")
    assert tags(tagged) == tags_of_site(IUUID(tagged))


def test_what_is_undone_purges_all_that_has_tags(tagged):
    commit_at("manage_undo_transactions")
    assert tags(tagged) >= tags_of_site(IUUID(tagged))


def test_names_of_add_ons_are_never_folded(tagged):
    pages = several(tagged["news"])
    tags(tagged)
    purge_tag("all.t.things")
    for page in pages:
        api.content.transition(page, "publish")
    found = tags(tagged)
    assert "all.t.things" in found
    assert len(found) <= 40


def test_dates_of_many_are_kept_one_by_one(tagged):
    pages = several(tagged["news"], 20)
    tags(tagged)
    for page in pages:
        page.setExpirationDate(DateTime() + 1)
        api.content.transition(page, "publish")
    kept = {entry.key for entry in entries(tagged) if entry.due}
    assert len(kept) == 20


@pytest.mark.parametrize("name", ["creators", "file", "open_end", "recurrence"])
def test_fields_that_columns_are_made_of_are_labels(tagged, name):
    page = tagged["news"]["page"]
    edited(page, f"ISomething.{name}")
    assert f"{IUUID(page)}.l" in tags(tagged)


def test_a_draft_that_goes_has_left_links_to_it(tagged):
    draft = create(tagged["news"], id="draft")
    uid, news = IUUID(draft), IUUID(tagged["news"])
    transaction.savepoint(optimistic=True)
    tags(tagged)
    api.content.rename(draft, "renamed")
    assert {uid, f"{uid}.l", f"{news}.n"} <= tags(tagged)


def test_the_settings_of_scales_purge_all_pictures(tagged):
    registry_of(tagged)["plone.quality"] = 50
    assert tags_of_site(IUUID(tagged)) <= tags(tagged)
