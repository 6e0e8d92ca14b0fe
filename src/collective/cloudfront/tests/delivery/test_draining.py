"""A backlog goes out as fast as CloudFront's quotas allow, and no faster.

CloudFront is simulated: it counts what is in progress, what comes per second and how
often it is called, with a clock that jumps from round to round.
"""

from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.local import ControlPlane
from collective.cloudfront.local import Options
from collective.cloudfront.tests.delivery.gateways import ControlGateway
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.delivery.world import World
from collective.cloudfront.tests.profile import LONG

import logging
import pytest


@pytest.fixture
def make_world(tmp_path):
    """Make a world with a simulated CloudFront; keywords are its options."""
    worlds = []

    def make(**options):
        world = World(tmp_path)
        options.setdefault("distributions", (E1, E2))
        control = ControlPlane(Options(**options), world.clock, world.clock.advance)
        world.gateway = ControlGateway(control)
        world.control = control
        world.courier = world.make_courier(world.outbox)
        world.targets = {E1: Target(E1), E2: Target(E2)}
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        world.outbox.close()


def exact(count, prefix=""):
    return [f"{prefix}/{number}" for number in range(count)]


def wildcards(count):
    return [f"/w{number}/*" for number in range(count)]


def refusals(world):
    return world.control.state()["refusals"]


def billed(world):
    return sorted(item for each in world.control.invalidations() for item in each.items)


def fastest(count):
    """Return the seconds that exact paths take with nothing but the documented rate."""
    return (count - 1_000) / 150


@pytest.mark.long
@pytest.mark.parametrize(
    ("quota_model", "count"),
    [("both", 20_000), ("rate", 8_000), ("in_progress", 8_000)],
)
def test_a_backlog_uses_95_percent_of_the_rate_and_is_never_refused(
    make_world, quota_model, count
):
    if not LONG:
        count = 6_000
    world = make_world(quota_model=quota_model)
    world.release(*exact(count))
    seconds = world.run_until_sent()
    assert refusals(world) == {}
    assert billed(world) == sorted(exact(count))
    assert fastest(count) / seconds >= 0.95


def test_invalidations_that_take_as_long_as_at_aws_do_not_slow_it_down(make_world):
    # 150 items a second for 20 seconds are all that the older quota lets in.
    world = make_world(completion_delay=18.0)
    world.release(*exact(10_000))
    seconds = world.run_until_sent()
    assert refusals(world) == {}
    assert fastest(10_000) / seconds >= 0.95


def test_wildcards_go_as_fast_as_their_quota_allows(make_world):
    world = make_world()
    world.release(*wildcards(300))
    seconds = world.run_until_sent()
    assert refusals(world) == {}
    assert ((300 - 15) / 1.0) / seconds >= 0.95


def test_wildcards_and_exact_paths_go_out_together(make_world):
    world = make_world()
    world.release(*exact(10_000), *wildcards(60))
    seconds = world.run_until_sent()
    assert refusals(world) == {}
    assert fastest(10_000) / seconds >= 0.9
    assert billed(world) == sorted(exact(10_000) + wildcards(60))


def test_two_distributions_share_the_calls_and_not_their_quotas(make_world):
    world = make_world()
    world.release(*exact(6_000))
    world.release(*exact(6_000), distribution=E2)
    seconds = world.run_until_sent()
    assert refusals(world) == {}
    # Each on its own would take that long; together they take every call there is.
    assert fastest(6_000) / seconds >= 0.8


def test_two_couriers_drain_one_outbox_within_the_quotas(make_world):
    world = make_world()
    world.release(*exact(6_000))
    other = world.make_courier(world.open())
    start = world.clock.now
    while any(work.ready or work.frozen for work in world.outbox.work(1)):
        world.clock.advance(
            max(0.01, min(world.courier.round(), other.round())),
        )
    assert refusals(world) == {}
    assert billed(world) == sorted(exact(6_000))
    assert fastest(6_000) / (world.clock.now - start) >= 0.9
    other.outbox.close()


def test_a_restart_while_draining_forgets_no_quota(make_world):
    world = make_world()
    world.release(*exact(6_000))
    for _ in range(10):
        world.run(5)
        world.restart()
    world.run_until_sent()
    assert refusals(world) == {}
    assert billed(world) == sorted(exact(6_000))


def test_new_edits_come_through_while_a_backlog_drains(make_world):
    """They are the youngest, and wait for what is older; nothing is reordered."""
    world = make_world()
    world.release(*exact(3_000))
    for number in range(20):
        world.release(f"/edit/{number}")
        world.run(1)
    world.run_until_sent()
    assert refusals(world) == {}
    assert billed(world) == sorted(exact(3_000) + exact(20, "/edit"))


@pytest.mark.parametrize(
    ("smaller", "share"),
    [
        ({"paths_in_progress": 400, "completion_delay": 10.0}, 0.35),
        ({"paths_per_second": 75.0, "paths_burst": 500}, 0.35),
        ({"paths_per_second": 15.0, "paths_burst": 100}, 0.35),
        ({"wildcards_per_second": 0.2, "wildcards_burst": 3}, 0.35),
        ({"wildcards_in_progress": 2, "completion_delay": 10.0}, 0.35),
        # Many calls: half of them will do in make test
        pytest.param({"batch_size": 100}, 0.6, marks=pytest.mark.long),
        # Throttling teaches nothing: CLOUDFRONT_CALL_RATE is for such accounts.
        ({"api_rate": 0.1, "api_burst": 1}, 0.85),
    ],
    ids=str,
)
def test_smaller_quotas_than_documented_are_found_out(make_world, smaller, share):
    """It is refused now and then, and in the end everything is there, once."""
    world = make_world(**smaller)
    count = 2_000 if "batch_size" in smaller and not LONG else 4_000
    items = exact(count) + wildcards(20)
    world.release(*items)
    world.run_until_sent(3600)
    assert billed(world) == sorted(items)
    calls = world.control.state()["calls"]["CreateInvalidation"]
    assert 0 < sum(refusals(world).values()) <= share * calls


def test_others_who_use_up_the_quotas_only_delay_it(make_world):
    """Somebody else invalidates on the same distribution, as much as they can."""
    world = make_world(completion_delay=10.0)
    world.release(*exact(3_000))
    start = world.clock.now
    for second in range(300):
        if second < 200:
            try:
                world.control.create_invalidation(
                    E1, f"theirs-{second}", exact(200, f"/theirs/{second}")
                )
            except Exception as error:
                assert getattr(error, "code", "") in (
                    "TooManyInvalidationsInProgress",
                    "Throttling",
                )
        world.run(1)
    world.run_until_sent(3600)
    assert world.clock.now - start < 1800
    ours = [item for item in billed(world) if not item.startswith("/theirs")]
    assert ours == sorted(exact(3_000))


def test_a_drain_is_no_flood_of_log_lines(make_world, caplog):
    caplog.set_level(logging.WARNING)
    world = make_world(completion_delay=25.0)
    world.release(*exact(10_000), *wildcards(40))
    world.run_until_sent()
    assert len(caplog.records) <= 3


def test_memory_and_time_of_a_round_do_not_grow_with_the_backlog(make_world):
    """A round reads two batches of the backlog, however long it is."""
    world = make_world()
    world.release(*exact(50_000))
    read = []
    poll = world.outbox.poll
    world.outbox.poll = lambda *args: read.append(poll(*args)) or read[-1]
    world.run(5)
    found = [len(backlog.pending) for each in read for backlog in each.backlogs]
    assert found
    assert max(found) <= 2 * world.courier.limits.batch
