"""Shows the figures: as text, and on a port."""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.metrics.backlog import OutboxCollector
from collective.cloudfront.metrics.counts import Counts
from collective.cloudfront.metrics.counts import SHARED
from collective.cloudfront.metrics.counts import switch_on
from collective.cloudfront.outbox.contract import Outbox
from dataclasses import dataclass
from typing import Any

import os
import time


@dataclass(frozen=True, slots=True)
class Page:
    """What Prometheus gets."""

    body: bytes
    content_type: str


class Figures:
    """What this process counts, and what its outbox holds. With ``PROMETHEUS_MULTIPROC_DIR``,
    what all processes count together.
    """

    def __init__(
        self, outbox: Callable[[], Outbox], clock: Callable[[], float] = time.time
    ):
        """Begin to count, too. Raises ``counts.NotInstalled``. ``clock`` returns Unix
        seconds.
        """
        self.registry = _registry(switch_on(), OutboxCollector(outbox, clock))

    def page(self) -> Page:
        """Return them in the format of Prometheus."""
        from prometheus_client import CONTENT_TYPE_LATEST
        from prometheus_client import generate_latest

        return Page(generate_latest(self.registry), CONTENT_TYPE_LATEST)


class _Own:
    """The collector of what this process counts."""

    def __init__(self, counts: Counts, is_shared: bool):
        self._counts = counts
        self._is_shared = is_shared

    def describe(self) -> Iterable[Any]:
        """Say nothing: nothing is read when this is registered."""
        return ()

    def collect(self) -> Iterable[Any]:
        """Return families of metrics; none that are read from the files of all."""
        self._counts.note_memory()
        return () if self._is_shared else self._counts.registry.collect()


def _registry(counts: Counts, backlog: OutboxCollector) -> Any:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    is_shared = SHARED in os.environ
    registry.register(_Own(counts, is_shared))
    if is_shared:
        from prometheus_client.multiprocess import MultiProcessCollector

        MultiProcessCollector(registry)
    registry.register(backlog)
    return registry


@dataclass(frozen=True, slots=True)
class Serving:
    """A server in a thread of its own."""

    server: Any

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.server_port

    def stop(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()


def serve_metrics(port: int, outbox: Outbox, host: str = "127.0.0.1") -> Serving:
    """Show the figures at ``http://host:port/metrics``, to whoever asks; with port 0 at a
    free one. Raises ``counts.NotInstalled``, or ``OSError`` if the port is taken.

    ``outbox`` is that of this process. To have its courier counted, call
    ``delivery.counted.count`` with it.
    """
    figures = Figures(lambda: outbox)
    from prometheus_client import start_http_server

    server, _thread = start_http_server(port, host, figures.registry)
    return Serving(server)
