"""Who gets alerts: addresses, and the URL of a webhook, which is a secret."""

from collective.cloudfront.settings import are_addresses
from collective.cloudfront.settings import InvalidSetting
from collective.cloudfront.settings import is_url_of_plone
from collective.cloudfront.settings import is_webhook
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.settings.alerts import split_addresses
from collective.cloudfront.settings.webhook import masked
from collective.cloudfront.settings.webhook import unmasked
from hypothesis import given
from hypothesis.strategies import sampled_from
from hypothesis.strategies import text

import logging
import pytest


HOOK = "https://hooks.slack.com/services/T0/B0/s3cret"


@pytest.mark.parametrize(
    "value", ["", None, "ops@example.com", "a@example.com, b@x.y;c@localhost"]
)
def test_addresses_are_separated_by_spaces_commas_or_semicolons(value):
    assert are_addresses(value)


def test_each_address_counts_once():
    assert split_addresses(" a@x.y, b@x.y a@x.y") == ("a@x.y", "b@x.y")


@pytest.mark.parametrize(
    "value", ["ops", "a@b@c", "a@", "@b", "Ops <a@b.c>", "a@b.c\r\nBcc: x@y.z", "a@-"]
)
def test_what_is_no_address_is_refused(value):
    with pytest.raises(InvalidSetting):
        are_addresses(value)


@pytest.mark.parametrize("value", ["", None, HOOK, "https://[::1]:8443/x?y=z"])
def test_a_webhook_is_a_url_with_https(value):
    assert is_webhook(value)


@pytest.mark.parametrize(
    "value",
    [
        "http://hooks.slack.com/services/s3cret",
        "file:///etc/s3cret",
        "https:///s3cret",
        "https://me:s3cret@example.com/",
        "https://example.com/s3cret …",
        "https://example.com/s3cret\n",
        "https://example.com:99999/s3cret",
        f"https://example.com/{2000 * 's3cret'}",
    ],
)
def test_another_url_is_refused_and_not_repeated(value):
    with pytest.raises(InvalidSetting) as error:
        is_webhook(value)
    assert "s3cret" not in str(error.value)


def test_of_a_webhook_people_see_the_host_alone():
    assert masked(HOOK) == "https://hooks.slack.com/…"
    assert masked("") == masked(None) == ""


@given(sampled_from([HOOK, ""]), text())
def test_what_they_see_keeps_the_stored_one_and_all_else_replaces_it(stored, typed):
    assert unmasked(masked(stored), stored) == stored
    if typed != masked(stored):
        assert unmasked(typed, stored) == typed


def test_what_they_see_is_never_stored():
    with pytest.raises(InvalidSetting):
        is_webhook(unmasked(masked(HOOK), "https://other.example/"))


def test_the_url_of_plone_may_be_http():
    assert is_url_of_plone("http://localhost:8080/Plone")
    for value in ("javascript:alert(1)", "/Plone", "https://", "https://a:b@c/"):
        with pytest.raises(InvalidSetting):
            is_url_of_plone(value)


def test_a_webhook_in_the_environment_is_used_and_one_that_is_wrong_is_not_logged(
    caplog,
):
    variable = "CLOUDFRONT_ALERT_WEBHOOK"
    assert value_in_force({}, "alert_webhook", {variable: HOOK}) == HOOK
    with caplog.at_level(logging.ERROR):
        wrong = {variable: "http://example.com/s3cret"}
        assert value_in_force({}, "alert_webhook", wrong) == ""
    assert variable in caplog.text
    assert "s3cret" not in caplog.text
