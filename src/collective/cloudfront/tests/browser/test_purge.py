"""Specification: what people have purged themselves, and who may."""

from collective.cloudfront.tests.browser.make_sites import CONFIGURER
from collective.cloudfront.tests.browser.make_sites import EDITOR
from collective.cloudfront.tests.browser.pages import cloudfront_tab
from collective.cloudfront.tests.browser.pages import headline
from collective.cloudfront.tests.browser.pages import history
from collective.cloudfront.tests.browser.pages import message
from collective.cloudfront.tests.browser.pages import open_cloudfront
from collective.cloudfront.tests.browser.pages import open_control_panel
from collective.cloudfront.tests.browser.pages import purge_pages
from collective.cloudfront.tests.browser.pages import scheduled
from collective.cloudfront.tests.browser.pages import section
from collective.cloudfront.tests.browser.pages import tomorrow
from collective.cloudfront.tests.http.people import eventually
from playwright.sync_api import expect
from playwright.sync_api import Page

import re


# Everything


def test_purge_all_asks_first_and_then_empties_the_edge(page, cloudfront, viewer, look):
    viewer.warm("/about", "/news/story-1")
    open_cloudfront(page)
    page.get_by_role("link", name="Purge all").click()
    expect(page.get_by_role("heading", name="Purge everything?")).to_be_visible()
    look(page)
    page.get_by_label("Reason").fill("New theme")
    assert viewer.cache("/about") == "Hit"
    page.get_by_role("button", name="Purge everything").click()
    expect(message(page)).to_contain_text("Everything will be removed from CloudFront")
    row = history(page, "New theme")
    expect(row).to_contain_text("/*")
    expect(row).to_contain_text("admin")
    for path in ("/about", "/news/story-1"):
        eventually(lambda: viewer.cache(path) == "Miss")  # noqa: B023


def test_plones_own_tab_empties_the_edge_without_a_caching_proxy(
    page, cloudfront, viewer
):
    viewer.warm("/about")
    assert viewer.cache("/about") == "Hit"
    open_control_panel(page, "Caching")
    page.get_by_role("link", name="Purge caching proxy").click()
    page.get_by_label("URLs to purge").fill("/about")
    page.get_by_role("button", name="Purge", exact=True).click()
    expect(page.get_by_text("cloudfront:/about")).to_be_visible()
    # It is still one of Plone's tabs, and ours is among them
    cloudfront_tab(page).click()
    row = history(page, "Purge caching proxy")
    expect(row).to_contain_text("/about")
    expect(row).to_contain_text("admin")
    eventually(lambda: viewer.cache("/about") == "Miss")


def test_who_may_configure_only_sees_no_button_and_is_refused(person, complaints):
    page = person(CONFIGURER)
    open_control_panel(page, "CloudFront")
    expect(headline(page)).to_be_visible()
    section(page, "Settings").click()
    expect(page.get_by_role("button", name="Test connection")).to_be_visible()
    section(page, "Status").click()
    expect(page.get_by_role("link", name="Purge all")).to_have_count(0)
    expect(page.get_by_role("link", name="Purge pages")).to_have_count(0)
    assert_refused(page, complaints, "@@cloudfront-purge-all", "@@cloudfront-purge")


def test_an_editor_sees_nothing_of_the_control_panel(person, complaints):
    page = person(EDITOR)
    assert_refused(
        page,
        complaints,
        "@@cloudfront-controlpanel",
        "@@cloudfront-state",
        "@@cloudfront-purge-all",
        "@@cloudfront-purge",
    )


def assert_refused(page: Page, complaints, *urls: str) -> None:
    """Assert that Plone says that somebody may not see a page."""
    for url in urls:
        page.goto(url)
        expect(
            page.get_by_role("heading", name="Insufficient Privileges")
        ).to_be_visible()


# Later


def test_a_purge_is_scheduled_for_a_chosen_time_and_cancelled(page, cloudfront, look):
    before = len(cloudfront.control.invalidations())
    open_cloudfront(page)
    page.get_by_role("link", name="Purge all").click()
    page.get_by_label("Reason").fill("Relaunch")
    page.get_by_label("Not before").fill(tomorrow())
    page.get_by_role("button", name="Purge everything").click()
    expect(message(page)).to_contain_text("at that time")
    row = scheduled(page).filter(has_text="Relaunch")
    expect(row).to_contain_text("/*")
    expect(row).to_contain_text("3:00")
    look(page)
    row.get_by_role("button", name="Cancel scheduled purge").click()
    expect(message(page)).to_contain_text("cancelled")
    expect(row).to_have_count(0)
    assert len(cloudfront.control.invalidations()) == before


def test_a_moment_that_is_over_is_told(page, cloudfront, look):
    page.goto("@@cloudfront-purge-all")
    page.get_by_label("Not before").fill("2020-01-01T03:00")
    page.get_by_role("button", name="Purge everything").click()
    expect(page.get_by_text("This moment is over")).to_be_visible()
    field = page.get_by_label("Not before")
    expect(field).to_have_accessible_description(re.compile("This moment is over"))
    look(page)


# Pages


