"""Specification: whatever fails, saves go on as ever and nothing is lost."""

from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import TOKEN
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer
from pathlib import Path
from prometheus_client.parser import text_string_to_metric_families

import os
import pytest
import requests
import sqlite3
import subprocess
import threading


ERRORS = [
    "TooManyInvalidationsInProgress",
    "Throttling",
    "ServiceUnavailable",
    "InternalError",
    "AccessDenied",
    "NoSuchDistribution",
    "InvalidArgument",
    "BatchTooLarge",
    "InconsistentQuantities",
    "MissingBody",
    "InvalidationBatchAlreadyExists",
]

FAULTS = {
    **{code: {"kind": "error", "code": code} for code in ERRORS},
    "an answer that is no XML": {"kind": "garbage"},
    "a connection dropped before": {"kind": "drop_before"},
    "a connection dropped after": {"kind": "drop_after"},
    "an answer that comes late": {"kind": "slow_answer", "seconds": 5.0},
}


class Save:
    """Saves a page."""

    def __init__(self, editor: Editor, path: str):
        self.editor, self.path = editor, path

    def __call__(self, words: str) -> None:
        self.editor.edit(
            self.path, text={"data": f"<p>{words}</p>", "content-type": "text/html"}
        )


@pytest.fixture
def save(editor) -> Save:
    return Save(editor, "/welcome")


def log_since(instance: Instance, position: int) -> str:
    with instance.log.open(errors="replace") as log:
        log.seek(position)
        return log.read()


@pytest.fixture
def log(zope):
    """What Zope logs from now on."""
    position = zope.log.stat().st_size
    return lambda: log_since(zope, position)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_delays_an_invalidation_and_loses_nothing(
    name, save, viewer, cloudfront, editor
):
    viewer.warm("/welcome")
    cloudfront.control.inject(times=1, operation="CreateInvalidation", **FAULTS[name])
    words = f"Fresh in spite of {name}"
    save(words)
    if name in ("AccessDenied", "NoSuchDistribution"):
        # Paused until settings change; an administrator saves the form.
        eventually(editor.is_paused)
        editor.set(window=0.4)
        editor.set(window=0.5)
    eventually(lambda: words in viewer.get("/welcome").text)
    references = [made.caller_reference for made in cloudfront.control.invalidations()]
    assert len(references) == len(set(references))


def test_no_save_waits_for_cloudfront(save, viewer, cloudfront, monkeypatch):
    viewer.warm("/welcome")
    asked, over = threading.Event(), threading.Event()

    def hang(_seconds):
        asked.set()
        over.wait()

    monkeypatch.setattr(cloudfront.control, "sleep", hang)
    cloudfront.control.inject("delay", times=None)
    try:
        save("Saved before CloudFront was asked")
        eventually(asked.is_set)
        save("Saved while it does not answer")
        assert not cloudfront.control.invalidations()
        assert viewer.cache("/welcome") == "Hit"
    finally:
        cloudfront.control.clear_faults()
        over.set()
    eventually(lambda: "does not answer" in viewer.get("/welcome").text)


def test_an_outage_delays_invalidations_and_loses_nothing(
    save, viewer, cloudfront, editor
):
    viewer.warm("/welcome")
    cloudfront.stop()
    save("Written while CloudFront was out of reach")
    # Not in the log, which has had enough warnings by the tests before.
    eventually(lambda: "cannot be reached" in editor.state())
    cloudfront.start()
    eventually(lambda: "out of reach" in viewer.get("/welcome").text)


def test_wrong_credentials_pause_purging_until_they_are_corrected(
    save, viewer, cloudfront, editor, log
):
    good, bad = "AKIAGOODGOODGOODGOOD", "AKIABADBADBADBADBAD0"
    cloudfront.control.change_options(accepted_access_keys=[good])
    viewer.warm("/welcome")
    editor.set(aws_access_key_id=bad, aws_secret_access_key="wrong-secret")
    try:
        save("Written under wrong credentials")
        eventually(lambda: "purging is paused" in log())
        assert "Check the access key ID" in log()
        assert "Nothing is lost" in log()
        assert viewer.cache("/welcome") == "Hit"
        editor.set(aws_access_key_id=good, aws_secret_access_key="right-secret")
        eventually(lambda: "wrong credentials" in viewer.get("/welcome").text)
    finally:
        editor.set(aws_access_key_id="", aws_secret_access_key="")
    assert "-secret" not in log()


def test_a_wrong_distribution_id_is_corrected_without_loss(
    save, viewer, cloudfront, editor, log
):
    viewer.warm("/welcome")
    right = cloudfront.control.options.distributions[0]
    editor.set(distribution_id="EWRONGWRONG")
    try:
        save("Written for a wrong distribution")
        eventually(lambda: "NoSuchDistribution" in log())
    finally:
        editor.set(distribution_id=right)
    eventually(lambda: "wrong distribution" in viewer.get("/welcome").text)


