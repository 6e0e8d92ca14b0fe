"""The checks: what they find, how the page shows it, and what their buttons do."""

from collective.cloudfront.controlpanel.checks import Check
from collective.cloudfront.controlpanel.checks import checks
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks import problems
from collective.cloudfront.controlpanel.checks import Result
from collective.cloudfront.interfaces import ICheck
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.upgrades.to_3000 import OLD_PREFIX
from lxml import html
from plone import api
from plone.base.interfaces import IPloneSiteRoot
from plone.registry import field
from plone.registry import Record
from plone.registry.interfaces import IRegistry
from Products.CMFCore.indexing import processQueue
from types import SimpleNamespace
from zExceptions import Forbidden
from zope.component import getUtility
from zope.i18n import translate
from zope.interface import alsoProvides

import pytest
import transaction


ENABLED = "plone.caching.interfaces.ICacheSettings.enabled"
MAPPING = "plone.caching.interfaces.ICacheSettings.operationMapping"
TYPES = "plone.app.caching.interfaces.IPloneCacheSettings.purgedContentTypes"
PROXIES = "plone.cachepurging.interfaces.ICachePurgingSettings.cachingProxies"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def import_settings(profile="collective.cloudfront:with-cloudfront"):
    setup = api.portal.get_tool("portal_setup")
    setup.runAllImportStepsFromProfile(f"profile-{profile}")


@pytest.fixture
def registry(portal, http_request, process):
    """The registry of a site that has nothing wrong."""
    alsoProvides(http_request, ICloudFrontLayer)
    registry = getUtility(IRegistry)
    use_distributions()
    import_settings()
    return registry


@pytest.fixture
def look(registry, portal, http_request):
    """Ask all checks; returns the results by name."""

    def ask():
        return {each.name: each for each in checks(portal, http_request)}

    return ask


@pytest.fixture
def another(registry, portal):
    """Register the check of another add-on, in this site only."""

    def register(factory):
        portal.getSiteManager().registerAdapter(
            factory, (IPloneSiteRoot, ICloudFrontLayer), ICheck, name="another"
        )

    return register


# --- the framework ---------------------------------------------------------------


def test_a_site_that_is_set_up_well_has_no_problems(look):
    found = look()
    assert len(found) == 15
    assert problems(found.values()) == 0
    assert all(result.title and result.text for result in found.values())


def test_the_worst_comes_first(registry, look):
    registry[PURGING_ENABLED] = False
    registry[ENABLED] = False
    names = list(look())
    assert names[:2] == ["purging", "lifetime"]
    assert names[2:] == sorted(names[2:])


def test_other_add_ons_can_add_checks(look, another):
    class Moon(Check):
        level = Level.WARNING
        title = "Moon"
        text = "It is full."

    another(Moon)
    assert look()["another"].text == "It is full."


def test_a_check_may_have_nothing_to_say(look, another):
    another(lambda site, request: None)
    assert "another" not in look()


@pytest.mark.parametrize("where", ["factory", "level", "text"])
def test_a_check_that_fails_is_an_error_and_a_log_line(look, another, caplog, where):
    class Broken(Check):
        title = "Broken"

        def __init__(self, site, request):
            if where == "factory":
                raise RuntimeError("factory")

        def __getattribute__(self, name):
            if name == where:
                raise RuntimeError(name)
            return super().__getattribute__(name)

    another(Broken)
    found = look()
    assert next(iter(found)) == "another"
    assert found["another"].level is Level.ERROR
    assert len(found) == 16
    assert "The check 'another' failed." in caplog.text


# --- what they find --------------------------------------------------------------


@pytest.mark.parametrize("name", [PURGING_ENABLED, "collective.cloudfront.enabled"])
def test_purging_nothing_is_an_error(registry, look, name):
    registry[name] = False
    result = look()["purging"]
    assert result.level is Level.ERROR
    assert result.link == "#cloudfront-state"


def test_caching_being_disabled_is_a_warning(registry, look):
    registry[ENABLED] = False
    result = look()["lifetime"]
    assert result.level is Level.WARNING
    assert result.link == "@@caching-controlpanel-import"


@pytest.mark.parametrize("kind", ["with", "without"])
def test_plones_own_profiles_which_keep_no_page_at_the_edge_are_a_warning(look, kind):
    import_settings(f"plone.app.caching:{kind}-caching-proxy")
    assert look()["lifetime"].level is Level.WARNING


