"""Specification: moving to another outbox from the command line."""

from click.testing import CliRunner
from collective.cloudfront.cli.main import main
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.delivery.published import published
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import SITE

import pytest
import time


@pytest.fixture
def target(tmp_path):
    return f"sqlite:///{tmp_path}/target.sqlite"


def move(*arguments):
    return CliRunner().invoke(main, ["outbox", "move", *arguments])


def test_everything_is_moved_and_said(world, target):
    world.release("/a", "/b")
    world.settle("/c")
    result = move(world.url, target)
    assert result.exit_code == 0, result.output
    assert "waiting items" in result.stdout
    other = open_outbox(target)
    assert sorted(each.item for each in other.pending(E1, 9)) == ["/a", "/b"]
    assert published(other, time.time()).sites == (SITE,)
    other.end()
    again = move(world.url, target)
    assert again.exit_code == 0
    assert f"empty since everything was moved to {target}" in again.stdout


@pytest.mark.parametrize("kind", list(Kind))
def test_it_refuses_while_somebody_uses_the_first_outbox(world, target, kind):
    presence = Presence(world.outbox, kind)
    presence.say()
    world.release("/a")
    result = move(world.url, target)
    assert result.exit_code == 1
    assert "is in use" in result.stderr
    assert world.ready() == ["/a"]
    assert move(world.url, target, "--force").exit_code == 0
    assert world.ready() == []


def test_it_refuses_while_a_courier_sends(world, target):
    world.release("/a")
    assert world.outbox.claim(E1, 60)
    assert "is in use" in move(world.url, target).stderr


def test_the_same_outbox_twice_is_wrong_usage(world):
    assert move(world.url, world.url).exit_code == 2


def test_an_outbox_that_fails_has_a_code_of_its_own(world, tmp_path):
    world.release("/a")
    (tmp_path / "file").write_text("")
    result = move(world.url, f"sqlite:///{tmp_path}/file/outbox.sqlite")
    assert result.exit_code == 3
    assert world.ready() == ["/a"]
