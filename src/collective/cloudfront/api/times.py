"""Times in requests and answers."""

from datetime import datetime
from datetime import timezone


def iso(timestamp: float | None) -> str | None:
    """Return a time as ISO 8601 in UTC."""
    if timestamp is None:
        return None
    return datetime.fromtimestamp(timestamp, timezone.utc).isoformat()
