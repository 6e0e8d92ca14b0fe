"""The outbox in one SQLite file: several threads and processes, no server.

The file is in WAL mode, so readers never wait for the writer. Two writes are
synchronised to the disk: ``prepare``, which must survive a power cut because Plone
commits next, and ``freeze``, because CloudFront is called next. Losing any other
write in a power cut only repeats what is idempotent. While ``prepare`` is being
synchronised, Plone's commit goes on, see ``synchronise``.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.outbox.causes import as_line
from collective.cloudfront.outbox.causes import pack_each
from collective.cloudfront.outbox.causes import packed_cause
from collective.cloudfront.outbox.causes import packed_united
from collective.cloudfront.outbox.causes import unpack
from collective.cloudfront.outbox.causes import unpack_each
from collective.cloudfront.outbox.contract import Action
from collective.cloudfront.outbox.contract import action_key
from collective.cloudfront.outbox.contract import Batch
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.contract import Pending
from collective.cloudfront.outbox.contract import Refused
from collective.cloudfront.outbox.contract import Scheduled
from collective.cloudfront.outbox.contract import Settled
from collective.cloudfront.outbox.contract import Status
from collective.cloudfront.outbox.contract import Waiting
from collective.cloudfront.outbox.contract import Work
from collective.cloudfront.outbox.owner import forget
from collective.cloudfront.outbox.owner import is_known_dead
from collective.cloudfront.outbox.owner import remember
from collective.cloudfront.outbox.owner import this_process
from collective.cloudfront.outbox.sqlite.schema import DamagedFile
from collective.cloudfront.outbox.sqlite.schema import ensure_schema
from collective.cloudfront.outbox.sqlite.schema import ForeignFile
from collective.cloudfront.outbox.sqlite.schema import is_damage
from collective.cloudfront.outbox.sqlite.schema import pack_entries
from collective.cloudfront.outbox.sqlite.schema import salvage
from collective.cloudfront.outbox.sqlite.schema import set_aside
from collective.cloudfront.outbox.sqlite.schema import unpack_entries
from collective.cloudfront.outbox.sqlite.schema import was_set_aside
from collective.cloudfront.outbox.sqlite.synchronise import Synchronisation
from collective.cloudfront.outbox.sqlite.synchronise import synchronise_names
from collective.cloudfront.planning.items import covers
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.wording import say
from contextlib import closing
from contextlib import contextmanager
from datetime import datetime
from datetime import timezone
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import json
import logging
import os
import sqlite3
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: How long an editor's save may wait for another writer, in seconds.
SAVE_PATIENCE = 0.25
#: How long the courier may wait for another writer, in seconds.
COURIER_PATIENCE = 5.0
#: How far apart the clocks of machines that share an outbox may be, in seconds.
CLOCKS_APART = 60.0

#: ``work`` counts no more items of a distribution than these; ``status`` does.
MOST_COUNTED = 1000
#: A reason that a person gave is cut to these many characters.
LONGEST_REASON = 1000
# SQLite's LIMIT for "no limit".
_ALL = -1
# Later than any time.
_NEVER = float("inf")

# united() is ours: SQLite calls Python only for what has several causes.
_UNITE_CAUSES = """
    causes = CASE WHEN causes = excluded.causes OR excluded.causes = '' THEN causes
                  ELSE united(causes, excluded.causes) END
"""

_ADD_READY = f"""
    INSERT INTO ready (distribution, item, wildcard, since, stamp, urgent, causes)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (distribution, item)
    DO UPDATE SET since = min(since, excluded.since), stamp = excluded.stamp,
                  urgent = max(urgent, excluded.urgent), {_UNITE_CAUSES}
"""

# So many items are taken by one statement, always the same: SQLite keeps it ready.
_AT_ONCE = 100
_TAKE_READY = f"""
    DELETE FROM ready
    WHERE distribution = ? AND item IN ({", ".join("?" * _AT_ONCE)})
    RETURNING item, since, urgent, causes
"""

_SCHEDULE = f"""
    INSERT INTO scheduled
        (distribution, key, item, due, coalesced, every, urgent, stamp, causes)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (distribution, key, item, due, coalesced)
    DO UPDATE SET every = min(every, excluded.every), stamp = excluded.stamp,
                  urgent = max(urgent, excluded.urgent), {_UNITE_CAUSES}
