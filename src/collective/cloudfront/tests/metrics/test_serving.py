"""The figures on a port, and those of several processes added up."""

from collective.cloudfront.metrics import counts
from collective.cloudfront.metrics.serving import serve_metrics
from collective.cloudfront.tests.metrics.conftest import Figure
from urllib.request import urlopen

import os
import pytest
import subprocess
import sys


def test_a_worker_shows_its_figures_on_a_port(world, counting):
    counting.accepted_items.labels("E1").inc(3)
    serving = serve_metrics(0, world.outbox)
    try:
        with urlopen(f"http://127.0.0.1:{serving.port}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            figure = Figure(answer.read())
    finally:
        serving.stop()
    assert figure("cloudfront_accepted_items_total") == 3
    assert figure("cloudfront_outbox_up") == 1


def test_a_port_that_is_taken_is_an_error(world, counting):
    serving = serve_metrics(0, world.outbox)
    try:
        with pytest.raises(OSError):
            serve_metrics(serving.port, world.outbox)
    finally:
        serving.stop()


def test_a_worker_without_the_package_says_how_to_install_it(world, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(counts.NotInstalled):
        serve_metrics(0, world.outbox)


COUNT = """
from collective.cloudfront.metrics import counts
found = counts.switch_on()
found.accepted_items.labels("E1").inc(3)
found.save_seconds.observe(0.001)
found.read_in_memory = lambda: 5
found.note_memory()
{end}
"""
SHOW = """
from collective.cloudfront.metrics.serving import Figures
from collective.cloudfront.outbox import open_outbox
import sys
outbox = open_outbox(sys.argv[1])
print(Figures(lambda: outbox).page().body.decode())
"""


def test_several_processes_are_added_up(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    environ = {**os.environ, counts.SHARED: str(folder)}

    def run(program, *arguments):
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environ,
            capture_output=True,
            check=True,
        ).stdout

    run(COUNT.format(end=""))
    run(COUNT.format(end="counts.end()"))
    figure = Figure(run(SHOW, f"sqlite:///{tmp_path}/outbox.sqlite"))
    assert figure("cloudfront_accepted_items_total", distribution="E1") == 6
    assert figure("cloudfront_save_seconds_count") == 2
    # One was killed, it seems: nobody says that it is gone
    assert figure("cloudfront_items_in_memory") == 5
    assert figure("cloudfront_outbox_up") == 1
