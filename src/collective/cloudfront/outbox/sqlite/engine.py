"""The outbox in one SQLite file."""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.outbox.sqlite.store import SqliteStore
from collective.cloudfront.outbox.stored import StoredOutbox
from pathlib import Path
from urllib.parse import unquote
from urllib.parse import urlsplit

import time


def open_engine(
    url: str, on_damage: Callable[[str], None] = lambda path: None
) -> "SqliteOutbox":
    """Return the outbox at ``url``, such as ``sqlite:////var/lib/cf/outbox.sqlite``.

    As in SQLAlchemy's URLs, three slashes start a relative path and four an
    absolute one, from this moment's folder. Special characters are percent-encoded.
    Raises ``ValueError`` for another URL.
    """
    parts = urlsplit(url)
    if parts.netloc or len(parts.path) < 2:
        raise ValueError(
            f"{url!r} names no outbox: use sqlite:///relative/path or "
            f"sqlite:////absolute/path."
        )
    if "?" in url or "#" in url:
        raise ValueError(f"{url!r} names no outbox: write %3F for ?, and %23 for #.")
    # Whoever changes the folder later has the same outbox.
    path = Path(unquote(parts.path[1:])).absolute()
    return SqliteOutbox(path, on_damage=on_damage)


class SqliteOutbox(StoredOutbox):
    """See ``contract.Outbox``."""

    def __init__(
        self,
        path: Path,
        on_damage: Callable[[str], None] = lambda path: None,
        clock: Callable[[], float] = time.time,
    ):
        """Open the outbox at ``path`` lazily: the first use may fail, not this.

        ``on_damage`` is called with a path after a damaged file was set aside, or one
        that is gone was replaced: the distributions that it knew are to be purged whole;
        ``clock`` returns Unix seconds.
        """
        self.path = Path(path)
        store = SqliteStore(self.path, self.restore, self.take_over, on_damage, clock)
        super().__init__(store, clock)

    def adopt(self, earlier: Iterable[Path] = ()) -> int:
        """See ``contract.Repair``."""
        return super().adopt(each for each in earlier if each != self.path)
