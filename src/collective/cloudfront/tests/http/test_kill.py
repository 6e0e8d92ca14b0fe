"""Specification: whatever moment a process dies at, nothing committed is lost."""

from collections import Counter
from collective.cloudfront.demo.instance import clean_environment
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.profile import only_long
from collective.cloudfront.tests.profile import repetitions
from concurrent.futures import ThreadPoolExecutor

import json
import os
import pytest
import random
import signal
import subprocess
import sys
import time


KILLS = repetitions(120)
MODULE = "collective.cloudfront.tests.http.killed"


class Killed:
    """The forking process, driven through its standard input and output."""

    def __init__(self, instance: Instance):
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(instance.zope_conf)],
            env={**clean_environment(), **instance.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"

    def _read(self) -> str:
        return self._process.stdout.readline().strip()

    def _command(self, command: str) -> int:
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return int(self._read())

    def run_and_kill(self, name: str, after: float) -> None:
        """Let a child work, and kill it ``after`` seconds of its first commit."""
        child = self._command(f"run {name}")
        assert self._read() == "working"
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        assert self._read() == "ended"

    def finish(self) -> dict:
        """Let a last child deliver everything; return its report."""
        self._command("finish")
        report = json.loads(self._read())
        assert self._read() == "ended"
        return report

    def close(self) -> None:
        """End the forking process."""
        self._process.stdin.close()
        self._process.wait(300)


#: No call has to wait.
MANY = options(api_rate=None, quota_model="none")
#: A purge of every page would take the place of what we look for.
ENVIRON = {"CLOUDFRONT_WINDOW": "0.05", "CLOUDFRONT_NAVIGATION_CHANGES": "object"}


@pytest.mark.long
@pytest.mark.slow
@only_long
def test_no_committed_change_is_lost_when_a_process_is_killed(
    site_template, tmp_path, record_property
):
    with LocalCloudFront(options=MANY) as local:
        instance = Instance(tmp_path / "zope", environ={**local.environment, **ENVIRON})
        instance.configure()
        instance.copy_database(site_template)
        record_property("figures", kill_many_times(local, instance))


def kill_many_times(local: LocalCloudFront, *nodes: Instance) -> str:
    """Let processes of each node work, kill them, and look whether everything was sent
    once; return what was seen.
    """
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    # Slow answers, so that many kills hit a call on its way.
    local.control.inject("delay", times=None, seconds=0.05)
    killed = [Killed(node) for node in nodes]

    def work_and_die(node: int) -> None:
        chance = random.Random(seed + node)
        for number in range(KILLS // len(nodes)):
            killed[node].run_and_kill(f"{node}-{number}", chance.uniform(0.0, 0.5))

    try:
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(work_and_die, range(len(nodes))))
        report = killed[0].finish()
    finally:
        for each in killed:
            each.close()
    invalidations = local.control.invalidations()
    state = local.control.state()

    sent = Counter(
        item.removeprefix("/transaction/")
        for made in invalidations
        for item in made.items
        if item.startswith("/transaction/")
    )
    committed = set(report["committed"])
    lost = committed - set(sent)
    uncommitted = set(sent) - committed
    twice = {key for key, times in sent.items() if times > 1}
    figures = (
        f"{KILLS} kills, {len(committed)} commits, {len(invalidations)} invalidations, "
        f"{state['replayed']} repeated unchanged after a kill, "
        f"{report['in_doubt']} items in doubt, {len(uncommitted)} of them not committed"
    )
    print(figures)
    assert not lost
    assert not twice
    assert len(uncommitted) <= report["in_doubt"]
    references = Counter(made.caller_reference for made in invalidations)
    assert max(references.values()) == 1
    assert {reference for reference, _id, _items in report["settled"]} == set(
        references
    )
    return figures
