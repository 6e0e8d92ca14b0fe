"""Specification: machines see from outside how a Zope process purges."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import DISTRIBUTION
from collective.cloudfront.tests.http.conftest import new_zope
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from prometheus_client.parser import text_string_to_metric_families
from typing import Any

import pytest
import requests


TOKEN = "s3cret"


@pytest.fixture
def cloudfront() -> Iterator[LocalCloudFront]:
    with LocalCloudFront(options=options()) as local:
        yield local


@pytest.fixture
def zope(site_template, tmp_path, cloudfront) -> Iterator[Instance]:
    environ = {
        **cloudfront.environment,
        **QUICK,
        **ONCE,
        "CLOUDFRONT_HEALTH_TOKEN": TOKEN,
        "CLOUDFRONT_METRICS_TOKEN": TOKEN,
    }
    instance = new_zope(tmp_path / "zope", site_template, environ)
    instance.start()
    instance.wait_until_ready()
    yield instance
    instance.stop()


def ask(zope: Instance, view: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.get(f"{zope.site_url}/@@{view}", headers=headers, timeout=600)


def figure(zope: Instance, name: str, **labels: Any) -> float:
    """Return a figure of a process, 0 if it has none."""
    answer = ask(zope, "cloudfront-metrics")
    answer.raise_for_status()
    return sum(
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_an_edit_is_counted_and_trouble_is_seen(zope, cloudfront):
    editor = Editor(zope.site_url)
    editor.wait_until_sent()
    before = figure(zope, "cloudfront_calls_total", outcome="accepted")
    editor.edit("/welcome", title="Counted")
    eventually(
        lambda: figure(zope, "cloudfront_calls_total", outcome="accepted") > before
    )
    assert figure(zope, "cloudfront_save_seconds_count") >= 1
    eventually(lambda: figure(zope, "cloudfront_completed_seconds_count") >= 1)
    assert ask(zope, "cloudfront-health").status_code == 200
    cloudfront.control.inject("error", times=None, code="AccessDenied")
    editor.edit("/welcome", title="Denied")
    eventually(lambda: ask(zope, "cloudfront-health").status_code == 503)
    assert "AccessDenied" in ask(zope, "cloudfront-health").text
    assert figure(zope, "cloudfront_paused", distribution=DISTRIBUTION) == 1
    assert figure(zope, "cloudfront_calls_total", outcome="misconfigured") >= 1
    anybody = requests.get(f"{zope.site_url}/@@cloudfront-health", timeout=600)
    assert (anybody.status_code, anybody.text) == (503, "error\n")
    ready = ask(zope, "cloudfront-health/ready")
    assert (ready.status_code, ready.text.split(":")[0]) == (200, "ok")
