"""Specification: POST @cloudfront/purge."""

from collective.cloudfront.testing import DISTRIBUTION
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from plone import api
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.registry.interfaces import IRegistry
from urllib.parse import urlsplit
from zope.component import getUtility

import pytest
import transaction


PURGE = "@cloudfront/purge"


@pytest.fixture
def folder(site, process):
    folder = api.content.create(site, "Folder", id="folder")
    api.content.create(folder, "Document", id="page")
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    return folder


def test_everything(client, process):
    reply = client().post(PURGE, all=True, reason="new theme")
    assert reply.status == 200
    assert reply.json["items"] == ["/*"]
    assert reply.json["billed"] == 1
    assert process.deliver() == ["/*"]
    (request,) = process.outbox.requests(10)
    assert (request.user, request.reason) == ("admin", "new theme")
    (settled,) = process.outbox.history(1)
    assert str(settled.causes) == "admin: new theme"


def test_paths_and_urls(client, process, site):
    host = urlsplit(site.absolute_url()).netloc
    reply = client().post(PURGE, paths=["/a", "/b*", f"http://{host}/c?d=e"])
    assert reply.json["items"] == ["/a", "/b*", "/c?d=e"]
    assert process.deliver() == ["/a", "/b*", "/c?d=e"]


def test_urls_of_other_hosts_are_refused_also_where_no_domain_is_set(client, process):
    reply = client().post(PURGE, paths=["https://www.example.com/a"])
    assert reply.status == 400
    (detail,) = reply.json["error"]["details"]
    assert detail["message"].startswith("This is not a domain of this site. Enter only")
    assert process.deliver() == []


def test_what_no_distribution_serves_is_a_conflict(client, process, folder):
    api.content.create(api.portal.get(), "Folder", id="other")
    api.portal.set_registry_record(
        "collective.cloudfront.distribution_id", f"{DISTRIBUTION}/other"
    )
    transaction.commit()
    process.deliver()
    reply = client().post(PURGE, path="/folder/page")
    assert reply.status == 409
    assert "no distribution serves" in reply.json["error"]["message"]


def test_a_purge_that_is_scheduled_is_not_logged_as_done(client, caplog):
    caplog.set_level("INFO", "collective.cloudfront")
    moment = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=3)
    client().post(PURGE, all=True, at=moment.isoformat(), reason="release")
    assert f"'admin' schedules a purge of /* for {moment.isoformat()}: release" in (
        caplog.text
    )


def test_bad_paths_are_each_told_and_nothing_is_purged(client, process):
    reply = client().post(PURGE, paths=["/a", "b", "/c*d"])
    assert reply.status == 400
    details = reply.json["error"]["details"]
    assert [detail["path"] for detail in details] == ["b", "/c*d"]
    assert "neither a path" in details[0]["message"]
    assert "allowed only at the end" in details[1]["message"]
    assert process.deliver() == []


def test_a_page(client, process, folder):
    reply = client().post(PURGE, path="/folder/page")
    assert reply.json["items"] == ["/folder/page*"]
    assert process.deliver() == ["/folder/page*"]


def test_a_folder_with_all_below(client, process, folder):
    client().post(PURGE, path="/folder", recursive=True)
    assert process.deliver() == ["/folder*"]


def test_a_folder_without_what_is_below(client, process, folder):
    items = client().post(PURGE, path="/folder").json["items"]
    assert "/folder" in items
    assert not any(item in ("/folder*", "/folder/*", "/*") for item in items)


def test_a_dry_run_purges_nothing(client, process):
    reply = client().post(PURGE, all=True, dry_run=True)
    assert reply.json["items"] == ["/*"]
    assert reply.json["dry_run"]
    assert process.deliver() == []
    assert process.outbox.requests(10) == []


def test_a_moment_to_come(client, process):
    moment = datetime.now(timezone.utc) + timedelta(hours=3)
    reply = client().post(PURGE, all=True, at=moment.isoformat(), reason="release")
    assert datetime.fromisoformat(reply.json["at"]) == moment
    assert process.deliver() == []
    (scheduled,) = process.outbox.scheduled(10)
    assert (scheduled.item, str(scheduled.causes)) == ("/*", "admin: release")
    assert scheduled.due == moment.timestamp()


