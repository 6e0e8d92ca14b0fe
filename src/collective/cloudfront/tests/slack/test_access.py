"""Specification: one team, some channels, and actions by user; else nobody, nothing."""

from collective.cloudfront.slack.access import Action
from collective.cloudfront.slack.access import bad_grant
from collective.cloudfront.slack.access import read_access
from collective.cloudfront.tests.slack.people import CHANNEL
from collective.cloudfront.tests.slack.people import EDITOR
from collective.cloudfront.tests.slack.people import MANAGER
from collective.cloudfront.tests.slack.people import OTHER
from collective.cloudfront.tests.slack.people import TEAM
from collective.cloudfront.tests.slack.people import USERS

import pytest


def test_each_user_may_do_what_the_settings_say():
    access = read_access(TEAM, CHANNEL, USERS)
    assert access.is_set_up
    assert access.allowed(MANAGER) == list(Action)
    assert access.allowed(EDITOR) == [Action.STATUS, Action.PAGES]
    assert access.allowed(OTHER) == []


def test_a_star_is_everybody_and_adds_to_what_a_user_may():
    access = read_access(TEAM, CHANNEL, f"* status; {EDITOR} pages")
    assert access.allowed(OTHER) == [Action.STATUS]
    assert access.allowed(EDITOR) == [Action.STATUS, Action.PAGES]


@pytest.mark.parametrize(
    ("team", "channels", "users"),
    [
        ("", CHANNEL, USERS),
        (TEAM, "", USERS),
        (TEAM, CHANNEL, ""),
        (None, None, None),
        (TEAM, "#releases", USERS),
        (TEAM, CHANNEL, f"{MANAGER} everything"),
    ],
)
def test_what_is_incomplete_allows_nothing(team, channels, users):
    assert not read_access(team, channels, users).is_set_up


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        (USERS, ""),
        ("", ""),
        ("* all", ""),
        ("@jane all", "@jane all"),
        (f"{MANAGER}", MANAGER),
        (f"{USERS}\n{OTHER} purge", f"{OTHER} purge"),
    ],
)
def test_the_first_entry_that_makes_no_sense_is_found(text, bad):
    assert bad_grant(text) == bad
