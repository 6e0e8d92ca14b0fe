"""The settings of the Slack command: what they accept."""

from collective.cloudfront.settings import are_slack_channels
from collective.cloudfront.settings import are_slack_users
from collective.cloudfront.settings import is_slack_team
from collective.cloudfront.settings.invalid import InvalidSetting
from collective.cloudfront.tests.slack.people import USERS

import pytest


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        (is_slack_team, ""),
        (is_slack_team, None),
        (is_slack_team, "T1DC2JH3J"),
        (are_slack_channels, "C8PSS9T3V"),
        (are_slack_channels, "C8PSS9T3V, G8PSS9T3V"),
        (are_slack_users, USERS),
        (are_slack_users, "* status"),
    ],
)
def test_ids_are_accepted(constraint, value):
    assert constraint(value)


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        (is_slack_team, "Example Inc."),
        (are_slack_channels, "#releases"),
        (are_slack_channels, "C8PSS9T3V releases"),
        (are_slack_users, "@jane all"),
        (are_slack_users, "U024BE7LH"),
        (are_slack_users, "U024BE7LH everything"),
    ],
)
def test_names_are_refused(constraint, value):
    with pytest.raises(InvalidSetting) as caught:
        constraint(value)
    assert value.split()[-1] in str(caught.value)
