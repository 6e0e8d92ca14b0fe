"""The caching profile "With CloudFront and cache tags", and the rules of Classic UI and
of the REST API, which both profiles serve.
"""

from collective.cloudfront.controlpanel.checks import find_check
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.settings.lifetimes import longest_lifetime
from collective.cloudfront.testing import use_distributions
from plone import api
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.i18n import translate
from zope.interface import alsoProvides

import pytest
import transaction


PATHS = "collective.cloudfront:with-cloudfront"
TAGS = "collective.cloudfront:with-cloudfront-tags"
WEEK = "max-age=0, s-maxage=604800, must-revalidate"
DAY = "max-age=0, s-maxage=86400, must-revalidate"
MINUTE = "max-age=0, s-maxage=60, must-revalidate"


def import_profile(profile):
    setup = api.portal.get_tool("portal_setup")
    setup.runAllImportStepsFromProfile(f"profile-{profile}")


@pytest.fixture
def site(functional_portal):
    """A site that a visitor may ask for pages and for JSON."""
    registry = getUtility(IRegistry)
    registry[
        "plone.base.interfaces.syndication.ISiteSyndicationSettings.default_enabled"
    ] = True
    functional_portal.manage_permission(
        "plone.restapi: Use REST API", ["Anonymous"], acquire=1
    )
    api.portal.get_tool("portal_workflow").setDefaultChain(
        "simple_publication_workflow"
    )
    for portal_type, name in (("Document", "page"), ("Folder", "folder")):
        content = api.content.create(functional_portal, portal_type, name)
        api.content.transition(content, "publish")
    transaction.commit()
    return functional_portal


@pytest.fixture
def ask(site, browser):
    """Import profiles, and return the rule and Cache-Control of what a visitor gets."""

    def ask(path, *profiles, accept="text/html"):
        for profile in profiles:
            import_profile(profile)
        transaction.commit()
        visitor = browser(None)
        visitor.addHeader("Accept", accept)
        visitor.open(site.absolute_url() + path)
        return visitor.headers["X-Cache-Rule"], visitor.headers["Cache-Control"]

    return ask


CLASSIC = {
    "/page": "plone.content.itemView",
    "/folder": "plone.content.folderView",
    "/folder/rss.xml": "plone.content.feed",
}
REST = [
    "/page",
    "/folder",
    "/@search?portal_type=Document",
    "/@navigation",
    "/page/@breadcrumbs",
    "/@site",
]


@pytest.mark.parametrize("path", CLASSIC)
def test_pages_of_classic_ui_stay_for_a_week(ask, path):
    assert ask(path, TAGS) == (CLASSIC[path], WEEK)


@pytest.mark.parametrize("path", REST)
def test_the_rest_api_stays_for_a_day_by_a_rule_of_its_own(ask, path):
    """So one profile serves Classic UI and Volto."""
    rule, control = ask(path, TAGS, accept="application/json")
    assert (rule, control) == ("plone.content.dynamic", DAY)


@pytest.mark.parametrize(
    ("last", "page", "search"), [(PATHS, DAY, MINUTE), (TAGS, WEEK, DAY)]
)
def test_the_profile_that_was_imported_last_counts(ask, last, page, search):
    first = TAGS if last == PATHS else PATHS
    assert ask("/page", first, last) == ("plone.content.itemView", page)
    assert ask("/@search", accept="application/json")[1] == search


def test_resources_stay_for_a_day_because_a_new_version_of_them_purges_nothing(ask):
    rule, control = ask("/++resource++plone-logo.svg", TAGS)
    assert (rule, control) == ("plone.resource", DAY)


def test_all_else_is_as_in_the_other_profile(portal):
    registry = getUtility(IRegistry)
    found = []
    for profile in (PATHS, TAGS):
        import_profile(profile)
        found.append({name: each.value for name, each in registry.records.items()})
    one, other = found
    assert one.keys() == other.keys()
    changed = {name for name in one if one[name] != other[name]}
    assert {name.rpartition(".")[2] for name in changed} == {"smaxage"}
    assert len(changed) == 5


def test_paths_are_purged_as_well_for_a_week_then_and_not_a_month(portal):
    import_profile(TAGS)
    assert longest_lifetime(getUtility(IRegistry)) == 7 * 86_400


@pytest.fixture
def check(portal, http_request, process):
    """The check of searches; its level and text."""
    alsoProvides(http_request, ICloudFrontLayer)
    use_distributions()

    def look():
        found = find_check(portal, http_request, "api-lifetime")
        return found.level, translate(found.text), translate(found.advice)

    return look


def test_a_check_warns_where_nothing_purges_searches(check):
    import_profile(TAGS)
    level, text, advice = check()
    assert level is Level.WARNING
    assert "for up to 86400 seconds" in text
    assert "cache tags" in advice


def test_it_does_not_where_tags_do(check):
    import_profile(TAGS)
    getUtility(IRegistry)["collective.cloudfront.cache_tags"] = "invalidate"
    level, text, _ = check()
    assert level is Level.OK
    assert text == "Changes purge searches of the REST API by cache tag."


def test_nor_where_they_are_kept_for_a_minute(check):
    import_profile(PATHS)
    level, text, _ = check()
    assert level is Level.OK
    assert "60 seconds" in text


def test_nor_where_caching_is_disabled(check):
    import_profile(TAGS)
    getUtility(IRegistry)["plone.caching.interfaces.ICacheSettings.enabled"] = False
    assert check()[0] is Level.OK
