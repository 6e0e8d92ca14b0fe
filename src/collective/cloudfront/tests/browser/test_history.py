"""Specification: the history can be filtered, read on a telephone and taken away."""

from collective.cloudfront.tests.browser.camera import NARROW
from collective.cloudfront.tests.browser.pages import history
from collective.cloudfront.tests.browser.pages import open_cloudfront
from playwright.sync_api import expect
from playwright.sync_api import Locator
from playwright.sync_api import Page

import csv
import pytest


LONG = (
    "/departments/engineering/research-and-development/publications/2026/annual-report"
)


def open_history(page: Page) -> None:
    """Go to the history."""
    page.goto("@@cloudfront-log")
    expect(page.get_by_role("heading", name="History", exact=True)).to_be_visible()


def entries(page: Page) -> Locator:
    """The entries that are shown."""
    return page.locator("#cloudfront-history tbody tr")


@pytest.fixture
def busy(page, editor, cloudfront) -> Page:
    """The history of a site where somebody has purged two pages."""
    editor.purge(LONG, f"{LONG}/chapter*", "/a", "/b", reason="Annual report")
    open_cloudfront(page)
    expect(history(page, "Annual report")).to_contain_text("Completed")
    open_history(page)
    return page


def test_it_is_filtered_and_the_filter_is_cleared(busy, look):
    page = busy
    look(page)
    page.get_by_label("Status").select_option("Requested")
    page.get_by_label("Search", exact=True).fill("annual")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#cloudfront-filter")).to_contain_text("Status: Requested")
    expect(page.locator("#cloudfront-filter")).to_contain_text("Search: annual")
    expect(entries(page)).to_have_count(1)
    expect(entries(page)).to_contain_text("Annual report")
    look(page)
    page.get_by_role("link", name="Clear filter").click()
    expect(page.get_by_label("Search", exact=True)).to_have_value("")
    expect(page.locator("#cloudfront-filter")).to_have_count(0)
    page.get_by_label("Path").fill("/departments/engineering")
    page.get_by_label("Path").press("Enter")
    expect(entries(page).filter(has_text="annual-report").first).to_be_visible()


def test_what_is_wrong_is_said_at_the_field_and_nothing_found_is_said(page, look):
    open_history(page)
    page.get_by_label("Path").fill("departments")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("Path")).to_have_accessible_description(
        "Enter a path, which begins with /, or a cache tag, which begins with #. "
        "Also finds what is below it, and wildcards that include it."
    )
    look(page)
    page.get_by_label("Path").fill("/nowhere/at/all")
    page.get_by_label("Person").fill("nobody")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No entry matches this filter.")).to_be_visible()
    look(page)


def test_on_a_telephone_no_name_is_broken_and_nothing_is_cut_off(busy, look):
    page = busy
    page.set_viewport_size({"width": NARROW, "height": 900})
    look(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    ends = page.evaluate(LINE_ENDS)
    assert ends
    assert all(end in "/?&" for end in ends), ends


#: The last characters of the lines of items that take several, but for the very last.
LINE_ENDS = """() => {
    const ends = [];
    for (const code of document.querySelectorAll("#cloudfront-history td code")) {
        let bottom = null, last = "";
        const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
        for (let node; (node = walker.nextNode()); ) {
            for (let at = 0; at < node.length; at++) {
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + 1);
                const box = range.getBoundingClientRect();
                if (bottom !== null && box.top >= bottom) {
                    ends.push(last);
                }
                bottom = box.bottom;
                last = node.data[at];
            }
        }
    }
    return ends;
}"""


def test_pictures_of_the_history(busy, look):
    """For the documentation: ``make screenshots`` calls it by its name."""
    busy.get_by_label("Path").fill("/departments")
    busy.get_by_role("button", name="Filter").click()
    expect(busy.locator("#cloudfront-filter")).to_be_visible()
    look.picture(busy, "history")
    busy.set_viewport_size({"width": NARROW, "height": 900})
    look.picture(busy, "history-narrow")


def test_it_is_taken_away_as_a_file(busy, tmp_path):
    page = busy
    page.get_by_label("Search", exact=True).fill("annual")
    page.get_by_role("button", name="Filter").click()
    with page.expect_download() as found:
        page.get_by_role("link", name="Download as CSV").click()
    download = found.value
    assert download.suggested_filename.startswith("cloudfront-history-localhost")
    path = tmp_path / "history.csv"
    download.save_as(path)
    rows = list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))
    assert {"completed", "requested"} <= {row["state"] for row in rows}
    assert all("Annual report" in row["causes"] + row["reason"] for row in rows)


def test_without_javascript_it_is_filtered_and_paged(person, editor, cloudfront):
    for number in range(51):
        editor.purge(f"/page/{number}", reason="Page by page")
    page = person(javascript=False)
    open_history(page)
    page.get_by_label("Status").select_option("Manual purges")
    page.get_by_label("Search", exact=True).fill("page by page")
    page.get_by_role("button", name="Filter").click()
    expect(entries(page)).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(entries(page)).to_have_count(1)
    expect(entries(page)).to_contain_text("/page/0")
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.get_by_role("link", name="Newer").click()
    expect(entries(page)).to_have_count(50)
    expect(page.get_by_role("link", name="Newer")).to_have_count(0)