def test_a_locked_outbox_keeps_no_editor_waiting(save, viewer, zope, log):
    viewer.warm("/welcome")
    lock = sqlite3.connect(zope.outbox, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        for number in range(5):
            save(f"Written while the outbox was locked, {number}")
        eventually(lambda: "The outbox cannot be used" in log())
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    eventually(lambda: "was locked, 4" in viewer.get("/welcome").text)


def test_a_damaged_outbox_is_set_aside_and_everything_is_purged(
    save, viewer, zope, cloudfront, log
):
    viewer.warm("/welcome", "/about")
    damage(zope.outbox)
    save("Written into a damaged outbox")
    eventually(lambda: "was moved to" in log())
    eventually(lambda: "a damaged outbox" in viewer.get("/welcome").text)
    eventually(
        lambda: any("/*" in made.items for made in cloudfront.control.invalidations())
    )
    assert list(zope.outbox.parent.glob("cloudfront-outbox.sqlite.damaged-*"))


def damage(path: Path) -> None:
    """Overwrite an outbox in place, log included, as a bad disk would."""
    for suffix in ("", "-wal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            with part.open("r+b") as file:
                file.write(os.urandom(max(4096, part.stat().st_size)))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_keeps_items_in_memory_until_there_is_room(
    site_template, tmp_path, small_disk
):
    with LocalCloudFront(options=options()) as cloudfront:
        instance = Instance(
            tmp_path / "zope",
            environ={
                **cloudfront.environment,
                "CLOUDFRONT_WINDOW": "0.3",
                "CLOUDFRONT_CALL_RATE": "20",
                **ONCE,
                "CLOUDFRONT_OUTBOX": f"sqlite:///{small_disk}/outbox.sqlite",
            },
        )
        instance.configure()
        instance.copy_database(site_template)
        instance.start()
        instance.wait_until_ready()
        cloudfront.edge.origin = virtual_host_root(instance.url)
        try:
            _fill_and_empty(instance, cloudfront, small_disk)
        finally:
            instance.stop()


def _fill_and_empty(
    instance: Instance, cloudfront: LocalCloudFront, disk: Path
) -> None:
    viewer = Viewer(cloudfront.edge_url)
    save = Save(Editor(instance.site_url), "/welcome")
    save("Before the disk was full")
    eventually(lambda: cloudfront.control.invalidations())
    viewer.warm("/welcome")
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    for number in range(30):
        save(f"While the disk was full, {number}")
    ballast.unlink()
    eventually(lambda: "was full, 29" in viewer.get("/welcome").text)
    assert "The outbox cannot be used" in instance.log.read_text()


class Machine:
    """Watches a Zope process from outside."""

    def __init__(self, zope: Instance):
        self.url = zope.site_url

    def health(self, **headers: str) -> tuple[int, str]:
        """Return a status and a line."""
        answer = self._ask("cloudfront-health", headers)
        return answer.status_code, answer.text

    def figure(self, name: str, **labels: str) -> float:
        """Return a figure, 0 if there is none."""
        answer = self._ask("cloudfront-metrics", TOKEN)
        answer.raise_for_status()
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def _ask(self, view: str, headers: dict[str, str]) -> requests.Response:
        return requests.get(f"{self.url}/@@{view}", headers=headers, timeout=600)


# The last: about one distribution a process logs three errors in an hour, see ``Notices``.
def test_machines_see_what_is_delivered_and_what_is_wrong(
    zope, save, cloudfront, editor
):
    machine = Machine(zope)

    def accepted() -> float:
        return machine.figure("cloudfront_calls_total", outcome="accepted")

    editor.set(window=0.4)
    editor.wait_until_sent()
    before = accepted()
    save("Counted")
    eventually(lambda: accepted() > before)
    assert machine.figure("cloudfront_save_seconds_count") >= 1
    eventually(lambda: machine.figure("cloudfront_completed_seconds_count") >= 1)
    assert machine.health() == (200, "ok\n")
    cloudfront.control.inject("error", times=None, code="AccessDenied")
    save("Denied")
    eventually(lambda: machine.health() == (503, "error\n"))
    assert "AccessDenied" in machine.health(**TOKEN)[1]
    assert machine.figure("cloudfront_paused") == 1
    assert machine.figure("cloudfront_calls_total", outcome="misconfigured") >= 1
    cloudfront.control.clear_faults()
    editor.set(window=0.5)
    eventually(lambda: machine.health()[0] == 200)
