"""Specification: @controlpanels/cloudfront, for Volto."""

from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import json
import pytest
import transaction


PANEL = "@controlpanels/cloudfront"
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def stored(site):
    """A site with a key pair."""
    registry = getUtility(IRegistry)
    registry["collective.cloudfront.aws_access_key_id"] = KEY_ID
    registry["collective.cloudfront.aws_secret_access_key"] = SECRET
    transaction.commit()

    def secret() -> str | None:
        transaction.begin()
        return registry["collective.cloudfront.aws_secret_access_key"]

    return secret


def test_it_is_in_the_list_of_control_panels(client):
    panels = client().get("@controlpanels").json
    assert any(panel["@id"].endswith("/cloudfront") for panel in panels)


def test_it_has_a_schema_and_the_values(client):
    panel = client().get(PANEL).json
    assert panel["title"] == "CloudFront"
    assert "distribution_id" in panel["schema"]["properties"]
    assert panel["data"]["window"] == 0.0


def test_the_secret_is_never_shown(client, stored):
    reply = client().get(PANEL)
    assert reply.json["data"]["aws_access_key_id"] == KEY_ID
    assert SECRET not in json.dumps(reply.json)


def test_settings_are_stored(client):
    assert client().patch(PANEL, window=2.5).status == 204
    assert client().get(PANEL).json["data"]["window"] == 2.5


def test_a_form_sent_back_as_it_came_keeps_the_secret(client, stored):
    data = client().get(PANEL).json["data"]
    assert client().patch(PANEL, **data).status == 204
    assert stored() == SECRET


def test_a_new_key_id_needs_its_secret(client, stored):
    reply = client().patch(PANEL, aws_access_key_id="AKIAOTHEROTHEROTHER1")
    assert reply.status == 400
    assert "secret access key" in reply.json["message"]
    assert stored() == SECRET


def test_a_secret_needs_its_key_id(client):
    reply = client().patch(PANEL, aws_secret_access_key=SECRET)
    assert reply.status == 400
    assert SECRET not in json.dumps(reply.json)


def test_clearing_the_key_id_removes_the_secret(client, stored):
    assert client().patch(PANEL, aws_access_key_id="").status == 204
    assert not stored()


def test_invalid_values_are_refused_with_a_sentence(client):
    reply = client().patch(PANEL, distribution_id="not-an-id")
    assert reply.status == 400
    assert '"field": "distribution_id"' in reply.json["message"]
    assert "“not-an-id” is not the ID of a CloudFront" in reply.json["message"]


def test_a_root_folder_that_does_not_exist_is_refused(client):
    reply = client().patch(PANEL, distribution_id=f"{DISTRIBUTION}/deutsch")
    assert reply.status == 400
    assert "The folder /deutsch does not exist in this site" in reply.json["message"]


def test_an_invalid_option_of_a_distribution_is_refused_with_a_sentence(client):
    reply = client().patch(PANEL, distribution_id="E2QWR;role=admin")
    assert reply.status == 400
    assert '"field": "distribution_id"' in reply.json["message"]
    assert "“admin” is not the ARN of an IAM role." in reply.json["message"]


def test_a_name_that_no_header_has_is_refused_with_a_sentence(client):
    reply = client().patch(PANEL, tag_header="Cache Tag")
    assert reply.status == 400
    assert "“Cache Tag” is not a valid header name." in reply.json["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"window": "soon"},
        {"window": 1e9},
        {"window": None},
        {"enabled": "false"},
        {"distribution_id": ["E2QWRUHAPOMQZL"]},
        {"api_paths": "sometimes"},
        {"aws_access_key_id": 5},
        {"aws_access_key_id": KEY_ID, "aws_secret_access_key": {"a": SECRET}},
        {"aws_access_key_id": KEY_ID, "aws_secret_access_key": f"{SECRET}\n"},
    ],
)
def test_values_of_a_wrong_type_are_refused(client, stored, body):
    before = client().get(PANEL).json["data"]
    reply = client().patch(PANEL, **body)
    assert reply.status == 400
    assert SECRET not in json.dumps(reply.json)
    assert client().get(PANEL).json["data"] == before
    assert stored() == SECRET


@pytest.mark.parametrize("body", [b"{window", b"[1]"])
def test_what_is_no_json_object_is_refused(client, body):
    assert client().patch_bytes(PANEL, body).status == 400


def test_who_may_not_configure_sees_and_changes_nothing(client):
    api.user.revoke_roles(username=TEST_USER_ID, roles=["Manager"])
    api.user.grant_roles(username=TEST_USER_ID, roles=["Editor"])
    transaction.commit()
    editor = client(TEST_USER_NAME, TEST_USER_PASSWORD)
    assert editor.get(PANEL).status == 401
    assert editor.patch(PANEL, enabled=False).status == 401


def test_purging_by_tags_needs_a_distribution_that_reads_them(client, monkeypatch):
    with LocalCloudFront(options=Options(distributions=(DISTRIBUTION,))) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        reply = client().patch(PANEL, cache_tags="invalidate")
    assert reply.status == 400
    assert "is not known to read cache tags" in reply.json["message"]
    assert client().get(PANEL).json["data"]["cache_tags"]["token"] == "auto"


def test_whether_volto_forwards_tags_is_a_setting(client):
    assert client().get(PANEL).json["data"]["volto_tags"] is False
    assert client().patch(PANEL, volto_tags=True).status == 204
    assert client().get(PANEL).json["data"]["volto_tags"] is True
    assert client().patch(PANEL, volto_tags="true").status == 400


# --- alerts ----------------------------------------------------------------------

HOOK, SHOWN = "https://hooks.example.com/s3cret", "https://hooks.example.com/…"


@pytest.fixture
def webhook(site):
    """A site with a webhook; returns what is stored."""
    name = "collective.cloudfront.alert_webhook"
    api.portal.set_registry_record(name, HOOK)
    transaction.commit()

    def stored() -> str:
        transaction.begin()
        return api.portal.get_registry_record(name)

    return stored


def test_of_a_webhook_the_host_alone_is_shown(client, webhook):
    panel = client().get(PANEL).json
    assert panel["data"]["alert_webhook"] == SHOWN
    assert "s3cret" not in json.dumps(panel)


def test_a_form_sent_back_as_it_came_keeps_the_webhook(client, webhook):
    panel = client().get(PANEL).json
    assert client().patch(PANEL, **panel["data"]).status == 204
    assert webhook() == HOOK


def test_a_webhook_is_replaced_and_removed_by_rest(client, webhook):
    assert client().patch(PANEL, alert_webhook="https://x.example/y").status == 204
    assert webhook() == "https://x.example/y"
    assert client().patch(PANEL, alert_webhook=None).status == 204
    assert webhook() == ""


def test_another_url_is_refused_by_rest(client, webhook):
    reply = client().patch(PANEL, alert_webhook="http://x.example/y")
    assert reply.status == 400
    assert "It must start with https://" in json.dumps(reply.json)
    assert webhook() == HOOK


def test_with_alerts_the_url_is_noted_for_their_links(client, site):
    assert client().patch(PANEL, alert_emails="ops@example.com").status == 204
    found = client().get(PANEL).json["data"]
    assert found["alert_url"].replace(":80/", "/") == site.absolute_url()