def test_pages_without_any_operation_are_a_warning(registry, look):
    registry[MAPPING] = {}
    assert look()["lifetime"].level is Level.WARNING


def test_operations_in_a_chain_count(registry, look):
    rules = ("plone.content.itemView", "plone.content.folderView")
    registry[MAPPING] = dict.fromkeys(rules, "plone.caching.operations.chain")
    registry["plone.caching.operations.chain.operations"] = [
        "plone.app.caching.moderateCaching"
    ]
    assert look()["lifetime"].level is Level.OK


def test_operations_of_others_are_not_judged(registry, look):
    rules = ("plone.content.itemView", "plone.content.folderView")
    registry[MAPPING] = dict.fromkeys(rules, "somebody.elses.operation")
    assert look()["lifetime"].level is Level.OK
    assert look()["sharing"].level is Level.OK


def test_pages_of_logged_in_people_that_are_shared_are_a_warning(registry, look):
    option = "plone.app.caching.moderateCaching.plone.content.itemView.anonOnly"
    registry[option] = False
    assert look()["sharing"].level is Level.WARNING
    registry[option.replace("anonOnly", "etags")] = ("userid",)
    assert look()["sharing"].level is Level.OK


def test_content_types_left_out_only_matter_to_other_proxies(registry, look, portal):
    api.content.create(portal, "Document", "page")
    processQueue()
    result = look()["content-types"]
    assert result.level is Level.OK
    assert "Document" in result.text.mapping["types"]
    registry[PROXIES] = ("http://127.0.0.1:6081",)
    assert look()["content-types"].level is Level.WARNING


@pytest.mark.parametrize("outbox", ["", "sqlite:////var/lib/outbox.sqlite"])
@pytest.mark.parametrize("several", [False, True])
def test_an_outbox_for_each_of_several_processes_is_a_warning(
    look, portal, process, monkeypatch, outbox, several
):
    storage = object() if several else portal._p_jar.db().storage
    connection = SimpleNamespace(db=lambda: SimpleNamespace(storage=storage))
    monkeypatch.setattr(process, "environ", {"CLOUDFRONT_OUTBOX": outbox})
    monkeypatch.setattr(
        "collective.cloudfront.controlpanel.checks.ours.connection_of",
        lambda site: connection,
    )
    monkeypatch.setattr(process.outbox, "concerns", list)
    wrong = several and not outbox
    assert look()["outbox"].level is (Level.WARNING if wrong else Level.OK)


def test_an_outbox_in_a_bad_place_is_a_warning(look, process, monkeypatch):
    concern = message("outbox_network", path="/var/o", kind="nfs4")
    monkeypatch.setattr(process.outbox, "concerns", lambda: [concern])
    found = look()["outbox"]
    assert found.level is Level.WARNING
    assert found.text.mapping["kind"] == "nfs4"
    assert "local disk" in found.advice.default


def test_a_server_that_may_lose_something_is_a_warning_that_says_what_to_do(
    look, process, monkeypatch
):
    concern = message("redis_no_log", url="redis://cache/0")
    monkeypatch.setattr(process.outbox, "concerns", lambda: [concern])
    found = look()["outbox"]
    assert found.level is Level.WARNING
    assert found.text.mapping["url"] == "redis://cache/0"
    assert "Set appendonly to yes" in found.text.default
    assert not found.advice


