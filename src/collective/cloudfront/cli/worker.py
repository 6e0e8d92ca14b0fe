"""``worker`` and ``drain``: delivering, all the time or until nothing is left."""

from collections.abc import Mapping
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import on_outbox
from collective.cloudfront.delivery.counted import count
from collective.cloudfront.delivery.courier import GRACE_SECONDS
from collective.cloudfront.delivery.ending import Ending
from collective.cloudfront.delivery.ending import SIGNALS
from collective.cloudfront.delivery.thread import DRAIN_SECONDS
from collective.cloudfront.delivery.worker import needs_zope
from collective.cloudfront.delivery.worker import Worker
from collective.cloudfront.metrics.counts import NotInstalled
from collective.cloudfront.metrics.counts import switch_on
from collective.cloudfront.metrics.serving import serve_metrics
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.variables import number
from types import FrameType

import click
import logging
import os
import signal
import sys
import time


logger = logging.getLogger("collective.cloudfront")

#: After it has sent what it could, a worker may take so long (seconds) to write down the rest.
WRITE_SECONDS = 3.0
_REST_SECONDS = 5.0


def make_worker(console: Console, environ: Mapping[str, str]) -> Worker:
    """Return a worker, set up by the same variables as Zope."""
    limits = Limits(
        call_rate=number(environ, "CLOUDFRONT_CALL_RATE", Limits().call_rate)
    )
    grace = number(environ, "CLOUDFRONT_GRACE", GRACE_SECONDS)
    return Worker(console.outbox, limits, grace)


@click.command(short_help="Deliver, without Zope.")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="What is logged to stderr.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    envvar="CLOUDFRONT_METRICS_PORT",
    help="Show figures for Prometheus at http://HOST:PORT/metrics.",
)
@click.option(
    "--metrics-host",
    default="127.0.0.1",
    show_default=True,
    envvar="CLOUDFRONT_METRICS_HOST",
    help="Where that port is; 0.0.0.0 in a container, where nobody else can reach it.",
)
@on_outbox
def worker(
    console: Console, log_level: str, metrics_port: int | None, metrics_host: str
) -> None:
    """Deliver, without Zope, until SIGTERM or Ctrl-C.

    Set CLOUDFRONT_COURIER=off in Zope, so that it leaves the delivery to workers.
    Several workers stand by for each other. AWS credentials are those of this process:
    a role, the environment, or a profile.

    Variables: CLOUDFRONT_DRAIN, CLOUDFRONT_CALL_RATE and CLOUDFRONT_GRACE, as for Zope.
    """
    _log_to_stderr(log_level)
    made = make_worker(console, os.environ)
    seconds = number(os.environ, "CLOUDFRONT_DRAIN", DRAIN_SECONDS, least=0.0)
    # Ctrl-C, too: as an exception it could come anywhere, also while a thread is started
    signals = (*SIGNALS, signal.SIGINT)
    for each in signals:
        if signal.getsignal(each) is not signal.SIG_IGN:
            # After the signal was dealt with: nothing is left to do.
            signal.signal(each, _exit)
    Ending(
        lambda: made.stop(seconds),
        lambda: logger.warning("This worker ends with a request still in progress."),
        lambda: None,
        lambda: seconds + WRITE_SECONDS,
    ).watch(signals)
    logger.info("Working on %s (process %d).", console.place, os.getpid())
    if metrics_port is not None:
        _show_metrics(made, metrics_host, metrics_port)
    made.start()
    while True:
        # Python loses a signal that comes just before a wait without end.
        time.sleep(_REST_SECONDS)


def _show_metrics(made: Worker, host: str, port: int) -> None:
    try:
        serving = serve_metrics(port, made.outbox, host)
    except NotInstalled as error:
        raise Failure(str(error), Exit.USAGE) from error
    except OSError as error:
        raise Failure(
            f"Port {port} of {host} cannot be used for metrics: {error.strerror}. "
            "Choose another one.",
            Exit.USAGE,
        ) from error
    count(made.courier, switch_on())
    logger.info("Metrics are at http://%s:%d/metrics.", host, serving.port)


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(message)s",
    )
    # Each request would be a line.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def _exit(number: int, frame: FrameType | None) -> None:
    # Threads that hang in a call must not keep the process.
    os._exit(Exit.FINE)


@click.command(short_help="Send what waits, until nothing is left.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="At most so many seconds.",
)
@on_outbox
def drain(console: Console, timeout: float) -> None:
    """Send what waits, now and from here, until nothing is left.

    For example before a machine is switched off. What other couriers are sending is
    waited for. Exits with 1 if a person must do something first, and with 4 if there was
    not enough time.
    """
    made = make_worker(console, os.environ)
    made.courier.is_draining = True
    end = time.monotonic() + timeout
    try:
        while waiting := [each for each in console.outbox.work() if each.pending]:
            _fail_if_stuck(made, waiting)
            left = end - time.monotonic()
            if left <= 0:
                raise Failure(
                    f"Sent not everything in {timeout:g} s; still waiting: "
                    f"{counted(sum(each.pending for each in waiting), 'item')}.",
                    Exit.TIMED_OUT,
                )
            time.sleep(min(made.courier.round(), left, 1.0))
        click.echo("Nothing waits in the outbox.")
    finally:
        made.courier.stop()
        made.leave()


def _fail_if_stuck(made: Worker, waiting: list[Work]) -> None:
    """Raise ``Failure`` if everything that waits needs a person."""
    targets = made.targets()
    reasons = []
    for each in waiting:
        if each.distribution not in targets:
            reasons.append(needs_zope_or_settings(made, each.distribution))
        elif each.waiting is not None and each.waiting.paused:
            reasons.append(
                f"{each.distribution}: {each.waiting.reason}. {each.waiting.advice}"
            )
        else:
            return
    raise Failure(" ".join(reasons))


def needs_zope_or_settings(made: Worker, distribution: str) -> str:
    """Return why nobody here delivers to a distribution."""
    if distribution in made.published.only_with_keys:
        return needs_zope(distribution)
    return f"{distribution}: purging is not enabled for this distribution in any site."
