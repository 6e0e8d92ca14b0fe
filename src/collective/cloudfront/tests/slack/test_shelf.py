"""Specification: of several processes and threads, one purges, and one answers."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.slack.shelf import SEEN_FOR
from collective.cloudfront.slack.shelf import Shelf
from collective.cloudfront.tests.outbox.redis.server import RedisEngine
from collective.cloudfront.tests.postgres import missing_server
from collective.cloudfront.tests.postgres import server
from collective.cloudfront.tests.profile import only_long
from concurrent.futures import ThreadPoolExecutor

import pytest
import time


#: It takes a while to start; the contract suite has what an engine must do.
_POSTGRESQL = pytest.param("postgresql", marks=only_long)


@pytest.fixture(params=["sqlite", "redis", _POSTGRESQL])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/outbox.sqlite"
    elif request.param == "redis":
        yield RedisEngine(tmp_path).url
    elif missing_server():
        pytest.skip(missing_server())
    else:
        with server() as running:
            yield running.url("slack")


@pytest.fixture
def outboxes(url):
    """Those of two processes."""
    made = [open_outbox(url), open_outbox(url)]
    yield made
    for each in made:
        each.close()


def test_one_of_many_is_the_first(outboxes):
    def ask(number):
        outbox = outboxes[number % 2]
        try:
            return Shelf(outbox).is_first("a")
        finally:
            outbox.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(16)))
    assert sorted(found) == [False] * 15 + [True]


def test_what_was_not_purged_is_first_again(outboxes):
    shelf = Shelf(outboxes[0])
    assert shelf.is_first("a")
    shelf.forget("a")
    assert shelf.is_first("a")


def test_keys_are_forgotten_when_no_signature_is_valid_any_more(outboxes):
    now = [time.time()]
    shelf = Shelf(outboxes[0], lambda: now[0])
    shelf.is_first("a")
    now[0] += SEEN_FOR + 1
    assert shelf.is_first("a")


def test_an_answer_is_posted_by_one(outboxes):
    first, second = map(Shelf, outboxes)
    first.add("a", {"url": "u"})
    assert second.answers() == {"a": {"url": "u"}}
    assert first.take("a", 30.0) == {"url": "u"}
    assert second.take("a", 30.0) is None
    first.drop("a")
    assert second.answers() == {}


def test_what_a_dead_process_has_taken_is_taken_by_another(outboxes):
    now = [time.time()]
    shelves = [Shelf(each, lambda: now[0]) for each in outboxes]
    shelves[0].add("a", {"url": "u"})
    shelves[0].take("a", 30.0)
    now[0] += 31.0
    assert shelves[1].take("a", 30.0)["url"] == "u"
