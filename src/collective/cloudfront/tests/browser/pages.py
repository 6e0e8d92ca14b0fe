"""Our pages, as people find their way around them. The words are those of the pages."""

from datetime import datetime
from datetime import timedelta
from playwright.sync_api import Locator
from playwright.sync_api import Page


def open_control_panel(page: Page, name: str) -> None:
    """Go to one of Plone's control panels by the Site Setup."""
    page.goto("@@overview-controlpanel")
    page.locator("#content").get_by_role("link", name=name).click()


def open_cloudfront(page: Page) -> None:
    """Go to the CloudFront page by its tab in the Caching control panel."""
    page.goto("@@caching-controlpanel")
    cloudfront_tab(page).click()
    # With its styles: without them, it is not as long as it will be
    page.wait_for_url("**/@@cloudfront-controlpanel")


def open_settings(page: Page) -> None:
    """Go to the settings, from the CloudFront page."""
    open_cloudfront(page)
    section(page, "Settings").click()
    page.wait_for_url("**/@@cloudfront-settings")


def section(page: Page, name: str) -> Locator:
    """A page below our tab."""
    return page.locator("#cloudfront-sections").get_by_role("link", name=name)


def cloudfront_tab(page: Page) -> Locator:
    """Our tab in the Caching control panel; after its name may come a number."""
    return page.locator(".autotabs").get_by_role("link", name="CloudFront")


def headline(page: Page) -> Locator:
    """The state in one sentence."""
    return page.locator("#cloudfront-headline")


def state(page: Page) -> Locator:
    """The row of the distribution, which is folded away at first."""
    return page.locator("#cloudfront-work tbody tr")


def unfold(page: Page, summary: str) -> None:
    """Open details."""
    page.locator("summary", has_text=summary).click()


def number(page: Page, column: str) -> Locator:
    """The cell below a heading in the row of the distribution."""
    thead = page.locator("#cloudfront-work thead th")
    # What is read below is not waited for
    thead.filter(has_text=column).first.wait_for(state="attached")
    headings = thead.all_text_contents()
    position = [heading.strip() for heading in headings].index(column)
    return state(page).locator("td").nth(position)


def hindrance(page: Page) -> Locator:
    """Why CloudFront takes nothing, and what to do."""
    return page.locator(".cloudfront-hindrance")


def history(page: Page, words: str) -> Locator:
    """The newest row of the history with ``words`` in it."""
    rows = page.locator("#cloudfront-history tbody tr")
    return rows.filter(has_text=words).first


def scheduled(page: Page) -> Locator:
    """What people have scheduled."""
    return page.locator("#cloudfront-scheduled tbody tr")


def refused(page: Page, item: str) -> Locator:
    """The row of an item that CloudFront refused."""
    return page.locator("#cloudfront-refused tbody tr").filter(has_text=item)


def message(page: Page) -> Locator:
    """What Plone says about what was just done."""
    return page.locator(".portalMessage, .statusmessage").filter(visible=True)


def tomorrow() -> str:
    """A moment, as browsers write it."""
    moment = datetime.now() + timedelta(days=1)
    return moment.strftime("%Y-%m-%dT03:00")


def purge_pages(page: Page, lines: str, reason: str = "") -> None:
    """Purge pages, from the CloudFront page on and back to it."""
    open_cloudfront(page)
    # By the keyboard: what is above refreshes itself, and a click may miss what moves
    page.get_by_role("link", name="Purge pages or a section").press("Enter")
    page.get_by_label("Pages").fill(lines)
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Purge", exact=True).click()
