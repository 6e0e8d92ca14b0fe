"""The settings of the Slack command: from where it may come, and who may do what."""

from collective.cloudfront.i18n import _
from collective.cloudfront.settings.invalid import InvalidSetting
from collective.cloudfront.slack.access import bad_grant
from collective.cloudfront.slack.access import is_channel
from collective.cloudfront.slack.access import is_team
from collective.cloudfront.slack.access import split_channels
from zope import schema
from zope.interface import Interface


_LONGEST = 10_000


def is_slack_team(value: str | None) -> bool:
    """Constraint: the ID of a Slack workspace, or nothing."""
    if value and not is_team(value):
        raise InvalidSetting(
            _(
                "invalid_slack_team",
                default="“${value}” is not the ID of a Slack workspace. It starts with T, "
                "for example T1DC2JH3J.",
                mapping={"value": value},
            )
        )
    return True


def are_slack_channels(value: str | None) -> bool:
    """Constraint: IDs of Slack channels, or nothing."""
    for each in split_channels((value or "")[:_LONGEST]):
        if not is_channel(each):
            raise InvalidSetting(
                _(
                    "invalid_slack_channel",
                    default="“${value}” is not the ID of a Slack channel. It starts with "
                    "C, for example C8PSS9T3V. Separate several IDs with spaces.",
                    mapping={"value": each},
                )
            )
    return len(value or "") <= _LONGEST


def are_slack_users(value: str | None) -> bool:
    """Constraint: IDs of Slack users, each with what the user may do, or nothing."""
    bad = bad_grant((value or "")[:_LONGEST])
    if bad:
        raise InvalidSetting(
            _(
                "invalid_slack_users",
                default="“${value}” does not say what a Slack user may do. Enter the ID "
                "of a user, or * for everybody in the channels, and then some of status, "
                "pages, tags, and all. For example: U024BE7LH status pages.",
                mapping={"value": bad[:100]},
            )
        )
    return len(value or "") <= _LONGEST


class ISlackSettings(Interface):
    """A part of ``ICloudFrontSettings``."""

    slack_team = schema.TextLine(
        title=_("label_slack_team", default="Slack workspace"),
        description=_(
            "help_slack_team",
            default="The ID of the workspace from which people may purge with "
            "/cdn-purge, for example T1DC2JH3J. Leave this field empty to turn the "
            "command off.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_slack_team,
    )

    slack_channels = schema.TextLine(
        title=_("label_slack_channels", default="Slack channels"),
        description=_(
            "help_slack_channels",
            default="The IDs of the channels in which the command works, separated by "
            "spaces, for example C8PSS9T3V. Slack shows the ID at the end of the "
            "details of a channel.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=are_slack_channels,
    )

    slack_users = schema.Text(
        title=_("label_slack_users", default="Slack users"),
        description=_(
            "help_slack_users",
            default="On each line the ID of a user, or * for everybody in the channels, "
            "and what the user may do: status, pages, tags, all. For example: U024BE7LH "
            "status pages. Slack has the ID in the profile of a user.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=are_slack_users,
    )