"""
# What is due; and, after the clock was set back, what is further away than its
# interval is long.
_DUE = "due <= :now"
_COALESCED_TOO_FAR = "coalesced = 1 AND due - every > :now"
# Of one distribution, or of a JSON list of them, or of all.
_ACTION = "id, time, user, reason, items, distributions, due, cancelled"
_FOR_THESE = (
    "(? IS NULL OR EXISTS (SELECT 1 FROM json_each(distributions) AS mine, "
    "json_each(?) AS these WHERE mine.value = these.value))"
)
_OF_THESE = "(? IS NULL OR distribution IN (SELECT value FROM json_each(?)))"

#: ``(distribution, item, since, urgent, causes)``, the causes packed.
Row = tuple[str, str, float, bool, str]
#: An entry, its age, and its causes, packed.
Arrival = tuple[Entry, float, str]


class Removed(NamedTuple):
    """What is kept of a batch: its stamp, which of its items were urgent, and the
    causes of each, packed.
    """

    stamp: int
    urgent: set[str]
    causes: list[str]


class SqliteOutbox:
    """See ``contract.Outbox``."""

    def __init__(
        self,
        path: Path,
        on_damage: Callable[[str], None] = lambda path: None,
        clock: Callable[[], float] = time.time,
    ):
        """Open the outbox at ``path`` lazily: the first use may fail, not this.

        ``clock`` returns Unix seconds.
        """
        self.path = Path(path)
        self.owner = remember(this_process())
        self._on_damage = on_damage
        self._clock = clock
        self._local = threading.local()
        self._repair = threading.RLock()

    def __repr__(self) -> str:
        return f"<SqliteOutbox {self.path}>"

    # --- in Plone's transaction ------------------------------------------------

    def prepare(self, token: str, entries: Collection[Entry]) -> Callable[[], None]:
        packed = pack_entries(entries)
        with self._write(patience=SAVE_PATIENCE) as db:
            db.execute(
                "INSERT OR REPLACE INTO prepared (token, owner, since, entries) "
                "VALUES (?, ?, ?, ?)",
                (token, self.owner, self._clock(), packed),
            )
        synchronisation = Synchronisation(Path(f"{self.path}-wal"))

        def wait() -> None:
            with self._storage_errors():
                synchronisation.wait()

        return wait

    def release(self, token: str, entries: Collection[Entry]) -> None:
        now = self._clock()
        with self._write(patience=SAVE_PATIENCE) as db:
            db.execute("DELETE FROM prepared WHERE token = ?", (token,))
            _replace_scheduled(db, entries, now)
            _take_in(db, _arriving(entries, now), now)

    def discard(self, token: str) -> None:
        with self._write(patience=SAVE_PATIENCE) as db:
            db.execute("DELETE FROM prepared WHERE token = ?", (token,))

    # --- the courier ----------------------------------------------------------

    def release_abandoned(self, grace: float) -> int:
        with self._read() as db:
            prepared = db.execute("SELECT token, owner, since FROM prepared").fetchall()
        limit = self._clock() - grace
        tokens = [
            token
            for token, owner, since in prepared
            if since <= limit or is_known_dead(owner, self.owner)
        ]
        return sum(self._release_in_doubt(token) for token in tokens)

    def _release_in_doubt(self, token: str) -> int:
        with self._write() as db:
            row = db.execute(
                "DELETE FROM prepared WHERE token = ? RETURNING since, entries",
                (token,),
            ).fetchone()
            if row is None:
                return 0
            since, packed = row
            entries = unpack_entries(packed)
            # Nothing is replaced: if it was not committed, what it would have
            # replaced is still to come.
            _take_in(db, _arriving(entries, since), self._clock())
            _count(db, "in_doubt_released", len(entries))
            return len(entries)

    def release_due(self) -> int:
        now = {"now": self._clock()}
        with self._read() as db:
            (due,) = db.execute(
                f"SELECT EXISTS (SELECT 1 FROM scheduled WHERE {_DUE}) OR "
                f"EXISTS (SELECT 1 FROM scheduled WHERE {_COALESCED_TOO_FAR})",
                now,
            ).fetchone()
        if not due:
            return 0
        with self._write() as db:
            rows = db.execute(
                f"DELETE FROM scheduled WHERE {_DUE} OR {_COALESCED_TOO_FAR} "
                "RETURNING due, distribution, item, urgent, every, coalesced, causes",
                now,
            ).fetchall()
            # Of several entries for one coalesced item the first is ready.
            rows.sort()
            _end_intervals(db, rows)
            _take_in(db, map(_due_entry, rows), now["now"])
        return len(rows)

    def work(self) -> tuple[Work, ...]:
        with self._read() as db:
            return _work(db, MOST_COUNTED)

    def claim(self, distribution: str, seconds: float) -> bool:
        now = self._clock()
        with self._write() as db:
            row = db.execute(
                "SELECT owner, owned_until FROM distribution WHERE id = ?",
                (distribution,),
            ).fetchone()
            holder, until = row or (None, None)
            if (
                holder not in (None, self.owner)
                and now < until
                and not is_known_dead(holder, self.owner)
            ):
                return False
            db.execute(
                "INSERT INTO distribution (id, owner, owned_until) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, "
                "owned_until = excluded.owned_until",
                (distribution, self.owner, now + seconds),
            )
            return True

    def give_up(self, distribution: str) -> None:
        with self._write() as db:
            db.execute(
                "UPDATE distribution SET owner = NULL, owned_until = NULL "
                "WHERE id = ? AND owner = ?",
                (distribution, self.owner),
            )

    def pending(self, distribution: str, limit: int) -> list[Pending]:
        # The order must not depend on row order: the same input, the same batch.
        query = (
            "SELECT item, since, urgent FROM ready "
            "WHERE distribution = ? AND wildcard = ? "
            "ORDER BY urgent DESC, since, item LIMIT ?"
        )
        with self._read() as db:
            rows = [
                row
                for wildcard in (1, 0)
                for row in db.execute(query, (distribution, wildcard, limit))
            ]
        rows.sort(key=lambda row: (-row[2], row[1]))
        return [Pending(item, since, bool(urgent)) for item, since, urgent in rows]

    def widen(self, distribution: str, wildcard: str) -> int:
        covered = (distribution, *_prefix_range(wildcard[:-1]))
        where = "WHERE distribution = ? AND item >= ? AND item < ?"
        with self._write() as db:
            count, *oldest_and_newest = db.execute(
                f"SELECT count(*), min(since), max(stamp), max(urgent) FROM ready {where}",
                covered,
            ).fetchone()
            if count:
                causes = _causes_of_ready(db, where, covered)
                db.execute(f"DELETE FROM ready {where}", covered)
                # With the newest stamp a batch in flight settles it only if it would
                # have settled them all.
                row = (distribution, wildcard, 1, *oldest_and_newest)
                db.execute(_ADD_READY, (*row, packed_united(causes)))
        return count

    def freeze(self, distribution: str, reference: str, items: Sequence[str]) -> Batch:
        now = self._clock()
        with self._write(durable=True) as db:
            self._require_claim(db, distribution)
            taken = _take_ready(db, distribution, items)
            urgent = [item for item, _, urgent, _ in taken if urgent]
            causes = [causes for *_, causes in taken]
            batch = Batch(
                reference=reference,
                distribution=distribution,
                items=tuple(item for item, *_ in taken),
                since=min((since for _, since, *_ in taken), default=now),
                frozen=now,
            )
            if taken:
                _insert_batch(db, batch, _stamp(db), urgent, causes)
        return batch

    def frozen(self, distribution: str) -> list[Batch]:
        with self._read() as db:
            return _frozen(db, distribution)

    def settle(self, batch: Batch, invalidation: str, pace: Pace) -> Settled:
        accepted = self._clock()
        with self._write() as db:
            removed = self._remove_batch(db, batch)
            covered = _settle_covered(db, batch, removed.stamp)
            causes = packed_united([*removed.causes, *covered])
            settled = Settled(
                invalidation=invalidation,
                distribution=batch.distribution,
                reference=batch.reference,
                items=batch.items,
                since=batch.since,
                accepted=accepted,
                causes=unpack(causes).lines,
                more_causes=unpack(causes).more,
            )
            _bill(db, settled)
            db.execute(
                "INSERT OR REPLACE INTO settled (reference, invalidation, "
                "distribution, items, since, accepted, completed, status, causes) "
                "VALUES (?, ?, ?, ?, ?, ?, NULL, 'InProgress', ?)",
                (
                    settled.reference,
                    settled.invalidation,
                    settled.distribution,
                    json.dumps(settled.items),
                    settled.since,
                    settled.accepted,
                    causes,
                ),
            )
            _keep_pace(db, batch.distribution, pace)
            _end_waiting(db, batch.distribution)
        return settled

    def dissolve(self, batch: Batch) -> None:
        with self._write() as db:
            removed = self._remove_batch(db, batch)
            _make_ready(db, _rows(batch.distribution, batch, removed))

    def split(self, batch: Batch, references: tuple[str, str]) -> None:
        middle = len(batch.items) // 2
        halves = (slice(middle), slice(middle, None))
        with self._write(durable=True) as db:
            stamp, urgent, causes = self._remove_batch(db, batch)
            for reference, part in zip(references, halves):
                items = batch.items[part]
                half = Batch(
                    reference=reference,
                    distribution=batch.distribution,
                    items=items,
                    since=batch.since,
                    frozen=batch.frozen,
                )
                here = urgent.intersection(items)
                _insert_batch(db, half, stamp, here, causes[part])
            _end_waiting(db, batch.distribution)

    def quarantine(self, batch: Batch, reason: str) -> None:
        now = self._clock()
        with self._write() as db:
            removed = self._remove_batch(db, batch)
            db.executemany(
                "INSERT OR REPLACE INTO refused "
                "(distribution, item, since, urgent, causes, reason, refused) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (*row, reason, now)
                    for row in _rows(batch.distribution, batch, removed)
                ],
            )
            _end_waiting(db, batch.distribution)

    def refuse(self, batch: Batch) -> int:
        with self._write() as db:
            self._require_claim(db, batch.distribution)
            row = db.execute(
                "UPDATE batch SET refusals = refusals + 1 WHERE reference = ? "
                "RETURNING refusals",
                (batch.reference,),
            ).fetchone()
        return row[0] if row else 0

    def in_progress(self, distribution: str) -> list[Settled]:
        with self._read() as db:
            return _settled(
                db,
                # Asked for in every round: not the index that has the order.
                "INDEXED BY settled_in_progress "
                "WHERE distribution = ? AND completed IS NULL ORDER BY accepted",
                (distribution,),
            )

    def complete(self, settled: Settled, status: str) -> Settled:
        now = self._clock()
        with self._write() as db:
            db.execute(
                "UPDATE settled SET completed = ?, status = ? WHERE reference = ?",
                (now, status, settled.reference),
            )
            return _settled(db, "WHERE reference = ?", (settled.reference,))[0]

    def pace(self, distribution: str) -> Pace | None:
        with self._read() as db:
            row = db.execute(
                "SELECT exact, wildcards, paced, shrink FROM distribution "
                "WHERE id = ? AND paced IS NOT NULL",
                (distribution,),
            ).fetchone()
        if row is None:
            return None
        exact, wildcards, paced, shrink = row
        return Pace(Bucket(exact, paced), Bucket(wildcards, paced), shrink)

    def keep_pace(self, distribution: str, pace: Pace) -> None:
        with self._write() as db:
            _keep_pace(db, distribution, pace)

    def take_call(self, limits: Limits) -> float:
        with self._write() as db:
            # Under the lock: in the order of taking, time must not run backwards.
            now = self._clock()
            row = db.execute("SELECT tokens, updated FROM calls").fetchone()
            before = Bucket(*row) if row else Bucket(limits.call_burst, now)
            behind = before.updated - now
            if not 0 < behind <= CLOCKS_APART:
                behind = 0.0
            bucket = before.filled(now + behind, limits.call_rate, limits.call_burst)
            if bucket.tokens >= 1:
                _keep_calls(db, bucket.taken(1))
                return 0.0
            if bucket.updated < before.updated:
                # The clock was set back: from now on it fills again.
                _keep_calls(db, bucket)
            return behind + (1 - bucket.tokens) / limits.call_rate

    def spend_calls(self) -> None:
        with self._write() as db:
            _keep_calls(db, Bucket(0.0, self._clock()))

    def wait(
        self,
        distribution: str,
        *,
        reason: str,
        advice: str,
        paused: bool,
        until: float,
    ) -> Waiting:
        now = self._clock()
        with self._write() as db:
            db.execute(
                "INSERT INTO distribution (id) VALUES (?) ON CONFLICT (id) DO NOTHING",
                (distribution,),
            )
            db.execute(
                "UPDATE distribution SET reason = ?, advice = ?, paused = ?, "
                "wait_until = ?, wait_since = coalesce(wait_since, ?), "
                "attempts = attempts + 1 WHERE id = ?",
                (reason, advice, int(paused), until, now, distribution),
            )
            return _waiting(db, distribution)

    def resume(self, distribution: str | None = None) -> None:
        with self._write() as db:
            if distribution is None:
                db.execute("UPDATE distribution SET wait_until = 0")
            else:
                db.execute(
                    "UPDATE distribution SET wait_until = 0 WHERE id = ?",
                    (distribution,),
                )

    def retarget(self, old: str, new: str) -> int:
        with self._write() as db:
            rows = db.execute(
                "DELETE FROM ready WHERE distribution = ? "
                "RETURNING item, since, urgent, causes",
                (old,),
            )
            moved: list[Row] = [(new, *row) for row in rows.fetchall()]
            for batch in _frozen(db, old):
                moved += _rows(new, batch, _take_batch(db, batch))
            stamp = _make_ready(db, moved)
            scheduled = _reschedule(db, old, new, stamp)
            _end_waiting(db, old)
        return len(moved) + scheduled

    # --- people ---------------------------------------------------------------

    def status(self) -> Status:
        with self._read() as db:
            prepared, refused, scheduled = db.execute(
                "SELECT (SELECT count(*) FROM prepared), "
                "(SELECT count(*) FROM refused), (SELECT count(*) FROM scheduled)"
            ).fetchone()
            return Status(
                work=_work(db, _ALL),
                prepared=prepared,
                refused=refused,
                in_doubt_released=_counter(db, "in_doubt_released"),
                scheduled=scheduled,
            )

    def scheduled(
        self, limit: int, distribution: Collection[str] | None = None
    ) -> list[Scheduled]:
        these = _json_list(distribution)
        with self._read() as db:
            rows = db.execute(
                "SELECT distribution, item, due, key, urgent, coalesced, causes "
                f"FROM scheduled WHERE {_OF_THESE} "
                "ORDER BY due, distribution, item, key LIMIT ?",
                (these, these, limit),
            ).fetchall()
        return [
            Scheduled(*row, bool(urgent), bool(coalesced), *_shown(causes))
            for *row, urgent, coalesced, causes in rows
        ]

    def cancel(self, distribution: str, key: str) -> int:
        with self._write() as db:
            return _cancel(db, distribution, key, self._clock())

    def billed(self, month: str) -> dict[str, int]:
        return {
            distribution: sum(days.values())
            for distribution, days in self.billed_by_day(month).items()
        }

    def billed_by_day(self, month: str) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        with self._read() as db:
            rows = db.execute(
                "SELECT distribution, day, items FROM billed "
                "WHERE day >= ? AND day < ? ORDER BY distribution, day",
                (f"{month}-", f"{month}-~"),
            )
            for distribution, day, items in rows:
                found.setdefault(distribution, {})[day] = items
        return found

    def history(
        self,
        limit: int,
        distribution: Collection[str] | None = None,
        before: float | None = None,
    ) -> list[Settled]:
        before = _NEVER if before is None else before
        with self._read() as db:
            if distribution is None:
                return _settled(
                    db,
                    "WHERE accepted < ? ORDER BY accepted DESC, rowid DESC LIMIT ?",
                    (before, limit),
                )
            latest = _latest_settled(db, limit, distribution, before)
            return _settled(
                db,
                "WHERE rowid IN (SELECT value FROM json_each(?)) "
                "ORDER BY accepted DESC, rowid DESC",
                (json.dumps(latest),),
            )

    def settled(
        self, invalidation: str, distribution: Collection[str]
    ) -> Settled | None:
        with self._read() as db:
            found = _settled(
                db,
                "WHERE invalidation = ? "
                "AND distribution IN (SELECT value FROM json_each(?)) LIMIT 1",
                (invalidation, _json_list(distribution)),
            )
        return found[0] if found else None

    def refused(
        self, limit: int, distribution: Collection[str] | None = None
    ) -> list[Refused]:
        these = _json_list(distribution)
        with self._read() as db:
            rows = db.execute(
                "SELECT distribution, item, reason, since, refused, causes "
                f"FROM refused WHERE {_OF_THESE} ORDER BY refused DESC LIMIT ?",
                (these, these, limit),
            ).fetchall()
        return [Refused(*row, *_shown(causes)) for *row, causes in rows]

    def retry_refused(self, distribution: str, item: str) -> bool:
        with self._write() as db:
            rows = _take_refused(db, distribution, item)
            _make_ready(db, rows)
        return bool(rows)

    def discard_refused(self, distribution: str, item: str) -> bool:
        with self._write() as db:
            return bool(_take_refused(db, distribution, item))

    def record_action(self, action: Action) -> None:
        with self._write() as db:
            db.execute(
                "INSERT OR REPLACE INTO action "
                "(id, time, user, reason, items, distributions, due, cancelled) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    action.id,
                    action.time,
                    as_line(action.user),
                    as_line(action.reason, LONGEST_REASON),
                    json.dumps(action.items),
                    json.dumps(action.distributions),
                    action.due,
                    action.cancelled,
                ),
            )

    def actions(
        self,
        limit: int,
        distribution: Collection[str] | None = None,
        before: float | None = None,
    ) -> list[Action]:
        these = _json_list(distribution)
        with self._read() as db:
            rows = db.execute(
                f"SELECT {_ACTION} FROM action WHERE time < ? AND {_FOR_THESE} "
                "ORDER BY time DESC LIMIT ?",
                (_NEVER if before is None else before, these, these, limit),
            ).fetchall()
        return [_action(*row) for row in rows]

    def planned(
        self, limit: int, distribution: Collection[str] | None = None
    ) -> list[Action]:
        these = _json_list(distribution)
        with self._read() as db:
            rows = db.execute(
                f"SELECT {_ACTION} FROM action WHERE due > ? AND cancelled IS NULL "
                f"AND {_FOR_THESE} ORDER BY due LIMIT ?",
                (self._clock(), these, these, limit),
            ).fetchall()
        return [_action(*row) for row in rows]

    def cancel_action(self, identifier: str) -> int:
        now = self._clock()
        with self._write() as db:
            cancelled = db.execute(
                "DELETE FROM scheduled WHERE key = ? AND coalesced = 0 AND due > ?",
                (action_key(identifier), now),
            ).rowcount
            if cancelled:
                db.execute(
                    "UPDATE action SET cancelled = ? WHERE id = ?", (now, identifier)
                )
        return cancelled

    def tidy(self, keep: int, older_than: float | None = None) -> None:
        with self._write() as db:
            if older_than is not None:
                _forget_old(db, self._clock() - older_than)
            db.execute(
                "DELETE FROM settled WHERE completed IS NOT NULL AND reference NOT IN "
                "(SELECT reference FROM settled ORDER BY accepted DESC LIMIT ?)",
                (keep,),
            )
        # Not patiently: while it waits for a reader, nobody can write.
        with self._read(patience=0.0) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        self._disconnect()

    def end(self) -> None:
        """Close, and let others know that this owner is gone."""
        self._disconnect()
        forget(self.owner)

    # --- connections ----------------------------------------------------------

    @contextmanager
    def _write(
        self, durable: bool = False, patience: float = COURIER_PATIENCE
    ) -> Iterator[sqlite3.Connection]:
        with self._storage_errors():
            db = self._connection(patience)
            # FULL syncs the log at commit; NORMAL only at checkpoints.
            db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _read(self, patience: float = COURIER_PATIENCE) -> Iterator[sqlite3.Connection]:
        with self._storage_errors():
            yield self._connection(patience)

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except (DamagedFile, json.JSONDecodeError) as error:
            self._start_anew(str(error))
            raise OutboxUnavailable(
                say("outbox_set_aside", path=self.path, error=error)
            ) from error
        except sqlite3.Error as error:
            if is_damage(error):
                self._start_anew(str(error))
            else:
                # The disk may be back to normal; an old connection may not.
                self._disconnect()
            raise OutboxUnavailable(f"{self.path}: {error}") from error
        except ForeignFile as error:
            raise OutboxUnavailable(say("outbox_foreign", path=self.path)) from error
        except OSError as error:
            raise OutboxUnavailable(f"{self.path}: {error}") from error

    def _connection(self, patience: float) -> sqlite3.Connection:
        local = self._local
        db = getattr(local, "db", None)
        if db is not None and local.identity != self._identity():
            if self._is_deleted():
                raise DamagedFile(say("outbox_deleted"))
            self._disconnect()  # set aside by another process, or we were forked
            db = None
        if db is None:
            db = self._connect()
        if local.patience != patience:
            db.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
            local.patience = patience
        return db

    def _identity(self) -> tuple[int, int]:
        try:
            return os.getpid(), os.stat(self.path).st_ino
        except FileNotFoundError:
            return os.getpid(), 0

    def _is_deleted(self) -> bool:
        """Say whether the file that this thread has open is gone, without a trace."""
        pid, inode = self._local.identity
        return self._identity() == (pid, 0) and not was_set_aside(self.path, inode)

    def _connect(self) -> sqlite3.Connection:
        with self._repair:
            # Of what we are about to open, should it turn out to be damaged.
            self._local.identity = self._identity()
            db = sqlite3.connect(self.path, timeout=SAVE_PATIENCE, isolation_level=None)
            try:
                ensure_schema(db)
                db.create_function("united", 2, lambda *each: packed_united(each))
                synchronise_names(self.path.parent)
                # The courier checkpoints when idle, so that no save has to.
                db.execute("PRAGMA wal_autocheckpoint = 20000")
            except BaseException:
                db.close()
                raise
            self._local.db = db
            self._local.patience = SAVE_PATIENCE
            self._local.identity = self._identity()
        return db

    def _disconnect(self) -> None:
        db = getattr(self._local, "db", None)
        self._local.db = None
        if db is not None:
            try:
                db.close()
            except sqlite3.Error as error:
                logger.warning("Closing the outbox %s: %s", self.path, error)

    def _start_anew(self, reason: str) -> None:
        """Set the damaged file aside, and save what can be read out of it."""
        with self._repair:
            try:
                replaced = self._replace_file()
            except (OSError, sqlite3.Error) as error:
                raise OutboxUnavailable(
                    say("outbox_damaged", path=self.path, reason=reason, error=error)
                ) from error
            if replaced is None:
                return  # another thread or process has done it already
            aside, saved, lost = replaced
        logger.error(
            "The outbox %s is damaged (%s). It was set aside as %s; %d items could "
            "be saved from it%s. Purging goes on with a new outbox, and every "
            "distribution is purged whole once, because more may have waited in it. "
            "Check the disk; the file may be deleted.",
            self.path,
            reason,
            aside,
            saved,
            ", and some could not be read" if lost else "",
        )
        try:
            self._on_damage(str(aside))
        except Exception:
            logger.exception("What was to follow the damage of %s failed.", self.path)

    def _replace_file(self) -> tuple[Path, int, bool] | None:
        deleted = getattr(self._local, "db", None) is not None and self._is_deleted()
        if not deleted and self._local.identity != self._identity():
            self._disconnect()
            return None
        if deleted:
            # What is open can still be read, although it has no name any more.
            entries, lost = salvage(self._local.db)
        self._disconnect()
        aside = set_aside(self.path, self._clock())
        if not deleted:
            with closing(sqlite3.connect(aside)) as db:
                entries, lost = salvage(db)
        if entries:
            try:
                arrivals = [(entry, since, "") for entry, since in entries]
                with self._write() as db:
                    _take_in(db, arrivals, self._clock())
            except OutboxUnavailable as error:
                logger.error("Items saved from %s are lost again: %s", aside, error)
                return aside, 0, True
        return aside, len(entries), lost

    # --- guards ---------------------------------------------------------------

    def _require_claim(self, db: sqlite3.Connection, distribution: str) -> None:
        row = db.execute(
            "SELECT owner FROM distribution WHERE id = ?", (distribution,)
        ).fetchone()
        if row is None or row[0] != self.owner:
            raise ClaimLost(f"Another courier works on {distribution}.")

    def _remove_batch(self, db: sqlite3.Connection, batch: Batch) -> Removed:
        self._require_claim(db, batch.distribution)
        return _take_batch(db, batch)


# --- the way in -----------------------------------------------------------------


def _arriving(entries: Iterable[Entry], since: float) -> Iterator[Arrival]:
    for entry in entries:
        yield entry, since, packed_cause(entry.cause)


def _take_in(db: sqlite3.Connection, arrivals: Iterable[Arrival], now: float) -> None:
    """Make entries ready or schedule them."""
    stamp = _count(db, "stamp", 1)
    rows = (_row(db, each, now, stamp) for each in arrivals if each[0].item)
    _add_ready(db, filter(None, rows), stamp)


def _make_ready(db: sqlite3.Connection, rows: Iterable[Row]) -> int:
    """Make rows ready at once; returns the stamp that they got."""
    stamp = _count(db, "stamp", 1)
    _add_ready(db, rows, stamp)
    return stamp


def _add_ready(db: sqlite3.Connection, rows: Iterable[Row], stamp: int) -> None:
    db.executemany(
        _ADD_READY,
        [
            (distribution, item, is_wildcard(item), since, stamp, urgent, causes)
            for distribution, item, since, urgent, causes in rows
        ],
    )


def _rows(distribution: str, batch: Batch, removed: Removed) -> Iterator[Row]:
    for item, causes in zip(batch.items, removed.causes):
        yield distribution, item, batch.since, item in removed.urgent, causes


def _row(
    db: sqlite3.Connection, arrival: Arrival, now: float, stamp: int
) -> Row | None:
    """Return an entry that is ready now; if it is not, it is scheduled."""
    entry, since, causes = arrival
    if entry.due > now:
        _schedule(db, entry, entry.due, stamp, causes)
        return None
    if entry.every > 0:
        return _row_again(db, arrival, now, stamp)
    return entry.distribution, entry.item, since, entry.urgent, causes


def _row_again(
    db: sqlite3.Connection, arrival: Arrival, now: float, stamp: int
) -> Row | None:
    """Return a coalesced entry that is ready now; if it is not, it is scheduled."""
    entry, since, causes = arrival
    row = db.execute(
        "SELECT became_ready FROM coalesced WHERE distribution = ? AND item = ?",
        (entry.distribution, entry.item),
    ).fetchone()
    # Not with a time in the future: the clock was set back.
    if row and row[0] <= now < row[0] + entry.every and not entry.urgent:
        _coalesce(db, entry, row[0] + entry.every, stamp, causes)
        return None
    db.execute(
        "INSERT OR REPLACE INTO coalesced (distribution, item, became_ready) "
        "VALUES (?, ?, ?)",
        (entry.distribution, entry.item, now),
    )
    _dues, held = _take_coalesced(db, entry.distribution, entry.item)
    causes = packed_united([*held, causes])
    return entry.distribution, entry.item, since, entry.urgent, causes


def _coalesce(
    db: sqlite3.Connection, entry: Entry, due: float, stamp: int, causes: str
) -> None:
    """Schedule a coalesced entry, once: an earlier date of it is kept."""
    dues, held = _take_coalesced(db, entry.distribution, entry.item)
    causes = packed_united([*held, causes])
    _schedule(db, entry, min([due, *dues]), stamp, causes, coalesced=True)


def _take_coalesced(
    db: sqlite3.Connection, distribution: str, item: str
) -> tuple[list[float], list[str]]:
    """Unschedule a coalesced item; returns when it would have been due, and why."""
    rows = db.execute(
        "DELETE FROM scheduled WHERE distribution = ? AND item = ? AND coalesced = 1 "
        "RETURNING due, causes",
        (distribution, item),
    ).fetchall()
    return [due for due, _ in rows], [causes for _, causes in rows]


def _schedule(
    db: sqlite3.Connection,
    entry: Entry,
    due: float,
    stamp: int,
    causes: str,
    coalesced: bool = False,
) -> None:
    db.execute(
        _SCHEDULE,
        (
            entry.distribution,
            "" if coalesced else entry.key,
            entry.item,
            due,
            int(coalesced),
            entry.every,
            int(entry.urgent),
            stamp,
            causes,
        ),
    )


def _end_intervals(db: sqlite3.Connection, rows: Iterable[tuple]) -> None:
    """Let coalesced items that are due become ready, whatever the clock says."""
    db.executemany(
        "DELETE FROM coalesced WHERE distribution = ? AND item = ?",
        [
            (distribution, item)
            for _due, distribution, item, _urgent, _every, coalesced, _causes in rows
            if coalesced
        ],
    )


def _due_entry(row: tuple) -> Arrival:
    """Return what is due as an entry with its age."""
    due, distribution, item, urgent, every, _coalesced, causes = row
    return Entry(distribution, item, bool(urgent), every), due, causes


def _replace_scheduled(
    db: sqlite3.Connection, entries: Collection[Entry], now: float
) -> None:
    for distribution, key in {(e.distribution, e.key) for e in entries if e.key}:
        _cancel(db, distribution, key, now)


def _cancel(db: sqlite3.Connection, distribution: str, key: str, now: float) -> int:
    # Not what is due already: no courier has come by yet, but viewers have.
    return db.execute(
        "DELETE FROM scheduled WHERE distribution = ? AND key = ? AND coalesced = 0 "
        "AND due > ?",
        (distribution, key, now),
    ).rowcount


def _reschedule(db: sqlite3.Connection, old: str, new: str, stamp: int) -> int:
    """Hand over what is scheduled; returns how many items."""
    rows = db.execute(
        "DELETE FROM scheduled WHERE distribution = ? "
        "RETURNING item, urgent, every, due, key, coalesced, causes",
        (old,),
    ).fetchall()
    for item, urgent, every, due, key, coalesced, causes in rows:
        entry = Entry(new, item, bool(urgent), every, due, key)
        if coalesced:
            _coalesce(db, entry, due, stamp, causes)
        else:
            _schedule(db, entry, due, stamp, causes)
    return len(rows)


# --- the way out ----------------------------------------------------------------


def _take_ready(
    db: sqlite3.Connection, distribution: str, items: Sequence[str]
) -> list[tuple]:
    """Take those of ``items`` that are ready, in their order."""
    found = {}
    for start in range(0, len(items), _AT_ONCE):
        some = items[start : start + _AT_ONCE]
        padded = [*some, *repeat(some[-1], _AT_ONCE - len(some))]
        rows = db.execute(_TAKE_READY, (distribution, *padded)).fetchall()
        found.update((row[0], row) for row in rows)
    return [found[item] for item in dict.fromkeys(items) if item in found]


def _frozen(db: sqlite3.Connection, distribution: str) -> list[Batch]:
    rows = db.execute(
        "SELECT reference, distribution, items, since, frozen, refusals "
        "FROM batch WHERE distribution = ? ORDER BY frozen, position",
        (distribution,),
    ).fetchall()
    return [
        Batch(ref, dist, tuple(json.loads(items)), since, frozen, refusals)
        for ref, dist, items, since, frozen, refusals in rows
    ]


def _take_batch(db: sqlite3.Connection, batch: Batch) -> Removed:
    row = db.execute(
        "DELETE FROM batch WHERE reference = ? RETURNING stamp, urgent, causes",
        (batch.reference,),
    ).fetchone()
    if row is None:
        raise ClaimLost(f"Batch {batch.reference} is no longer there.")
    stamp, urgent, causes = row
    return Removed(
        stamp, set(json.loads(urgent)), unpack_each(causes, len(batch.items))
    )


def _settle_covered(db: sqlite3.Connection, batch: Batch, stamp: int) -> list[str]:
    """Settle what a batch reaches and what was there when it was frozen; returns the
    causes of that, packed.
    """
    causes: list[str] = []
    wildcards = list(filter(is_wildcard, batch.items))
    for wildcard in wildcards:
        where = "WHERE distribution = ? AND stamp <= ? AND item >= ? AND item < ?"
        covered = (batch.distribution, stamp, *_prefix_range(wildcard[:-1]))
        causes += _causes_of_ready(db, where, covered)
        db.execute(f"DELETE FROM ready {where}", covered)
    coalesced = db.execute(
        "SELECT item FROM scheduled "
        "WHERE coalesced = 1 AND distribution = ? AND stamp <= ?",
        (batch.distribution, stamp),
    ).fetchall()
    for (item,) in coalesced:
        if item in batch.items or any(covers(each, item) for each in wildcards):
            _dues, held = _take_coalesced(db, batch.distribution, item)
            causes += held
    return causes


def _causes_of_ready(
    db: sqlite3.Connection, where: str, parameters: tuple
) -> list[str]:
    """Return the different causes of ready items, packed."""
    return [
        causes
        for (causes,) in db.execute(
            f"SELECT DISTINCT causes FROM ready {where}", parameters
        )
    ]


def _take_refused(db: sqlite3.Connection, distribution: str, item: str) -> list[Row]:
    return db.execute(
        "DELETE FROM refused WHERE distribution = ? AND item = ? "
        "RETURNING distribution, item, since, urgent, causes",
        (distribution, item),
    ).fetchall()


def _bill(db: sqlite3.Connection, settled: Settled) -> None:
    day = datetime.fromtimestamp(settled.accepted, timezone.utc).date().isoformat()
    db.execute(
        "INSERT INTO billed (day, distribution, items) VALUES (?, ?, ?) "
        "ON CONFLICT (day, distribution) DO UPDATE SET items = items + excluded.items",
        (day, settled.distribution, len(settled.items)),
    )


def _json_list(values: Collection[str] | None) -> str | None:
    return None if values is None else json.dumps(sorted(values))


def _stamp(db: sqlite3.Connection) -> int:
    return _counter(db, "stamp")


def _count(db: sqlite3.Connection, name: str, by: int) -> int:
    (value,) = db.execute(
        "INSERT INTO counter (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value "
        "RETURNING value",
        (name, by),
    ).fetchone()
    return value


def _counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0


def _insert_batch(
    db: sqlite3.Connection,
    batch: Batch,
    stamp: int,
    urgent: Iterable[str],
    causes: Iterable[str],
) -> None:
    db.execute(
        "INSERT INTO batch "
        "(reference, distribution, items, since, frozen, stamp, urgent, causes) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            batch.reference,
            batch.distribution,
            json.dumps(batch.items),
            batch.since,
            batch.frozen,
            stamp,
            json.dumps(sorted(urgent)),
            pack_each(causes),
        ),
    )


def _prefix_range(prefix: str) -> tuple[str, str]:
    # Items are ASCII, so this bound is above every item with the prefix.
    return prefix, prefix + "\x7f"


def _keep_pace(db: sqlite3.Connection, distribution: str, pace: Pace) -> None:
    db.execute(
        "INSERT INTO distribution (id, exact, wildcards, paced, shrink) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "exact = excluded.exact, wildcards = excluded.wildcards, "
        "paced = excluded.paced, shrink = excluded.shrink",
        (
            distribution,
            pace.exact.tokens,
            pace.wildcards.tokens,
            pace.exact.updated,
            pace.shrink,
        ),
    )


def _keep_calls(db: sqlite3.Connection, bucket: Bucket) -> None:
    db.execute(
        "INSERT OR REPLACE INTO calls (id, tokens, updated) VALUES (1, ?, ?)",
        (bucket.tokens, bucket.updated),
    )


def _end_waiting(db: sqlite3.Connection, distribution: str) -> None:
    db.execute(
        "UPDATE distribution SET reason = NULL, advice = NULL, paused = 0, "
        "wait_until = NULL, wait_since = NULL, attempts = 0 WHERE id = ?",
        (distribution,),
    )


def _waiting(db: sqlite3.Connection, distribution: str) -> Waiting | None:
    row = db.execute(
        "SELECT id, reason, advice, paused, wait_since, wait_until, attempts "
        "FROM distribution WHERE id = ? AND reason IS NOT NULL",
        (distribution,),
    ).fetchone()
    if row is None:
        return None
    identifier, reason, advice, paused, since, until, attempts = row
    return Waiting(identifier, reason, advice, bool(paused), since, until, attempts)


def _work(db: sqlite3.Connection, most: int) -> tuple[Work, ...]:
    # The distributions are found by leaps through the key, and the oldest items at
    # the start of the index: a long backlog must not be read through every time.
    rows = db.execute(
        """
        WITH RECURSIVE waiting (id) AS (
            SELECT min(distribution) FROM ready
            UNION ALL
            SELECT (SELECT min(distribution) FROM ready WHERE distribution > id)
            FROM waiting WHERE id IS NOT NULL
        )
        SELECT id,
               sum(ready), sum(frozen), sum(in_progress), min(oldest), max(urgent)
        FROM (
            SELECT id,
                   (SELECT count(*) FROM
                       (SELECT 1 FROM ready WHERE distribution = id LIMIT :most)
                   ) AS ready,
                   0 AS frozen,
                   0 AS in_progress,
                   (SELECT min(since) FROM (
                       SELECT min(since) AS since FROM ready
                       WHERE distribution = id AND wildcard = 0 AND urgent = 0
                       UNION ALL
                       SELECT min(since) FROM ready
                       WHERE distribution = id AND wildcard = 1 AND urgent = 0
                       UNION ALL
                       SELECT min(since) FROM ready
                       WHERE distribution = id AND wildcard = 0 AND urgent = 1
                       UNION ALL
                       SELECT min(since) FROM ready
                       WHERE distribution = id AND wildcard = 1 AND urgent = 1
                   )) AS oldest,
                   EXISTS (
                       SELECT 1 FROM ready
                       WHERE distribution = id AND wildcard IN (0, 1) AND urgent = 1
                   ) AS urgent
            FROM waiting WHERE id IS NOT NULL
            UNION ALL
            SELECT distribution, 0, sum(json_array_length(items)), 0, min(since), 0
            FROM batch GROUP BY distribution
            UNION ALL
            SELECT distribution, 0, 0, count(*), NULL, 0
            FROM settled WHERE completed IS NULL GROUP BY distribution
        )
        GROUP BY id ORDER BY id
        """,
        {"most": most},
    ).fetchall()
    owners = dict(db.execute("SELECT id, owner FROM distribution"))
    return tuple(
        Work(
            distribution=identifier,
            ready=ready,
            frozen=frozen,
            in_progress=in_progress,
            oldest=oldest,
            waiting=_waiting(db, identifier),
            claimed_by=owners.get(identifier),
            urgent=bool(urgent),
        )
        for identifier, ready, frozen, in_progress, oldest, urgent in rows
    )


def _settled(db: sqlite3.Connection, which: str, parameters: tuple) -> list[Settled]:
    rows = db.execute(
        "SELECT invalidation, distribution, reference, items, since, accepted, "
        f"completed, status, causes FROM settled {which}",
        parameters,
    ).fetchall()
    return [
        Settled(
            invalidation=invalidation,
            distribution=distribution,
            reference=reference,
            items=tuple(json.loads(items)),
            since=since,
            accepted=accepted,
            completed=completed,
            status=status,
            causes=unpack(causes).lines,
            more_causes=unpack(causes).more,
        )
        for (
            invalidation,
            distribution,
            reference,
            items,
            since,
            accepted,
            completed,
            status,
            causes,
        ) in rows
    ]


def _action(
    identifier: str,
    time: float,
    user: str,
    reason: str,
    items: str,
    distributions: str,
    due: float | None,
    cancelled: float | None,
) -> Action:
    return Action(
        id=identifier,
        time=time,
        user=user,
        reason=reason,
        items=tuple(json.loads(items)),
        distributions=tuple(json.loads(distributions)),
        due=due,
        cancelled=cancelled,
    )


def _latest_settled(
    db: sqlite3.Connection, limit: int, distributions: Collection[str], before: float
) -> list[int]:
    """Return which rows are the latest of some distributions: an index has them."""
    found = [
        row
        for distribution in set(distributions)
        for row in db.execute(
            "SELECT accepted, rowid FROM settled "
            "WHERE distribution = ? AND accepted < ? ORDER BY accepted DESC LIMIT ?",
            (distribution, before, limit),
        )
    ]
    return [rowid for _, rowid in sorted(found, reverse=True)[:limit]]


def _shown(causes: str) -> tuple[tuple[str, ...], int]:
    found = unpack(causes)
    return found.lines, found.more


def _forget_old(db: sqlite3.Connection, limit: float) -> None:
    db.execute(
        "DELETE FROM settled WHERE completed IS NOT NULL AND accepted < ?", (limit,)
    )
    db.execute(
        "DELETE FROM action WHERE time < ? AND coalesce(due, time) < ?", (limit, limit)
    )
