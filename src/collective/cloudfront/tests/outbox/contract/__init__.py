"""What every engine of the outbox must do: subclass, and say how to open it.

::

    class TestRedisOutbox(OutboxContract):
        make_engine = RedisEngine

An *engine* is made with an empty folder. Each ``open(clock)`` is one more user of the
same outbox, as another process would be; ``url`` leads other processes to it.
"""

from collective.cloudfront.tests.outbox.contract.batches import BatchesContract
from collective.cloudfront.tests.outbox.contract.causes import CausesContract
from collective.cloudfront.tests.outbox.contract.claims import ClaimsContract
from collective.cloudfront.tests.outbox.contract.common import Engine
from collective.cloudfront.tests.outbox.contract.history import HistoryContract
from collective.cloudfront.tests.outbox.contract.lately import LatelyContract
from collective.cloudfront.tests.outbox.contract.ledger import LedgerContract
from collective.cloudfront.tests.outbox.contract.many import ManyContract
from collective.cloudfront.tests.outbox.contract.memory import MemoryContract
from collective.cloudfront.tests.outbox.contract.moving import MovingContract
from collective.cloudfront.tests.outbox.contract.quarantine import QuarantineContract
from collective.cloudfront.tests.outbox.contract.queue import QueueContract
from collective.cloudfront.tests.outbox.contract.runs import RunsContract
from collective.cloudfront.tests.outbox.contract.schedule import ScheduleContract


__all__ = ["Engine", "OutboxContract"]


class OutboxContract(
    QueueContract,
    BatchesContract,
    QuarantineContract,
    ClaimsContract,
    MemoryContract,
    RunsContract,
    ScheduleContract,
    LatelyContract,
    LedgerContract,
    HistoryContract,
    CausesContract,
    ManyContract,
    MovingContract,
):
    """All parts."""
