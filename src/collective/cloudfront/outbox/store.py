"""What an engine provides: tables of rows, and transactions with a few verbs.

An engine knows how to keep rows and how to find them in order. It knows nothing of
items, quotas or intervals: what a row means, and what happens to it, is decided by the
other modules of this room and in ``planning``. Write transactions of one store follow
each other, as if one lock were held: what a transaction has read is still so when it
writes.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import plain
from contextlib import AbstractContextManager
from dataclasses import dataclass
from dataclasses import field
from functools import cached_property
from operator import itemgetter
from typing import Any
from typing import NamedTuple
from typing import Protocol


class OutboxUnavailable(Exception):
    """The outbox cannot be read or written now; ``message`` says why."""

    #: Only because somebody else is writing: nothing is wrong.
    is_busy = False
    #: Because we may not: that does not change by itself.
    is_forbidden = False

    @property
    def message(self) -> Message:
        """The reason; as English in ``str()``."""
        reason = self.args[0] if self.args else ""
        return reason if isinstance(reason, Message) else plain(str(reason))


class OutboxBusy(OutboxUnavailable):
    """Somebody else writes to the outbox for longer than we may wait."""

    is_busy = True


class OutboxForbidden(OutboxUnavailable):
    """The storage does not let us in, or make what we need."""

    is_forbidden = True


#: The columns of a key, with a value each.
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """Rows of one kind: a name, the class of a row, and the columns of its key.

    ``serial`` names a column that the engine counts up with each new row, and that is
    no part of the row.
    """

    name: str
    row: type[Any] = field(compare=False)
    key: tuple[str, ...] = field(compare=False)
    serial: str = field(default="", compare=False)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of a row's fields."""
        return self.row._fields

    @cached_property
    def key_of(self) -> Callable[[Any], Key]:
        """A function that returns the key of a row."""
        if len(self.key) == 1:
            position = self.columns.index(self.key[0])
            return itemgetter(slice(position, position + 1))
        return itemgetter(*map(self.columns.index, self.key))


@dataclass(frozen=True)
class Scan:
    """Some rows of a table, in an order.

    ``equal`` has columns with their value: a collection stands for one of its members,
    None for no value. ``order`` names columns, with ``-`` for descending. ``since`` and
    ``below`` bound the first of them: ``since <= column < below``. Without ``limit``
    all rows are meant.
    """

    table: Table
    equal: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    since: Any = None
    below: Any = None
    limit: int | None = None


@dataclass(frozen=True)
class Distinct:
    """The different values of the first column of a table's key, in order.

    They are found without reading all rows.
    """

    table: Table


class Reader(Protocol):
    """Rows as they are now."""

    def read(self, *scans: Scan | Distinct) -> list[list[Any]]:
        """Return the rows, or values, of each scan, all at the same moment."""

    def get(self, table: Table, keys: Sequence[Key]) -> list[Any]:
        """Return the rows with these keys, as far as there are any."""

    def count(self, table: Table, equal: Mapping[str, Any]) -> int:
        """Return how many rows there are."""


class Transaction(Reader, Protocol):
    """All of what is written is kept, or nothing."""

    def add(self, table: Table, rows: Sequence[Any]) -> set[Key]:
        """Add rows whose keys are new; returns the keys of the others, which change
        nothing.
        """

    def put(self, table: Table, rows: Sequence[Any]) -> None:
        """Add rows, or replace those with the same keys."""

    def take(self, table: Table, keys: Collection[Key]) -> list[Any]:
        """Remove the rows with these keys, and return those that were there."""

    def change(
        self,
        table: Table,
        key: Key,
        changes: Mapping[str, Any],
        expected: Mapping[str, Any],
    ) -> bool:
        """Change columns of one row, if it is there and others are as expected."""

    def swap(self, table: Table, rows: Sequence[Any]) -> bool:
        """Put rows whose ``version`` is one more than before, or 1 for new ones. False
        if one is not; what was written then must be rolled back.
        """

    def increment(self, table: Table, row: Any) -> int:
        """Add the last column of ``row`` to that of the row with its key; returns the
        sum.
        """


@dataclass
class Saved:
    """What was read out of a storage that is damaged or gone.

    ``rows`` are those that could be read, by table. ``waiting`` are the distributions
    for which something waited, with the moment (Unix seconds) since when. ``lost`` says
    whether something could not be read. ``trouble`` names what happened.
    """

    rows: dict[Table, list[Any]] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)
    lost: bool = False
    trouble: str = ""


