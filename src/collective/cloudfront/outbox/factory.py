"""From ``CLOUDFRONT_OUTBOX`` to an outbox."""

from collections.abc import Callable
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from pathlib import Path
from urllib.parse import unquote
from urllib.parse import urlsplit


def open_outbox(
    url: str, on_damage: Callable[[str], None] = lambda path: None
) -> Outbox:
    """Return the outbox at ``url``, such as ``sqlite:////var/lib/cf/outbox.sqlite``.

    As in SQLAlchemy's URLs, three slashes start a relative path and four an
    absolute one, from this moment's folder. Special characters are percent-encoded.
    ``on_damage`` is called with the path of a damaged outbox after
    it was set aside. Raises ``ValueError`` for a URL that names no known engine.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise ValueError(
            f"{url!r} names no outbox: use sqlite:///relative/path or "
            f"sqlite:////absolute/path."
        )
    if "?" in url or "#" in url:
        raise ValueError(f"{url!r} names no outbox: write %3F for ?, and %23 for #.")
    # Whoever changes the folder later has the same outbox.
    path = Path(unquote(parts.path[1:])).absolute()
    return SqliteOutbox(path, on_damage=on_damage)
