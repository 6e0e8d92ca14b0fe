"""Specification: which distributions read cache tags is looked at by one, and known to all."""

from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.calls import InPlace
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.reading import LEARN_EVERY
from collective.cloudfront.delivery.reading import PURGE_AGAIN
from collective.cloudfront.delivery.reading import ReadingThread
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.planning.reading import LOOK_EVERY
from collective.cloudfront.planning.reading import Seen
from collective.cloudfront.settings.readers import LEARNT_FOR
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.outbox.clock import Clock

import pytest
import threading


READS, READS_NOTHING = Seen("Cache-Tag", True), Seen("", True)


class World:
    """Processes that share an outbox, and AWS."""

    def __init__(self, path):
        self.path = path
        self.clock = Clock(now=1000.0)
        self.seen = {E1: READS, E2: READS_NOTHING}
        self.asked = []
        self.targets = {
            E1: Target(E1, finds_tags=True, credentials=(Credentials(profile="p"),)),
            E2: Target(E2, finds_tags=True),
        }
        self.outboxes = []

    def process(self, **options):
        outbox = SqliteOutbox(self.path, clock=self.clock)
        self.outboxes.append(outbox)
        known = {}

        def learn(found):
            known.clear()
            known.update(found)

        options = {"ask": self.ask, "calls": InPlace(), **options}
        process = ReadingThread(
            outbox, lambda: self.targets, learn, clock=self.clock, **options
        )
        process.known, process.outbox = known, outbox
        return process

    def ask(self, distribution, credentials):
        self.asked.append((distribution, credentials))
        return self.seen[distribution]

    def headers(self, process):
        process.look()
        return {name: each.header for name, each in process.known.items()}


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "outbox.sqlite")
    yield world
    for outbox in world.outboxes:
        outbox.close()


def purged(process):
    found = process.outbox.pending(E1, 9)
    return [(each.item, each.urgent) for each in found]


def test_what_was_seen_is_known(world):
    assert world.headers(world.process()) == {E1: "cache-tag", E2: ""}
    assert (E1, (Credentials(profile="p"),)) in world.asked


def test_one_process_looks_and_all_know(world):
    one, other = world.process(), world.process()
    world.headers(one)
    assert world.headers(other) == {E1: "cache-tag", E2: ""}
    assert len(world.asked) == 2


def test_somebody_who_looks_is_not_disturbed(world):
    one, other = world.process(), world.process()
    assert one.outbox.claim_run(f"reading:{E1}", 60)
    assert world.headers(other) == {E2: ""}


def test_it_looks_again_after_a_while_and_when_settings_change(world):
    process = world.process()
    world.headers(process)
    world.clock.advance(LOOK_EVERY - 1)
    world.headers(process)
    assert len(world.asked) == 2
    process.wake()
    world.headers(process)
    world.headers(process)
    assert len(world.asked) == 4
    world.clock.advance(LOOK_EVERY)
    world.headers(process)
    assert len(world.asked) == 6


def test_a_change_just_after_a_look_is_seen_a_moment_later(world):
    process = world.process()
    world.headers(process)
    world.seen[E1] = READS_NOTHING
    process.wake()
    assert world.headers(process)[E1] == "cache-tag"
    world.clock.advance(LEARN_EVERY)
    assert world.headers(process)[E1] == ""


def test_a_distribution_of_which_nobody_wants_to_know_is_not_asked_for(world):
    world.targets[E2] = Target(E2)
    assert world.headers(world.process()) == {E1: "cache-tag"}
    assert [name for name, _ in world.asked] == [E1]


def test_a_header_that_is_not_read_any_more_purges_everything_twice(world, caplog):
    one, other = world.process(), world.process()
    world.headers(one)
    world.seen[E1] = READS_NOTHING
    world.clock.advance(LOOK_EVERY)
    assert world.headers(one)[E1] == ""
    assert purged(one) == [("/*", True)]
    assert f"{E1} no longer reads cache tags from cache-tag" in caplog.text
    # Whoever had not heard of it may have purged by tag until then.
    (again,) = one.outbox.scheduled(9)
    assert (again.item, again.due) == ("/*", world.clock.now + PURGE_AGAIN)
    assert LEARN_EVERY < LEARNT_FOR < PURGE_AGAIN
    # Once is enough
    world.headers(other)
    world.clock.advance(LOOK_EVERY)
    world.headers(other)
    assert len(one.outbox.scheduled(9)) == 1


def test_a_look_that_fails_purges_nothing_and_is_told_once(world, caplog):
    caplog.set_level("INFO")
    process = world.process()
    world.headers(process)
    world.seen[E1] = "AccessDenied"
    for _ in range(3):
        world.clock.advance(LOOK_EVERY)
        assert world.headers(process)[E1] == "cache-tag"
    assert purged(process) == []
    assert process.known[E1].trouble == "AccessDenied"
    assert caplog.text.count("AccessDenied. Allow cloudfront:GetDistribution.") == 1


def test_what_is_stored_and_makes_no_sense_is_looked_for_again(world):
    process = world.process()
    for stored in ("x", {"header": "h", "nonsense": 1}, {"since": "long"}, None):
        process.outbox.claim_run(f"reading:{E1}", 60)
        process.outbox.keep_run(f"reading:{E1}", stored, 0)
        assert world.headers(process)[E1] == "cache-tag"


def test_an_outbox_that_fails_leaves_what_is_known(world, monkeypatch):
    process = world.process()
    world.headers(process)

    def fail(name):
        raise OutboxUnavailable("disk full")

    monkeypatch.setattr(process.outbox, "run", fail)
    assert world.headers(process) == {E1: "cache-tag", E2: ""}


def test_who_never_asks_learns_what_others_have_seen(world):
    zope, worker = world.process(asks=False), world.process()
    assert world.headers(zope) == {}
    assert world.asked == []
    world.headers(worker)
    asked = len(world.asked)
    world.clock.advance(LOOK_EVERY)
    assert world.headers(zope) == {E1: "cache-tag", E2: ""}
    assert len(world.asked) == asked


def test_a_look_that_hangs_keeps_nobody_waiting_for_ever(world):
    hangs = threading.Event()

    def ask(distribution, credentials):
        if distribution == E1:
            hangs.wait(600)
        return READS

    process = world.process(ask=ask, calls=InThreads(deadline=0.2))
    try:
        assert world.headers(process) == {E1: "", E2: "cache-tag"}
        assert process.known[E1].trouble == "Timeout"
    finally:
        hangs.set()


def test_it_looks_in_a_thread_until_it_is_stopped(world):
    process = world.process(every=0.01)
    process.start()
    eventually(lambda: process.known.get(E1))
    world.clock.advance(LOOK_EVERY)
    eventually(lambda: len(world.asked) >= 4)
    process.stop(60.0)
    assert not any(each.name == "cloudfront-reading" for each in threading.enumerate())
