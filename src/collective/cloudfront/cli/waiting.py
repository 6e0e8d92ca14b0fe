"""Waiting until CloudFront has completed what was purged."""

from collections.abc import Sequence
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import warn
from collective.cloudfront.cli.judging import judge
from collective.cloudfront.cli.texts import sentence
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.published import published
from collective.cloudfront.manual.following import is_open
from collective.cloudfront.manual.following import refused
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.values import Entry

import time


#: The outbox is looked at so often (seconds).
_EVERY = 0.5


def wait_for(
    outbox: Outbox, entries: Sequence[Entry], since: float, timeout: float
) -> None:
    """Wait until CloudFront has completed ``entries``, which were released at ``since``
    (Unix seconds); at most ``timeout`` seconds. Raises ``Failure``.
    """
    by_distribution: dict[str, set[str]] = {}
    for entry in entries:
        by_distribution.setdefault(entry.distribution, set()).add(entry.item)
    end = time.monotonic() + timeout
    said = ""
    while True:
        for distribution, items in by_distribution.items():
            _fail_if_refused(outbox, distribution, items, since)
        open_ones = {
            distribution
            for distribution, items in by_distribution.items()
            if is_open(outbox, distribution, items, since)
        }
        if not open_ones:
            warn("CloudFront has completed it.")
            return
        now = time.time()
        work = [each for each in outbox.work() if each.distribution in open_ones]
        health = judge(work, present(outbox, now), published(outbox, now), now)
        if time.monotonic() >= end:
            raise Failure(
                f"CloudFront has not completed it in {timeout:g} s. Nothing is lost: it "
                f"stays in the outbox. {health.text}",
                Exit.TIMED_OUT,
            )
        if health.text != said and health.code in ("paused", "unattended", "waiting"):
            said = health.text
            warn(f"Waiting: {health.text}")
        time.sleep(min(_EVERY, max(0.0, end - time.monotonic())))


def _fail_if_refused(
    outbox: Outbox, distribution: str, items: set[str], since: float
) -> None:
    found = refused(outbox, distribution, items, since)
    if found is not None:
        raise Failure(
            f"CloudFront refuses {found.item} for {distribution}: "
            f"{sentence(str(found.reason))} It is kept; see “cloudfront status”."
        )
