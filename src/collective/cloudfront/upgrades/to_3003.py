"""From profile version 3002 to 3003: records for the Slack command, and a purger for Plone's
own *Purge caching proxy*.
"""

from typing import Any


_PROFILE = "profile-collective.cloudfront:default"


def upgrade(setup: Any) -> None:
    """Add both; records that exist keep their values."""
    for step in ("plone.app.registry", "componentregistry"):
        setup.runImportStepFromProfile(_PROFILE, step, run_dependencies=False)
