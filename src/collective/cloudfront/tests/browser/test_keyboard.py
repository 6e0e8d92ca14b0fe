"""Specification: the keyboard is enough, and nothing takes the focus away."""

from collective.cloudfront.tests.browser.pages import history
from collective.cloudfront.tests.browser.pages import message
from collective.cloudfront.tests.browser.pages import open_cloudfront
from collective.cloudfront.tests.http.people import eventually
from playwright.sync_api import expect
from playwright.sync_api import Locator
from playwright.sync_api import Page


#: A page with Plone's toolbar and menus has some fifty stops.
MOST_STOPS = 120


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


def test_everything_is_purged_by_the_keyboard_alone(page, cloudfront, viewer):
    viewer.warm("/about")
    open_cloudfront(page)
    tab_to(page, page.get_by_role("link", name="Purge all"))
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Purge everything")
    expect(button).to_be_visible()
    tab_to(page, button)
    page.keyboard.press("Space")
    expect(message(page)).to_contain_text("Everything will be removed from CloudFront")
    eventually(lambda: viewer.cache("/about") == "Miss")


def test_pages_are_purged_by_the_keyboard_alone(page, cloudfront, viewer):
    viewer.warm("/about")
    open_cloudfront(page)
    tab_to(page, page.get_by_role("link", name="Purge pages or a section"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Pages")).to_be_visible()
    tab_to(page, page.get_by_label("Pages"))
    page.keyboard.type("/about")
    tab_to(page, page.get_by_label("Including everything below"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("Reason"))
    page.keyboard.type("By keyboard")
    tab_to(page, page.get_by_role("button", name="Preview"))
    page.keyboard.press("Enter")
    expect(page.locator("#cloudfront-preview")).to_contain_text("/about")
    expect(page.get_by_label("Including everything below")).not_to_be_checked()
    tab_to(page, page.get_by_role("button", name="Purge", exact=True))
    page.keyboard.press("Enter")
    expect(history(page, "By keyboard")).to_be_visible()
    eventually(lambda: viewer.cache("/about") == "Miss")


def test_a_lifetime_is_chosen_by_the_keyboard_alone(page, cloudfront):
    page.goto("@@cloudfront-lifetimes")
    choice = page.get_by_label("Pages, feeds, files, and image scales")
    before = choice.input_value()
    for words, value in (("A week", "week"), ("A day", before)):
        tab_to(page, choice)
        page.keyboard.type(words)
        expect(choice).to_have_value(value)
        tab_to(page, page.get_by_role("button", name="Save"))
        page.keyboard.press("Enter")
        expect(message(page)).to_contain_text("Changes saved.")
        expect(choice).to_have_value(value)


def test_the_page_that_renews_itself_leaves_the_focus_where_it_is(
    page, editor, cloudfront
):
    open_cloudfront(page)
    shown = page.locator("#cloudfront-history")
    link = page.get_by_role("link", name="Purge all")
    # In a part that is renewed, and in none
    for field in (page.locator("summary", has_text="By distribution"), link):
        before = shown.inner_text()
        field.focus()
        words = f"Written while somebody is at {field}"
        editor.edit("/about", text={"data": words, "content-type": "text/html"})
        expect(shown).not_to_have_text(before, use_inner_text=True)
        expect(field).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Purge everything")).to_be_visible()
