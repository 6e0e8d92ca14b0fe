"""Specification: the manifest of the Slack app is what Slack's reference allows."""

from pathlib import Path

import json
import pytest
import re


DOCS = Path(__file__).parents[5] / "docs"
PATH = DOCS / "examples" / "slack" / "manifest.json"


@pytest.fixture
def manifest():
    if not PATH.exists():
        pytest.skip("The documentation is not here.")
    return json.loads(PATH.read_text())


# https://docs.slack.dev/reference/app-manifest
def test_the_parts_are_those_that_slack_knows(manifest):
    assert set(manifest) == {
        "display_information",
        "features",
        "oauth_config",
        "settings",
    }
    assert set(manifest["features"]) == {"bot_user", "slash_commands"}
    assert set(manifest["settings"]) == {
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
    }


def test_texts_are_not_too_long(manifest):
    shown = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert re.fullmatch("#[0-9a-f]{6}", shown["background_color"])
    assert re.fullmatch(
        r"[A-Za-z0-9._ -]{1,80}", manifest["features"]["bot_user"]["display_name"]
    )
    (command,) = manifest["features"]["slash_commands"]
    assert re.fullmatch(r"/[a-z-]{1,31}", command["command"])
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000


def test_commands_and_clicks_arrive_at_the_view(manifest):
    (command,) = manifest["features"]["slash_commands"]
    clicks = manifest["settings"]["interactivity"]
    assert clicks["is_enabled"]
    assert command["url"] == clicks["request_url"]
    assert command["url"].startswith("https://")
    assert command["url"].endswith("/@@cloudfront-slack")
    # URLs arrive as they were typed
    assert command["should_escape"] is False


def test_the_app_may_do_nothing_else(manifest):
    assert manifest["oauth_config"]["scopes"] == {"bot": ["commands"]}
    assert not manifest["settings"]["socket_mode_enabled"]
