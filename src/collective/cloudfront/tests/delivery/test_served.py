"""Specification: items of sites that another process has."""

from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.delivery.world import AS_IT_IS
from collective.cloudfront.tests.delivery.world import World
from dataclasses import replace

import logging
import pytest


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.outbox.end()


def warnings(caplog):
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
    ]


def _other_zope(world, targets):
    """Return the courier of another process, with other sites, on the same outbox."""
    courier = world.make_courier(world.open())
    courier.targets = lambda: targets
    return courier


def _both(world, other, seconds):
    end = world.clock.now + seconds
    while world.clock.now < end:
        world.courier.round()
        other.round()
        world.clock.advance(0.5)


def test_two_zopes_on_one_outbox_do_not_warn_of_each_other_s_items(world, caplog):
    other = _other_zope(world, {E2: Target(E2, window=60.0)})
    for minute in range(10):
        world.release(f"/{minute}", distribution=E1)
        world.release(f"/{minute}", distribution=E2)
        _both(world, other, 60)
    assert warnings(caplog) == []
    assert {each.distribution for each in world.outbox.history(99)} == {E1, E2}


def test_a_long_backlog_of_another_zope_is_no_trouble_either(world, caplog):
    # So many, at this rate, as 100,000 at CloudFront's
    world.options["limits"] = replace(AS_IT_IS, exact_rate=1.0, exact_burst=10.0)
    other = _other_zope(world, {E2: Target(E2)})
    world.release(*[f"/{n}" for n in range(500)], distribution=E2)
    _both(world, other, 360)
    assert world.outbox.work()
    assert not [each for each in warnings(caplog) if "no other process" in each]


def test_what_nobody_serves_is_told_after_a_while(world, caplog):
    world.release("/a", distribution=E2)
    world.run(290)
    assert warnings(caplog) == []
    world.run(20)
    assert [each.split(":")[0] for each in warnings(caplog)] == [
        f"Keeping 1 item for {E2}"
    ]


def test_so_is_what_the_other_zope_has_left_behind(world, caplog):
    other = _other_zope(world, {E2: Target(E2)})
    world.release("/a", distribution=E2)
    _both(world, other, 30)
    world.release("/b", distribution=E2)
    world.run(290)
    assert warnings(caplog) == []
    world.run(20)
    assert "no other process serves it" in warnings(caplog)[0]


def test_a_time_in_the_future_is_no_sign_of_life(world, caplog):
    world.clock.advance(86400)
    world.release("/a", distribution=E2)
    world.clock.advance(-86400)
    world.run(5)
    assert "no other process serves it" in warnings(caplog)[0]
