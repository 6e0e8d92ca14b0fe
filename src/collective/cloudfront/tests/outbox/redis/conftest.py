"""Servers and outboxes for a test."""

from collective.cloudfront.outbox.redis.engine import RedisOutbox
from collective.cloudfront.outbox.redis.server import Address
from collective.cloudfront.tests.outbox.redis.server import RedisEngine
from collective.cloudfront.tests.outbox.redis.server import Server

import pytest


@pytest.fixture
def start(tmp_path):
    """Start servers of this test: ``start(*options)``."""
    started = []

    def one(*options: str, port: int = 0) -> Server:
        folder = tmp_path / f"redis-{len(started)}"
        folder.mkdir()
        started.append(Server(folder, *options, port=port))
        return started[-1].start()

    yield one
    for server in started:
        server.kill()


@pytest.fixture
def server(start):
    """A server that loses nothing when it dies."""
    return start("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def user(request):
    """Make one more user of the outbox at a URL: ``user(url, on_damage)``."""

    def one(url: str, on_damage=lambda path: None) -> RedisOutbox:
        outbox = RedisOutbox(Address(url), on_damage)
        request.addfinalizer(outbox.end)
        return outbox

    return one


@pytest.fixture
def url(tmp_path):
    """The URL of an outbox of its own in the server that tests share."""
    return RedisEngine(tmp_path).url
