"""Specification: Zope ends as an operator ends it, and nothing is left behind."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.http.conftest import DISTRIBUTION
from collective.cloudfront.tests.http.conftest import new_zope
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually

import os
import pytest
import signal


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals as in POSIX"),
]


@pytest.fixture
def cloudfront() -> Iterator[LocalCloudFront]:
    with LocalCloudFront(options=options()) as local:
        yield local


@pytest.fixture
def zope(site_template, tmp_path, cloudfront) -> Iterator[Instance]:
    environ = {**cloudfront.environment, **QUICK, **ONCE}
    instance = new_zope(tmp_path / "zope", site_template, environ)
    yield instance
    instance.stop()


def start(zope: Instance) -> Editor:
    zope.start()
    zope.wait_until_ready()
    return Editor(zope.site_url)


def edit(editor: Editor, words: str) -> None:
    text = {"data": f"<p>{words}</p>", "content-type": "text/html"}
    editor.edit("/welcome", text=text)


def terminate(zope: Instance) -> int:
    """End Zope as ``bin/instance stop``, Docker and systemd do; return its exit code."""
    zope.process.send_signal(signal.SIGTERM)
    return zope.process.wait(600)


def times_purged(cloudfront: LocalCloudFront) -> int:
    made = cloudfront.control.invalidations()
    return len(
        [each for each in made if any(reaches(item, "/welcome") for item in each.items)]
    )


def test_sigterm_finishes_the_call_in_flight_and_gives_up_claims(zope, cloudfront):
    editor = start(zope)
    outbox = open_outbox(f"sqlite:///{zope.outbox}")
    # Somebody in another container, who cannot know that this process is dead
    outbox.owner = "elsewhere/boot.1:4711.5:0123456789ab"

    # A call is in flight
    cloudfront.control.inject(
        "delay", times=1, operation="CreateInvalidation", seconds=2
    )
    edit(editor, "In flight")
    eventually(lambda: not cloudfront.control.state()["faults_waiting"])
    assert terminate(zope) == -signal.SIGTERM
    assert times_purged(cloudfront) == 1
    assert [len(outbox.frozen(DISTRIBUTION)), outbox.status().prepared] == [0, 0]
    assert len(outbox.history(10)) == 1

    # CloudFront does not work, and the distribution is claimed
    editor = start(zope)
    cloudfront.control.inject("error", code="AccessDenied", times=None)
    edit(editor, "Waiting")
    eventually(lambda: any(each.waiting for each in outbox.work()))
    assert not outbox.claim(DISTRIBUTION, 60)
    assert terminate(zope) == -signal.SIGTERM
    assert outbox.claim(DISTRIBUTION, 60)
    outbox.give_up(DISTRIBUTION)
    outbox.end()
    log = zope.log.read_text()
    assert "Received SIGTERM. This process is shutting down." in log
    assert f" waiting in <SqliteOutbox {zope.outbox}>. " in log

    # The next process goes on
    cloudfront.control.clear_faults()
    start(zope)
    eventually(lambda: times_purged(cloudfront) == 2)


def test_sigterm_tells_what_is_in_memory_only(zope):
    (zope.home / "a file").write_text("")
    zope.environ["CLOUDFRONT_OUTBOX"] = f"sqlite:///{zope.home}/a%20file/outbox.sqlite"
    editor = start(zope)
    edit(editor, "Nowhere")
    eventually(lambda: "The outbox cannot be used" in zope.log.read_text())
    assert terminate(zope) == -signal.SIGTERM
    assert (
        "because this process ends while the outbox cannot be used"
        in zope.log.read_text()
    )
