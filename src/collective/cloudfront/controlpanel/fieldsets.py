"""The groups of the settings, in Classic UI's form and in Volto's."""

from collective.cloudfront.i18n import _
from collective.cloudfront.settings.keypair import KEY_ID
from collective.cloudfront.settings.keypair import SECRET
from collective.cloudfront.settings.webhook import WEBHOOK
from dataclasses import dataclass
from typing import Any


#: Name of the setting that is filled in with where a person saves the settings.
URL = "alert_url"


@dataclass(frozen=True, slots=True)
class Fieldset:
    """A group: its name is in URLs, the other texts are for people."""

    name: str
    label: str
    fields: tuple[str, ...]
    description: str = ""


#: All settings but the one that nobody edits.
FIELDSETS = (
    Fieldset(
        "settings",
        _("legend_settings", default="Site and distribution"),
        ("enabled", "distribution_id", "public_prefix", "api_paths"),
    ),
    Fieldset(
        "changes",
        _("legend_changes", default="Scope and timing of purges"),
        ("window", "navigation_changes", "site_purge_interval", "again_after"),
    ),
    Fieldset(
        "tags",
        _("legend_tags", default="Cache tags"),
        ("cache_tags", "tag_header", "volto_tags"),
    ),
    Fieldset(
        "costs",
        _("legend_costs", default="Budget and history"),
        ("monthly_budget", "history_days"),
    ),
    Fieldset(
        "alerts",
        _("legend_alerts", default="Alerts"),
        ("alert_emails", WEBHOOK, "alert_minutes", URL),
        _(
            "help_alerts",
            default="Alerts tell people outside of Plone when purging is paused, the "
            "outbox cannot be used, CloudFront refuses items, items wait for too long, or "
            "the monthly budget is used up.",
        ),
    ),
    Fieldset(
        "slack",
        _("legend_slack", default="Slack"),
        ("slack_team", "slack_channels", "slack_users"),
        _(
            "help_slack",
            default="People can purge with the Slack command /cdn-purge. The signing "
            "secret of the Slack app is never stored in Plone. Set it in the environment "
            "variable CLOUDFRONT_SLACK_SIGNING_SECRET.",
        ),
    ),
    Fieldset(
        "credentials",
        _("legend_credentials", default="AWS credentials"),
        ("aws_profile", "aws_role_arn", KEY_ID, SECRET),
        _(
            "help_credentials",
            default="Leave these fields empty if the machine or container that runs "
            "Plone has a role, or credentials in its environment.",
        ),
    ),
)


def help_of_secret(is_stored: bool) -> str:
    """Say whether a secret is stored: nothing else of it is ever shown."""
    if is_stored:
        return _(
            "help_secret_stored",
            default="A key is stored and is never shown. Leave this field empty to "
            "keep it. To remove it, clear the access key ID.",
        )
    return _(
        "help_secret_missing",
        default="No key is stored. Once stored, a key is never shown again.",
    )


def with_url(data: dict[str, Any], url: str) -> dict[str, Any]:
    """Return settings with the URL at which a person saves them, if somebody is to get
    alerts and no other URL is set: nobody else knows it.
    """
    gets_alerts = data.get("alert_emails") or data.get(WEBHOOK)
    if gets_alerts and URL in data and not data[URL]:
        return {**data, URL: url}
    return data
