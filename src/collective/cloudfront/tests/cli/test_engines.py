"""Specification: workers and the command line work with every engine."""

from click.testing import CliRunner
from collections.abc import Iterator
from collective.cloudfront.cli.main import main
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import end
from collective.cloudfront.tests.cli.world import eventually
from collective.cloudfront.tests.cli.world import sent
from collective.cloudfront.tests.cli.world import SITE
from collective.cloudfront.tests.cli.world import users
from collective.cloudfront.tests.cli.world import World
from collective.cloudfront.tests.outbox.redis.server import RedisEngine
from collective.cloudfront.tests.postgres import missing_server
from collective.cloudfront.tests.postgres import server
from collective.cloudfront.tests.profile import only_long
from pathlib import Path

import pytest


#: It takes a while to start; the contract suite has what an engine must do.
_POSTGRESQL = pytest.param("postgresql", marks=only_long)


@pytest.fixture(params=["redis", _POSTGRESQL])
def url(request, tmp_path: Path) -> Iterator[str]:
    """The URL of an outbox on a server."""
    if request.param == "redis":
        yield RedisEngine(tmp_path).url
    elif missing_server():
        pytest.skip(missing_server())
    else:
        pytest.importorskip("psycopg")
        with server() as running:
            yield running.url("cli")


@pytest.mark.long
def test_a_worker_and_the_command_line_use_an_outbox_on_a_server(
    url, tmp_path, cloudfront, workers
):
    world = World(tmp_path)
    world.url = url
    world.outbox = open_outbox(url)
    world.publish(SITE)
    workers.append(world.start("worker"))
    eventually(lambda: users(world) == [workers[0].pid])
    world.release("/a")
    assert world.run("purge", "/b", "--wait").exit_code == 0
    eventually(lambda: sorted(sent(cloudfront)) == ["/a", "/b"])
    assert world.json("status")["health"]["code"] in ("delivered", "in_progress")
    file = f"sqlite:///{tmp_path}/file.sqlite"
    refused = CliRunner().invoke(main, ["outbox", "move", url, file])
    assert refused.exit_code == 1
    end(workers.pop())
    moved = CliRunner().invoke(main, ["outbox", "move", url, file])
    assert moved.exit_code == 0, moved.output
    world.outbox.end()
    world.url, world.outbox = file, open_outbox(file)
    settled = [each for each in world.json("history")["items"] if "status" in each]
    assert sorted(item for each in settled for item in each["items"]) == ["/a", "/b"]
    assert world.json("status")["distributions"][0]["distribution"] == E1
    world.outbox.end()
