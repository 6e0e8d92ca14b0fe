"""What the parts of an outbox share: its store, its clock, and one unit of work."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.outbox.messages import as_json
from collective.cloudfront.outbox.messages import from_json
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import MemoryRow
from collective.cloudfront.outbox.store import Reader
from collective.cloudfront.outbox.store import Store
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Pace
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import json
import threading


class MemoryChanged(Exception):
    """Somebody has changed what was remembered meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A small value, as JSON holds it, and how often it was changed so far."""

    value: Any = None
    version: int = 0


#: Small values by name, as they were at some moment.
Known = Mapping[str, Remembered]

#: The account's calls.
CALLS = "calls"
#: What is remembered of a distribution has its id behind this.
OF_DISTRIBUTION = "distribution:"


@dataclass(frozen=True, slots=True)
class Memo:
    """What is remembered of a distribution: who claims it until when, its pace, and why
    it waits.
    """

    owner: str | None = None
    until: float = 0.0
    pace: Pace | None = None
    waiting: Waiting | None = None


def memo_as_json(memo: Memo) -> dict[str, Any]:
    """Return a memo as JSON can hold it."""
    found: dict[str, Any] = {}
    if memo.owner is not None:
        found["claim"] = [memo.owner, memo.until]
    if memo.pace is not None:
        found["pace"] = [
            memo.pace.exact.tokens,
            memo.pace.wildcards.tokens,
            memo.pace.exact.updated,
            memo.pace.shrink,
        ]
    if memo.waiting is not None:
        found["waiting"] = [
            as_json(memo.waiting.reason),
            as_json(memo.waiting.advice),
            memo.waiting.paused,
            memo.waiting.since,
            memo.waiting.until,
            memo.waiting.attempts,
        ]
    return found


def memo_from_json(distribution: str, stored: dict[str, Any] | None) -> Memo:
    """Return what ``memo_as_json`` was given."""
    stored = stored or {}
    owner, until = stored.get("claim", (None, 0.0))
    pace = waiting = None
    if "pace" in stored:
        exact, wildcards, updated, shrink = stored["pace"]
        pace = Pace(Bucket(exact, updated), Bucket(wildcards, updated), shrink)
    if "waiting" in stored:
        reason, advice, *others = stored["waiting"]
        waiting = Waiting(distribution, from_json(reason), from_json(advice), *others)
    return Memo(owner, until, pace, waiting)


def remembered(rows: list[MemoryRow]) -> dict[str, Remembered]:
    """Return what rows hold."""
    return {row.name: Remembered(json.loads(row.value), row.version) for row in rows}


@dataclass
class Session:
    """A transaction, and the small values that it has read and changes.

    ``known`` are values read before; if one that is changed is not up to date, all is
    undone.
    """

    rows: Transaction
    known: dict[str, Remembered] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)

    def recall(self, name: str) -> Any:
        """Return a small value, or None."""
        if name in self.changed:
            return self.changed[name]
        if name not in self.known:
            found = remembered(self.rows.get(MEMORY, [(name,)]))
            self.known[name] = found.get(name, Remembered())
        return self.known[name].value

    def keep(self, name: str, value: Any) -> None:
        """Remember a small value, if it is another one."""
        if self.recall(name) != value:
            self.changed[name] = value

    def memo(self, distribution: str) -> Memo:
        """Return what is remembered of a distribution."""
        found = self.recall(OF_DISTRIBUTION + distribution)
        return memo_from_json(distribution, found)

    def keep_memo(self, distribution: str, memo: Memo) -> None:
        """Remember something else of a distribution."""
        self.keep(OF_DISTRIBUTION + distribution, memo_as_json(memo))

    def flush(self) -> None:
        """Write what has changed; raises ``MemoryChanged``."""
        if not self.changed:
            return
        rows = [
            MemoryRow(name, json.dumps(value), self.known[name].version + 1)
            for name, value in self.changed.items()
        ]
        if not self.rows.swap(MEMORY, rows):
            raise MemoryChanged()
        for row in rows:
            self.known[row.name] = Remembered(self.changed[row.name], row.version)
        self.changed.clear()


class Part:
    """What every part of an outbox is made of."""

    store: Store
    owner: str
    clock: Callable[[], float]
    _local: threading.local

    @contextmanager
    def together(
        self, *, durable: bool = False, known: Known | None = None
    ) -> Iterator[Session]:
        """Do several things in one transaction: everything that this thread asks of the
        outbox inside of the ``with`` statement, or nothing.

        With ``durable`` it survives a power cut. ``known`` are small values that need
        not be read again. If one of them is changed here and has been changed since,
        ``MemoryChanged`` is raised.
        """
        with self._change(durable=durable, known=known) as session:
            yield session

    @contextmanager
    def _change(
        self, *, durable: bool = False, patient: bool = True, known: Known | None = None
    ) -> Iterator[Session]:
        session = getattr(self._local, "session", None)
        if session is not None:
            yield session
            return
        with self.store.write(durable=durable, patient=patient) as rows:
            session = Session(rows, dict(known or {}))
            self._local.session = session
            try:
                yield session
                session.flush()
            finally:
                self._local.session = None

    @contextmanager
    def _look(self) -> Iterator[Reader]:
        session = getattr(self._local, "session", None)
        if session is not None:
            yield session.rows
            return
        with self.store.read() as rows:
            yield rows
