"""Specification: what a script of zconsole changes is purged like an editor's work."""

from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import new_zope
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer

import os
import pytest
import subprocess
import sys


pytestmark = pytest.mark.slow

SCRIPT = """\
from plone import api
from zope.component.hooks import setSite
import transaction

site = app["Plone"]
setSite(site)
with api.env.adopt_user("admin"):
    site["news"].setDefaultPage("story-1")  # no event tells of it
    transaction.commit()
    api.content.rename(site["about"], "about-us")
    api.content.transition(site["news"]["story-2"], "retract")
    transaction.commit()
    site["welcome"].title = "Never committed"
    transaction.abort()
"""
URLS = ("/news", "/about", "/about-us", "/news/story-2")


@pytest.fixture
def zope(site_template, tmp_path) -> Instance:
    return new_zope(tmp_path / "zope", site_template, {**QUICK, **ONCE})


def test_a_script_without_a_request_reaches_the_edge(zope, tmp_path):
    script = tmp_path / "migrate.py"
    script.write_text(SCRIPT)
    with LocalCloudFront(
        origin=virtual_host_root(zope.url), options=options()
    ) as cloudfront:
        zope.environ |= cloudfront.environment
        zope.start()
        zope.wait_until_ready()
        viewer = Viewer(cloudfront.edge_url)
        try:
            viewer.warm(*URLS)
        finally:
            zope.stop()  # a file storage has one user
        run(zope, script)
        zope.start()
        zope.wait_until_ready()
        try:
            eventually(lambda: "The text of story 1" in viewer.get("/news").text)
            eventually(lambda: viewer.get("/about-us").status_code == 200)
            eventually(lambda: viewer.get("/about").is_redirect)
            story = viewer.get("/news/story-2").text
            assert "The text of story" not in story
            assert "Never committed" not in Editor(zope.site_url).view("/welcome").text
        finally:
            zope.stop()


def run(zope: Instance, script) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "Zope2.utilities.zconsole",
            "run",
            str(zope.zope_conf),
            str(script),
        ],
        env={**os.environ, **zope.environ},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
