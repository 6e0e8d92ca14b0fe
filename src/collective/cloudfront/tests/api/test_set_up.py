"""Specification: what somebody who has Volto only does over REST instead of in Classic
UI's Caching control panel and on the CloudFront page.
"""

from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest
import time
import transaction


SET_UP = "@cloudfront/set-up"
TEST = "@cloudfront/test-connection"
SCHEDULED = "@cloudfront/scheduled"
PROFILE = "collective.cloudfront:with-cloudfront"
CACHING_ENABLED = "plone.caching.interfaces.ICacheSettings.enabled"
ITEM_VIEW = "plone.app.caching.moderateCaching.plone.content.itemView.smaxage"
OPERATIONS = "plone.caching.interfaces.ICacheSettings.operationMapping"


def record(name):
    transaction.begin()
    return getUtility(IRegistry)[name]


def store(**values):
    for name, value in values.items():
        getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value
    transaction.commit()


@pytest.fixture
def new(site):
    """A site in which caching was never set up."""
    getUtility(IRegistry)[CACHING_ENABLED] = False
    getUtility(IRegistry)[PURGING_ENABLED] = False
    transaction.commit()
    return site


@pytest.fixture
def someone(site, client):
    """Somebody with these permissions, and no others of ours."""

    def make(*permissions):
        site._addRole("Someone")
        for permission in permissions:
            site.manage_permission(permission, ["Someone"], acquire=1)
        api.user.revoke_roles(username=TEST_USER_ID, roles=["Manager"])
        api.user.grant_roles(username=TEST_USER_ID, roles=["Someone"])
        transaction.commit()
        return client(TEST_USER_NAME, TEST_USER_PASSWORD)

    return make


# --- caching and purging ---------------------------------------------------------------


def test_one_sees_how_caching_is_set_up(client, new):
    found = client().get(SET_UP).json
    assert (found["caching"], found["purging"]) == (False, False)
    profiles = {each["id"]: each["title"] for each in found["profiles"]}
    assert profiles[PROFILE] == "With CloudFront"
    assert "plone.app.caching:with-caching-proxy" in profiles


def test_importing_with_cloudfront_enables_both(client, new):
    reply = client().post(SET_UP, profile=PROFILE)
    assert reply.status == 200
    assert (reply.json["caching"], reply.json["purging"]) == (True, True)
    assert record(CACHING_ENABLED)
    assert record(PURGING_ENABLED)
    operations = record(OPERATIONS)
    assert operations["plone.content.itemView"] == "plone.app.caching.moderateCaching"


def test_lifetimes_are_shown_by_name_and_by_rule(client, new):
    client().post(SET_UP, profile=PROFILE)
    found = client().get(SET_UP).json
    assert (found["page_lifetime"], found["api_lifetime"]) == ("day", "minute")
    assert found["lifetimes"]["plone.content.itemView"] == 86_400
    assert found["lifetimes"]["plone.content.dynamic"] == 60
    getUtility(IRegistry)[ITEM_VIEW] = 7200
    transaction.commit()
    found = client().get(SET_UP).json
    assert found["page_lifetime"] is None
    assert found["lifetimes"]["plone.content.itemView"] == 7200


def test_lifetimes_can_be_chosen_with_a_profile_and_without(client, new):
    reply = client().post(SET_UP, profile=PROFILE, page_lifetime="week")
    assert (reply.json["page_lifetime"], reply.json["api_lifetime"]) == (
        "week",
        "minute",
    )
    assert record(ITEM_VIEW) == 604_800
    reply = client().post(SET_UP, api_lifetime="none")
    assert (reply.json["page_lifetime"], reply.json["api_lifetime"]) == ("week", "none")


def test_the_profile_for_cache_tags_has_longer_ones(client, new):
    reply = client().post(SET_UP, profile=f"{PROFILE}-tags")
    assert (reply.json["page_lifetime"], reply.json["api_lifetime"]) == ("week", "day")


def test_where_operations_have_no_lifetime_nothing_changes(client, new):
    reply = client().post(
        SET_UP,
        profile="plone.app.caching:with-caching-proxy",
        page_lifetime="week",
        caching=True,
    )
    assert reply.status == 409
    assert "plone.content.itemView" in reply.json["error"]["message"]
    assert "With CloudFront" in reply.json["error"]["message"]
    assert not record(CACHING_ENABLED)


@pytest.mark.slow
def test_what_was_before_the_import_is_kept_for_who_wants_that(client, new):
    """As the Caching control panel does; it takes a while."""
    snapshots = api.portal.get_tool("portal_setup").listSnapshotInfo
    client().post(SET_UP, profile=PROFILE)
    transaction.begin()
    assert [each["id"] for each in snapshots()] == []
    client().post(SET_UP, profile=PROFILE, snapshot=True)
    transaction.begin()
    (found,) = snapshots()
    assert found["id"].startswith("plone.app.caching.beforeimport.")


@pytest.mark.parametrize(
    ("name", "stored"), [("caching", CACHING_ENABLED), ("purging", PURGING_ENABLED)]
)
def test_each_can_be_switched_alone(client, new, name, stored):
    for value in (True, False):
        assert client().post(SET_UP, **{name: value}).json[name] is value
        assert record(stored) is value


