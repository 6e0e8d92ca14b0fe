"""How far CloudFront is."""

from collective.cloudfront.controlpanel.progress import in_progress
from collective.cloudfront.controlpanel.progress import Progress
from collective.cloudfront.controlpanel.progress import Stage
from collective.cloudfront.controlpanel.progress import stage
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace

import pytest
import time


PACE = Pace.fresh(0.0, Limits())


def settled(name, accepted, completed=None):
    return Settled(name, "E1", name, ("/a", "/b"), accepted, accepted, completed)


def test_the_bar_goes_by_how_long_the_last_ones_took():
    history = [
        settled("I4", 98.0),
        settled("I3", 50.0, 56.0),
        settled("I2", 40.0, 44.0),
        settled("I1", 30.0, 32.0),
    ]
    assert in_progress(history, now=99.0) == [Progress("I4", 2, 1, 25)]


def test_without_experience_ten_seconds_are_expected():
    assert in_progress([settled("I1", 95.0)], now=100.0)[0].percent == 50


@pytest.mark.parametrize("now", [110.0, 1e6])
def test_it_is_not_full_before_cloudfront_says_so(now):
    assert in_progress([settled("I1", 100.0)], now)[0].percent == 95


def test_a_clock_that_was_set_back_is_the_beginning():
    assert in_progress([settled("I1", 100.0)], now=90.0) == [Progress("I1", 2, 0, 0)]


def test_the_oldest_comes_first():
    found = in_progress([settled("I2", 2.0), settled("I1", 1.0)], now=3.0)
    assert [each.invalidation for each in found] == ["I1", "I2"]


# --- the purge of a person -------------------------------------------------------

SOON = 60.0


@pytest.fixture
def outbox(tmp_path):
    outbox = open_outbox(f"sqlite:///{tmp_path}/outbox.sqlite")
    yield outbox
    outbox.close()


@pytest.fixture
def far(outbox):
    """How far the purge of ``/a`` is that began when the test did."""
    then = time.time()
    return lambda: stage(outbox, ["E1"], ["/a"], then)


def freeze(outbox, item, distribution="E1"):
    outbox.release("", [Entry(distribution, item)])
    outbox.claim(distribution, 60)
    return outbox.freeze(distribution, f"{time.time()}", [item])


def test_a_purge_waits_is_in_progress_and_then_fresh(outbox, far):
    batch = freeze(outbox, "/a")
    assert far() is Stage.WAITING
    settled = outbox.settle(batch, "I1")
    assert far() is Stage.IN_PROGRESS
    outbox.complete(settled, "Completed")
    assert far() is Stage.FRESH


def test_a_pause_is_said(outbox, far):
    freeze(outbox, "/a")
    outbox.wait(
        "E1",
        reason=plain("no"),
        advice=plain("do"),
        paused=True,
        until=time.time() + SOON,
    )
    assert far() is Stage.PAUSED


def test_a_refusal_is_said_if_it_is_one_of_these_items(outbox, far):
    outbox.quarantine(freeze(outbox, "/b"), plain("no"))
    assert far() is Stage.FRESH
    outbox.quarantine(freeze(outbox, "/a"), plain("no"))
    assert far() is Stage.QUARANTINED


def test_what_comes_later_or_goes_elsewhere_is_not_waited_for(outbox):
    freeze(outbox, "/a")
    freeze(outbox, "/a", "E2")
    assert stage(outbox, ["E1"], ["/a"], time.time() - SOON) is Stage.FRESH
    assert stage(outbox, ["E3"], ["/a"], time.time()) is Stage.FRESH
