"""Units of work, and the small values that couriers share: claims, pace, waiting."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.outbox.clocks import Ahead
from collective.cloudfront.outbox.clocks import LONGEST_CLAIM
from collective.cloudfront.outbox.messages import as_json
from collective.cloudfront.outbox.messages import from_json
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.owner import is_known_dead
from collective.cloudfront.outbox.owner import is_owner
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import MemoryRow
from collective.cloudfront.outbox.store import PreparedRow
from collective.cloudfront.outbox.store import Reader
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import Store
from collective.cloudfront.outbox.store import Transaction
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.pacing import take_call
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from math import isfinite
from typing import Any

import json
import threading
import time


class MemoryChanged(Exception):
    """Somebody has changed what was remembered meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A small value, as JSON holds it, and how often it was changed so far."""

    value: Any = None
    version: int = 0


#: Small values by name, as they were at some moment.
Known = Mapping[str, Remembered]

#: Between transactions that follow each other there is a pause of at most this (seconds).
LONGEST_PAUSE = 0.05

#: The account's calls.
CALLS = "calls"
#: What is remembered of a distribution has its id behind this.
OF_DISTRIBUTION = "distribution:"
#: The ids that a distribution has replaced have its id behind this.
FORMER = "former:"
#: So many of them are known, the latest.
MOST_FORMER = 20


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
    """Return what ``memo_as_json`` was given. What makes no sense was never there: no
    item may wait for it.
    """
    if not isinstance(stored, dict):
        return Memo()
    owner, until = None, 0.0
    pace = waiting = None
    with suppress(KeyError, TypeError, ValueError):
        claimed_by, claimed_until = stored["claim"]
        if is_owner(claimed_by) and isfinite(claimed_until):
            owner, until = claimed_by, claimed_until
    with suppress(KeyError, TypeError, ValueError):
        exact, wildcards, updated, shrink = stored["pace"]
        if isfinite(exact + wildcards + updated + shrink):
            pace = Pace(Bucket(exact, updated), Bucket(wildcards, updated), shrink)
    with suppress(KeyError, TypeError, ValueError):
        reason, advice, paused, *moments, attempts = stored["waiting"]
        since, end = moments
        if isfinite(since + end + attempts):
            waiting = Waiting(
                distribution,
                from_json(reason),
                from_json(advice),
                bool(paused),
                since,
                end,
                attempts,
            )
    return Memo(owner, until, pace, waiting)


def former_from_json(stored: Any) -> list[str]:
    """Return the ids of distributions that a list holds."""
    if not isinstance(stored, list):
        return []
    return [each for each in stored if isinstance(each, str)]


def calls_from_json(stored: Any) -> Bucket | None:
    """Return the account's calls; None if there were none, or they make no sense."""
    with suppress(TypeError, ValueError):
        tokens, updated = stored
        if isfinite(tokens + updated):
            return Bucket(tokens, updated)
    return None


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
        if name in self.changed or self.recall(name) != value:
            self.changed[name] = value

    def memo(self, distribution: str) -> Memo:
        """Return what is remembered of a distribution."""
        found = self.recall(OF_DISTRIBUTION + distribution)
        return memo_from_json(distribution, found)

    def keep_memo(self, distribution: str, memo: Memo) -> None:
        """Remember something else of a distribution."""
        self.keep(OF_DISTRIBUTION + distribution, memo_as_json(memo))

    def confirm(self, distribution: str) -> None:
        """Have what is known of a distribution written even if it stays as it is, so
        that ``flush`` finds out whether it is still so.
        """
        name = OF_DISTRIBUTION + distribution
        self.changed.setdefault(name, self.recall(name))

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
    _ahead: Ahead

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
    def _slice(self) -> Iterator[Session]:
        """Return one of several transactions that follow each other. After it others
        have as much time as it took: SQLite gives the lock to whoever asks at the
        right moment, and saves ask less and less often.
        """
        started = time.monotonic()
        with self._change() as session:
            yield session
        if getattr(self._local, "session", None) is None:
            time.sleep(min(time.monotonic() - started, LONGEST_PAUSE))

    def _has_ended(self, owner: str) -> bool:
        """Say whether the process of another ``owner`` is certainly gone."""
        if owner == self.owner:
            return False
        return is_known_dead(owner, self.owner) or self.store.has_ended(owner)

    @contextmanager
    def _look(self) -> Iterator[Reader]:
        session = getattr(self._local, "session", None)
        if session is not None:
            yield session.rows
            return
        with self.store.read() as rows:
            yield rows


# --- what the contract says of them ---------------------------------------------------


class ClaimLost(Exception):
    """Another courier has taken over this distribution; stop working on it."""


def require_claim(
    session: Session, distribution: str, owner: str, confirm: bool = False
) -> Memo:
    """Return what is remembered of a distribution; raises ``ClaimLost``. ``confirm``: it
    was read before, and ``flush`` is to find out whether it is still so.
    """
    memo = session.memo(distribution)
    if memo.owner != owner:
        raise ClaimLost(f"Another courier works on {distribution}.")
    if confirm:
        session.confirm(distribution)
    return memo


@dataclass(frozen=True, slots=True)
class Turn:
    """What a courier takes for one call to CloudFront, as it was decided with what it
    knew: a claim for ``seconds``, the account's ``calls`` after this one, and the
    ``pace`` after the items; None changes nothing.
    """

    seconds: float
    calls: Bucket
    pace: Pace | None = None
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Recollection:
    """What couriers share, as it was at some moment: all small values, the account's calls,
    and of each distribution its memo, and whether another courier claims it.
    """

    known: Known
    calls: Bucket | None
    memos: Mapping[str, Memo]
    claimed: frozenset[str]


