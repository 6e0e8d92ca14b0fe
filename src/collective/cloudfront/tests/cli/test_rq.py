"""Specification: RQ runs the worker as a job, again and again, whoever is killed."""

from collective.cloudfront.cli.rq import begin
from collective.cloudfront.cli.rq import JOBS
from collective.cloudfront.tests.cli.world import eventually
from collective.cloudfront.tests.cli.world import sent
from collective.cloudfront.tests.outbox.redis.server import Server
from redis import Redis
from rq.job import Job

import os
import pytest
import signal
import subprocess
import sys


@pytest.fixture
def redis(tmp_path, monkeypatch):
    server = Server(tmp_path).start()
    url = f"redis://127.0.0.1:{server.port}/0"
    monkeypatch.setenv("PLONE_REDIS_DSN", url)
    yield Redis.from_url(url)
    server.kill()


@pytest.fixture
def start(world, cloudfront, redis):
    """Start an RQ worker; it makes a process for each job."""
    running = []

    def start():
        command = [sys.executable, "-c", "from rq.cli import main; main()"]
        command += ["worker", "cloudfront", "--with-scheduler"]
        command += ["--url", os.environ["PLONE_REDIS_DSN"]]
        environ = {
            **os.environ,
            "CLOUDFRONT_OUTBOX": world.url,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        running.append(
            subprocess.Popen(
                command,
                env=environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        return running[-1]

    yield start
    for each in running:
        kill(each)


def kill(process):
    """Kill an RQ worker and all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_it_delivers_job_after_job(world, cloudfront, redis, start):
    assert begin(os.environ["PLONE_REDIS_DSN"], seconds=1.0)
    start()
    for number, job in enumerate((JOBS[1], JOBS[0], JOBS[1])):
        eventually(lambda job=job: Job.exists(job, redis))
        world.release(f"/{number}")
        eventually(lambda number=number: f"/{number}" in sent(cloudfront))
    assert sorted(sent(cloudfront)) == ["/0", "/1", "/2"]


def test_there_is_one_job_however_often_it_is_begun(world, redis):
    said = [world.run("rq") for _ in range(3)]
    assert [each.exit_code for each in said] == [0, 0, 0]
    assert "RQ runs the worker now." in said[0].output
    assert "already" in said[1].output
    assert [Job.exists(each, redis) for each in JOBS] == [True, False]


def test_nothing_secret_is_in_the_job(world, redis):
    assert world.run("rq").exit_code == 0
    job = Job.fetch(JOBS[0], redis)
    assert job.args == (0, 45.0)
    assert not job.kwargs


def test_a_killed_worker_is_followed_by_the_next_one(world, cloudfront, redis, start):
    assert begin(os.environ["PLONE_REDIS_DSN"], seconds=3600.0)
    killed = start()
    world.release("/a")
    eventually(lambda: sent(cloudfront) == ["/a"])
    kill(killed)
    world.release("/b")
    # RQ finds abandoned jobs when their time is over; a person need not wait for it.
    Job.fetch(JOBS[0], redis).delete()
    assert world.run("rq").exit_code == 0
    start()
    eventually(lambda: sent(cloudfront) == ["/a", "/b"])


def test_without_redis_it_says_so(world, monkeypatch):
    monkeypatch.delenv("PLONE_REDIS_DSN", raising=False)
    result = world.run("rq")
    assert result.exit_code == 2
    assert "PLONE_REDIS_DSN" in result.output
    result = world.run("rq", "--redis", "redis://127.0.0.1:9/0")
    assert result.exit_code == 3
    assert "cannot be used" in result.output