@pytest.mark.parametrize(
    "at",
    ["2020-01-01T00:00:00Z", "2999-01-01", "9999-12-31T23:59-23:00", "tomorrow"],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_moment_that_cannot_be_is_refused(client, process, at, dry_run):
    reply = client().post(PURGE, all=True, at=at, dry_run=dry_run)
    assert reply.status == 400
    assert "“at”" in reply.json["error"]["message"]
    assert process.deliver() == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": True, "paths": ["/a"]},
        {"paths": "/a"},
        {"paths": [1]},
        {"path": "/nothing-here"},
        {"path": "/portal_catalog"},
        {"everything": True},
        {"paths": ["/a", ""]},
        {"paths": ["/a\n/b"]},
        {"paths": ["/a"] * 1001},
        # A script's "false" is no false: nothing may be purged by mistake
        {"all": "false"},
        {"all": 1},
        {"path": ["/folder"]},
        {"path": "/folder", "recursive": "false"},
        {"all": True, "dry_run": "yes"},
        {"all": True, "reason": ["release"]},
        {"all": True, "at": 1800000000},
    ],
)
def test_what_cannot_be_understood_is_refused(client, process, folder, body):
    reply = client().post(PURGE, **body)
    assert reply.status == 400
    assert reply.json["error"]["message"]
    assert process.deliver() == []


@pytest.mark.parametrize("body", ["", "{all", "[1]", "null", "\ufffe"])
def test_what_is_no_json_object_is_refused(client, process, body):
    reply = client().post_text(PURGE, body)
    assert reply.status == 400
    assert reply.json["error"]["message"]
    assert process.deliver() == []


def test_only_what_is_really_at_a_path_is_purged(client, process, folder):
    for path in (
        "/folder/page/folder",  # acquired
        "/folder/../folder",
        "/../plone/folder",
        "/folder/@@cloudfront-purge-content",
        "/folder/page/title",
    ):
        reply = client().post(PURGE, path=path)
        assert reply.status == 400, path
        assert "There is no content" in reply.json["error"]["message"]
    assert process.deliver() == []


def test_what_others_may_not_see_is_not_told(client, folder):
    """Whether it exists or not: the answer is the same."""
    for someone in (client(""), client(TEST_USER_NAME, TEST_USER_PASSWORD)):
        api.user.revoke_roles(username=TEST_USER_ID, roles=["Manager"])
        transaction.commit()
        there = someone.post(PURGE, path="/folder/page")
        nowhere = someone.post(PURGE, path="/folder/nothing-here")
        assert (there.status, nowhere.status) == (401, 401)
        assert there.json == nowhere.json


def test_who_may_not_purge_does_not_learn_whether_the_site_does(client):
    getUtility(IRegistry)["collective.cloudfront.enabled"] = False
    transaction.commit()
    assert client("").post(PURGE, all=True).status == 401


def test_a_reason_becomes_one_line(client, process, caplog):
    with caplog.at_level("INFO", "collective.cloudfront"):
        client().post(PURGE, all=True, reason="new\ntheme\r\nINFO forged " + "x" * 999)
    (request,) = process.outbox.requests(1)
    assert request.reason.startswith("new theme INFO forged xxx")
    assert len(request.reason) == 200
    (line,) = [m for m in caplog.messages if "purges" in m]
    assert "\n" not in line
    assert "\r" not in line


def test_other_types_of_content_are_refused(client, process):
    assert client().post(PURGE, kind="text/plain", all=True).status == 400
    assert process.deliver() == []


def test_a_site_that_does_not_purge_says_so(client, process):
    getUtility(IRegistry)["collective.cloudfront.enabled"] = False
    transaction.commit()
    assert client().post(PURGE, all=True).status == 409


def test_without_the_permission_nothing_is_purged(client, process, folder):
    for someone in (client(""), client(TEST_USER_NAME, TEST_USER_PASSWORD)):
        api.user.grant_roles(username=TEST_USER_ID, roles=["Member"])
        api.user.revoke_roles(username=TEST_USER_ID, roles=["Manager"])
        transaction.commit()
        for body in ({"all": True}, {"paths": ["/a"]}, {"path": "/folder"}):
            assert someone.post(PURGE, **body).status == 401, body
    assert process.deliver() == []


def test_an_editor_of_a_page_may_purge_it_and_nothing_else(client, process, folder):
    api.user.revoke_roles(username=TEST_USER_ID, roles=["Manager"])
    api.user.grant_roles(username=TEST_USER_ID, roles=["Editor"], obj=folder["page"])
    transaction.commit()
    editor = client(TEST_USER_NAME, TEST_USER_PASSWORD)
    assert editor.post(PURGE, path="/folder/page").status == 200
    assert editor.post(PURGE, path="/folder").status == 401
    assert editor.post(PURGE, all=True).status == 401
    assert process.deliver() == ["/folder/page*"]


def test_get_purges_nothing(client, process):
    assert client().get(PURGE).status == 404
    assert process.deliver() == []
