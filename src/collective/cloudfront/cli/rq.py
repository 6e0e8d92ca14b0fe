"""The worker as a job of RQ: ``rq worker cloudfront --with-scheduler``.

RQ only runs it; what waits is in the outbox. A job delivers for some time and schedules the
next one before it ends. Two ids alternate, since the id of a job that runs is taken::

    cloudfront-worker-1 ──► cloudfront-worker-2 ──► cloudfront-worker-1 ──► …

If one of them is there, the work goes on, so another one is not begun. A job whose process
was killed is run again by RQ.
"""

from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.worker import make_worker
from collective.cloudfront.delivery.thread import DRAIN_SECONDS
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from typing import Any

import click
import os
import time


QUEUE = "cloudfront"
JOBS = ("cloudfront-worker-1", "cloudfront-worker-2")
#: How long a job delivers (seconds): RQ that is to end waits for it.
SECONDS = 45.0
#: RQ ends a job that takes so much longer (seconds).
_SLACK = 60
#: So soon after one job the next one is due (seconds).
_NEXT = timedelta(seconds=1)
#: How often a job whose process was killed is run again, and after how many seconds.
_AGAIN = 1_000_000, 5


def deliver(number: int = 0, seconds: float = SECONDS) -> None:
    """Deliver for some seconds what is in the outbox that CLOUDFRONT_OUTBOX names, and see
    to the next job. RQ calls this; it has no URL with a password from RQ.
    """
    from rq import get_current_job

    console = Console(os.environ.get("CLOUDFRONT_OUTBOX", ""))
    job = get_current_job()
    try:
        made = make_worker(console, os.environ)
        made.start()
        try:
            time.sleep(seconds)
        finally:
            made.stop(DRAIN_SECONDS)
    finally:
        console.end()
        if job is not None:
            _enqueue(job.connection, 1 - number, seconds)


def begin(redis_url: str, seconds: float = SECONDS) -> bool:
    """Put the first job into the queue at ``redis_url``; False if there is one already.

    Raises ``redis.exceptions.RedisError``.
    """
    from redis import Redis
    from rq.job import Job

    connection = Redis.from_url(redis_url)
    if Job.exists(JOBS[1], connection):
        return False
    return _enqueue(connection, 0, seconds)


def _enqueue(connection: Any, number: int, seconds: float) -> bool:
    from rq import Queue
    from rq import Retry
    from rq.exceptions import DuplicateJobError

    times, interval = _AGAIN
    queue = Queue(QUEUE, connection=connection)
    job = queue.create_job(
        deliver,
        args=(number, seconds),
        job_id=JOBS[number],
        description="CloudFront: deliver what waits in the outbox",
        timeout=int(seconds) + _SLACK,
        # The id is free again as soon as the job has ended.
        result_ttl=0,
        retry=Retry(max=times, interval=interval),
    )
    try:
        # RQ 2's enqueue_in() does not look whether there is one.
        queue.schedule_job(job, datetime.now(timezone.utc) + _NEXT, unique=True)
    except DuplicateJobError:
        return False
    return True


@click.command(name="rq", short_help="Have RQ run the worker.")
@click.option(
    "--redis",
    "redis_url",
    envvar=["RQ_REDIS_URL", "PLONE_REDIS_DSN"],
    metavar="URL",
    help="RQ's Redis. Default: RQ_REDIS_URL or PLONE_REDIS_DSN.",
)
def rq(redis_url: str) -> None:
    """Put a job that delivers into RQ's queue "cloudfront", if there is none.

    It is run, again and again, by "rq worker cloudfront --with-scheduler". Several of
    these workers stand by for each other. CLOUDFRONT_OUTBOX and the AWS credentials must
    be those of the RQ worker's environment, too. Run this command whenever you start
    one: it does nothing if the job is there.
    """
    if not redis_url:
        raise click.UsageError(
            "Say where RQ's Redis is: use --redis or PLONE_REDIS_DSN."
        )
    try:
        from redis.exceptions import RedisError

        import rq as _  # noqa: F401
    except ImportError as error:
        raise click.UsageError(
            "RQ is not installed. Run: pip install 'collective.cloudfront[rq]'."
        ) from error
    try:
        began = begin(redis_url)
    except RedisError as error:
        raise Failure(
            f"RQ's Redis cannot be used ({error}). Try again later.", Exit.UNAVAILABLE
        ) from error
    click.echo("RQ runs the worker now." if began else "RQ runs the worker already.")
