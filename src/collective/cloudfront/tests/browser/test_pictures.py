"""Specification: how our pages look, in the documentation too.

``make screenshots`` runs these alone, and keeps the pictures in docs/images.
"""

from collective.cloudfront.tests.browser.camera import NARROW
from collective.cloudfront.tests.browser.make_sites import EDITOR
from collective.cloudfront.tests.browser.pages import headline
from collective.cloudfront.tests.browser.pages import hindrance
from collective.cloudfront.tests.browser.pages import history
from collective.cloudfront.tests.browser.pages import open_cloudfront
from collective.cloudfront.tests.browser.pages import open_settings
from collective.cloudfront.tests.browser.pages import purge_pages
from collective.cloudfront.tests.browser.pages import scheduled
from collective.cloudfront.tests.browser.pages import tomorrow
from collective.cloudfront.tests.browser.pages import unfold
from collective.cloudfront.tests.http.people import Editor
from playwright.sync_api import expect
from playwright.sync_api import Page

import pytest


@pytest.fixture
def busy(page, editor, cloudfront) -> Page:
    """The CloudFront page of a site where people have worked and planned."""
    text = {"data": "<p>New words.</p>", "content-type": "text/html"}
    person = Editor(editor.url, EDITOR)
    for path in ("/about", "/news/story-1"):
        person.edit(path, text=text)
        open_cloudfront(page)
        expect(history(page, f"{EDITOR}: {path}")).to_be_visible()
    purge_pages(page, "/timetable*", reason="New timetable")
    expect(history(page, "New timetable")).to_contain_text("Completed")
    page.get_by_role("link", name="Purge all").click()
    page.get_by_label("Reason").fill("Relaunch")
    page.get_by_label("Not before").fill(tomorrow())
    page.get_by_role("button", name="Purge everything").click()
    row = scheduled(page).filter(has_text="Relaunch")
    expect(row).to_be_visible()
    yield page
    open_cloudfront(page)
    row.get_by_role("button", name="Cancel scheduled purge").click()
    expect(row).to_have_count(0)


def test_the_status_with_a_history_and_what_is_scheduled(busy, look):
    look(busy)
    for summary in ("By distribution", "This month"):
        unfold(busy, summary)
    look(busy)
    # Without the message that the last form was sent
    open_cloudfront(busy)
    expect(scheduled(busy)).to_be_visible()
    look.picture(busy, "status", "#cloudfront-history")
    busy.set_viewport_size({"width": NARROW, "height": 900})
    look.picture(busy, "status-narrow", "#cloudfront-history")


def test_the_results_of_the_connection_test(page, cloudfront, look):
    open_settings(page)
    look(page)
    look.picture(page, "settings", "#fieldset-settings")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator(".cloudfront-findings").first).to_be_visible()
    look(page)
    page.get_by_text("The exact change").last.click()
    look(page)
    look.picture(page, "test-connection")


def test_the_lifetimes_that_people_can_choose(page, look):
    open_settings(page)
    page.get_by_role("link", name="How long CloudFront keeps pages").click()
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    look(page)
    look.picture(page, "lifetimes")


def test_the_question_before_everything_is_purged(page, look):
    page.goto("@@cloudfront-purge-all")
    page.get_by_label("Reason").fill("New theme")
    look(page)
    look.picture(page, "purge-all")


def test_the_preview_of_what_would_be_purged(page, look):
    page.goto("@@cloudfront-purge")
    page.get_by_label("Pages").fill(
        "/about\n/news/story-1?from=newsletter\nhttps://www.example.com/timetable*"
    )
    page.get_by_label("Reason").fill("New timetable")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#cloudfront-preview")).to_be_visible()
    look(page)
    look.picture(page, "purge-pages")


def test_the_question_before_content_is_purged(page, look):
    page.goto("news/@@cloudfront-purge-content")
    page.get_by_label("Including everything below").check()
    page.get_by_label("Reason").fill("New prices")
    look(page)
    look.picture(page, "purge-content")


@pytest.fixture
def paused(page, editor, cloudfront) -> Page:
    """The CloudFront page of a site whose purging is paused."""
    cloudfront.control.change_options(denied_actions=["CreateInvalidation"])
    editor.edit("/welcome", description="Written for a picture")
    open_cloudfront(page)
    expect(hindrance(page)).to_be_visible()
    yield page
    cloudfront.control.change_options(denied_actions=[])
    # What is paused is tried again at once, also when nothing is changed
    open_settings(page)
    page.get_by_role("button", name="Save").click()
    expect(headline(page)).to_contain_text("Everything is delivered")


def test_a_paused_site_says_what_to_do_in_the_light_and_in_the_dark(paused, look, axe):
    look(paused)
    look.picture(paused, "status-paused", "#cloudfront-cards")
    # Plone's theme has dark colours for sites that switch them on by this attribute;
    # Plone itself never does. Its outlined buttons have too little contrast there
    paused.emulate_media(reduced_motion="reduce")
    paused.evaluate("document.documentElement.setAttribute('data-bs-theme', 'dark')")
    for part in ("#cloudfront-sections", "#cloudfront-banner", "#cloudfront-state"):
        found = axe.run(paused, part)
        assert not found.violations_count, found.generate_report()
    look.picture(paused, "status-dark", "#cloudfront-cards")
