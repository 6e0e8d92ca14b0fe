"""How much memory a courier takes while it drains a backlog.

Run as a program it is one drain in a process of its own, with a CloudFront that
accepts everything and remembers nothing: ``memory.py OUTBOX rss|trace``. It prints
how many bytes the peak is above what there was before the first item was read.
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.planning.pacing import Limits
from draining import Clock
from pathlib import Path
from report import Result
from report import Row
from throughput import DISTRIBUTION
from throughput import fill

import logging
import subprocess
import sys
import tracemalloc


#: "Does not grow": room for the odd page, none for a tenth of the items.
GOAL = 1.1
_COMPLETED_AFTER = 3.0
_MIB = 2**20
_STATUS = Path("/proc/self/status")


class ForgetfulGateway:
    """A ``Gateway`` that accepts all; an invalidation's id says when it was."""

    def __init__(self, clock: Clock):
        self.clock = clock
        self.items = 0

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        """Do nothing: there is no client to make."""

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        """Accept."""
        self.items += len(items)
        return Answer(Outcome.ACCEPTED, f"I{self.clock()}", "InProgress")

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        """Say that it is completed after a while."""
        age = self.clock() - float(invalidation[1:])
        status = "Completed" if age > _COMPLETED_AFTER else "InProgress"
        return Answer(Outcome.ACCEPTED, invalidation, status)


def _drain(path: Path) -> Callable[[], None]:
    """Return what drains the outbox at ``path``, with everything ready for it."""
    clock = Clock()
    outbox = SqliteOutbox(path, clock=clock)
    gateway = ForgetfulGateway(clock)
    targets = {DISTRIBUTION: Target(DISTRIBUTION)}
    # A backlog that is widened is no backlog any more.
    limits = Limits(siblings=1_000_000, wildcards=1_000_000)
    courier = Courier(outbox, gateway, lambda: targets, limits=limits, clock=clock)
    count = outbox.work(None)[0].ready

    def drain() -> None:
        while gateway.items < count:
            clock.advance(courier.round() + 0.001)

    return drain


def _traced(drain: Callable[[], None]) -> int:
    tracemalloc.start()
    before, _peak = tracemalloc.get_traced_memory()
    drain()
    return tracemalloc.get_traced_memory()[1] - before


def _resident(drain: Callable[[], None]) -> int:
    before = _peak_resident()
    drain()
    return _peak_resident() - before


def _peak_resident() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    # Not getrusage(): on Linux it begins with the parent's peak.
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"{_STATUS} tells no peak.")


def measure(folder: Path, quick: bool) -> Result:
    """Compare a short and a long backlog."""
    short, long = (5_000, 20_000) if quick else (10_000, 100_000)
    peaks = {
        (count, how): _in_a_process(folder / f"memory-{count}-{how}.sqlite", count, how)
        for count in (short, long)
        for how in _ways()
    }
    ratio = peaks[long, "trace"] / peaks[short, "trace"]
    rows = [
        Row(
            f"peak of Python objects, {long:,} to {short:,} pending",
            f"{ratio:.2f} ({_mib(peaks[long, 'trace'])} to "
            f"{_mib(peaks[short, 'trace'])})",
            goal=f"≤ {GOAL} times",
            met=ratio <= GOAL,
        )
    ]
    rows += [
        Row(f"resident growth, {count:,} pending", _mib(peaks[count, "rss"]))
        for count in (short, long)
        if "rss" in _ways()
    ]
    return Result(
        name="memory",
        title="Memory of a courier while it drains",
        rows=rows,
        facts={
            "ratio": ratio,
            "peak_bytes": {f"{n} {how}": peak for (n, how), peak in peaks.items()},
        },
        notes=[
            "Above what the process had before, each in a process of its own: "
            "Python objects by tracemalloc, resident pages by the kernel (with "
            "SQLite's cache of 2 MB)."
        ],
    )


def _ways() -> tuple[str, ...]:
    return ("trace", "rss") if _STATUS.exists() else ("trace",)


def _in_a_process(path: Path, count: int, how: str) -> int:
    outbox = SqliteOutbox(path, clock=Clock())
    fill(outbox, count)
    outbox.end()
    printed = subprocess.run(
        [sys.executable, __file__, str(path), how],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return int(printed)


def _mib(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"


if __name__ == "__main__":
    logging.getLogger("collective.cloudfront").setLevel(logging.ERROR)
    _ways_of = {"trace": _traced, "rss": _resident}
    print(_ways_of[sys.argv[2]](_drain(Path(sys.argv[1]))))
