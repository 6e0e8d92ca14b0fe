"""Specification: only what Slack has signed with our secret, lately, is let in."""

from collective.cloudfront.slack.signature import Flaw
from collective.cloudfront.slack.signature import flaw_of
from hypothesis import given
from hypothesis import strategies as st

import pytest


# The example of Slack's documentation, "Verifying requests from Slack"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STAMP = "1531420618"
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


def flaw(body=BODY, stamp=STAMP, signature=SIGNATURE, secret=SECRET, later=0.0):
    return flaw_of(secret, body, stamp, signature, int(STAMP) + later)


def test_slacks_own_example_is_valid():
    assert flaw() is None


@pytest.mark.parametrize("later", [-300, -1, 0.9, 299.9, 300])
def test_clocks_may_differ_by_five_minutes(later):
    assert flaw(later=later) is None


@pytest.mark.parametrize("later", [-301, 301, 86400, -1e9])
def test_what_is_older_or_of_the_future_is_refused(later):
    assert flaw(later=later) is Flaw.OLD


@pytest.mark.parametrize(
    "changes",
    [
        {"body": BODY + b"&text=all"},
        {"body": BODY.replace(b"foobar", b"fooba%72")},
        {"body": b""},
        {"body": b"\xff\xfe"},
        {"secret": SECRET[:-1]},
        {"secret": ""},
        {"signature": ""},
        {"signature": SIGNATURE[3:]},
        {"signature": SIGNATURE.replace("v0", "v1")},
        {"signature": SIGNATURE.upper()},
        {"signature": SIGNATURE[:-1]},
        {"signature": "v0=ä"},
        {"stamp": ""},
        {"stamp": "now"},
        {"stamp": "١٥٣١٤٢٠٦١٨"},
        {"stamp": f"{STAMP} "},
        {"stamp": f"-{STAMP}"},
        {"stamp": "9" * 5000},
    ],
)
def test_everything_else_is_forged(changes):
    assert flaw(**changes) is Flaw.FORGED


def test_the_time_is_signed_as_well():
    assert flaw(stamp=str(int(STAMP) + 1)) is Flaw.FORGED


@given(st.binary(), st.text(max_size=80), st.text(max_size=80))
def test_nothing_makes_it_raise(body, stamp, signature):
    assert flaw(body, stamp, signature) in Flaw
