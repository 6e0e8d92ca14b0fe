"""What the outbox holds, as Prometheus reads it: it is asked at each scrape, once."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.values import Status
from collective.cloudfront.outbox.values import Work
from collective.cloudfront.outbox.within import Late
from collective.cloudfront.outbox.within import Within
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
from typing import Any

import time


#: Seconds that a scrape waits for the outbox; Prometheus gives up after ten.
LONGEST_ANSWER = 5.0
#: More items in quarantine are not counted one by one.
MOST_QUARANTINED = 1000

_STATES = ("ready", "frozen", "coalesced")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the outbox holds at one moment; ``billed`` and ``quarantined`` count items by
    distribution.
    """

    work: tuple[Work, ...]
    status: Status
    billed: Mapping[str, int]
    quarantined: Mapping[str, int]


def read(outbox: Outbox, now: float) -> Backlog:
    """Return what the outbox holds at ``now``; raises ``OutboxUnavailable``."""
    work = outbox.work(None)
    month = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m")
    return Backlog(
        work=work,
        status=outbox.status(),
        billed=outbox.billed(month),
        quarantined={
            each.distribution: len(
                outbox.quarantined(MOST_QUARANTINED, (each.distribution,))
            )
            for each in work
            if each.quarantined
        },
    )


class OutboxCollector:
    """A collector for a registry of ``prometheus_client``. It may be asked by several
    threads, and answers although the outbox hangs.
    """

    def __init__(
        self,
        outbox: Callable[[], Outbox],
        clock: Callable[[], float] = time.time,
        seconds: float = LONGEST_ANSWER,
    ):
        """``outbox`` returns the outbox; ``clock`` returns Unix seconds; ``seconds`` is
        how long to wait for it.
        """
        self._outbox = outbox
        self._clock = clock
        self._seconds = seconds
        self._asked = Within("cloudfront-metrics", self._read)

    def _read(self) -> Backlog:
        outbox = self._outbox()
        try:
            return read(outbox, self._clock())
        finally:
            # The thread ends, and its connection with it.
            outbox.close()

    def describe(self) -> Iterable[Any]:
        """Say nothing: the outbox is not asked when this is registered."""
        return ()

    def collect(self) -> Iterator[Any]:
        """Yield families of metrics."""
        from prometheus_client.core import GaugeMetricFamily

        try:
            backlog = self._asked.ask(self._seconds)
        except (Late, OutboxUnavailable):
            backlog = None
        yield GaugeMetricFamily(
            "cloudfront_outbox_up",
            "Whether the outbox can be read.",
            value=float(backlog is not None),
        )
        if backlog is not None:
            yield from _of_work(backlog, self._clock())
            yield from _of_all(backlog)


def _of_work(backlog: Backlog, now: float) -> Iterator[Any]:
    items = _gauge("cloudfront_items", "Items on their way, by state.", "state")
    pending = _gauge("cloudfront_pending_items", "Items on their way, in all.")
    running = _gauge(
        "cloudfront_invalidations_in_progress",
        "Invalidations that CloudFront is working on.",
    )
    oldest = _gauge(
        "cloudfront_oldest_item_age_seconds",
        "Age of the oldest item that is ready or being sent; 0 if there is none.",
    )
    paused = _gauge(
        "cloudfront_paused", "Whether purging is paused until a person does something."
    )
    waiting = _gauge(
        "cloudfront_waiting",
        "Why CloudFront accepts nothing at the moment: 1 for each reason.",
        "reason",
    )
    for work in backlog.work:
        name = work.distribution
        for state in _STATES:
            items.add_metric([name, state], getattr(work, state))
        pending.add_metric([name], work.pending)
        running.add_metric([name], work.in_progress)
        age = 0.0 if work.oldest is None else max(0.0, now - work.oldest)
        oldest.add_metric([name], age)
        is_paused = work.waiting is not None and work.waiting.paused
        paused.add_metric([name], float(is_paused))
        if work.waiting is not None:
            waiting.add_metric([name, work.waiting.reason.code or "unknown"], 1.0)
    yield from (items, pending, running, oldest, paused, waiting)


def _of_all(backlog: Backlog) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily
    from prometheus_client.core import GaugeMetricFamily

    quarantined = _gauge("cloudfront_quarantined_items", "Items that are refused.")
    for work in backlog.work:
        count = backlog.quarantined.get(work.distribution, 0)
        quarantined.add_metric([work.distribution], count)
    yield quarantined
    billed = _gauge(
        "cloudfront_billed_items_this_month",
        "Items accepted in this calendar month (UTC).",
    )
    for name, count in backlog.billed.items():
        billed.add_metric([name], count)
    yield billed
    yield GaugeMetricFamily(
        "cloudfront_scheduled_items",
        "Items that become ready later: at a date, or after an interval.",
        value=backlog.status.scheduled,
    )
    yield GaugeMetricFamily(
        "cloudfront_prepared_transactions",
        "Transactions that are about to be committed.",
        value=backlog.status.prepared,
    )
    yield CounterMetricFamily(
        "cloudfront_in_doubt_items",
        "Items released although it was not known whether they were committed.",
        value=backlog.status.in_doubt_released,
    )


def _gauge(name: str, text: str, *labels: str) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, labels=["distribution", *labels])
