"""A backlog drained under CloudFront's quotas, on a clock that only we advance.

Couriers work as they do in Zope, rounds and all, but nobody sleeps: the clock jumps
to when the next round is due. CloudFront is the local one's control plane with its
real numbers: 3,000 paths in progress, 150 paths a second after a burst of 1,000, 15
wildcards in progress and 1 a second, a call every 2 seconds after a burst of 6.
"""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.errors import classify
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.local import ApiError
from collective.cloudfront.local import ControlPlane
from collective.cloudfront.local import Options
from collective.cloudfront.local.options import QuotaModel
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.pacing import Limits
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from report import Result
from report import Row
from throughput import DISTRIBUTION
from throughput import paths

import logging
import time


GOAL = 0.95
#: How long CloudFront takes to answer, in seconds.
_CREATE_TAKES = 0.2
_LOOK_UP_TAKES = 0.1
#: CloudFront documents 25 s for 95 % of all invalidations.
_SLOW = 25.0
_QUOTA = "TooManyInvalidationsInProgress"
_THROTTLED = "Throttling"
#: CloudFront's documented numbers.
_RULES = Options()


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class ControlGateway:
    """A ``Gateway`` that calls a control plane without HTTP."""

    def __init__(self, control: ControlPlane, clock: Clock):
        self.control = control
        self.clock = clock
        self.accepted: list[float] = []
        self.items = 0
        self.refused: dict[str, int] = {}

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        """Do nothing: there is no client to make."""

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        """Create an invalidation; the answer takes its time."""
        self.clock.advance(_CREATE_TAKES / 2)
        try:
            made = self.control.create_invalidation(distribution, reference, items)
        except ApiError as error:
            return self._refusal(error, distribution)
        finally:
            self.clock.advance(_CREATE_TAKES / 2)
        self.accepted.append(made.created)
        self.items += len(made.items)
        return Answer(Outcome.ACCEPTED, made.id, made.status.value)

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        """Look an invalidation up."""
        self.clock.advance(_LOOK_UP_TAKES)
        made = self.control.get_invalidation(distribution, invalidation)
        return Answer(Outcome.ACCEPTED, made.id, made.status.value)

    def _refusal(self, error: ApiError, distribution: str) -> Answer:
        from botocore.exceptions import ClientError

        self.refused[error.code] = self.refused.get(error.code, 0) + 1
        response = {
            "Error": {"Code": error.code, "Message": error.message},
            "ResponseMetadata": {"HTTPStatusCode": error.status},
        }
        return classify(ClientError(response, "CreateInvalidation"), distribution)


@dataclass(frozen=True, slots=True)
class Case:
    """What is tried. ``completion`` is in seconds."""

    what: str
    couriers: int = 1
    model: QuotaModel = QuotaModel.BOTH
    completion: float = _RULES.completion_delay
    wildcards: int = 0

    @property
    def options(self) -> Options:
        """Return how CloudFront behaves."""
        return Options(
            distributions=(DISTRIBUTION,),
            quota_model=self.model,
            completion_delay=self.completion,
        )

    @property
    def allowed(self) -> float:
        """Return the items per second that the tightest documented limit allows.

        A courier cannot know which quota model a distribution is under and keeps
        both, so both count here even where only one is enforced.
        """
        return min(_RULES.paths_per_second, self._completed_per_second)

    @property
    def burst(self) -> int:
        """Return the items that this limit lets in before it limits anything."""
        if self._completed_per_second < _RULES.paths_per_second:
            return _RULES.paths_in_progress
        return _RULES.paths_burst

    @property
    def _completed_per_second(self) -> float:
        return _RULES.paths_in_progress / self.completion


CASES = (
    Case("one courier, both quota models"),
    Case("two couriers on one outbox", couriers=2),
    Case("only the model of items per second", model=QuotaModel.RATE),
    Case("only the model of items in progress", model=QuotaModel.IN_PROGRESS),
    Case("0.4 % of the items are wildcards", wildcards=4),
    Case("each invalidation takes 20 s", completion=20.0),
    Case(f"each invalidation takes {_SLOW:.0f} s", completion=_SLOW),
)


