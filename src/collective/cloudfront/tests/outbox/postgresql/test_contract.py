"""Specification: the outbox in PostgreSQL does what every outbox does."""

from collections.abc import Callable
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.outbox.contract import Engine
from collective.cloudfront.tests.outbox.contract import OutboxContract
from collective.cloudfront.tests.postgres import Server
from pathlib import Path

import itertools
import pytest


_schemas = itertools.count(1)


class PostgresqlEngine:
    """The outbox in a new schema of a server."""

    def __init__(self, server: Server):
        self.url = server.url(f"contract_{next(_schemas)}")
        self._opened = []

    def open(self, clock: Callable[[], float]):
        outbox = open_outbox(self.url)
        outbox.clock = clock
        self._opened.append(outbox)
        return outbox

    def end(self) -> None:
        """Close what was opened."""
        for each in self._opened:
            each.end()


class TestPostgresqlOutbox(OutboxContract):
    @pytest.fixture(autouse=True)
    def make_engines(self, running_server) -> None:
        engines = []

        def make_engine(folder: Path) -> Engine:
            engines.append(PostgresqlEngine(running_server))
            return engines[-1]

        self.make_engine = make_engine
        yield
        for engine in engines:
            engine.end()
