"""From profile version 3002 to 3003: records for the Slack command."""

from typing import Any


_PROFILE = "profile-collective.cloudfront:default"


def upgrade(setup: Any) -> None:
    """Add the records; those that exist keep their values."""
    setup.runImportStepFromProfile(
        _PROFILE, "plone.app.registry", run_dependencies=False
    )
