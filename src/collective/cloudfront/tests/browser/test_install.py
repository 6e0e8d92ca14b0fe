"""Specification: from a plain Plone to a working add-on, and back, by clicking."""

from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.tests.browser.conftest import PLAIN_DISTRIBUTION
from collective.cloudfront.tests.browser.pages import headline
from collective.cloudfront.tests.browser.pages import history
from collective.cloudfront.tests.browser.pages import message
from collective.cloudfront.tests.browser.pages import open_cloudfront
from collective.cloudfront.tests.browser.pages import open_control_panel
from collective.cloudfront.tests.browser.pages import open_settings
from playwright.sync_api import expect
from playwright.sync_api import Page

import pytest


@pytest.fixture
def page(plain_site) -> Page:
    """A page of an administrator's; the add-on is not installed."""
    return plain_site


def add_ons(page: Page, section: str):
    """Go to the Add-ons control panel; return our line in a section of it."""
    open_control_panel(page, "Add-ons")
    card = page.locator(".card").filter(has_text=section)
    return card.get_by_role("listitem").filter(has_text="collective.cloudfront")


def install(page: Page) -> None:
    ours = add_ons(page, "Available add-ons")
    ours.get_by_role("button", name="Install").click()
    expect(message(page).first).to_contain_text("Installed collective.cloudfront")


def uninstall(page: Page) -> None:
    ours = add_ons(page, "Activated add-ons")
    ours.get_by_role("button", name="Uninstall").click()
    expect(message(page).first).to_contain_text("Uninstalled collective.cloudfront")


def test_an_administrator_installs_configures_tests_and_uninstalls_it(
    page, cloudfront, look
):
    install(page)

    # The page says what is missing, and leads there
    open_control_panel(page, "CloudFront")
    expect(headline(page)).to_contain_text("Nothing is purged")
    look(page)
    page.get_by_role("link", name="enter the id of the distribution").click()
    expect(page.get_by_label("Distribution", exact=True)).to_be_in_viewport()

    page.get_by_role("link", name="Change settings").click()
    page.get_by_label("Enable caching").check()
    page.get_by_role("link", name="Caching proxies").click()
    page.get_by_label("Enable purging").check()
    page.get_by_role("button", name="Save").click()
    expect(message(page).first).to_contain_text("Changes saved")
    open_settings(page)
    page.get_by_label("Distribution", exact=True).fill("not an id")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("not saved")
    look(page)
    page.get_by_label("Distribution", exact=True).fill(PLAIN_DISTRIBUTION)
    page.get_by_role("button", name="Save").click()
    expect(headline(page)).to_contain_text("Everything is delivered")
    look(page)

    # Each check has its result
    page.get_by_role("button", name="Test connection").click()
    findings = page.locator(".cloudfront-findings").get_by_role("listitem")
    expect(findings).to_have_count(len(CHECKS))
    for label in CHECKS.values():
        expect(findings.get_by_text(label, exact=True)).to_be_visible()
    expect(findings.locator(".badge", has_text="Error")).to_have_count(0)
    look(page)
    page.get_by_role("link", name="Back").click()

    # It works
    page.goto("")
    page.get_by_role("link", name="Add new").click()
    page.get_by_role("link", name="Page", exact=True).click()
    page.get_by_label("Title").fill("Fresh")
    page.get_by_role("button", name="Save").click()
    open_cloudfront(page)
    expect(history(page, "/fresh")).to_contain_text("Completed")

    # Nothing is left that fails
    uninstall(page)
    open_control_panel(page, "Caching")
    expect(page.get_by_role("link", name="RAM cache")).to_be_visible()
    expect(page.get_by_role("link", name="CloudFront")).to_have_count(0)
    page.goto("@@overview-controlpanel")
    expect(page.get_by_role("link", name="CloudFront")).to_have_count(0)
    page.goto("fresh")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill("Fresher")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Fresher")).to_be_visible()
    page.get_by_role("link", name="Actions").click()
    expect(page.get_by_role("link", name="Rename")).to_be_visible()
    expect(page.get_by_role("link", name="Purge from CloudFront")).to_have_count(0)
