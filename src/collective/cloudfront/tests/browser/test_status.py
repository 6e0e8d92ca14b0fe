"""Specification: the CloudFront page shows what happens while it happens."""

from collections.abc import Iterator
from collective.cloudfront.tests.browser.pages import headline
from collective.cloudfront.tests.browser.pages import hindrance
from collective.cloudfront.tests.browser.pages import history
from collective.cloudfront.tests.browser.pages import message
from collective.cloudfront.tests.browser.pages import number
from collective.cloudfront.tests.browser.pages import open_cloudfront
from collective.cloudfront.tests.browser.pages import open_settings
from collective.cloudfront.tests.browser.pages import purge_pages
from collective.cloudfront.tests.browser.pages import refused
from collective.cloudfront.tests.browser.pages import unfold
from contextlib import contextmanager
from playwright.sync_api import expect
from playwright.sync_api import Page

import pytest


GOOD, BAD = "AKIALOCALLOCALLOCAL0", "AKIABADBADBADBADBAD0"


@contextmanager
def watching(page: Page) -> Iterator[Page]:
    """Open the CloudFront page, and make sure that it is not reloaded."""
    open_cloudfront(page)
    expect(headline(page)).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    yield page
    assert page.evaluate("window.isTheSamePage")


@pytest.fixture
def watcher(person) -> Iterator[Page]:
    """The CloudFront page, on somebody else's desk."""
    with watching(person()) as page:
        yield page


@pytest.fixture
def window(editor):
    """A function that sets the coalescing window."""
    yield lambda seconds: editor.set(window=seconds)
    editor.set(window=0.3)


def test_an_edit_is_seen_waiting_then_in_progress_then_completed_without_reloading(
    person, cloudfront, window, look
):
    window(6.0)
    cloudfront.control.change_options(completion_delay=8)
    page = person()
    page.goto("about/edit")
    page.get_by_label("Summary").fill("A page about watching.")
    with watching(person()) as watcher:
        expect(headline(watcher)).to_contain_text("Everything is delivered")
        unfold(watcher, "By distribution")
        page.get_by_role("button", name="Save").click()
        expect(number(watcher, "Waiting items")).not_to_have_text("0")
        look(watcher)
        expect(number(watcher, "Invalidations in progress")).to_have_text("1")
        expect(number(watcher, "Waiting items")).to_have_text("0")
        row = history(watcher, "/about")
        expect(row).not_to_contain_text("Completed")
        # What somebody has opened stays open
        expect(number(watcher, "Waiting items")).to_be_visible()
        look(watcher)
        expect(row).to_contain_text("Completed")
        expect(number(watcher, "Invalidations in progress")).to_have_text("0")
        expect(headline(watcher)).to_contain_text("Everything is delivered")


def test_wrong_credentials_pause_purging_and_right_ones_deliver_what_was_kept(
    page, watcher, editor, cloudfront, look
):
    cloudfront.control.change_options(accepted_access_keys=[GOOD])
    enter_key(page, BAD, "wrong-secret")
    editor.edit("/welcome", description="Written under wrong credentials")
    expect(headline(watcher)).to_contain_text("paused")
    expect(headline(watcher)).to_contain_text("nothing is lost")
    expect(hindrance(watcher)).to_contain_text("Check the access key ID")
    look(watcher)
    assert "wrong-secret" not in page.content()
    enter_key(page, GOOD, "right-secret")
    expect(headline(watcher)).to_contain_text("Everything is delivered")
    expect(history(watcher, "/welcome")).to_contain_text("Completed")
    assert "right-secret" not in page.content()
    enter_key(page, "", "")


def test_a_missing_right_pauses_purging_until_it_is_given(
    page, watcher, editor, cloudfront
):
    cloudfront.control.change_options(denied_actions=["CreateInvalidation"])
    editor.edit("/welcome", description="Written without the right")
    expect(headline(watcher)).to_contain_text("paused")
    expect(headline(watcher)).to_contain_text("nothing is lost")
    expect(hindrance(watcher)).to_contain_text("cloudfront:CreateInvalidation")
    cloudfront.control.change_options(denied_actions=[])
    # Somebody who cannot wait some minutes
    open_settings(page)
    page.get_by_label("Budget").fill("1000")
    page.get_by_role("button", name="Save").click()
    expect(headline(watcher)).to_contain_text("Everything is delivered")


def test_the_banner_stays_in_sight_on_a_wide_screen_and_covers_nothing_on_a_narrow_one(
    page, cloudfront
):
    open_cloudfront(page)
    banner = page.locator("#cloudfront-banner")
    end = "window.scrollTo(0, document.body.scrollHeight)"
    page.set_viewport_size({"width": 1280, "height": 400})
    page.locator("#cloudfront-purge").evaluate("element => element.scrollIntoView()")
    expect(banner).to_be_in_viewport()
    page.set_viewport_size({"width": 400, "height": 400})
    page.evaluate(end)
    expect(banner).not_to_be_in_viewport()


def test_bookmarks_of_settings_on_the_former_page_lead_to_them(page, cloudfront):
    page.goto("@@cloudfront-controlpanel#fieldset-costs")
    expect(page.get_by_label("Budget")).to_be_in_viewport()
    assert page.url.endswith("/@@cloudfront-settings#fieldset-costs")


def enter_key(page: Page, identifier: str, secret: str) -> None:
    """Enter a key pair into the settings."""
    open_settings(page)
    page.get_by_label("Access key ID").fill(identifier)
    page.get_by_label("Secret access key").fill(secret)
    page.get_by_role("button", name="Save").click()
    expect(message(page).first).to_contain_text("Changes saved")


def refuse(page: Page, cloudfront, path: str) -> None:
    """Have a path purged that CloudFront refuses, and nothing else."""
    # It is to blame only if something else passes.
    purge_pages(page, "/something-that-passes")
    cloudfront.control.inject(
        "error",
        code="InvalidArgument",
        operation="CreateInvalidation",
        item=path,
        times=None,
    )
    purge_pages(page, path)
    expect(refused(page, path)).to_be_visible()
    cloudfront.control.clear_faults()


def test_a_refused_item_is_shown_with_the_reason_and_can_be_tried_again(
    page, cloudfront, look
):
    refuse(page, cloudfront, "/refused-and-tried-again")
    row = refused(page, "/refused-and-tried-again")
    expect(row).to_contain_text("InvalidArgument")
    look(page)
    row.get_by_role("button", name="Try again").click()
    expect(message(page)).to_contain_text("sent again")
    expect(row).to_have_count(0)
    expect(history(page, "/refused-and-tried-again")).to_contain_text("Completed")


def test_a_refused_item_can_be_discarded(page, cloudfront):
    refuse(page, cloudfront, "/refused-and-discarded")
    row = refused(page, "/refused-and-discarded")
    expect(row.get_by_role("button", name="Discard this item")).not_to_be_visible()
    row.locator("summary").click()
    row.get_by_role("button", name="Discard this item").click()
    expect(message(page)).to_contain_text("discarded")
    expect(row).to_have_count(0)
    assert not [
        made
        for made in cloudfront.control.invalidations()
        if "/refused-and-discarded" in made.items
    ]
