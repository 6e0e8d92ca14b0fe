"""Specification: a person chooses how long CloudFront keeps pages and searches."""

from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import VIEW_STATUS
from lxml import html
from plone import api
from plone.registry.interfaces import IRegistry
from zExceptions import Forbidden
from zExceptions import Unauthorized
from zope.component import getUtility

import pytest
import transaction


VIEW = "@@cloudfront-lifetimes"
MODERATE = "plone.app.caching.moderateCaching"
SEARCH_RULE = "Dynamic views, like collections, searches, ..."
PAGES = [
    f"{MODERATE}.plone.content.{each}.smaxage"
    for each in ("itemView", "folderView", "feed", "file")
]
SEARCHES = "plone.app.caching.terseCaching.plone.content.dynamic.smaxage"
MAPPING = "plone.caching.interfaces.ICacheSettings.operationMapping"


def import_profile(profile="collective.cloudfront:with-cloudfront"):
    setup = api.portal.get_tool("portal_setup")
    setup.runAllImportStepsFromProfile(f"profile-{profile}")
    transaction.commit()


def stored(*names):
    transaction.begin()
    return [getUtility(IRegistry)[name] for name in names]


def store(name, value):
    getUtility(IRegistry)[name] = value
    transaction.commit()


@pytest.fixture
def site(functional_portal, process):
    """The caching profile is imported, and what it caused is delivered."""
    # Otherwise what purges the site waits a minute after it was purged
    store("collective.cloudfront.site_purge_interval", 0.0)
    import_profile()
    assert process.deliver() == ["/*"]
    process.gateway.batches.clear()
    return functional_portal


@pytest.fixture
def person(site, browser):
    """Somebody at the form."""
    made = browser()
    made.open(f"{site.absolute_url()}/{VIEW}")
    return made


def select(person, name):
    return person.getControl(name=f"form.widgets.{name}:list")


def save(person, **values):
    for name, value in values.items():
        select(person, name).value = [value]
    person.getControl("Save").click()


def table(person):
    """Return the table of what is in force, by rule."""
    rows = html.fromstring(person.contents).iterfind(".//table/tbody/tr")
    return {
        row.find("th").text_content().strip(): " ".join(
            row.findall("td")[-1].text_content().split()
        )
        for row in rows
    }


def test_it_shows_what_the_profile_has_set(person):
    assert select(person, "page_lifetime").value == ["day"]
    assert select(person, "api_lifetime").value == ["minute"]
    assert table(person)["Content item view"] == "A day"
    assert table(person)[SEARCH_RULE] == "A minute"


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("hour", 3600), ("day", 86_400), ("week", 604_800), ("month", 2_592_000)],
)
def test_pages_stay_as_long_as_somebody_chooses(person, name, seconds):
    save(person, page_lifetime=name)
    assert stored(*PAGES) == [seconds] * 4
    assert select(person, "page_lifetime").value == [name]


@pytest.mark.parametrize(
    ("name", "seconds"), [("none", 0), ("minute", 60), ("hour", 3600), ("day", 86_400)]
)
def test_so_do_searches(person, name, seconds):
    save(person, api_lifetime=name)
    assert stored(SEARCHES) == [seconds]
    assert select(person, "api_lifetime").value == [name]


def test_visitors_get_what_was_chosen(site, person, browser):
    api.portal.get_tool("portal_workflow").setDefaultChain("")
    site.manage_permission("plone.restapi: Use REST API", ["Anonymous"], acquire=1)
    api.content.create(site, "Document", "page")
    transaction.commit()
    save(person, page_lifetime="month", api_lifetime="none")
    visitor = browser(None)
    visitor.open(f"{site.absolute_url()}/page")
    assert "s-maxage=2592000" in visitor.headers["Cache-Control"]
    visitor.addHeader("Accept", "application/json")
    visitor.open(f"{site.absolute_url()}/@search")
    assert visitor.headers["Cache-Control"].startswith("max-age=0")
    assert visitor.headers["Cache-Control"].count("s-maxage=") in (0, 1)
    assert "s-maxage=6" not in visitor.headers["Cache-Control"]


def test_another_value_is_shown_and_stays_unless_somebody_chooses(site, person):
    store(PAGES[0], 7200)
    person.open(person.url)
    assert select(person, "page_lifetime").value == ["keep"]
    assert table(person)["Content item view"] == "7200 seconds"
    save(person, api_lifetime="hour")
    assert stored(*PAGES) == [7200, 86_400, 86_400, 86_400]
    assert stored(SEARCHES) == [3600]
    save(person, page_lifetime="week")
    assert stored(*PAGES) == [604_800] * 4


