"""Specification: what holds for forks with SQLite does with PostgreSQL."""

from collective.cloudfront.tests.outbox import test_forks as general

import inspect
import pytest


@pytest.fixture
def url(running_server, schema) -> str:
    return running_server.url(schema)


outbox = general.outbox

for _name, _test in vars(general).copy().items():
    if _name.startswith("test_") and {*inspect.signature(_test).parameters} <= {
        "url",
        "outbox",
    }:
        globals()[_name] = _test
