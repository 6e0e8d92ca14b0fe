"""Specification: with Volto, when a site is purged by tags alone."""

from collective.cloudfront.interfaces import IDependencies
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import VOLTO
from collective.cloudfront.tagging.header import MOST_OF_ANSWER
from collective.cloudfront.tests.changes.test_changes import collected
from collective.cloudfront.tests.changes.test_changes import edited
from collective.cloudfront.tests.changes.test_changes import site  # noqa: F401
from collective.cloudfront.tests.tagging.conftest import make
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from plone import api
from plone.registry import field
from plone.registry import Record
from plone.registry.interfaces import IRegistry
from urllib.parse import urlencode
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.interface import Interface

import json
import pytest
import transaction


LONG_AGO = "2020-01-01T00:00:00+00:00"


def setting(name, value):
    api.portal.set_registry_record(f"{PREFIX}.{name}", value)


def since():
    return api.portal.get_registry_record(f"{PREFIX}.cache_tags_since")


def by_paths(portal, **environ):
    return read_settings(registry_of(portal), environ).by_paths


@pytest.fixture
def volto(portal):
    """A site with Volto that is purged by tags, and has sent them for long."""
    address = Record(field.TextLine(), "https://www.example.com")
    getUtility(IRegistry).records[VOLTO] = address
    setting("cache_tags", "invalidate")
    setting("cache_tags_since", LONG_AGO)
    return portal


def test_what_volto_makes_is_purged_by_path_until_it_forwards_tags(volto):
    assert by_paths(volto)
    setting("volto_tags", True)
    setting("cache_tags_since", LONG_AGO)
    assert not by_paths(volto)
    setting("volto_tags", False)
    assert by_paths(volto)


def test_the_environment_tells_it_too(volto):
    assert not by_paths(volto, CLOUDFRONT_VOLTO_TAGS="true")
    setting("volto_tags", True)
    setting("cache_tags_since", LONG_AGO)
    assert by_paths(volto, CLOUDFRONT_VOLTO_TAGS="no")


def test_pages_from_before_volto_forwarded_tags_expire_first(volto):
    setting("volto_tags", True)
    age = datetime.now(timezone.utc) - datetime.fromisoformat(since())
    assert age < timedelta(minutes=1)
    assert by_paths(volto)


@pytest.mark.parametrize("value", [True, False])
def test_only_switching_it_on_restarts_the_waiting(volto, value):
    setting("volto_tags", value)
    setting("cache_tags_since", LONG_AGO)
    setting("volto_tags", value)
    assert since() == LONG_AGO
    setting("volto_tags", False)
    assert since() == LONG_AGO


def test_without_tags_there_is_nothing_to_wait_for(volto):
    setting("cache_tags", "off")
    setting("volto_tags", True)
    assert since() == ""
    assert by_paths(volto)


def test_a_site_without_volto_needs_it_not(portal):
    setting("cache_tags", "invalidate")
    setting("cache_tags_since", LONG_AGO)
    assert not by_paths(portal)


def test_then_an_edit_purges_tags_and_no_path(site):  # noqa: F811
    address = Record(field.TextLine(), "https://www.example.com")
    getUtility(IRegistry).records[VOLTO] = address
    setting("cache_tags", "invalidate")
    setting("volto_tags", True)
    page = api.content.create(site, "Document", "page")
    collected(site)
    for began, paths in ((since(), True), (LONG_AGO, False)):
        setting("cache_tags_since", began)
        collected(site)
        edited(page, "IRichTextBehavior.text")
        items = collected(site)
        assert f"#{page.UID()}" in items
        assert any(not item.startswith("#") for item in items) is paths


# --- answers that are parts of pages --------------------------------------------------


@pytest.fixture
def listing(tagged):
    """Where a listing block of Volto gets twenty pages with all their metadata."""
    for number in range(20):
        make(tagged["folder"], "Document", f"page-{number}")
    transaction.commit()
    query = {
        "query": [
            {
                "i": "portal_type",
                "o": "plone.app.querystring.operation.selection.any",
                "v": ["Document"],
            }
        ],
        "metadata_fields": "_all",
    }
    return f"/++api++/@querystring-search?{urlencode({'query': json.dumps(query)})}"


def test_answers_leave_room_for_the_tags_of_others(tagged, get, listing):
    precise = get(listing).tags
    assert len(precise) > 20
    setting("volto_tags", True)
    transaction.commit()
    fewer = get(listing).tags
    assert len(fewer) <= MOST_OF_ANSWER
    assert "folder.be" in fewer
    assert "page-1" in get("/folder/page-1").tags


def test_an_answer_with_many_tags_of_others_keeps_them(tagged, get, listing):
    tags = [f"mine{number}" for number in range(20)]
    setting("volto_tags", True)
    transaction.commit()

    class Reported:
        def __init__(self, context, request):
            self.objects = list
            self.tags = lambda: tags

    registry = getGlobalSiteManager()
    registry.registerSubscriptionAdapter(
        Reported, (Interface, Interface), IDependencies
    )
    try:
        assert set(tags) < get(listing).tags
    finally:
        registry.unregisterSubscriptionAdapter(
            Reported, (Interface, Interface), IDependencies
        )
