"""The outbox in one SQLite file."""

from collections.abc import Callable
from collective.cloudfront.outbox.sqlite.store import SqliteStore
from collective.cloudfront.outbox.stored import StoredOutbox
from pathlib import Path

import time


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