def test_each_bad_line_is_told_and_corrected_lines_are_looked_at_and_sent(
    page, cloudfront, viewer, look
):
    viewer.warm("/about")
    before = len(cloudfront.control.invalidations())
    open_cloudfront(page)
    page.get_by_role("link", name="Purge pages or a section").click()
    expect(page.get_by_label("Pages")).to_be_visible()
    look(page)
    page.get_by_label("Pages").fill(
        "/about\nnews\n/ti*tle\nftp://www.example.com/a\nhttps://else.example.org/b"
    )
    page.get_by_role("button", name="Purge", exact=True).click()
    problems = page.locator("#cloudfront-lines-errors").get_by_role("listitem")
    expect(problems).to_have_count(4)
    for line, words in (
        ("Line 2, news", "neither a path"),
        ("Line 3, /ti*tle", "allowed only at the end"),
        ("Line 4, ftp://www.example.com/a", "Only http and https"),
        ("Line 5, https://else.example.org/b", "not a domain of this site"),
    ):
        expect(problems.filter(has_text=line)).to_contain_text(words)
    field = page.get_by_label("Pages")
    expect(field).to_have_accessible_description(re.compile("Line 2, news"))
    look(page)
    assert len(cloudfront.control.invalidations()) == before

    page.get_by_label("Pages").fill(
        "/about\n/news/story-1?from=newsletter\nhttps://www.example.com/timetable*"
    )
    page.get_by_label("Reason").fill("New timetable")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#cloudfront-preview")
    for item in ("/about", "/news/story-1?from=newsletter", "/timetable*"):
        expect(preview.get_by_text(item, exact=True)).to_be_visible()
    expect(preview).to_contain_text("3")
    look(page)
    assert viewer.cache("/about") == "Hit"
    page.get_by_role("button", name="Purge", exact=True).click()
    expect(message(page)).to_contain_text("3")
    expect(history(page, "New timetable")).to_contain_text("/timetable*")
    eventually(lambda: viewer.cache("/about") == "Miss")


def test_a_section_is_chosen_in_the_content_browser(page, cloudfront, viewer):
    viewer.warm("/news/story-2")
    page.goto("@@cloudfront-purge")
    page.get_by_role("link", name="Select").click()
    chooser = page.locator(".content-browser-wrapper")
    chooser.get_by_role("button", name="News", exact=True).click()
    chooser.get_by_role("button", name="select News").click()
    expect(page.locator("#cloudfront-purge-pages")).to_contain_text("News")
    expect(page.get_by_label("Including everything below")).to_be_checked()
    page.get_by_role("button", name="Purge", exact=True).click()
    expect(history(page, "/news*")).to_be_visible()
    eventually(lambda: viewer.cache("/news/story-2") == "Miss")


# Content


def purge_content(page: Page, path: str) -> None:
    page.goto(path)
    toolbar = page.locator("#edit-zone")
    toolbar.get_by_role("link", name="Actions").click()
    toolbar.get_by_role("link", name="Purge from CloudFront").click()
    expect(page.get_by_role("heading", name="Purge from CloudFront")).to_be_visible()


def test_an_editor_purges_one_page_from_the_toolbar(person, cloudfront, viewer, look):
    viewer.warm("/news/story-3", "/about")
    page = person(EDITOR)
    purge_content(page, "news/story-3")
    look(page)
    # Paths are for who asks for them
    expect(page.get_by_text("/news/story-3*")).not_to_be_visible()
    page.get_by_text("Details", exact=True).click()
    expect(page.get_by_text("/news/story-3*")).to_be_visible()
    expect(page.get_by_label("Including everything below")).to_have_count(0)
    page.get_by_label("Reason").fill("New figures")
    page.get_by_role("button", name="Purge", exact=True).click()
    expect(page.get_by_role("heading", name="Story 3")).to_be_visible()
    expect(message(page).first).to_contain_text("Visitors see the current page")
    # And it tells by itself when it is done
    expect(page.get_by_label("CloudFront", exact=True)).to_contain_text(
        "Visitors now see the current page."
    )
    look(page)
    eventually(lambda: viewer.cache("/news/story-3") == "Miss")
    assert viewer.cache("/about") == "Hit"


def test_a_folder_is_purged_from_the_toolbar_with_everything_below(
    page, cloudfront, viewer, look
):
    viewer.warm("/news/story-1", "/about")
    purge_content(page, "news")
    page.get_by_label("Including everything below").check()
    page.get_by_label("Reason").fill("New prices")
    look(page)
    page.get_by_role("button", name="Purge", exact=True).click()
    expect(message(page).first).to_contain_text("Visitors see the current page")
    eventually(lambda: viewer.cache("/news/story-1") == "Miss")
    assert viewer.cache("/about") == "Hit"


def test_what_is_selected_in_a_folder_is_purged_together(
    page, cloudfront, viewer, look
):
    viewer.warm("/news/story-1", "/news/story-2", "/news/story-3")
    page.goto("news/folder_contents")
    for title in ("Story 1", "Story 2"):
        page.get_by_role("row", name=title).get_by_role("checkbox").check()
    page.locator("#btn-cloudfront-purge").click()
    page.get_by_role("button", name="Purge", exact=True).click()
    expect(page.get_by_text("Visitors see the current pages")).to_be_visible()
    eventually(lambda: viewer.cache("/news/story-1") == "Miss")
    assert viewer.cache("/news/story-2") == "Miss"
    assert viewer.cache("/news/story-3") == "Hit"


def test_what_happened_is_told_with_all_items_and_who_did_it(page, cloudfront, look):
    purge_pages(page, "/one\n/two\n/three\n/four", "Four at once")
    open_cloudfront(page)
    section(page, "History").click()
    rows = page.get_by_role("region", name="History").get_by_role("row")
    asked = rows.filter(has_text="Requested").filter(has_text="Four at once")
    expect(asked).to_contain_text("/one")
    look(page)
    rows.filter(has_text="/four").get_by_role("link").first.click()
    items = page.get_by_role("region", name="Items")
    for item in ("/one", "/two", "/three", "/four"):
        expect(items.get_by_text(item, exact=True)).to_be_visible()
    look(page)
