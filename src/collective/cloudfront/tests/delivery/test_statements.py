"""How often the outbox asks SQLite: a courier shall be felt by nobody."""

from collective.cloudfront.delivery.calls import InPlace
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.world import World

import pytest
import threading


@pytest.fixture(params=[InPlace, InThreads])
def world(tmp_path, request):
    world = World(tmp_path)
    world.intake = Intake(world.outbox, clock=world.clock, wall_clock=world.clock)
    world.courier = world.make_courier(
        world.outbox, intake=world.intake, calls=request.param()
    )
    # Housekeeping, which is done every few minutes
    world.run(3)
    yield world
    world.outbox.close()


@pytest.fixture
def statements(world):
    """What SQLite is asked; many rows by ``executemany`` are one each."""
    found = []
    world.outbox.store._local.db.set_trace_callback(found.append)
    return found


def save(world, *entries):
    """Save in another thread, as a request does."""

    def request():
        world.intake.prepare("t", entries)()
        world.outbox.close()

    thread = threading.Thread(target=request)
    thread.start()
    thread.join()
    world.intake.release("t", entries)


@pytest.mark.parametrize("later", [0.0, 0.3, 0.99])
def test_sending_an_item_takes_few_statements(world, statements, later):
    world.run(2)
    world.courier.round()
    world.clock.advance(later)
    statements.clear()
    save(world, Entry(E1, "/a"))
    world.run_until(lambda: world.gateway.calls)
    assert world.outbox.history(1)
    # Without that of the last line
    assert len(statements) - 1 <= 16, statements


def test_an_idle_process_asks_once_a_second_and_writes_nothing(world, statements):
    statements.clear()
    world.run(60)
    assert len(statements) <= 60
    assert all(each.startswith("SELECT") for each in statements)
