"""Specification: a check says how the site purges, and what would make it better."""

from collective.cloudfront.controlpanel.checks import checks
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.planning.reading import Reading
from collective.cloudfront.settings import readers
from collective.cloudfront.settings import VOLTO
from collective.cloudfront.tests.settings.test_in_plone import store
from collective.cloudfront.tests.settings.test_readers import learn
from collective.cloudfront.tests.settings.test_readers import volto_record
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.i18n import translate
from zope.interface import alsoProvides

import pytest
import time


LONG_AGO = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def look(portal, http_request, process):
    alsoProvides(http_request, ICloudFrontLayer)
    store(distribution_id="E1AAA", cache_tags_since=LONG_AGO)

    def look():
        found = {each.name: each for each in checks(portal, http_request)}["tags"]
        return found.level, translate(found.text), translate(found.advice)

    yield look
    readers.forget()


def test_nothing_is_said_without_a_distribution(look):
    store(distribution_id="")
    assert look() == (Level.OK, "No distribution is set.", "")


def test_what_nobody_has_looked_at(look):
    level, text, advice = look()
    assert (level, advice) == (Level.OK, "")
    assert text.endswith("It is not yet known whether E1AAA reads cache tags.")


def test_a_distribution_that_does_not_read_them(look):
    learn(E1AAA="")
    level, text, advice = look()
    assert level == Level.OK
    assert "because E1AAA does not read cache tags" in text
    assert (
        "Set the header Cache-Tag in the CacheTagConfig of the distribution." in advice
    )


def test_a_distribution_that_reads_another_header(look):
    learn(E1AAA="x-tags")
    level, text, advice = look()
    assert level == Level.WARNING
    assert "reads cache tags from x-tags, but pages carry them in Cache-Tag" in text
    assert "Set the header Cache-Tag" in advice


def test_a_distribution_that_may_not_be_looked_at(look):
    readers.learn({"E1AAA": Reading(looked=time.time(), trouble="AccessDenied")})
    level, text, advice = look()
    assert level == Level.OK
    assert "AWS does not say whether E1AAA reads cache tags (AccessDenied)" in text
    assert "Allow cloudfront:GetDistribution" in advice


def test_a_distribution_that_is_not_answered_for(look):
    readers.learn({"E1AAA": Reading(looked=time.time(), trouble="Unreachable")})
    _level, text, advice = look()
    assert "(Unreachable)" in text
    assert advice == "Use “Test connection” for details."


def test_purging_by_tag(look):
    learn(E1AAA="cache-tag")
    assert look() == (Level.OK, "Changes are purged by cache tag.", "")


def test_purging_by_tag_and_path_for_a_while(look):
    now = time.time()
    readers.learn({"E1AAA": Reading("cache-tag", now, now, now)})
    level, text, advice = look()
    assert (level, advice) == (Level.OK, "")
    tomorrow = time.gmtime(now + 86400)
    assert f"Until {time.strftime('%b %d, %Y', tomorrow)}" in text


def test_what_has_not_been_seen_for_long(look):
    now = time.time()
    readers.learn(
        {"E1AAA": Reading("cache-tag", 1.0, now - 9e5, now, False, "AccessDenied")}
    )
    level, text, advice = look()
    assert level == Level.WARNING
    assert "AWS has not confirmed that" in text
    assert "Allow cloudfront:GetDistribution" in advice


def test_volto_that_does_not_forward_them(look):
    learn(E1AAA="cache-tag")
    getUtility(IRegistry).records[VOLTO] = volto_record()
    _level, text, advice = look()
    assert "because Volto does not forward the tags" in text
    assert "Install the middleware for Volto" in advice


@pytest.mark.parametrize("tags", ["off", "headers"])
def test_tags_that_are_not_wanted(look, tags):
    learn(E1AAA="cache-tag")
    store(cache_tags=tags)
    level, text, advice = look()
    assert (level, text) == (Level.OK, "Changes are purged by path.")
    assert "Select “Automatically”" in advice
