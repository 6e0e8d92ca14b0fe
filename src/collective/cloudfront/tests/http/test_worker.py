"""Specification: a Zope that leaves the delivery to a worker, and the command line."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import DISTRIBUTION
from collective.cloudfront.tests.http.conftest import new_zope
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer

import json
import os
import pytest
import subprocess
import sys


class Shell:
    """Runs ``cloudfront``; its AWS credentials are not Zope's."""

    def __init__(self, outbox: str, environ: dict[str, str]):
        self._environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "CLOUDFRONT_OUTBOX": outbox,
            "CLOUDFRONT_CALL_RATE": "20",
            **environ,
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "collective.cloudfront.cli", *arguments],
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str):
        process = self.start(*arguments, "--json")
        output, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        return json.loads(output)


@pytest.fixture
def cloudfront() -> Iterator[LocalCloudFront]:
    with LocalCloudFront(options=options()) as local:
        yield local


@pytest.fixture
def zope(site_template, tmp_path, cloudfront) -> Iterator[Instance]:
    """A running Zope that delivers nothing, and has no credentials."""
    environ = {**QUICK, **ONCE, "CLOUDFRONT_COURIER": "off"}
    instance = new_zope(tmp_path, site_template, environ)
    instance.start()
    instance.wait_until_ready()
    cloudfront.edge.origin = virtual_host_root(instance.url)
    yield instance
    instance.stop()


@pytest.fixture
def shell(zope, cloudfront) -> Shell:
    return Shell(f"sqlite:///{zope.outbox}", cloudfront.environment)


def health(editor: Editor) -> dict[str, str]:
    """Return how purging is, as Zope sees it."""
    return json.loads(editor.state())["health"]


def test_what_is_saved_in_zope_is_delivered_by_a_worker(zope, cloudfront, shell):
    editor, viewer = Editor(zope.site_url), Viewer(cloudfront.edge_url)
    eventually(lambda: shell.json("status")["distributions"])
    path = editor.create("", "Document", title="Before")
    editor.transition(path, "publish")
    eventually(lambda: shell.json("status")["health"]["code"] == "unattended")
    assert health(editor)["code"] == "unattended"
    worker = shell.start("worker")
    try:
        eventually(lambda: shell.json("status")["health"]["code"] == "delivered")
        assert "Before" in viewer.get(path).text
        editor.edit(path, title="After")
        eventually(lambda: "After" in viewer.get(path).text)
        assert health(editor)["level"] == "ok"
        # A person purges without Zope, and Zope shows it
        purged = shell.json("purge", path, "--reason", "by hand", "--wait")
        assert purged["distributions"] == [DISTRIBUTION]
        actions = json.loads(editor.state())["actions"]
        assert [each["reason"] for each in actions] == ["by hand"]
    finally:
        worker.terminate()
        _output, log = worker.communicate(timeout=600)
    assert worker.returncode == 0, log
    assert "ERROR" not in log
