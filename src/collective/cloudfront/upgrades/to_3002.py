"""From profile version 3001 to 3002: records for alerts."""

from typing import Any


_PROFILE = "profile-collective.cloudfront:default"


def upgrade(setup: Any) -> None:
    """Add the records; those that exist keep their values."""
    setup.runImportStepFromProfile(
        _PROFILE, "plone.app.registry", run_dependencies=False
    )
