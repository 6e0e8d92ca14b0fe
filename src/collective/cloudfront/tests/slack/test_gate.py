"""Specification: what is not Slack's, or from a wrong place, is refused, counted and logged
once, without what was sent.
"""

from collective.cloudfront.slack.access import read_access
from collective.cloudfront.slack.answers import refusal
from collective.cloudfront.slack.gate import Complaints
from collective.cloudfront.slack.gate import Gate
from collective.cloudfront.slack.gate import LONGEST_BODY
from collective.cloudfront.slack.gate import Reason
from collective.cloudfront.slack.gate import Refused
from collective.cloudfront.slack.incoming import Malformed
from collective.cloudfront.slack.incoming import read
from collective.cloudfront.tests.slack.people import CHANNEL
from collective.cloudfront.tests.slack.people import click_body
from collective.cloudfront.tests.slack.people import command_body
from collective.cloudfront.tests.slack.people import MANAGER
from collective.cloudfront.tests.slack.people import RESPONSE_URL
from collective.cloudfront.tests.slack.people import SECRET
from collective.cloudfront.tests.slack.people import signed
from collective.cloudfront.tests.slack.people import TEAM
from collective.cloudfront.tests.slack.people import USERS
from hypothesis import given
from hypothesis import strategies as st
from urllib.parse import urlencode

import pytest
import time


ACCESS = read_access(TEAM, CHANNEL, USERS)
QUESTION = {
    "blocks": [{"elements": [{"action_id": "cloudfront_all_yes", "value": "v"}]}]
}


@pytest.fixture
def gate():
    return Gate(SECRET, ACCESS, time.time)


def refused(gate, body, headers=None):
    with pytest.raises(Refused) as caught:
        gate.open(body, signed(body) if headers is None else headers)
    return caught.value


def test_a_command_is_let_in(gate):
    body = command_body("/news below")
    incoming = gate.open(body, signed(body))
    assert (incoming.team, incoming.channel, incoming.user) == (TEAM, CHANNEL, MANAGER)
    assert incoming.text == "/news below"
    assert incoming.response_url == RESPONSE_URL
    assert not incoming.action


def test_a_click_is_let_in(gate):
    body = click_body(QUESTION)
    incoming = gate.open(body, signed(body))
    assert (incoming.action, incoming.value) == ("cloudfront_all_yes", "v")
    assert incoming.user == MANAGER


def test_what_slack_sends_again_has_the_same_key(gate):
    first = command_body("/news", trigger_id="1.2.3")
    again = command_body("/news", trigger_id="1.2.3", token="other")
    other = command_body("/news", trigger_id="1.2.4")
    keys = [gate.open(each, signed(each)).key for each in (first, again, other)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"team_id": "T0OTHER00"}, Reason.TEAM),
        ({"channel_id": "C0OTHER00"}, Reason.CHANNEL),
        ({"channel_id": "D0DIRECT0"}, Reason.CHANNEL),
        ({"user_id": ""}, Reason.MALFORMED),
        ({"team_id": "<!channel>"}, Reason.MALFORMED),
    ],
)
def test_a_wrong_place_is_refused(gate, changes, reason):
    error = refused(gate, command_body("all", **changes))
    assert error.reason is reason
    assert error.status == (400 if reason is Reason.MALFORMED else 200)
    assert "Nothing was done" in refusal(error.reason, ACCESS)


def test_a_forged_or_old_request_learns_nothing(gate):
    body = command_body("all")
    forged = refused(gate, body, signed(body, secret="other"))
    old = refused(gate, body, signed(body, at=time.time() - 400))
    assert (forged.reason, forged.status) == (Reason.FORGED, 401)
    assert (old.reason, old.status) == (Reason.OLD, 401)
    assert forged.incoming is old.incoming is None


@pytest.mark.parametrize("length", [LONGEST_BODY + 1, "9" * 100, None, "", "-1", "x"])
def test_a_body_that_is_huge_or_of_unknown_size_is_not_read(gate, length):
    with pytest.raises(Refused) as caught:
        gate.check_length(length)
    assert caught.value.status == 413


def test_a_huge_body_that_was_read_is_refused_as_well(gate):
    assert refused(gate, b"x" * (LONGEST_BODY + 1)).reason is Reason.TOO_LARGE


def test_slacks_check_of_the_certificate_is_answered(gate):
    body = urlencode({"ssl_check": "1", "token": "x"}).encode()
    assert gate.open(body, signed(body)).is_check


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"type": "view_submission"}',
        '{"type":' * 2000,
        "[" * 9999,
    ],
)
def test_other_payloads_are_refused(gate, payload):
    body = urlencode({"payload": payload}).encode()
    assert refused(gate, body).reason is Reason.MALFORMED


@given(st.binary(max_size=500))
def test_any_body_is_read_or_is_malformed(body):
    try:
        read(body)
    except Malformed:
        pass


# --- the log ----------------------------------------------------------------------------


def test_the_same_trouble_is_logged_once_an_hour_without_what_was_sent(caplog):
    now = [1000.0]
    complaints = Complaints(lambda: now[0])
    body = command_body("tag s3cret", channel_id="C0OTHER00")
    error = refused(Gate(SECRET, ACCESS, time.time), body)
    for _ in range(5):
        complaints.note(error)
    complaints.note(Refused(Reason.FORGED))
    assert len(caplog.records) == 2
    first = caplog.messages[0]
    assert "channel C0OTHER00" in first
    for secret in ("s3cret", SECRET, "hooks.slack.com", "xyzz0"):
        assert secret not in caplog.text
    now[0] += 3600.0
    complaints.note(error)
    assert "4 more" in caplog.messages[2]
