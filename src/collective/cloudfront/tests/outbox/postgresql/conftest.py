"""One server for all tests of a process, and a schema for each."""

from collections.abc import Iterator
from collective.cloudfront.outbox.postgresql import store
from collective.cloudfront.tests.postgres import missing_server
from collective.cloudfront.tests.postgres import Server
from collective.cloudfront.tests.postgres import server

import itertools
import pytest


_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    """A server that nobody stops."""
    if missing_server():
        pytest.skip(missing_server())
    with server() as running:
        yield running


_SAVE = {name: getattr(store, name) for name in ("SAVE_PATIENCE", "SAVE_DEADLINE")}


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """The machine of the tests may be busy."""
    for name in (*_SAVE, "COURIER_PATIENCE", "COURIER_DEADLINE", "READ_DEADLINE"):
        monkeypatch.setattr(store, name, 100.0)


@pytest.fixture
def impatient(patient, monkeypatch) -> None:
    """Saves wait no longer than they do for editors."""
    for name, seconds in _SAVE.items():
        monkeypatch.setattr(store, name, seconds)


@pytest.fixture
def schema() -> str:
    """The name of a schema that is not there yet."""
    return f"test_{next(_schemas)}"
