"""One server for all tests of a process, and a schema for each."""

from collections.abc import Iterator
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
    pytest.importorskip("psycopg")
    with server() as running:
        yield running


@pytest.fixture
def schema() -> str:
    """The name of a schema that is not there yet."""
    return f"test_{next(_schemas)}"
