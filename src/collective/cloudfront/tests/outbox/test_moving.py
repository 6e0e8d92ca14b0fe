"""Specification: everything can be moved to another outbox."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.moving import is_claimed
from collective.cloudfront.outbox.moving import move
from collective.cloudfront.outbox.moving import moved_to
from collective.cloudfront.outbox.moving import TABLES
from collective.cloudfront.outbox.store import BILL
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from contextlib import contextmanager

import pytest
import time


E1, E2 = "E1", "E2"
LATER = time.time() + 86400


@pytest.fixture
def make(tmp_path):
    made = []

    def make(name):
        made.append(open_outbox(f"sqlite:///{tmp_path}/{name}.sqlite"))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def source(make):
    """An outbox with something of every kind."""
    outbox = make("source")
    outbox.release("", [Entry(E1, f"/{number}") for number in range(700)])
    outbox.release("", [Entry(E1, "/site/*", every=300.0), Entry(E2, "/urgent", True)])
    outbox.release("", [Entry(E1, "/site/*", every=300.0)])
    outbox.release("", [Entry(E1, "/later", due=LATER, key="k")])
    outbox.prepare("token", [Entry(E1, "/in-doubt")])()
    settle(outbox, "/settled", "r1")
    outbox.release("", [Entry(E2, "/frozen")])
    assert outbox.claim(E2, 60)
    outbox.freeze(E2, "r2", ["/frozen"])
    outbox.release("", [Entry(E2, "/bad")])
    outbox.quarantine(outbox.freeze(E2, "r3", ["/bad"]), plain("no"))
    outbox.give_up(E2)
    outbox.record_request(PurgeRequest("id1", 5.0, "jane", "why", ("/a",), (E1,)))
    outbox.keep_pace(E1, Pace.fresh(time.time(), Limits()))
    outbox.wait(
        E1, reason=plain("x"), advice=plain("y"), paused=True, until=time.time() + 60
    )
    assert outbox.claim_run("dates:uid", 60)
    outbox.keep_run("dates:uid", {"done": {}}, 60)
    return outbox


def settle(outbox, item, reference, distribution=E1):
    outbox.release("", [Entry(distribution, item)])
    assert outbox.claim(distribution, 60)
    batch = outbox.freeze(distribution, reference, [item])
    settled = outbox.settle(batch, f"I{reference}", give_up=True)
    return outbox.complete(settled, "Completed")


def rows(outbox, *, but=()):
    """Return all rows of an outbox, by table."""
    with outbox.store.read() as reading:
        found = reading.read(
            *(Scan(table, order=table.key) for table in TABLES if table.name not in but)
        )
    return found


def seen(outbox):
    """Return what an outbox says, for those who use it."""
    return {
        "work": outbox.work(None),
        "ready": [outbox.pending(each, 10_000) for each in (E1, E2)],
        "frozen": [outbox.frozen(each) for each in (E1, E2)],
        "history": outbox.history(100),
        "quarantined": outbox.quarantined(100),
        "scheduled": outbox.scheduled(100),
        "requests": outbox.requests(100),
        "billed": outbox.billed(time.strftime("%Y-%m", time.gmtime())),
        "status": outbox.status(),
        "pace": outbox.pace(E1),
        "run": outbox.run("dates:uid"),
    }


def test_everything_is_carried_over(source, make):
    target = make("target")
    expected = seen(source)
    moved = move(source, target, "there")
    assert seen(target) == expected
    assert moved["ready"] == len(expected["ready"][0]) + len(expected["ready"][1])
    assert moved["invalidation"] == 2


def test_the_source_is_empty_and_says_where_everything_is(source, make):
    move(source, make("target"), "there")
    assert source.work() == ()
    assert source.history(9) == []
    assert source.scheduled(9) == []
    assert moved_to(source) == "there"
    again = make("again")
    assert not any(move(source, again, "elsewhere").values())
    assert moved_to(source) == "there"


def test_claims_are_not_carried_over(source, make):
    target = make("target")
    assert source.claim(E1, 60)
    move(source, target, "there")
    other = make("target")
    assert other.claim(E1, 60)
    assert other.claim_run("dates:uid", 60)


def test_what_the_target_has_stays_and_is_added_to(source, make):
    target = make("target")
    settle(target, "/own", "r9")
    target.release("", [Entry(E1, "/0"), Entry(E1, "/own")])
    move(source, target, "there")
    items = [each.item for each in target.pending(E1, 10_000)]
    assert len(items) == len(set(items))
    assert {"/own", "/0", "/699"} <= set(items)
    assert target.billed(time.strftime("%Y-%m", time.gmtime())) == {E1: 2}


class Stopped(Exception):
    """The process was killed, or the power failed."""


def stopped_after(source, count):
    """Have the source fail before it removes rows for the ``count``-th time."""
    write = source.store.write
    calls = []

    @contextmanager
    def writing(*args, **options):
        calls.append(1)
        if len(calls) == count:
            raise Stopped()
        with write(*args, **options) as rows:
            yield rows

    source.store.write = writing
    return lambda: source.store.__dict__.pop("write")


@pytest.mark.parametrize("count", range(1, 13, 4))
def test_it_may_be_stopped_anywhere_and_done_again(source, make, count):
    target = make("target")
    expected = seen(source)
    go_on = stopped_after(source, count)
    with pytest.raises(Stopped):
        move(source, target, "there")
    go_on()
    move(source, target, "there")
    assert seen(target) == expected
    assert source.work() == ()


def test_nothing_is_left_of_the_moving_itself(source, make):
    target = make("target")
    before = {row.name for row in rows(source)[-1]}
    move(source, target, "there")
    assert {row.name for row in rows(target)[-1]} == before
    assert rows(target, but=("memory",))[TABLES.index(BILL)]


def test_a_courier_that_works_is_noticed(source, make):
    assert not is_claimed(source)
    assert make("source").claim(E1, 60)
    assert is_claimed(source)
