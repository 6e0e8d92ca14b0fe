"""The settings are on a page of their own, which says how purging is and leads back."""

from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.tests.controlpanel.test_page import configured
from collective.cloudfront.tests.controlpanel.test_page import Page
from plone import api
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD

import pytest
import transaction


__all__ = ["configured"]

STATUS, SETTINGS = "@@cloudfront-controlpanel", "@@cloudfront-settings"
SECTIONS = "//*[@id='cloudfront-sections']//a"


@pytest.fixture
def page(configured, portal):
    """Render the page; returns its parts by id."""

    def render(view=SETTINGS):
        return Page(portal.restrictedTraverse(view)())

    return render


@pytest.fixture
def site(functional_portal, process):
    return functional_portal


def sections(contents):
    """Return the pages below our tab: (title, name, active)."""
    return [
        (link.text, link.get("href").rpartition("/")[2], bool(link.get("aria-current")))
        for link in Page(contents).tree.xpath(SECTIONS)
    ]


def test_status_history_and_settings_lead_to_each_other(site, browser):
    person = browser()
    names = ["Status", "History", "Settings"]
    for name in names:
        person.open(f"{site.absolute_url()}/{STATUS}")
        person.getLink(name, index=-1).click()
        found = sections(person.contents)
        assert [title for title, _, _ in found] == names
        assert [title for title, _, active in found if active] == [name]


def test_who_may_not_configure_is_not_led_to_the_settings(site, browser):
    site.manage_permission(MANAGE_PURGING, roles=[], acquire=0)
    transaction.commit()
    person = browser()
    person.open(f"{site.absolute_url()}/{STATUS}")
    assert [title for title, _, _ in sections(person.contents)] == ["Status", "History"]
    assert SETTINGS not in person.contents


def test_the_status_has_no_form_of_settings(page):
    assert "form.buttons.save" not in page(STATUS).contents
    assert "form.buttons.save" in page().contents


def test_after_saving_a_person_reads_that_it_is_saved_and_how_purging_is(site, browser):
    person = browser()
    person.open(f"{site.absolute_url()}/{SETTINGS}")
    person.getControl("Coalescing window").value = "7"
    person.getControl("Save").click()
    assert "Changes saved." in person.contents
    said = Page(person.contents).text("cloudfront-headline")
    assert said == "Everything is delivered."
    person.getLink("See the status").click()
    assert person.url.endswith(f"/{STATUS}")


def test_a_site_still_at_2_0_is_told_to_upgrade(page, configured):
    for name in list(configured.records):
        if name.startswith("collective.cloudfront."):
            del configured.records[name]
    shown = page()
    assert "this site has not" in shown.text("cloudfront-upgrade")
    assert "form.buttons.save" not in shown.contents


def test_settings_can_be_corrected_while_the_outbox_cannot_be_read(
    page, process, monkeypatch
):
    def fail(most):
        raise OutboxUnavailable("disk I/O error")

    monkeypatch.setattr(process.outbox, "work", fail)
    assert "form.buttons.save" in page().contents


def test_a_site_administrator_may_open_it(site, browser):
    api.user.grant_roles(username="test_user_1_", roles=["Site Administrator"])
    transaction.commit()
    person = browser(TEST_USER_NAME, TEST_USER_PASSWORD)
    person.open(f"{site.absolute_url()}/{SETTINGS}")
    assert "form.buttons.save" in person.contents


@pytest.mark.parametrize("view", [STATUS, SETTINGS])
def test_the_page_tells_a_script_where_the_settings_are_now(page, portal, view):
    """For bookmarks of a group of settings, such as …controlpanel#fieldset-tags."""
    (part,) = page(view).tree.xpath("//*[@id='content-core']/*[@data-refresh]")
    moved = f"{portal.absolute_url()}/{SETTINGS}" if view == STATUS else None
    assert part.get("data-settings") == moved


# --- the environment -------------------------------------------------------------


def test_what_the_environment_overrides_is_said_next_to_the_form(page, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_WINDOW", "3")
    assert page().text("cloudfront-overrides") == (
        "CLOUDFRONT_WINDOW is set in this process's environment; the value here is not "
        "used. In force is: 3.0"
    )


def test_a_secret_in_the_environment_is_not_shown(page, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_AWS_SECRET_ACCESS_KEY", "hush")
    shown = page()
    assert "CLOUDFRONT_AWS_SECRET_ACCESS_KEY is set" in shown.text(
        "cloudfront-overrides"
    )
    assert "hush" not in shown.contents


def test_without_overrides_nothing_is_said(page):
    assert page().text("cloudfront-overrides") is None