def test_a_switch_overrules_the_profile(client, new):
    reply = client().post(SET_UP, profile=PROFILE, purging=False)
    assert (reply.json["caching"], reply.json["purging"]) == (True, False)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Specify at least one of"),
        ({"snapshot": True}, "Specify at least one of"),
        ({"caching": "true"}, "“caching” must be true or false."),
        ({"profile": True}, "“profile” must be a string."),
        ({"profile": "Products.CMFPlone:plone"}, "is not a profile with caching"),
        ({"profile": "collective.cloudfront:uninstall"}, "is not a profile with"),
        ({"everything": True}, "everything"),
        ({"page_lifetime": 60}, "“page_lifetime” must be a string."),
        (
            {"page_lifetime": "none", "caching": True},
            "“page_lifetime” must be one of: hour, day, week, month.",
        ),
        (
            {"api_lifetime": "week", "caching": True},
            "“api_lifetime” must be one of: none, minute, hour, day.",
        ),
    ],
)
def test_what_cannot_be_understood_changes_nothing(client, new, body, said):
    reply = client().post(SET_UP, **body)
    assert reply.status == 400
    assert said in reply.json["error"]["message"]
    assert not record(CACHING_ENABLED)


def test_it_takes_the_permission_that_classic_ui_asks_for(client, someone, new):
    for person in (someone(MANAGE_PURGING, PURGE_EVERYTHING), client("")):
        assert person.post(SET_UP, caching=True).status == 401
    assert not record(CACHING_ENABLED)


def test_no_permission_of_ours_is_needed_for_it(someone, new):
    assert someone("Manage portal").post(SET_UP, caching=True).status == 200


# --- the connection --------------------------------------------------------------------


def test_the_connection_is_tested(client, site, monkeypatch):
    with LocalCloudFront(options=Options(distributions=(DISTRIBUTION,))) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        reply = client().post(TEST)
        assert cloudfront.control.invalidations() == []
    assert reply.status == 200
    (found,) = reply.json["distributions"]
    assert found["distribution"] == DISTRIBUTION
    rows = {each["name"]: each for each in found["items"]}
    assert rows["permission_create"]["level"] == "ok"
    assert rows["identity"]["level"] in ("unknown", "warning", "error")
    assert rows["identity"]["advice"]
    assert all(row["title"] and row["text"] for row in rows.values())
    change = rows["tag_header"]["change"]
    assert rows["tag_header"]["code"] == "tag_header_sent"
    assert change["edits"][0]["path"] == ["RemoveHeadersConfig", "Cache-Tag"]
    assert any("create-response-headers-policy" in each for each in change["commands"])
    assert "AWS::CloudFront::ResponseHeadersPolicy" in change["cloudformation"]
    assert rows["permission_create"]["change"] is None


def test_without_a_distribution_there_is_nothing_to_test(client, site):
    store(distribution_id="")
    reply = client().post(TEST)
    assert reply.status == 409
    assert reply.json["error"]["message"] == "Enter a distribution first."


def test_who_may_not_configure_tests_nothing(client, someone):
    for person in (someone(PURGE_EVERYTHING), client("")):
        assert person.post(TEST).status == 401
    assert client().get(TEST).status == 404


# --- scheduled purges ------------------------------------------------------------------


@pytest.fixture
def scheduled(site, process):
    """A purge that is to happen later."""
    purge = ManualPurge(site)
    purge.add_everything()
    request = purge.send("jane", "release", time.time() + 9999)
    transaction.commit()
    return request


def test_scheduled_purges_are_listed(client, scheduled):
    (found,) = client().get(SCHEDULED).json["items"]
    assert found["@id"].endswith(f"/@cloudfront/scheduled/{scheduled.id}")
    assert (found["id"], found["user"]) == (scheduled.id, "jane")
    assert (found["reason"], found["items"]) == ("release", ["/*"])
    assert found["at"].endswith("+00:00")


def test_one_can_be_cancelled(client, scheduled, process):
    reply = client().delete(f"{SCHEDULED}/{scheduled.id}")
    assert (reply.status, reply.json) == (204, None)
    assert client().get(SCHEDULED).json["items"] == []
    assert process.outbox.scheduled(10) == []
    (request,) = process.outbox.requests(10)
    assert request.cancelled


def test_one_that_is_not_there_says_so(client, scheduled):
    for identifier in (scheduled.id, "nothing"):
        client().delete(f"{SCHEDULED}/{identifier}")
        reply = client().delete(f"{SCHEDULED}/{identifier}")
        assert reply.status == 404
        assert (
            reply.json["error"]["message"] == "This scheduled purge no longer exists."
        )


def test_one_of_another_site_is_not_known(client, scheduled, process):
    store(distribution_id="E2QWRUHAPOMQZL")
    assert client().get(SCHEDULED).json["items"] == []
    assert client().delete(f"{SCHEDULED}/{scheduled.id}").status == 404
    assert len(process.outbox.scheduled(10)) >= 1


def test_nothing_else_can_be_deleted(client, scheduled):
    for path in ("", "/scheduled", "/purge", f"/scheduled/{scheduled.id}/x"):
        assert client().delete(f"@cloudfront{path}").status == 404
    assert len(client().get(SCHEDULED).json["items"]) == 1


def test_who_may_not_purge_everything_cancels_nothing(client, someone, scheduled):
    for person in (someone(MANAGE_PURGING), client("")):
        assert person.delete(f"{SCHEDULED}/{scheduled.id}").status == 401
    assert len(client().get(SCHEDULED).json["items"]) == 1


def test_an_outbox_that_cannot_be_used_says_so(client, scheduled, monkeypatch, process):
    def fail(*args):
        raise OutboxUnavailable("disk I/O error")

    monkeypatch.setattr(process.outbox, "planned", fail)
    for reply in (
        client().get(SCHEDULED),
        client().delete(f"{SCHEDULED}/{scheduled.id}"),
    ):
        assert reply.status == 503
        assert "disk I/O error" in reply.json["error"]["message"]
