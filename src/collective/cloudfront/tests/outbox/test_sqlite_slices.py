"""What is much is written in slices: no save waits long for the lock."""

from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.ledger import SLICE
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.outbox.clock import Clock
from contextlib import contextmanager

import pytest


COUNT = 8 * SLICE
#: A row that is removed, one that is added, one that is merged, and a few of memory.
MOST = 3 * SLICE + 10


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def changes(monkeypatch):
    """How many rows each transaction has changed."""
    return []


@pytest.fixture
def outbox(tmp_path, clock, changes):
    outbox = SqliteOutbox(tmp_path / "outbox.sqlite", clock=clock)
    outbox.work()
    write = outbox.store.write

    @contextmanager
    def counted(*args, **options):
        with write(*args, **options) as rows:
            db = outbox.store._local.db
            before = db.total_changes
            yield rows
            changes.append(db.total_changes - before)

    outbox.store.write = counted
    yield outbox
    outbox.close()


def entries(**options):
    return [Entry("E1", f"/{n % 7}/{n}", **options) for n in range(COUNT)]


def waiting(outbox):
    return len(outbox.pending("E1", 100_000))


def fill(outbox):
    outbox.release("", entries())


def freeze(outbox):
    fill(outbox)
    assert outbox.claim("E1", 60)
    for number in range(4):
        items = [each.item for each in outbox.pending("E1", SLICE)]
        outbox.freeze("E1", f"r{number}", items)


def schedule(outbox):
    due = outbox.clock() + 5
    outbox.release(
        "", [Entry("E1", f"/{n}", due=due, key=f"k{n}") for n in range(COUNT)]
    )
    outbox.clock.advance(10)


def keep(outbox):
    outbox.intake = Intake(outbox, clock=outbox.clock, wall_clock=outbox.clock)
    outbox.intake._kept.add(entries(), None, 0)
    outbox.intake._ended["t"] = None


def hand_over(outbox):
    outbox.intake = Intake(outbox, clock=outbox.clock, wall_clock=outbox.clock)
    for number in range(COUNT // 100):
        some = entries()[number * 100 : number * 100 + 100]
        outbox.intake.release(f"t{number}", some)
    outbox.intake.release("large", entries())


def nothing(outbox):
    pass


LARGE = {
    "a release": (nothing, lambda outbox: outbox.release("t", entries()), COUNT),
    "a wildcard": (fill, lambda outbox: outbox.widen("E1", "/1/*"), None),
    "everything": (fill, lambda outbox: outbox.widen("E1", "/*"), 1),
    "another distribution": (freeze, lambda outbox: outbox.retarget("E1", "E2"), 0),
    "what is due": (schedule, lambda outbox: outbox.release_due(), COUNT),
    "a schedule": (
        nothing,
        lambda outbox: outbox.release(
            "", [Entry("E1", f"/{n}", due=2e9, key=f"k{n // 2}") for n in range(COUNT)]
        ),
        0,
    ),
    "another distribution's schedule": (
        schedule,
        lambda outbox: outbox.retarget("E1", "E2"),
        0,
    ),
    "what is in doubt": (
        lambda outbox: outbox.prepare("t", entries()),
        lambda outbox: outbox.release_abandoned(0),
        COUNT,
    ),
    "what was kept in memory": (keep, lambda outbox: outbox.intake.retry(), COUNT),
    "what was handed over": (hand_over, lambda outbox: outbox.intake.retry(), COUNT),
}


@pytest.mark.parametrize("name", LARGE)
def test_no_transaction_changes_many_rows(outbox, changes, name):
    prepare, action, left = LARGE[name]
    prepare(outbox)
    changes.clear()
    action(outbox)
    assert len(changes) > 1
    assert max(changes) <= MOST
    if left is not None:
        assert waiting(outbox) == left
    assert outbox.status().prepared == 0


def test_a_large_release_that_is_interrupted_is_in_doubt(outbox, clock):
    """Its process dies between two slices."""

    class Died(BaseException):
        pass

    outbox.prepare("t", entries())
    write, left = outbox.store.write, [3]

    def deadly(*args, **options):
        left[0] -= 1
        if left[0] < 0:
            raise Died
        return write(*args, **options)

    outbox.store.write = deadly
    with pytest.raises(Died):
        outbox.release("t", entries())
    outbox.store.write = write
    assert waiting(outbox) == 3 * SLICE
    assert outbox.release_abandoned(0) == COUNT
    assert waiting(outbox) == COUNT


def test_entries_of_one_release_do_not_replace_each_other_across_slices(outbox, clock):
    due = clock.now + 60
    many = [Entry("E1", f"/{n}", due=due, key="k") for n in range(2 * SLICE)]
    outbox.release("", many)
    outbox.release("", many)
    assert len(outbox.scheduled(10_000)) == 2 * SLICE
