"""Specification: without JavaScript everything works; only reloading is one's own."""

from collective.cloudfront.tests.browser.pages import headline
from collective.cloudfront.tests.browser.pages import history
from collective.cloudfront.tests.browser.pages import message
from collective.cloudfront.tests.browser.pages import open_cloudfront
from collective.cloudfront.tests.browser.pages import open_settings
from collective.cloudfront.tests.browser.pages import scheduled
from collective.cloudfront.tests.browser.pages import state
from collective.cloudfront.tests.browser.pages import tomorrow
from collective.cloudfront.tests.browser.pages import unfold
from collective.cloudfront.tests.http.people import eventually
from playwright.sync_api import expect
from playwright.sync_api import Page

import pytest


@pytest.fixture
def page(person) -> Page:
    """A page of an administrator's, who has JavaScript switched off."""
    return person(javascript=False)


def test_the_state_is_shown(page, cloudfront):
    open_cloudfront(page)
    expect(headline(page)).to_be_visible()
    expect(state(page)).not_to_be_visible()
    unfold(page, "By distribution")
    expect(state(page)).to_be_visible()


def test_settings_are_saved(page, cloudfront):
    open_settings(page)
    page.get_by_label("Budget").fill("900")
    page.get_by_role("button", name="Save").click()
    expect(message(page).first).to_contain_text("Changes saved")
    open_settings(page)
    expect(page.get_by_label("Budget")).to_have_value("900")


def test_everything_is_purged(page, cloudfront, viewer):
    viewer.warm("/about")
    open_cloudfront(page)
    page.get_by_role("link", name="Purge all").click()
    page.get_by_role("button", name="Purge everything").click()
    expect(message(page)).to_contain_text("Everything will be removed from CloudFront")
    eventually(lambda: viewer.cache("/about") == "Miss")


def test_pages_and_a_section_typed_are_looked_at_and_purged(page, cloudfront, viewer):
    viewer.warm("/news/story-2")
    open_cloudfront(page)
    page.get_by_role("link", name="Purge pages or a section").click()
    page.get_by_label("Pages").fill("/without-javascript")
    page.get_by_label("Section").fill("/news")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#cloudfront-preview")
    expect(preview).to_contain_text("/without-javascript")
    expect(preview).to_contain_text("/news*")
    assert viewer.cache("/news/story-2") == "Hit"
    page.get_by_role("button", name="Purge", exact=True).click()
    eventually(lambda: viewer.cache("/news/story-2") == "Miss")
    open_cloudfront(page)
    expect(history(page, "/without-javascript")).to_be_visible()


def test_a_purge_is_scheduled_and_cancelled(page, cloudfront):
    open_cloudfront(page)
    page.get_by_role("link", name="Purge all").click()
    page.get_by_label("Reason").fill("Without JavaScript")
    page.get_by_label("Not before").fill(tomorrow())
    page.get_by_role("button", name="Purge everything").click()
    row = scheduled(page).filter(has_text="Without JavaScript")
    row.get_by_role("button", name="Cancel scheduled purge").click()
    expect(message(page)).to_contain_text("cancelled")
    expect(row).to_have_count(0)
