from collections.abc import Callable
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.tests.outbox.contract import OutboxContract
from pathlib import Path


class SqliteEngine:
    """The outbox in a file."""

    def __init__(self, folder: Path):
        self.path = folder / "outbox.sqlite"
        self.url = f"sqlite:///{self.path}"

    def open(self, clock: Callable[[], float]) -> SqliteOutbox:
        return SqliteOutbox(self.path, clock=clock)


class TestSqliteOutbox(OutboxContract):
    make_engine = SqliteEngine
