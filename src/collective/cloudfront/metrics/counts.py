"""What one process counts, if it is switched on.

Whoever counts asks for ``current`` first, which is None in a process that is not watched::

    counts = metrics.counts.current
    if counts is not None:
        counts.save_seconds.observe(seconds)

With ``PROMETHEUS_MULTIPROC_DIR`` in the environment, ``prometheus_client`` keeps the values
in files, and any process shows those of all.
"""

from collections.abc import Callable
from typing import Any

import logging
import os
import threading


logger = logging.getLogger("collective.cloudfront")

#: The variable by which ``prometheus_client`` adds up processes.
SHARED = "PROMETHEUS_MULTIPROC_DIR"

#: Upper bounds of the histograms: of seconds in a save, of seconds until CloudFront does
#: something, of bytes of a header.
SAVE = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
DELIVERY = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
HEADER = (64, 128, 256, 512, 1024, 2048, 4096, 8192)


class NotInstalled(Exception):
    """``prometheus_client`` is missing; the text says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "prometheus-client is not installed. Install collective.cloudfront[metrics]."
        )


class Counts:
    """The counters and histograms of this process."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry
        from prometheus_client import Counter
        from prometheus_client import Gauge
        from prometheus_client import Histogram

        #: Ours, apart from what others in this process count.
        self.registry = CollectorRegistry()
        of_distribution = ["distribution"]
        #: How many items this process has in memory only, as it says itself.
        self.read_in_memory: Callable[[], int] = int

        self.calls = Counter(
            "cloudfront_calls",
            "Answers to CreateInvalidation requests, by outcome.",
            ["distribution", "outcome"],
            registry=self.registry,
        )
        self.retries = Counter(
            "cloudfront_retries",
            "CreateInvalidation requests that repeated an earlier one unchanged.",
            of_distribution,
            registry=self.registry,
        )
        self.accepted_items = Counter(
            "cloudfront_accepted_items",
            "Items that CloudFront accepted. AWS bills each as one path.",
            of_distribution,
            registry=self.registry,
        )
        self.refused_items = Counter(
            "cloudfront_refused_items",
            "Items that went into quarantine because CloudFront refuses them.",
            of_distribution,
            registry=self.registry,
        )
        self.accepted_seconds = Histogram(
            "cloudfront_accepted_seconds",
            "Time from the oldest commit until CloudFront accepted an invalidation.",
            of_distribution,
            buckets=DELIVERY,
            registry=self.registry,
        )
        self.completed_seconds = Histogram(
            "cloudfront_completed_seconds",
            "Time from the oldest commit until CloudFront completed an invalidation.",
            of_distribution,
            buckets=DELIVERY,
            registry=self.registry,
        )
        self.save_seconds = Histogram(
            "cloudfront_save_seconds",
            "Time that the add-on took in a transaction that purges something.",
            buckets=SAVE,
            registry=self.registry,
        )
        self.tag_header_bytes = Histogram(
            "cloudfront_tag_header_bytes",
            "Size of the cache tags of a response.",
            buckets=HEADER,
            registry=self.registry,
        )
        self.private_responses = Counter(
            "cloudfront_private_responses",
            "Responses that CloudFront must not store although Plone allows it.",
            ["reason"],
            registry=self.registry,
        )
        self.slack_requests = Counter(
            "cloudfront_slack_requests",
            "Requests to the Slack command that were answered, or why they were refused.",
            ["outcome"],
            registry=self.registry,
        )
        self.items_in_memory = Gauge(
            "cloudfront_items_in_memory",
            "Items that are in memory only because the outbox cannot be used.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def note_memory(self) -> None:
        """Note how many items are in memory only."""
        self.items_in_memory.set(self.read_in_memory())


#: The counts of this process; None while nobody wants them.
current: Counts | None = None

_lock = threading.Lock()


def switch_on() -> Counts:
    """Begin to count, or go on; raises ``NotInstalled``."""
    global current
    with _lock:
        if current is None:
            try:
                current = Counts()
            except ImportError as error:
                raise NotInstalled() from error
        return current


def switch_off() -> None:
    """Count no more, and forget what was counted. For tests."""
    global current
    current = None


def end() -> None:
    """Let other processes know that this one ends: what it has in memory is gone."""
    if current is None or SHARED not in os.environ:
        return
    from prometheus_client import multiprocess

    mark: Callable[[int], Any] = multiprocess.mark_process_dead
    try:
        mark(os.getpid())
    except OSError as error:
        logger.debug("The files of the metrics stay: %s", error)
