"""The verbs of a transaction: what it writes is kept here until all is written at once.

It takes the lock of the outbox when it first reads something. So what it has read is
still so when it writes: rows are read once, and its own writes lie above them.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.outbox.redis.keys import field_of
from collective.cloudfront.outbox.redis.keys import indexes_of
from collective.cloudfront.outbox.redis.keys import Keys
from collective.cloudfront.outbox.redis.keys import members_of
from collective.cloudfront.outbox.redis.keys import packed
from collective.cloudfront.outbox.redis.keys import position_of
from collective.cloudfront.outbox.redis.keys import row_of
from collective.cloudfront.outbox.redis.keys import sorted_by
from collective.cloudfront.outbox.redis.keys import unpacked
from collective.cloudfront.outbox.redis.keys import Values
from collective.cloudfront.outbox.redis.scan import matches
from collective.cloudfront.outbox.redis.scan import Plan
from collective.cloudfront.outbox.redis.scan import plan_of
from collective.cloudfront.outbox.redis.scripts import AT_ONCE
from collective.cloudfront.outbox.store import Distinct
from collective.cloudfront.outbox.store import Key
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import Table
from typing import Any


#: The rows of a table by field; None for those that are not there.
Rows = dict[bytes, Values | None]
#: The arguments of commands, by verb and number of a key.
Commands = dict[tuple[str, int], list[Any]]


class Asking:
    """What is asked for in one call: keys, and arguments that name them by number."""

    def __init__(self, keys: Keys):
        self._keys = keys
        self._first = len(keys.own) + 1
        self.names: dict[str, int] = {}
        self.arguments: list[Any] = []
        #: How many answers belong to each question.
        self.counts: list[int] = []

    def number(self, key: str) -> int:
        """Return the number of a key; those of the outbox itself come first."""
        return self.names.setdefault(key, len(self.names) + self._first)

    def get(self, table: Table, fields: Sequence[bytes]) -> None:
        """Ask for rows by their fields."""
        key = self.number(self._keys.rows(table))
        self.arguments += ["get", key, len(fields), *fields]
        self.counts.append(1)

    def scan(self, plan: Plan, more: int) -> None:
        """Ask for the rows of a scan, and so many more if it has a limit."""
        index = self.number(self._keys.index(plan.index))
        rows = self.number(self._keys.rows(plan.index.table))
        limit = -1 if plan.limit is None else plan.limit + more
        self.arguments += ["scan", index, rows, int(not plan.index.name)]
        self.arguments += [int(plan.is_reverse), limit, 2 * len(plan.ranges)]
        for bounds in plan.ranges:
            self.arguments += bounds
        self.counts.append(1)

    def count(self, plan: Plan) -> None:
        """Ask how many rows there are."""
        index = self.number(self._keys.index(plan.index))
        for first, last in plan.ranges:
            self.arguments += ["count", index, first, last]
        self.counts.append(len(plan.ranges))

    def distinct(self, table: Table) -> None:
        """Ask for the values of a table's first column."""
        index = indexes_of(table)[0]
        self.arguments += ["distinct", self.number(self._keys.index(index))]
        self.counts.append(1)

    def by_question(self, answers: Sequence[Any]) -> list[list[Any]]:
        """Return the answers to each question."""
        found, start = [], 0
        for count in self.counts:
            found.append(list(answers[start : start + count]))
            start += count
        return found


#: Asks the server; returns the answers.
Look = Callable[[Asking], Sequence[Any]]


class RedisReader:
    """See ``store.Reader``."""

    def __init__(self, keys: Keys, look: Look):
        self._keys = keys
        self._look = look

    def read(self, *scans: Scan | Distinct) -> list[list[Any]]:
        """See ``store.Reader``."""
        asking = Asking(self._keys)
        plans = [self._ask(asking, scan) for scan in scans]
        answers = asking.by_question(self._look(asking)) if scans else []
        return [
            self._answered(scan, plan, found)
            for scan, plan, found in zip(scans, plans, answers)
        ]

    def _ask(self, asking: Asking, scan: Scan | Distinct) -> Plan | None:
        if isinstance(scan, Distinct):
            asking.distinct(scan.table)
            return None
        plan = plan_of(scan)
        asking.scan(plan, self._more(scan.table))
        return plan

    def _answered(
        self, scan: Scan | Distinct, plan: Plan | None, found: list[Any]
    ) -> list[Any]:
        if isinstance(scan, Distinct):
            return [_first_text(each) for each in found[0]]
        assert plan is not None
        rows = [unpacked(each) for each in found[0] if each is not None]
        rows = self._seen(scan, rows)
        if plan.is_filtered:
            rows = [row for row in rows if matches(scan, row)]
        if plan.is_unsorted or len(plan.ranges) > 1:
            rows = sorted_by(scan.table, scan.order, rows)
        return [row_of(scan.table, row) for row in rows[: scan.limit]]

    def get(self, table: Table, keys: Sequence[Key]) -> list[Any]:
        """See ``store.Reader``."""
        fields = sorted(set(map(field_of, keys)))
        found = self._rows(table, fields)
        return [row_of(table, row) for row in map(found.get, fields) if row is not None]

    def count(self, table: Table, equal: Mapping[str, Any]) -> int:
        """See ``store.Reader``."""
        plan = plan_of(Scan(table, equal))
        if plan.is_filtered or self._more(table):
            return len(self.read(Scan(table, equal))[0])
        asking = Asking(self._keys)
        asking.count(plan)
        return sum(self._look(asking))

    def _rows(self, table: Table, fields: Sequence[bytes]) -> Rows:
        if not fields:
            return {}
        asking = Asking(self._keys)
        asking.get(table, fields)
        (found,) = self._look(asking)
        rows = [None if each is None else unpacked(each) for each in found]
        return dict(zip(fields, rows))

    def _more(self, table: Table) -> int:
        """Return how many rows of a table may be others than in the server."""
        return 0

    def _seen(self, scan: Scan, rows: list[Values]) -> list[Values]:
        """Return what a scan finds, if it has found rows in the server."""
        return rows