def test_a_rule_without_a_record_of_its_own_gets_one(site, person):
    del getUtility(IRegistry).records[PAGES[0]]
    transaction.commit()
    save(person, page_lifetime="week")
    assert stored(*PAGES) == [604_800] * 4
    # The default for other rules stays
    assert stored(f"{MODERATE}.smaxage") == [86_400]


def test_a_value_that_nobody_offers_is_an_error_at_the_field(site, person):
    token = person.getControl(name="_authenticator").value
    person.post(
        person.url,
        "form.widgets.page_lifetime:list=year&form.widgets.api_lifetime:list=day"
        f"&form.buttons.save=Save&_authenticator={token}",
    )
    tree = html.fromstring(person.contents)
    (field,) = tree.xpath("//*[@id='formfield-form-widgets-page_lifetime']")
    assert "Required input is missing." in field.text_content()
    assert stored(PAGES[0], SEARCHES) == [86_400, 60]


SENT = (
    "form.widgets.page_lifetime:list=week&form.widgets.api_lifetime:list=day"
    "&form.buttons.save=Save"
)


def test_nothing_is_stored_without_an_authenticator(site, person):
    with pytest.raises(Forbidden):
        person.post(person.url, SENT)
    assert stored(PAGES[0], SEARCHES) == [86_400, 60]


def test_nothing_is_stored_by_a_link(site, person):
    token = person.getControl(name="_authenticator").value
    with pytest.raises(Forbidden):
        person.open(f"{person.url}?{SENT}&_authenticator={token}")
    assert stored(PAGES[0], SEARCHES) == [86_400, 60]


def test_it_says_that_nothing_purges_searches_where_that_is_so(site, person):
    assert "which does not purge searches" in person.contents
    store("collective.cloudfront.cache_tags", "invalidate")
    person.open(person.url)
    assert "A change purges them by cache tag" in person.contents


def test_where_operations_have_no_lifetime_it_says_so(site, person):
    store(
        MAPPING,
        {**stored(MAPPING)[0], "plone.content.feed": "plone.app.caching.weakCaching"},
    )
    person.open(person.url)
    tree = html.fromstring(person.contents)
    (alert,) = tree.xpath("//*[@id='cloudfront-lifetimes-fixed']")
    assert "Content feed" in alert.text_content()
    assert "Import the caching profile" in alert.text_content()
    assert not tree.xpath("//select")
    assert table(person)["Content feed"] == "Not at all"


def test_where_caching_is_disabled_it_says_so(site, person):
    store("plone.caching.interfaces.ICacheSettings.enabled", False)
    person.open(person.url)
    assert "Caching is disabled" in person.contents


def test_with_volto_it_says_what_its_pages_depend_on(site, person):
    assert "default TTL" not in person.contents
    getUtility(IRegistry).records["volto.frontend_domain"] = (
        getUtility(IRegistry)
        .records["plone.site_title"]
        .__class__(
            getUtility(IRegistry).records["plone.site_title"].field,
            "https://example.com",
        )
    )
    transaction.commit()
    person.open(person.url)
    assert "default TTL of the cache policy" in person.contents


def test_a_shorter_lifetime_purges_the_copies_with_a_longer_one(person, process):
    save(person, page_lifetime="hour")
    assert process.deliver() == ["/*"]


def test_a_longer_one_purges_nothing(person, process):
    save(person, page_lifetime="month", api_lifetime="day")
    assert process.deliver() == []


def test_the_settings_lead_to_it(site, browser):
    person = browser()
    person.open(f"{site.absolute_url()}/@@cloudfront-settings")
    person.getLink("How long CloudFront keeps pages").click()
    assert person.url.endswith(VIEW)
    current = html.fromstring(person.contents).xpath(
        "//*[@id='cloudfront-sections']//a[@aria-current]"
    )
    assert [each.text_content().strip() for each in current] == ["Settings"]


def test_who_may_not_manage_the_portal_neither_sees_it_nor_the_link(site, browser):
    site._addRole("Chief")
    for permission in (MANAGE_PURGING, VIEW_STATUS):
        site.manage_permission(permission, ["Chief"], acquire=1)
    api.user.create("chief@example.com", "chief", "correct horse", roles=["Chief"])
    transaction.commit()
    person = browser("chief", "correct horse")
    person.open(f"{site.absolute_url()}/@@cloudfront-settings")
    assert VIEW not in person.contents
    with pytest.raises(Unauthorized):
        person.open(f"{site.absolute_url()}/{VIEW}")
