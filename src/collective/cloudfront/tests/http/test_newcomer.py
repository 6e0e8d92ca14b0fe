"""Specification: from a fresh Plone to a right distribution, as docs/distribution.rst says.

Every step is what a person does: commands, and what the control panels do over REST.
"""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.profile import only_long
from pathlib import Path

import json
import os
import pytest
import requests
import subprocess
import sys
import time


HOST = "www.example.com"
DISTRIBUTION = "E2NEWCOMER1234"
CERTIFICATE = "CertificateArn=arn:aws:acm:us-east-1:123456789012:certificate/x"

pytestmark = [pytest.mark.long, pytest.mark.slow, only_long]


class Newcomer:
    """Somebody at a terminal."""

    def __init__(self, environ: dict[str, str]):
        self.environ = {**os.environ, **environ}

    def cloudfront(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "collective.cloudfront.cli", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("api", "edge")}


@pytest.fixture
def environ(ports) -> dict[str, str]:
    """Where AWS is."""
    return {
        "AWS_ENDPOINT_URL_CLOUDFRONT": f"http://127.0.0.1:{ports['api']}",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }


@pytest.fixture
def plone(tmp_path, environ) -> Iterator[Instance]:
    """A Plone with a site in it, without any of ours in the site."""
    instance = Instance(tmp_path / "zope", environ=environ)
    instance.configure()
    instance.run("collective.cloudfront.tests.http.fresh")
    instance.start()
    instance.wait_until_ready()
    yield instance
    instance.stop()


@pytest.fixture
def deploy(plone, ports, tmp_path):
    """Have the local AWS make the distribution of a template."""
    started = []

    def deploy(template: str) -> None:
        path = Path(tmp_path / "cloudfront.yaml")
        path.write_text(template)
        options = {
            "template": path,
            "parameter": CERTIFICATE,
            "origin": plone.url,
            "distribution": DISTRIBUTION,
            "api-port": ports["api"],
            "edge-port": ports["edge"],
        }
        started.append(
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "collective.cloudfront.local"),
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                stdout=subprocess.DEVNULL,
            )
        )

    yield deploy
    for each in started:
        each.terminate()
        each.wait()


@pytest.mark.parametrize("tags", ["--tags", "--no-tags"])
def test_from_a_fresh_plone_to_a_site_with_nothing_to_find(
    plone, deploy, environ, ports, tags, record_property
):
    began = time.monotonic()
    newcomer = Newcomer(environ)

    # 1. The template, and the stack
    origin = "http://origin.example.com:8080"
    printed = newcomer.cloudfront(
        *("template", "cloudformation", "--domain", HOST, "--origin", origin, tags)
    )
    assert printed.returncode == 0, printed.stderr
    deploy(printed.stdout)

    # 2. Site Setup: the add-on, the caching profile, the distribution
    manager = Editor(plone.site_url)
    manager.install("collective.cloudfront")
    manager.import_profile("collective.cloudfront:with-cloudfront")
    manager.set(distribution_id=DISTRIBUTION)

    # 3. The doctor
    public = f"127.0.0.1:{ports['edge']}"
    asked = ("--distribution", DISTRIBUTION, "--site", f"http://{HOST}", "--json")
    where = ("--connect-to", public, "--origin", plone.site_url)
    header = () if tags == "--tags" else ("--tag-header", "")
    eventually(lambda: _is_there(ports["edge"]))
    found = newcomer.cloudfront("doctor", *asked, *where, *header)
    items = json.loads(found.stdout)["distributions"][0]["items"]
    wrong = [each for each in items if each["level"] not in ("ok", "unknown")]
    assert found.returncode == 0, wrong
    assert wrong == []
    record_property("figures", f"{time.monotonic() - began:.0f} s")

    # 4. It works
    path = manager.create("", "Document", title="Fresh news")
    manager.transition(path, "publish")
    eventually(lambda: "Fresh news" in _page(ports["edge"], path).text)
    eventually(lambda: _page(ports["edge"], path).headers["X-Cache"][:3] == "Hit")
    manager.edit(path, title="Fresher news")
    eventually(lambda: "Fresher news" in _page(ports["edge"], path).text)
    bad = [each for each in manager.checks() if each["level"] == "error"]
    assert bad == []


def _page(port: int, path: str) -> requests.Response:
    url = f"http://127.0.0.1:{port}{path}"
    return requests.get(url, headers={"Host": HOST}, timeout=120)


def _is_there(port: int) -> bool:
    try:
        return _page(port, "/").ok
    except requests.ConnectionError:
        return False