class Claiming(Part):
    """Whose turn it is, and who does not come any more."""

    def _recollect(
        self, rows: list[MemoryRow], distributions: Iterable[str], now: float
    ) -> Recollection:
        """Return what all ``rows`` of the memory say of ``distributions``."""
        known = remembered(rows)
        calls = known.setdefault(CALLS, Remembered())
        memos = {}
        for each in distributions:
            stored = known.setdefault(OF_DISTRIBUTION + each, Remembered())
            memos[each] = memo_from_json(each, stored.value)
        claimed = [each for each in memos if self._is_claimed(each, memos[each], now)]
        return Recollection(
            known, calls_from_json(calls.value), memos, frozenset(claimed)
        )

    def _is_claimed(self, distribution: str, memo: Memo, now: float) -> bool:
        """Say whether somebody else claims a distribution, who may be alive."""
        return (
            memo.owner is not None
            and memo.owner != self.owner
            and not self._ahead.is_over(distribution, memo.until, now, LONGEST_CLAIM)
            and not self._has_ended(memo.owner)
        )

    def _is_in_doubt(self, row: PreparedRow, now: float, grace: float) -> bool:
        """Say whether nobody will tell how the transaction of a prepared row ended."""
        return self._ahead.is_over(
            row.token, row.since + grace, now, grace
        ) or self._has_ended(row.owner)

    def _take_turn(
        self, session: Session, distribution: str, turn: Turn, now: float
    ) -> Memo:
        """Claim a distribution, and take a call; returns what is remembered of it then.

        Raises ``ClaimLost`` if another courier holds it.
        """
        memo = session.memo(distribution)
        if self._is_claimed(distribution, memo, now):
            raise ClaimLost(f"Another courier works on {distribution}.")
        memo = replace(memo, owner=self.owner, until=now + turn.seconds)
        session.keep_memo(distribution, memo)
        session.keep(CALLS, [turn.calls.tokens, turn.calls.updated])
        return memo


class StoredClaims(Claiming):
    """See ``contract.Claims``."""

    def take_turn(self, distribution: str, turn: Turn) -> None:
        """See ``contract.Claims``."""
        with self._change(known=turn.known) as session:
            self._take_turn(session, distribution, turn, self.clock())

    def claim(self, distribution: str, seconds: float) -> bool:
        """See ``contract.Claims``."""
        now = self.clock()
        with self._change() as session:
            memo = session.memo(distribution)
            if self._is_claimed(distribution, memo, now):
                return False
            session.keep_memo(
                distribution, replace(memo, owner=self.owner, until=now + seconds)
            )
        return True

    def give_up(self, distribution: str) -> None:
        """See ``contract.Claims``."""
        with self._change() as session:
            memo = session.memo(distribution)
            if memo.owner == self.owner:
                session.keep_memo(distribution, replace(memo, owner=None, until=0.0))


class StoredMemory(Part):
    """See ``contract.Memory``."""

    def pace(self, distribution: str) -> Pace | None:
        """See ``contract.Memory``."""
        return self._memo(distribution).pace

    def keep_pace(self, distribution: str, pace: Pace) -> None:
        """See ``contract.Memory``."""
        with self._change() as session:
            memo = session.memo(distribution)
            session.keep_memo(distribution, replace(memo, pace=pace))

    def take_call(self, limits: Limits) -> float:
        """See ``contract.Memory``."""
        with self._change() as session:
            # Under the lock: in the order of taking, time must not run backwards.
            before = calls_from_json(session.recall(CALLS))
            call = take_call(before, self.clock(), limits)
            # One that is refused need not be written, but if the clock was set back.
            if not call.wait or (before and call.bucket.updated < before.updated):
                session.keep(CALLS, [call.bucket.tokens, call.bucket.updated])
        return call.wait

    def spend_calls(self) -> None:
        """See ``contract.Memory``."""
        with self._change() as session:
            session.keep(CALLS, [0.0, self.clock()])

    def wait(
        self,
        distribution: str,
        *,
        reason: Message,
        advice: Message,
        paused: bool,
        until: float,
    ) -> Waiting:
        """See ``contract.Memory``."""
        with self._change() as session:
            memo = session.memo(distribution)
            before = memo.waiting
            waiting = Waiting(
                distribution=distribution,
                reason=reason,
                advice=advice,
                paused=paused,
                since=before.since if before else self.clock(),
                until=until,
                attempts=before.attempts + 1 if before else 1,
            )
            session.keep_memo(distribution, replace(memo, waiting=waiting))
        return waiting

    def resume(self, distribution: str | None = None) -> None:
        """See ``contract.Memory``."""
        with self._change() as session:
            if distribution is not None:
                distributions = [distribution]
            else:
                (rows,) = session.rows.read(memo_scan())
                distributions = [row.name[len(OF_DISTRIBUTION) :] for row in rows]
            for each in distributions:
                memo = session.memo(each)
                if memo.waiting is not None:
                    waiting = replace(memo.waiting, until=0.0)
                    session.keep_memo(each, replace(memo, waiting=waiting))

    def _memo(self, distribution: str) -> Memo:
        name = OF_DISTRIBUTION + distribution
        with self._look() as rows:
            found = remembered(rows.get(MEMORY, [(name,)]))
        return memo_from_json(distribution, found.get(name, Remembered()).value)


def memo_scan() -> Scan:
    """Return the scan that finds what is remembered of all distributions."""
    return Scan(
        MEMORY, order=("name",), since=OF_DISTRIBUTION, below=OF_DISTRIBUTION + "\uffff"
    )
