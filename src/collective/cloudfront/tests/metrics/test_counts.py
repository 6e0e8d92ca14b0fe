"""What a courier counts: calls, items, and how long everything took."""

from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.counted import count
from collective.cloudfront.metrics import counts
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.testing import AcceptingGateway
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.world import World

import pytest
import subprocess
import sys


@pytest.fixture
def gateway():
    return AcceptingGateway()


@pytest.fixture
def world(tmp_path, counting, gateway):
    """A courier that is counted."""
    made = World(tmp_path, gateway)
    count(made.courier, counting)
    return made


def test_what_is_accepted_is_counted_with_its_items(world, figures):
    world.release("/a", "/b")
    world.run_until_idle()
    figure = figures()
    assert figure("cloudfront_calls_total", distribution=E1, outcome="accepted") == 1
    assert figure("cloudfront_accepted_items_total", distribution=E1) == 2
    assert figure("cloudfront_retries_total", distribution=E1) == 0


def test_the_time_since_the_commit_is_counted(world, figures):
    world.release("/a")
    world.clock.advance(4.0)
    world.run_until_sent()
    world.run_until_idle()
    figure = figures()
    for name in ("accepted", "completed"):
        assert figure(f"cloudfront_{name}_seconds_count", distribution=E1) == 1
    assert 4.0 <= figure("cloudfront_accepted_seconds_sum") < 5.0
    assert figure("cloudfront_accepted_seconds_bucket", le="3.0") == 0
    assert figure("cloudfront_accepted_seconds_bucket", le="5.0") == 1
    completed = figure("cloudfront_completed_seconds_sum")
    assert completed >= figure("cloudfront_accepted_seconds_sum") + 2.0


@pytest.mark.parametrize(
    ("outcome", "name"),
    [(Outcome.THROTTLED, "throttled"), (Outcome.TRANSIENT, "transient")],
)
def test_what_is_repeated_is_counted_by_what_came_of_it(
    world, gateway, figures, outcome, name
):
    gateway.answers.append(Answer(outcome, reason=plain("Not now")))
    world.release("/a")
    world.run_until_idle()
    figure = figures()
    assert figure("cloudfront_calls_total", outcome=name) == 1
    assert figure("cloudfront_calls_total", outcome="accepted") == 1
    assert figure("cloudfront_retries_total", distribution=E1) == 1


def test_refused_items_are_counted(world, gateway, figures):
    world.release("/good")
    world.run_until_idle()
    refused = Answer(Outcome.REFUSED_ITEMS, reason=plain("InvalidArgument"))
    world.release("/bad")
    accept = gateway.create

    def create(distribution, credentials, reference, items):
        if items == ("/bad",):
            return refused
        return accept(distribution, credentials, reference, items)

    gateway.create = create
    world.run_until_idle()
    assert world.quarantined() == ["/bad"]
    assert figures()("cloudfront_refused_items_total", distribution=E1) == 1


def test_others_who_want_the_events_get_them(world):
    world.release("/a")
    world.run_until_sent()
    assert len(world.events) == 1


def test_to_count_twice_counts_once(world, counting, figures):
    count(world.courier, counting)
    world.release("/a")
    world.run_until_idle()
    figure = figures()
    assert figure("cloudfront_calls_total") == 1
    assert figure("cloudfront_accepted_items_total") == 1


# --- where nobody wants them ----------------------------------------------------------

MODULES = [
    "changes.transaction",
    "delivery.courier",
    "delivery.counted",
    "life",
    "metrics.counts",
    "metrics.backlog",
    "metrics.serving",
    "monitoring.health",
    "monitoring.metrics",
    "process",
    "tagging.header",
]


def test_nobody_loads_what_only_figures_need():
    imports = "; ".join(f"import collective.cloudfront.{each}" for each in MODULES)
    program = f"import sys; {imports}; print('prometheus_client' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(counts.NotInstalled, match=r"collective\.cloudfront\[metrics\]"):
        counts.switch_on()
    assert counts.current is None
