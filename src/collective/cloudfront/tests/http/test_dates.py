"""Specification: dates from before are scheduled while people work, whoever dies.

In ``make test-soak`` for 5,000 of 100,000 objects; it takes half an hour, and prints how
long requests took.
"""

from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.profile import only_long
from collective.cloudfront.tests.profile import SOAK
from contextlib import closing
from statistics import median
from statistics import quantiles

import json
import pytest
import sqlite3
import time


OBJECTS, DATED = (100_000, 5_000) if SOAK else (500, 100)
EDITS = 300 if SOAK else 10


@pytest.fixture(scope="module")
def cloudfront():
    with LocalCloudFront(options=options()) as local:
        yield local


@pytest.fixture(scope="module")
def instance(site_template, tmp_path_factory, cloudfront):
    """A site full of content that was saved while nothing was purged."""
    instance = Instance(
        tmp_path_factory.mktemp("dates"),
        environ={
            **cloudfront.environment,
            "CLOUDFRONT_WINDOW": "0.3",
            # Only dates are to be scheduled.
            **ONCE,
        },
    )
    instance.configure()
    instance.copy_database(site_template)
    instance.run(
        "collective.cloudfront.tests.http.many_dates", str(OBJECTS), str(DATED)
    )
    yield instance
    instance.stop()


def query(instance, sql):
    with closing(sqlite3.connect(instance.outbox)) as db:
        return db.execute(sql).fetchall()


def keys(instance):
    """Return of how many objects dates are scheduled."""
    if not instance.outbox.exists():
        return 0
    return query(instance, "SELECT count(DISTINCT key) FROM scheduled WHERE key > ''")[
        0
    ][0]


def known(instance):
    """Return what is kept of the run."""
    found = query(instance, "SELECT value FROM memory WHERE name LIKE 'run:dates:%'")
    return json.loads(found[0][0])["value"] if found else {}


def start(instance, **environ):
    instance.environ.update(environ)
    instance.start()
    instance.wait_until_ready()


def edit_times(instance, count):
    """Edit a page again and again; return how long each took, in ms."""
    editor, times = Editor(instance.site_url), []
    for number in range(count):
        started = time.perf_counter()
        editor.edit("/about", description=f"{number}")
        times.append(1000 * (time.perf_counter() - started))
        time.sleep(0.05)
    return times


def shown(times):
    return f"median {median(times):.1f} ms, 95 % {quantiles(times, n=20)[-1]:.1f} ms"


@pytest.mark.soak
@pytest.mark.long
@pytest.mark.slow
@only_long
def test_dates_from_before_are_scheduled_while_people_work_and_processes_die(
    instance, cloudfront
):
    start(instance, CLOUDFRONT_ENABLED="false")
    edit_times(instance, 10)
    before = edit_times(instance, EDITS)
    instance.stop()
    assert keys(instance) == 0

    start(instance, CLOUDFRONT_ENABLED="true")
    began = time.monotonic()
    eventually(lambda: keys(instance) > 0, 600)
    if SOAK:
        edit_times(instance, 10)
        during = edit_times(instance, EDITS)
        eventually(lambda: keys(instance) >= DATED // 3, 3600)
    instance.kill()
    half, reached = keys(instance), known(instance)["run"][2]
    assert 0 < half <= DATED

    start(instance)
    eventually(lambda: keys(instance) > half or known(instance).get("done"), 600)
    # It goes on, and begins not again
    run = known(instance).get("run")
    assert run is None or run[2] >= reached
    if not SOAK:
        during = edit_times(instance, EDITS)
    eventually(lambda: bool(known(instance).get("done")), 3600)
    took = time.monotonic() - began
    assert keys(instance) == DATED
    # What was edited meanwhile did not wait for it
    delays = [
        accepted - since
        for since, accepted in query(
            instance, "SELECT since, accepted FROM invalidation WHERE accepted > 0"
        )
    ]
    print(
        f"\n{DATED} of {OBJECTS} objects in {took:.0f} s, killed at {half}. Edits: "
        f"before, not purging: {shown(before)}; during, purging: {shown(during)}. "
        f"Accepted after {median(delays):.1f} s, {max(delays):.1f} s at most, with what "
        "is coalesced for a minute."
    )
    after = edit_times(instance, EDITS)
    print(f"Edits afterwards, purging: {shown(after)}.")
