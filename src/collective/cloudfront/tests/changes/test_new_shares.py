"""Specification: what is purged from now on, and was not before, is purged whole once.

Nobody knows what the edge holds of it.
"""

from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.changes.transaction import suspending
from collective.cloudfront.purge import purge_path
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import use_distributions
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest


ROLE = "arn:aws:iam::123456789012:role/purge"


@pytest.fixture
def site(portal):
    return portal


def setting(name, value):
    getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value


def purged(site):
    """Return what is purged, by distribution, and forget it."""
    return sorted((each.distribution, each.item) for each in changes_of(site).take())


def given(site, **settings):
    """Begin with these settings, of which nothing is to be purged any more."""
    with suspending():
        for name, value in settings.items():
            setting(name, value)
    purged(site)


def test_the_first_distribution_is_purged(site):
    setting("distribution_id", "E1AAA")
    assert purged(site) == [("E1AAA", "/*")]


def test_a_further_one_is_and_the_others_are_not(site):
    given(site, distribution_id="E1AAA")
    setting("distribution_id", "E1AAA E2BBB")
    assert purged(site) == [("E2BBB", "/*")]


def test_a_corrected_id_is_purged(site):
    given(site, distribution_id="E1WRONG")
    setting("distribution_id", "E1RIGHT")
    assert purged(site) == [("E1RIGHT", "/*")]


def test_a_corrected_root_folder_is_purged(site):
    given(site, distribution_id="E1AAA/ne E2BBB")
    setting("distribution_id", "E1AAA/en E2BBB")
    assert purged(site) == [("E1AAA", "/*")]


def test_a_further_root_folder_is_purged_below_its_prefix(site):
    given(site, distribution_id="E1AAA/en;prefix=/english")
    setting("distribution_id", "E1AAA/en;prefix=/english E1AAA/de;prefix=/german")
    assert purged(site) == [("E1AAA", "/german*")]


def test_a_corrected_prefix_is_purged(site):
    given(site, distribution_id="E1AAA E2BBB;prefix=/b", public_prefix="/wrong")
    setting("public_prefix", "/right")
    assert purged(site) == [("E1AAA", "/right*")]


def test_where_the_rest_api_comes_in_all_are_purged(site):
    given(site, distribution_id="E1AAA E2BBB", api_paths="off")
    setting("api_paths", "on")
    assert purged(site) == [("E1AAA", "/*"), ("E2BBB", "/*")]


@pytest.mark.parametrize("switch", [PURGING_ENABLED, "collective.cloudfront.enabled"])
def test_all_are_purged_when_purging_is_switched_on(site, switch):
    given(site, distribution_id="E1AAA E2BBB")
    getUtility(IRegistry)[switch] = False
    assert purged(site) == []
    getUtility(IRegistry)[switch] = True
    assert purged(site) == [("E1AAA", "/*"), ("E2BBB", "/*")]


def test_not_while_the_other_switch_is_off(site):
    given(site, distribution_id="E1AAA", enabled=False)
    getUtility(IRegistry)[PURGING_ENABLED] = False
    setting("enabled", True)
    assert purged(site) == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "E2BBB",
        "E2BBB E1AAA",
        f"E1AAA;role={ROLE} E2BBB",
        "E1AAA;header=X-Tags E2BBB",
    ],
)
def test_what_was_purged_before_is_not_purged_again(site, value):
    given(site, distribution_id="E1AAA E2BBB")
    setting("distribution_id", value)
    assert purged(site) == []


@pytest.mark.parametrize(
    ("name", "value"), [("window", 9.0), ("api_paths", "off"), ("monthly_budget", 9)]
)
def test_nor_for_other_settings(site, name, value):
    given(site, distribution_id="E1AAA", api_paths="on")
    setting(name, value)
    assert purged(site) == []


def test_a_setting_that_the_environment_overrides_changes_nothing(site, monkeypatch):
    given(site, distribution_id="E1AAA")
    monkeypatch.setenv("CLOUDFRONT_DISTRIBUTION_ID", "E9ENV")
    setting("distribution_id", "E1AAA E2BBB")
    assert purged(site) == []


def test_its_cause_is_the_settings(site):
    setting("distribution_id", "E1AAA")
    (entry,) = changes_of(site).take()
    assert entry.cause.code == "settings"


def test_a_star_in_the_midst_of_a_path_widens_it(site):
    use_distributions("E1AAA")
    purge_path("/a*b")
    purge_path("/s?q=a*b")
    assert purged(site) == [("E1AAA", "/a*"), ("E1AAA", "/s?q=a*")]