# The quota in progress takes a long backlog to show its rate.
_QUICK_CASES = tuple(c for c in CASES if c.completion == _RULES.completion_delay)


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of a case. Times are simulated, but for ``took``."""

    items: int
    calls: int
    seconds: float
    allowed: float
    share: float
    refusals_for_quota: int
    refusals_for_throttling: int
    other_refusals: int
    #: Seconds of this machine.
    took: float


def drain(case: Case, count: int, path: Path) -> Drained:
    """Let couriers empty an outbox with ``count`` items."""
    clock = Clock()
    gateway = ControlGateway(ControlPlane(case.options, clock), clock)
    outboxes = [SqliteOutbox(path, clock=clock) for _ in range(case.couriers)]
    couriers = [_courier(outbox, gateway, clock) for outbox in outboxes]
    _fill(outboxes[0], _items(case, count))
    started = time.perf_counter()
    _work(couriers, gateway, count, clock)
    took = time.perf_counter() - started
    for outbox in outboxes:
        outbox.end()
    return _drained(case, gateway, took)


def _courier(outbox: SqliteOutbox, gateway: ControlGateway, clock: Clock) -> Courier:
    targets = {DISTRIBUTION: Target(DISTRIBUTION)}
    # Pacing is measured: a backlog that is widened is no backlog any more.
    limits = Limits(siblings=1_000_000, wildcards=1_000_000)
    return Courier(outbox, gateway, lambda: targets, limits=limits, clock=clock)


def _items(case: Case, count: int) -> list[str]:
    items = list(paths(count))
    for number in range(count * case.wildcards // 1000):
        # Spread among the others; they reach none of them.
        items[number * 1000 // case.wildcards] = f"/section-{number}/*"
    return items


def _fill(outbox: SqliteOutbox, items: Iterable[str]) -> None:
    outbox.release("backlog", [Entry(DISTRIBUTION, item) for item in items])


def _work(
    couriers: list[Courier], gateway: ControlGateway, count: int, clock: Clock
) -> None:
    """Let each courier have its rounds when they are due, until all is accepted.

    There is one clock, so while one courier waits for an answer the other waits
    with it: a little slower than life.
    """
    due = [clock()] * len(couriers)
    deadline = clock() + count  # at one item a second something is wrong
    while gateway.items < count:
        if clock() > deadline:
            raise RuntimeError(f"Only {gateway.items} of {count} items are accepted.")
        number = due.index(min(due))
        clock.now = max(clock.now, due[number])
        due[number] = clock() + couriers[number].round() + 0.001


def _drained(case: Case, gateway: ControlGateway, took: float) -> Drained:
    times = gateway.accepted
    lasted = times[-1] - times[0]
    refused = dict(gateway.refused)
    return Drained(
        items=gateway.items,
        calls=len(times),
        seconds=lasted,
        allowed=case.allowed,
        share=(gateway.items - case.burst) / (case.allowed * lasted),
        refusals_for_quota=refused.pop(_QUOTA, 0),
        refusals_for_throttling=refused.pop(_THROTTLED, 0),
        other_refusals=sum(refused.values()),
        took=took,
    )


def measure(folder: Path, quick: bool) -> Result:
    """Drain a backlog in each case."""
    count = 10_000 if quick else 100_000
    # Every batch would be a line.
    logging.getLogger("collective.cloudfront").setLevel(logging.ERROR)
    found = {
        case.what: drain(case, count, folder / f"drain-{number}.sqlite")
        for number, case in enumerate(_QUICK_CASES if quick else CASES)
    }
    return Result(
        name="drain",
        title=f"{count:,} pending items drained (simulated clock, real quotas)",
        rows=[row for what, drained in found.items() for row in _rows(what, drained)],
        facts={what: asdict(drained) for what, drained in found.items()},
        notes=[
            "Share: (items − burst) / (seconds · allowed rate), from the first call to "
            "the last one. The allowed rate is that of the tightest documented limit, "
            "and the burst what it lets in at once: 150 items/s after 1,000, or, where "
            "that is less, 3,000 in progress / seconds until completed, after 3,000. "
            f"Invalidations take {_RULES.completion_delay:.0f} s where nothing else is "
            f"said; AWS documents {_SLOW:.0f} s for the slowest 5 %.",
        ],
    )


def _rows(what: str, drained: Drained) -> list[Row]:
    refusals = (
        drained.refusals_for_quota
        + drained.refusals_for_throttling
        + drained.other_refusals
    )
    return [
        Row(
            f"{what}: share used",
            f"{drained.share:.1%} ({drained.items:,} items in {drained.seconds:,.0f} s, "
            f"{drained.calls} calls; {drained.took:.1f} s of work here)",
            goal=f"≥ {GOAL:.0%} of {drained.allowed:.0f}/s",
            met=drained.share >= GOAL,
        ),
        Row(
            "    refusals",
            f"{drained.refusals_for_quota} for quota, "
            f"{drained.refusals_for_throttling} for throttling",
            goal="0",
            met=refusals == 0,
        ),
    ]
