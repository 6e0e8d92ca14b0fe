"""Our tab in Plone's Caching control panel."""

from collective.cloudfront.controlpanel.tabs import AddTab
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.settings import PURGING_ENABLED
from lxml import html
from plone import api
from plone.base.utils import get_installer

import pytest
import transaction


PAGES = [
    "@@caching-controlpanel",
    "@@caching-controlpanel-import",
    "@@caching-controlpanel-purge",
    "@@caching-controlpanel-ramcache",
]
OURS = "@@cloudfront-controlpanel"


def tabs_of(contents):
    """Return the tabs of a page: (label without badge, URL, active)."""
    links = html.fromstring(contents).xpath(
        "//div[contains(@class, 'autotabs')]/ul/li[@class='nav-item']/a"
    )
    return [
        (link.text.strip(), link.get("href"), "active" in link.get("class"))
        for link in links
    ]


@pytest.mark.parametrize("page", PAGES)
def test_each_page_shows_our_tab_as_its_last(functional_portal, browser, page):
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{page}")
    tabs = tabs_of(person.contents)
    ours = f"{functional_portal.absolute_url()}/{OURS}"
    assert tabs[-1] == ("CloudFront", ours, False)
    assert [url for _, url, active in tabs if active] == [
        f"{functional_portal.absolute_url()}/{page}"
    ]
    assert len(tabs) == 5


def test_the_tab_leads_to_our_page_which_shows_the_same_tabs(
    functional_portal, browser
):
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{PAGES[0]}")
    theirs = tabs_of(person.contents)
    person.getLink(url=OURS, index=1).click()
    ours = tabs_of(person.contents)
    assert [tab[:2] for tab in ours] == [tab[:2] for tab in theirs]
    assert [label for label, _, active in ours if active] == ["CloudFront"]


def test_the_tab_for_purging_proxies_shows_only_where_purging_is_enabled(
    functional_portal, browser
):
    api.portal.set_registry_record(PURGING_ENABLED, False)
    transaction.commit()
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{PAGES[0]}")
    theirs = tabs_of(person.contents)
    person.open(f"{functional_portal.absolute_url()}/{OURS}")
    assert [tab[:2] for tab in tabs_of(person.contents)] == [tab[:2] for tab in theirs]
    assert len(theirs) == 4


@pytest.mark.parametrize("page", PAGES)
def test_without_our_permission_the_page_is_as_plone_makes_it(
    functional_portal, browser, page
):
    functional_portal.manage_permission(VIEW_STATUS, roles=[], acquire=0)
    transaction.commit()
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{page}")
    assert len(tabs_of(person.contents)) == 4
    assert OURS not in person.contents


@pytest.mark.parametrize("page", PAGES)
def test_without_the_add_on_the_page_is_as_plone_makes_it(
    functional_portal, browser, page
):
    get_installer(functional_portal).uninstall_product("collective.cloudfront")
    transaction.commit()
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{page}")
    assert "@@caching-controlpanel" in person.contents
    assert OURS not in person.contents


@pytest.mark.parametrize("page", PAGES)
def test_without_a_theme_the_tab_is_there_too(functional_portal, browser, page):
    api.portal.set_registry_record(
        "plone.app.theming.interfaces.IThemeSettings.enabled", False
    )
    transaction.commit()
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{page}")
    assert tabs_of(person.contents)[-1][0] == "CloudFront"
    assert person.contents.lstrip().lower().startswith("<!doctype html>")


def test_letters_beyond_ascii_stay_as_they_are(functional_portal, browser):
    api.portal.set_registry_record("plone.site_title", "Größe — 日本語")
    transaction.commit()
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{PAGES[0]}")
    assert "Größe — 日本語" in html.fromstring(person.contents).findtext(".//title")


def test_the_page_still_works(functional_portal, browser):
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/{PAGES[0]}")
    person.getControl(name="enabled:boolean").value = True
    person.getControl("Save").click()
    assert "Changes saved." in person.contents
    transaction.begin()
    assert api.portal.get_registry_record(
        "plone.caching.interfaces.ICacheSettings.enabled"
    )


def test_other_pages_have_no_tab(functional_portal, browser):
    person = browser()
    base = functional_portal.absolute_url()
    for path in ("", "/@@site-controlpanel", "/@@overview-controlpanel"):
        person.open(base + path)
        assert '<a class="nav-link" href="' + base + "/" + OURS not in person.contents


def test_the_subpages_for_operations_which_have_no_tabs_are_left_alone(
    functional_portal, browser
):
    person = browser()
    person.open(
        f"{functional_portal.absolute_url()}/{PAGES[0]}/edit-operation-global"
        "/plone.app.caching.strongCaching"
    )
    assert "Strong caching" in person.contents
    assert tabs_of(person.contents) == []


@pytest.mark.parametrize(
    "broken",
    [
        [b""],
        [b"\x00\xff\xfe"],
        [b"<p>no tabs</p>"],
        [b"<ul class='nav-tabs'></ul>"],
        [None],
        object(),
    ],
    ids=lambda broken: type(broken).__name__,
)
def test_whatever_the_page_is_it_is_not_broken(portal, http_request, broken):
    http_request.response.setHeader("Content-Type", "text/html")
    view = portal.restrictedTraverse("@@caching-controlpanel")
    assert AddTab(view, http_request).transformIterable(broken, "utf-8") is None


def test_what_is_no_html_is_not_looked_at(portal, http_request):
    http_request.response.setHeader("Content-Type", "application/json")
    view = portal.restrictedTraverse("@@caching-controlpanel")
    assert AddTab(view, http_request).transformBytes(b"{}", "utf-8") is None