def test_what_the_environment_overrides_is_only_a_note(look, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_WINDOW", "3")
    result = look()["environment"]
    assert result.level is Level.OK
    assert result.text.mapping["names"] == "CLOUDFRONT_WINDOW"


@pytest.fixture
def leftover(registry):
    """A secret that 2.0 has stored."""
    name = f"{OLD_PREFIX}.aws_secret_access_key"
    registry.records[name] = Record(field.TextLine(), SECRET)
    return name


def test_settings_of_2_0_are_a_warning_without_their_values(look, leftover):
    result = look()["leftovers"]
    assert result.level is Level.WARNING
    assert result.text.mapping["names"] == "aws_secret_access_key"
    assert SECRET not in repr(result)


def test_settings_of_2_0_are_not_removed_before_the_upgrade(registry, look, leftover):
    assert look()["leftovers"].action
    for name in list(registry.records):
        if name.startswith("collective.cloudfront.enabled"):
            del registry.records[name]
    result = look()["leftovers"]
    assert not result.action
    assert result.link == "prefs_install_products_form"


def test_a_budget_that_is_used_up_is_a_warning(registry, look, process, monkeypatch):
    monkeypatch.setattr(process.outbox, "billed", lambda month: {DISTRIBUTION: 11})
    assert look()["budget"].level is Level.OK
    registry["collective.cloudfront.monthly_budget"] = 10
    assert look()["budget"].level is Level.WARNING
    registry["collective.cloudfront.monthly_budget"] = 11
    assert look()["budget"].level is Level.OK


def test_without_a_budget_the_outbox_is_not_asked(look, process, monkeypatch):
    def fail(*arguments):
        raise OutboxUnavailable("disk I/O error")

    monkeypatch.setattr(process.outbox, "billed", fail)
    assert look()["budget"].level is Level.OK


# --- the page --------------------------------------------------------------------


def badge(contents):
    """Return the text of the badge at our tab."""
    found = html.fromstring(contents).xpath(
        "//a[contains(@class, 'nav-link')]/span[contains(@class, 'badge')]"
    )
    return [" ".join(each.text_content().split()) for each in found]


def row(contents, name):
    (found,) = html.fromstring(contents).xpath(f"//*[@id='cloudfront-check-{name}']")
    return " ".join(found.text_content().split())


@pytest.fixture
def page(registry, portal):
    return lambda: portal.restrictedTraverse("@@cloudfront-controlpanel")()


def test_the_page_shows_them_with_their_level_in_a_word(registry, page):
    registry[PURGING_ENABLED] = False
    registry[ENABLED] = False
    shown = page()
    # The banner says what this check finds
    assert "cloudfront-check-purging" not in shown
    assert "Nothing is purged." in shown
    assert row(shown, "lifetime").startswith("Warning: Lifetime of pages")
    assert row(shown, "budget") == "In order: Budget No budget is set."


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 check passed"), (2, "2 checks passed")]
)
def test_checks_that_passed_are_counted(portal, monkeypatch, count, words):
    view = portal.restrictedTraverse("@@cloudfront-controlpanel")
    passed = [Result("outbox", Level.OK, "Outbox", "It works.")] * count
    monkeypatch.setattr(type(view), "in_order", property(lambda self: passed))
    section = html.fromstring(view()).get_element_by_id("cloudfront-checks")
    assert " ".join(section.xpath("string(.//summary)").split()) == words


def test_the_tab_counts_warnings_and_errors(registry, page):
    assert badge(page()) == []
    registry[PURGING_ENABLED] = False
    registry[ENABLED] = False
    assert badge(page()) == ["2 warnings and errors"]


def test_what_another_check_says_is_escaped(page, another):
    class Evil(Check):
        title = text = advice = action = "<script>alert(1)</script>"

    another(Evil)
    shown = page()
    assert "<script>alert(" not in shown
    assert shown.count("&lt;script&gt;alert(") == 4


# --- for people ------------------------------------------------------------------


@pytest.fixture
def site(functional_portal):
    api.content.create(functional_portal, "Document", "page")
    import_settings()
    transaction.commit()
    return functional_portal


@pytest.mark.parametrize("name", ["", "-import", "-purge", "-ramcache"])
def test_the_tab_on_plones_pages_counts_them_too(site, browser, name):
    url = f"{site.absolute_url()}/@@caching-controlpanel{name}"
    person = browser()
    person.open(url)
    assert badge(person.contents) == []
    api.portal.set_registry_record("collective.cloudfront.enabled", False)
    transaction.commit()
    person.open(url)
    assert badge(person.contents) == ["1 warnings and errors"]


def test_a_person_has_all_content_types_purged(site, browser):
    person = browser()
    person.open(f"{site.absolute_url()}/@@cloudfront-controlpanel")
    person.getControl("Purge all content types").click()
    assert person.url.endswith("/@@cloudfront-controlpanel")
    assert "All content types are now purged." in person.contents
    assert row(person.contents, "content-types").endswith(
        "All content types are purged."
    )
    transaction.begin()
    types = api.portal.get_tool("portal_types").objectIds()
    assert set(api.portal.get_registry_record(TYPES)) == set(types)


def test_a_person_removes_what_is_left_of_2_0(site, browser):
    name = f"{OLD_PREFIX}.distribution_id"
    records = getUtility(IRegistry).records
    records[name] = Record(field.TextLine(), DISTRIBUTION)
    transaction.commit()
    person = browser()
    person.open(f"{site.absolute_url()}/@@cloudfront-controlpanel")
    person.getControl("Remove old settings").click()
    assert "The settings of release 2.0 were removed." in person.contents
    transaction.begin()
    assert name not in records


