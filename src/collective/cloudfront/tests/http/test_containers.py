"""Specification: a container is replaced by another one on the same volume."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.http.conftest import new_zope
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from datetime import datetime
from datetime import timedelta
from datetime import timezone

import pytest
import socket


pytestmark = pytest.mark.slow

NAME = "cloudfront-outbox.sqlite"


@pytest.fixture
def cloudfront() -> Iterator[LocalCloudFront]:
    with LocalCloudFront(options=options()) as local:
        yield local


@pytest.fixture
def zope(site_template, tmp_path, cloudfront) -> Iterator[Instance]:
    environ = {**cloudfront.environment, **QUICK, **ONCE}
    instance = new_zope(tmp_path / "zope", site_template, environ)
    yield instance
    instance.kill()


def start_as(zope: Instance, host: str) -> Editor:
    """Start Zope with the CLIENT_HOME that the official image gives it."""
    home = zope.home / "var" / host / "007f0101"
    home.mkdir(parents=True)
    conf = zope.zope_conf.read_text().splitlines()
    conf = [f"clienthome {home}" if "clienthome" in line else line for line in conf]
    zope.zope_conf.write_text("\n".join(conf))
    zope.start()
    zope.wait_until_ready()
    return Editor(zope.site_url)


def outboxes(zope: Instance) -> list[str]:
    return [path.parent.parent.name for path in (zope.home / "var").rglob(NAME)]


def test_what_waits_and_what_is_scheduled_arrives_from_the_next_container(
    zope, cloudfront
):
    cloudfront.control.inject("error", code="AccessDenied", times=None)
    editor = start_as(zope, "pod-1")
    expires = datetime.now(timezone.utc) + timedelta(days=1)
    editor.edit("/welcome", title="Waiting", expires=expires.isoformat())
    eventually(editor.is_paused)
    zope.kill()
    assert outboxes(zope) == ["pod-1"]

    cloudfront.control.clear_faults()
    start_as(zope, socket.gethostname())
    eventually(lambda: outboxes(zope) == [socket.gethostname()])
    eventually(
        lambda: any(
            reaches(item, "/welcome")
            for made in cloudfront.control.invalidations()
            for item in made.items
        )
    )
    (path,) = (zope.home / "var").rglob(NAME)
    outbox = open_outbox(f"sqlite:///{path}")
    try:
        due = {each.due for each in outbox.scheduled(99)}
    finally:
        outbox.end()
    assert any(abs(each - expires.timestamp()) < 61 for each in due)