class Store(Protocol):
    """A storage. Its methods may be called from any thread and process; they raise
    ``OutboxUnavailable`` when the storage fails.
    """

    def read(self) -> AbstractContextManager[Reader]:
        """Return what reads rows."""

    def write(
        self, durable: bool = False, patient: bool = True
    ) -> AbstractContextManager[Transaction]:
        """Return a transaction that is committed at the end, or rolled back by an
        exception.

        With ``durable`` it survives a power cut, and otherwise the end of the process.
        Not ``patient`` it waits for other writers for a moment only.
        """

    def synchronise(self) -> Any:
        """Begin to bring all that was written to the disk; returns a function that waits
        for that.
        """

    def adopt(self) -> int:
        """Take over what stands beside the storage; returns how many rows."""

    def concerns(self) -> list[Message]:
        """Return what a person should know of where the storage is. Asks no disk."""

    def join(self, owner: str, wake: Callable[[], None]) -> None:
        """Let others know that ``owner`` lives, as long as this process does and has not
        called ``leave``; and call ``wake`` when another process makes something ready.

        Returns at once, and raises nothing. A storage that cannot tell does nothing.
        """

    def leave(self, owner: str) -> None:
        """Let others know that ``owner`` has ended."""

    def has_ended(self, owner: str) -> bool:
        """Say whether the process of ``owner`` has certainly ended; False if the storage
        cannot tell. Answers from memory what it found out a moment ago.
        """

    def tidy(self) -> None:
        """Do what the storage needs from time to time."""

    def close(self) -> None:
        """Release what this thread holds open."""

    def forked(self) -> None:
        """Start afresh in a child: share with the parent no connection and no lock."""


# --- the tables -----------------------------------------------------------------------
#
# Lists and causes are kept as JSON in texts, moments as Unix seconds.


class PreparedRow(NamedTuple):
    """The entries of a transaction that has not ended."""

    token: str
    owner: str
    since: float
    entries: str


class ReadyRow(NamedTuple):
    """An item that can be sent."""

    distribution: str
    item: str
    wildcard: int
    urgent: int
    since: float
    causes: str


class ScheduledRow(NamedTuple):
    """An item that becomes ready later; ``coalesced`` is 1 if it came too early, and its
    oldest change waits ``since`` then. 0 is not known: what has a date waits since that.
    """

    distribution: str
    key: str
    item: str
    due: float
    coalesced: int
    every: float
    urgent: int
    causes: str
    since: float = 0.0


class IntervalRow(NamedTuple):
    """When a coalesced item last became ready."""

    distribution: str
    item: str
    became_ready: float


class InvalidationRow(NamedTuple):
    """A batch, from freezing to the end; see ``State``."""

    reference: str
    distribution: str
    state: int
    items: str
    since: float
    frozen: float
    refusals: int
    urgent: str
    item_causes: str
    invalidation: str
    accepted: float | None
    completed: float | None
    status: str
    causes: str


class QuarantineRow(NamedTuple):
    """An item that CloudFront refuses."""

    distribution: str
    item: str
    reason: str
    since: float
    refused: float
    urgent: int
    causes: str


class RequestRow(NamedTuple):
    """What a person had purged."""

    id: str
    time: float
    user: str
    reason: str
    items: str
    distributions: str
    due: float | None
    cancelled: float | None


class LatelyRow(NamedTuple):
    """What was purged lately; ``txn`` is the number of the newest transaction.

    ``number`` counts up: the engine gives a new one to a row without, and none twice.
    """

    number: int | None
    tokens: str
    at: float
    txn: int
    items: str


class BillRow(NamedTuple):
    """How many items were accepted on a day (2026-11-21, UTC)."""

    day: str
    distribution: str
    items: int


class CounterRow(NamedTuple):
    """A number that counts up."""

    name: str
    value: int


class MemoryRow(NamedTuple):
    """A small value by name, as JSON, and how often it was changed."""

    name: str
    value: str
    version: int


PREPARED = Table("prepared", PreparedRow, ("token",))
READY = Table("ready", ReadyRow, ("distribution", "item"))
SCHEDULED = Table(
    "scheduled", ScheduledRow, ("distribution", "key", "item", "due", "coalesced")
)
INTERVAL = Table("coalesced", IntervalRow, ("distribution", "item"))
INVALIDATION = Table("invalidation", InvalidationRow, ("reference",), "position")
QUARANTINE = Table("refused", QuarantineRow, ("distribution", "item"))
REQUEST = Table("action", RequestRow, ("id",))
LATELY = Table("lately", LatelyRow, ("number",))
BILL = Table("billed", BillRow, ("day", "distribution"))
COUNTER = Table("counter", CounterRow, ("name",))
MEMORY = Table("memory", MemoryRow, ("name",))

#: In which orders rows are looked for, besides that of the key; the first columns may
#: be given. An engine has an index for each.
ORDERS: dict[Table, list[tuple[str, ...]]] = {
    READY: [("distribution", "wildcard", "-urgent", "since", "item")],
    SCHEDULED: [
        ("due",),
        ("distribution", "due"),
        ("coalesced", "distribution", "item"),
        ("coalesced", "due"),
    ],
    INVALIDATION: [
        ("state", "distribution", "frozen", "position"),
        ("state", "accepted"),
        ("accepted",),
        ("distribution", "accepted"),
        ("invalidation",),
    ],
    QUARANTINE: [("refused",), ("distribution", "refused")],
    REQUEST: [("time",), ("due",)],
}


def unique(rows: Iterable[Any], table: Table) -> list[Any]:
    """Return the last row of each key."""
    return list({table.key_of(row): row for row in rows}.values())
