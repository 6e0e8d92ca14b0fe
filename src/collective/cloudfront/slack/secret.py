"""The signing secret of the Slack app: in the environment, never in the database."""

from collections.abc import Mapping

import os


SECRET = "CLOUDFRONT_SLACK_SIGNING_SECRET"


def signing_secret(environ: Mapping[str, str] = os.environ) -> str:
    """Return the secret; "" if there is none."""
    return environ.get(SECRET, "").strip()
