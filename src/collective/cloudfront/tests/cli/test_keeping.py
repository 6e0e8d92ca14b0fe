"""Specification: what waits for a person: refused items, and pauses."""

from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import E2

import pytest


@pytest.fixture
def refused(world):
    world.refuse("/a")
    world.refuse("/b")
    world.refuse("/a", distribution=E2)
    return world


def left(world):
    return sorted(
        (each.distribution, each.item) for each in world.outbox.quarantined(9)
    )


def test_an_item_is_sent_again(refused):
    result = refused.run("retry", "/a", "--distribution", E1)
    assert (result.exit_code, result.stdout) == (0, "1 item will be sent again.\n")
    assert refused.ready() == ["/a"]
    assert left(refused) == [(E1, "/b"), (E2, "/a")]


def test_all_items_are_sent_again(refused):
    assert refused.run("retry", "--all").exit_code == 0
    assert left(refused) == []
    assert refused.ready() == ["/a", "/b"]


def test_an_item_is_discarded(refused):
    result = refused.run("discard", "/a")
    assert result.stdout == "Discarded 2 items.\n"
    assert left(refused) == [(E1, "/b")]
    assert refused.ready() == []


@pytest.mark.parametrize("command", ["retry", "discard"])
def test_it_must_be_said_which(refused, command):
    assert refused.run(command).exit_code == 2
    assert refused.run(command, "/a", "--all").exit_code == 2
    result = refused.run(command, "/a", "/other")
    assert result.exit_code == 1
    assert "/other" in result.stderr
    assert len(left(refused)) == 3


def test_a_pause_is_ended(world):
    world.release("/a")
    world.release("/a", distribution=E2)
    world.pause(E1)
    world.pause(E2)

    def until():
        return {
            each.distribution: each.waiting.until > 0 for each in world.outbox.work()
        }

    assert world.run("resume", "--distribution", E1).exit_code == 0
    assert until() == {E1: False, E2: True}
    assert world.run("resume").exit_code == 0
    assert until() == {E1: False, E2: False}
