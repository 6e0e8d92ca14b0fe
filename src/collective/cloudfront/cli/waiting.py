"""Waiting until CloudFront has completed what was purged."""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import warn
from collective.cloudfront.cli.judging import judge
from collective.cloudfront.cli.texts import sentence
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.published import published
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.items import is_wildcard

import time


#: The outbox is looked at so often (seconds).
_EVERY = 0.5
#: More ready items of a distribution are not looked at; urgent ones come first.
_MOST = 10_000


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
            if _is_open(outbox, distribution, items, since)
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
    for each in outbox.quarantined(_MOST, [distribution]):
        if each.item in items and each.quarantined >= since:
            raise Failure(
                f"CloudFront refuses {each.item} for {distribution}: "
                f"{sentence(str(each.reason))} It is kept; see “cloudfront status”."
            )


def _is_open(outbox: Outbox, distribution: str, items: set[str], since: float) -> bool:
    """Say whether something of a distribution is not yet completed that reaches one of
    the items.
    """
    ready = (each.item for each in outbox.pending(distribution, _MOST))
    if _reach(ready, items):
        return True
    frozen = (item for batch in outbox.frozen(distribution) for item in batch.items)
    if _reach(frozen, items):
        return True
    running = (
        item
        for settled in outbox.in_progress(distribution)
        if settled.accepted >= since
        for item in settled.items
    )
    return _reach(running, items)


def _reach(found: Iterable[str], items: set[str]) -> bool:
    return any(
        each in items
        or (is_wildcard(each) and any(covers(each, item) for item in items))
        for each in found
    )
