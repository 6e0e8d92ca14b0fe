"""What the outbox holds, as Prometheus reads it."""

from collective.cloudfront.metrics.backlog import OutboxCollector
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from prometheus_client import CollectorRegistry

import threading


def test_an_empty_outbox_is_up(figures):
    figure = figures()
    assert figure("cloudfront_outbox_up") == 1
    assert figure("cloudfront_scheduled_items") == 0


def test_items_are_counted_by_distribution_and_state(world, figures):
    outbox = world.outbox
    world.release("/a", "/b", "/c")
    outbox.claim(E1, 60.0)
    outbox.freeze(E1, "r1", ["/a", "/b"])
    world.release("/x", distribution=E2)
    outbox.release("", [Entry(E2, "/*", every=60.0)])
    outbox.release("", [Entry(E2, "/*", every=60.0)])
    outbox.release("", [Entry(E1, "/later", due=world.clock.now + 9e6)])
    figure = figures()
    assert figure("cloudfront_items", distribution=E1, state="ready") == 1
    assert figure("cloudfront_items", distribution=E1, state="frozen") == 2
    assert figure("cloudfront_pending_items", distribution=E1) == 3
    coalesced = figure("cloudfront_items", distribution=E2, state="coalesced")
    assert figure("cloudfront_pending_items", distribution=E2) == 2 + coalesced
    assert figure("cloudfront_scheduled_items") == 1 + coalesced


def test_the_age_of_the_oldest_item_is_shown(world, counting):
    world.release("/a")
    collector = OutboxCollector(lambda: world.outbox, lambda: world.clock.now + 90.0)
    registry = CollectorRegistry()
    registry.register(collector)
    labels = {"distribution": E1}
    age = registry.get_sample_value("cloudfront_oldest_item_age_seconds", labels)
    assert 90.0 <= age < 91.0


def test_it_is_shown_who_waits_and_why(world, figures):
    world.release("/a")
    world.release("/b", distribution=E2)
    until = world.clock.now + 60.0
    reason = message("no_credentials", error="none")
    world.outbox.wait(E1, reason=reason, advice=NOTHING, paused=True, until=until)
    reason = message("throttled", error="Rate exceeded")
    world.outbox.wait(E2, reason=reason, advice=NOTHING, paused=False, until=until)
    figure = figures()
    assert figure("cloudfront_paused", distribution=E1) == 1
    assert figure("cloudfront_paused", distribution=E2) == 0
    assert figure("cloudfront_waiting", distribution=E2, reason="throttled") == 1


def test_what_is_settled_or_refused_is_counted(world, figures):
    outbox = world.outbox
    world.release("/a", "/b", "/~c")
    outbox.claim(E1, 60.0)
    outbox.settle(outbox.freeze(E1, "r1", ["/a", "/b"]), "I1")
    outbox.claim(E1, 60.0)
    outbox.quarantine(outbox.freeze(E1, "r2", ["/~c"]), plain("no"))
    figure = figures()
    assert figure("cloudfront_invalidations_in_progress", distribution=E1) == 1
    assert figure("cloudfront_quarantined_items", distribution=E1) == 1
    assert figure("cloudfront_billed_items_this_month", distribution=E1) == 2


def test_an_outbox_that_cannot_be_read_is_down_and_the_rest_is_shown(
    world, figures, counting, monkeypatch
):
    counting.save_seconds.observe(0.001)

    def fail(*arguments):
        raise OutboxUnavailable("disk on fire")

    monkeypatch.setattr(world.outbox, "work", fail)
    figure = figures()
    assert "cloudfront_outbox_up" in figure.names
    assert figure("cloudfront_outbox_up") == 0
    assert figure("cloudfront_save_seconds_count") == 1


def test_an_outbox_that_hangs_is_down(world, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(world.outbox, "work", lambda most: over.wait() and ())
    registry = CollectorRegistry()
    registry.register(OutboxCollector(lambda: world.outbox, seconds=0.02))
    try:
        assert registry.get_sample_value("cloudfront_outbox_up") == 0
    finally:
        over.set()


def test_what_is_in_memory_is_read_when_it_is_shown(figures, counting):
    counting.read_in_memory = lambda: 7
    assert figures()("cloudfront_items_in_memory") == 7
