"""Everything can be moved to an outbox of another engine, and back."""

from collections.abc import Iterator
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.published import publish
from collective.cloudfront.delivery.published import published
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.moving import is_claimed
from collective.cloudfront.outbox.moving import move
from collective.cloudfront.outbox.moving import moved_to
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.stored import StoredOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.outbox.contract.common import action
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import PACE
from collective.cloudfront.tests.outbox.contract.common import settle
from collective.cloudfront.tests.outbox.contract.common import site
from collective.cloudfront.tests.outbox.contract.common import wait
from contextlib import contextmanager
from datetime import datetime
from datetime import timezone
from pathlib import Path
from typing import Any

import pytest


class Stopped(Exception):
    """The process was killed, or the power failed."""


def fill(outbox: Any) -> None:
    """Put something of every kind into an outbox."""
    outbox.release("", entries("/settled"))
    settle(outbox, "/settled", reference="r0")
    outbox.quarantine(frozen(outbox, "/bad", reference="r1"), plain("no"))
    frozen(outbox, "/frozen", reference="r2")
    outbox.release("", entries(*(f"/{number}" for number in range(300))))
    outbox.release("", [site(), Entry(E2, "/urgent", urgent=True)])
    outbox.release("", [site()])
    outbox.release("", [Entry(E1, "/later", due=outbox.clock() + 1e5, key="k")])
    outbox.prepare("token", entries("/in-doubt"))()
    outbox.record_request(action("id"))
    outbox.keep_pace(E1, PACE)
    wait(outbox, paused=True, until=outbox.clock() + 60)
    assert outbox.claim_run("a", 60)
    outbox.keep_run("a", {"after": "/x"}, 60)
    outbox.give_up(E1)


def seen(outbox: Any) -> dict[str, Any]:
    """Return what an outbox says, for those who use it."""
    return {
        "work": outbox.work(None),
        "ready": [outbox.pending(each, 10_000) for each in (E1, E2)],
        "frozen": outbox.frozen(E1),
        "history": outbox.history(100),
        "quarantined": outbox.quarantined(100),
        "scheduled": outbox.scheduled(100),
        "requests": outbox.requests(100),
        "billed": outbox.billed(_month(outbox)),
        "status": outbox.status(),
        "pace": outbox.pace(E1),
        "run": outbox.run("a"),
    }


def _month(outbox: Any) -> str:
    (settled,) = outbox.history(1)
    return datetime.fromtimestamp(settled.accepted, timezone.utc).strftime("%Y-%m")


class MovingContract(Opened):
    """Everything can be moved to an outbox of another engine, and back."""

    @pytest.fixture
    def file(self, tmp_path: Path, clock: Any) -> Iterator[StoredOutbox]:
        """An outbox in a file."""
        outbox = SqliteOutbox(tmp_path / "file.sqlite", clock=clock)
        yield outbox
        outbox.end()

    @pytest.fixture(params=["from", "to"])
    def ways(self, request: Any, outbox: Any, file: StoredOutbox) -> Any:
        """The source and the target, one of which is a file."""
        source, target = (outbox, file) if request.param == "from" else (file, outbox)
        fill(source)
        return source, target

    def test_everything_is_carried_over(self, ways):
        source, target = ways
        expected = seen(source)
        move(source, target, "there")
        assert seen(target) == expected
        assert source.work(None) == ()
        assert source.history(9) == source.scheduled(9) == []
        assert moved_to(source) == "there"

    @pytest.mark.parametrize("count", [1, 4, 9])
    def test_moving_may_be_stopped_and_done_again(self, ways, count):
        source, target = ways
        expected = seen(source)
        write, calls = source.store.write, []

        @contextmanager
        def writing(*arguments: Any, **options: Any) -> Iterator[Any]:
            calls.append(1)
            if len(calls) == count:
                raise Stopped()
            with write(*arguments, **options) as rows:
                yield rows

        source.store.write = writing
        try:
            with pytest.raises(Stopped):
                move(source, target, "there")
        finally:
            source.store.write = write
        move(source, target, "there")
        assert seen(target) == expected

    def test_a_courier_that_works_is_noticed(self, outbox, other):
        outbox.release("", entries("/a"))
        assert not is_claimed(outbox)
        assert other.claim(E1, 60)
        assert is_claimed(outbox)

    def test_who_uses_it_can_be_seen(self, outbox, other, clock):
        presences = [
            Presence(each, Kind.WORKER, clock) for each in (outbox, other, outbox)
        ]
        for each in presences:
            each.say()
        assert len(present(outbox, clock())) == 3
        presences[1].end()
        assert len(present(other, clock())) == 2

    def test_sites_are_published_by_several(self, outbox, other, clock):
        assert publish(outbox, [Site("a", "/a")], (), clock())
        assert publish(other, [Site("b", "/b")], (), clock())
        assert not publish(outbox, [Site("a", "/a")], (), clock())
        found = published(outbox, clock()).sites
        assert [each.path for each in found] == ["/a", "/b"]
        assert publish(outbox, [], {"a"}, clock())
        assert [each.path for each in published(other, clock()).sites] == ["/b"]