def before_and_after(ask):
    """Return the types that are purged, before and after."""
    before = api.portal.get_registry_record(TYPES)
    ask()
    transaction.begin()
    return before, api.portal.get_registry_record(TYPES)


def test_nothing_changes_by_get_or_without_authenticator(site, browser):
    person = browser()
    url = f"{site.absolute_url()}/@@cloudfront-check-act"
    person.open(f"{site.absolute_url()}/@@cloudfront-controlpanel")
    token = person.getControl(name="_authenticator", index=0).value

    def ask():
        with pytest.raises(Forbidden):
            person.open(f"{url}?name=content-types&_authenticator={token}")
        with pytest.raises(Forbidden):
            person.post(url, "name=content-types")

    before, after = before_and_after(ask)
    assert before == after


def test_it_needs_the_permission_to_configure(site, browser):
    site.manage_permission(MANAGE_PURGING, roles=[], acquire=0)
    transaction.commit()
    person = browser()
    person.handleErrors = True
    person.raiseHttpErrors = False
    url = f"{site.absolute_url()}/@@cloudfront-check-act"
    before, after = before_and_after(lambda: person.post(url, "name=content-types"))
    assert before == after


@pytest.mark.parametrize("name", ["budget", "unknown", ""])
def test_where_there_is_no_button_nothing_happens(site, browser, name):
    person = browser()
    person.open(f"{site.absolute_url()}/@@cloudfront-controlpanel")
    token = person.getControl(name="_authenticator", index=0).value
    url = f"{site.absolute_url()}/@@cloudfront-check-act"
    person.post(url, f"name={name}&_authenticator={token}")
    assert "There was nothing left to do." in person.contents


# --- languages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "header"),
    [
        ("use_request_negotiation", "Accept-Language"),
        ("use_cookie_negotiation", "Cookie"),
    ],
)
def test_a_language_that_browsers_choose_is_not_kept(registry, look, setting, header):
    for each in ("use_request_negotiation", "use_cookie_negotiation"):
        registry[f"plone.{each}"] = each == setting
    registry["plone.available_languages"] = ["en", "de"]
    found = look()["languages"]
    assert found.level is Level.WARNING
    assert found.text.mapping["headers"] == header
    assert found.advice
    assert found.link
    # With one language there is nothing to choose
    registry["plone.available_languages"] = ["en"]
    assert look()["languages"].level is Level.OK


# --- root folders ----------------------------------------------------------------


def test_a_root_folder_that_is_gone_is_a_warning(portal, look):
    folder = api.content.create(portal, "Folder", "deutsch")
    use_distributions(f"{DISTRIBUTION}/deutsch E2OTHER")
    assert look()["roots"].level is Level.OK
    api.content.delete(folder)
    found = look()["roots"]
    assert found.level is Level.WARNING
    assert translate(found.text).endswith(f"do not exist: {DISTRIBUTION} (/deutsch).")
    assert translate(found.advice).startswith("Correct the folder")


def test_nothing_is_purged_where_all_root_folders_are_gone(look):
    use_distributions(f"{DISTRIBUTION}/deutsch")
    found = look()
    assert translate(found["purging"].text) == "Nothing is purged."
    assert found["roots"].level is Level.WARNING


# --- the REST API ---------------------------------------------------------------------


@pytest.fixture
def profile(portal):
    """Install or forget plone.restapi's profile."""
    setup = portal.portal_setup

    def choose(installed):
        if installed:
            setup.setLastVersionForProfile("plone.restapi:default", ("0006",))
        else:
            setup.unsetLastVersionForProfile("plone.restapi:default")

    return choose


@pytest.mark.parametrize(
    ("installed", "api_paths", "level", "text"),
    [
        (True, "on", Level.OK, "plone.restapi is installed."),
        (True, "off", Level.OK, "plone.restapi is installed."),
        (False, "off", Level.OK, "only for scripts and monitoring"),
        (False, "auto", Level.OK, "only for scripts and monitoring"),
        (False, "on", Level.WARNING, "401 Missing 'plone.restapi: Use REST API'"),
    ],
)
def test_a_missing_rest_api_is_a_warning_only_where_somebody_uses_it(
    registry, look, profile, installed, api_paths, level, text
):
    registry["collective.cloudfront.api_paths"] = api_paths
    profile(installed)
    found = look()["rest-api"]
    assert found.level is level
    assert text in translate(found.text)
    advice = "Install it in the Add-ons control panel."
    assert translate(found.advice) == ("" if installed else advice)
