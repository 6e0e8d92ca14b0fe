"""The URL of a webhook is a secret: whoever knows it can post there.

It goes in and never comes out: people see the host alone. What they see, sent back,
means: keep the stored one. Empty removes it.
"""

from urllib.parse import urlsplit


#: Name of the setting.
WEBHOOK = "alert_webhook"

#: Stands for all that is not shown. No URL has it: it is not ASCII.
_REST = "…"


def is_https_url(url: str) -> bool:
    """Say whether a text is a URL that we post to: https, and nobody's password in it."""
    if not (url.isascii() and url.isprintable() and " " not in url):
        return False
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port != 0
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and has_valid_port
    )


def masked(url: str | None) -> str:
    """Return what people see of a URL; nothing of none."""
    return f"https://{urlsplit(url).netloc}/{_REST}" if url else ""


def unmasked(typed: str | None, stored: str | None) -> str:
    """Return what was typed, or the stored URL if that was what people see of it."""
    if stored and typed == masked(stored):
        return stored
    return typed or ""