class RedisTransaction(RedisReader):
    """See ``store.Transaction``."""

    def __init__(self, keys: Keys, look: Look, serials: Callable[[], dict[str, int]]):
        """``serials`` returns the numbers that tables have counted up to; the lock is
        taken then.
        """
        super().__init__(keys, look)
        self._serials = serials
        self._counted: set[Table] = set()
        #: As they are in the server, as far as that is known; and as they will be.
        self._old: dict[Table, Rows] = {}
        self._new: dict[Table, Rows] = {}

    # --- reading ----------------------------------------------------------------------

    def read(self, *scans: Scan | Distinct) -> list[list[Any]]:
        """See ``store.Reader``."""
        # What was written here may be all that there is of a value, or have been.
        changed = [
            scan
            for scan in scans
            if isinstance(scan, Distinct) and self._more(scan.table)
        ]
        if not changed:
            return super().read(*scans)
        plain = [Scan(scan.table) if scan in changed else scan for scan in scans]
        found = super().read(*plain)
        return [
            sorted({row[0] for row in rows}) if scan in changed else rows
            for scan, rows in zip(scans, found)
        ]

    def _rows(self, table: Table, fields: Sequence[bytes]) -> Rows:
        old, new = self._old.setdefault(table, {}), self._new.get(table, {})
        unknown = [each for each in fields if each not in new and each not in old]
        old.update(super()._rows(table, unknown))
        return {each: new[each] if each in new else old[each] for each in fields}

    def _load(self, table: Table, fields: Iterable[bytes]) -> Rows:
        """Find out what is in the server, too, and return the rows as they are."""
        found = list(fields)
        old, new = self._old.setdefault(table, {}), self._new.get(table, {})
        unknown = [each for each in found if each in new and each not in old]
        old.update(super()._rows(table, unknown))
        return self._rows(table, found)

    def _more(self, table: Table) -> int:
        return len(self._new.get(table, ()))

    def _seen(self, scan: Scan, rows: list[Values]) -> list[Values]:
        table = scan.table
        old, new = self._old.setdefault(table, {}), self._new.get(table, {})
        unchanged = []
        for row in rows:
            field = field_of(table.key_of(row))
            old.setdefault(field, row)
            if field not in new:
                unchanged.append(row)
        if not new:
            return rows
        mine = [row for row in new.values() if row is not None and matches(scan, row)]
        return sorted_by(table, scan.order, [*unchanged, *mine])

    # --- writing ----------------------------------------------------------------------

    def add(self, table: Table, rows: Sequence[Any]) -> set[Key]:
        """See ``store.Transaction``."""
        keys = list(map(table.key_of, rows))
        fields = list(map(field_of, keys))
        found = self._load(table, dict.fromkeys(fields))
        known = {key for key, field in zip(keys, fields) if found[field] is not None}
        new = self._new.setdefault(table, {})
        for row, key, field in zip(rows, keys, fields):
            if key not in known and new.get(field) is None:
                new[field] = self._counted_row(table, row)
        return known

    def put(self, table: Table, rows: Sequence[Any]) -> None:
        """See ``store.Transaction``."""
        numbered = [self._numbered(table, row) for row in rows]
        fields = [field_of(table.key_of(row)) for row in numbered]
        # Where only the key is an index, nobody has to know what was there.
        found = self._load(table, fields) if len(indexes_of(table)) > 1 else {}
        new = self._new.setdefault(table, {})
        for row, field in zip(numbered, fields):
            before = found.get(field)
            if table.serial and before is not None:
                new[field] = (*row, before[-1])
            else:
                new[field] = self._counted_row(table, row)

    def take(self, table: Table, keys: Collection[Key]) -> list[Any]:
        """See ``store.Transaction``."""
        fields = sorted(set(map(field_of, keys)))
        found = self._load(table, fields)
        there = [field for field in fields if found[field] is not None]
        self._new.setdefault(table, {}).update(dict.fromkeys(there))
        return [row_of(table, found[field] or ()) for field in there]

    def change(
        self,
        table: Table,
        key: Key,
        changes: Mapping[str, Any],
        expected: Mapping[str, Any],
    ) -> bool:
        """See ``store.Transaction``."""
        field = field_of(key)
        before = self._load(table, [field])[field]
        if before is None or not matches(Scan(table, expected), before):
            return False
        values = list(before)
        for name, value in changes.items():
            values[position_of(table, name)] = value
        self._new.setdefault(table, {})[field] = tuple(values)
        return True

    def swap(self, table: Table, rows: Sequence[Any]) -> bool:
        """See ``store.Transaction``."""
        fields = [field_of(table.key_of(row)) for row in rows]
        found = self._load(table, fields)
        version = position_of(table, "version")
        for row, field in zip(rows, fields):
            before = found[field]
            if row[version] != (1 if before is None else before[version] + 1):
                return False
        self._new.setdefault(table, {}).update(zip(fields, map(tuple, rows)))
        return True

    def increment(self, table: Table, row: Any) -> int:
        """See ``store.Transaction``."""
        field = field_of(table.key_of(row))
        before = self._load(table, [field])[field]
        total = row[-1] + (0 if before is None else before[-1])
        self._new.setdefault(table, {})[field] = (*row[:-1], total)
        return total

    def _numbered(self, table: Table, row: Any) -> Any:
        """Return a row whose number, which is its key, is given."""
        if len(table.key) == 1 and getattr(row, table.key[0]) is None:
            return row._replace(**{table.key[0]: self._next(table)})
        return row

    def _counted_row(self, table: Table, row: Any) -> Values:
        return (*row, self._next(table)) if table.serial else tuple(row)

    def _next(self, table: Table) -> int:
        serials = self._serials()
        number = serials[table.name] = serials.get(table.name, 0) + 1
        self._counted.add(table)
        return number

    # --- the end ----------------------------------------------------------------------

    @property
    def wakes(self) -> bool:
        """Whether something becomes ready."""
        old = self._old.get(READY, {})
        return any(
            row is not None and old.get(field) is None
            for field, row in self._new.get(READY, {}).items()
        )

    def commands(self, asking: Asking) -> None:
        """Add the commands that write all; those that need memory come first."""
        first: Commands = {}
        then: Commands = {}
        for table in self._counted:
            key = asking.number(self._keys.outbox)
            number = self._serials()[table.name]
            first.setdefault(("HSET", key), []).extend([f"last:{table.name}", number])
        for table, rows in self._new.items():
            self._write(asking, table, rows, first, then)
        for commands in (first, then):
            for (verb, key), values in commands.items():
                for start in range(0, len(values), AT_ONCE):
                    some = values[start : start + AT_ONCE]
                    asking.arguments += [verb, key, len(some), *some]

    def _write(
        self, asking: Asking, table: Table, rows: Rows, first: Commands, then: Commands
    ) -> None:
        """Add the commands for one table."""
        hash_ = asking.number(self._keys.rows(table))
        put = first.setdefault(("HSET", hash_), [])
        remove = then.setdefault(("HDEL", hash_), [])
        adds: list[list[Any]] = []
        removes: list[list[Any]] = []
        for index in indexes_of(table):
            key = asking.number(self._keys.index(index))
            adds.append(first.setdefault(("ZADD", key), []))
            removes.append(then.setdefault(("ZREM", key), []))
        old = self._old.get(table, {})
        for field, row in rows.items():
            before = old.get(field)
            if row == before and field in old:
                continue
            was = [] if before is None else members_of(table, field, before)
            will = [] if row is None else members_of(table, field, row)
            if row is None:
                remove.append(field)
            else:
                put += field, packed(row)
            if was != will:
                _replace(was, will, adds, removes)


def _replace(
    was: list[bytes],
    will: list[bytes],
    adds: list[list[Any]],
    removes: list[list[Any]],
) -> None:
    """Put members of a row in the place of others, in all indexes."""
    for number, member in enumerate(will):
        if not was or was[number] != member:
            adds[number] += 0, member
    for number, member in enumerate(was):
        if not will or will[number] != member:
            removes[number].append(member)


def _first_text(encoded: bytes) -> str:
    """Return the text that ``keys.as_bytes`` was given."""
    data = encoded[1:-1].replace(b"\1\1", b"\0").replace(b"\1\2", b"\1")
    return data.decode("utf-8", "surrogatepass")
