"""The verbs of a transaction in SQL that SQLite and PostgreSQL have in common."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.outbox.store import Distinct
from collective.cloudfront.outbox.store import Key
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import Table
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from itertools import repeat
from typing import Any
from typing import NamedTuple


#: So many rows are named in one statement. Longer lists take several, and shorter ones
#: are filled up: a statement that came before is not compiled again.
AT_ONCE = 100
#: So many scans are united in one statement.
_SCANS = 100


@dataclass(slots=True)
class SqlTransaction:
    """See ``store.Transaction``. ``execute`` takes a statement with ``?`` and values, and
    returns a cursor.
    """

    _execute: Callable[[str, Sequence[Any]], Any]

    def read(self, *scans: Scan | Distinct) -> list[list[Any]]:
        """See ``store.Reader``."""
        found: list[list[Any]] = []
        for start in range(0, len(scans), _SCANS):
            found += self._read(scans[start : start + _SCANS])
        return found

    def _read(self, scans: Sequence[Scan | Distinct]) -> list[list[Any]]:
        values = [value for scan in scans for value in _values(scan)]
        sql = _united(tuple(map(_shape, scans)))
        found: list[list[Any]] = [[] for _ in scans]
        makers = [_maker(scan) for scan in scans]
        for number, *row in self._execute(sql, values):
            found[number].append(makers[number](row))
        return found

    def get(self, table: Table, keys: Sequence[Key]) -> list[Any]:
        """See ``store.Reader``."""
        start = f"SELECT {_list(table.columns)} FROM {table.name} WHERE "
        return self._by_keys(table, start, "", keys)

    def count(self, table: Table, equal: Mapping[str, Any]) -> int:
        """See ``store.Reader``."""
        scan = Scan(table, equal)
        sql = f"SELECT count(*) FROM {table.name}{_where(_shape(scan))}"
        return self._execute(sql, _values(scan)).fetchone()[0]

    def add(self, table: Table, rows: Sequence[Any]) -> set[Key]:
        """See ``store.Transaction``."""
        returning = f" ON CONFLICT DO NOTHING RETURNING {_list(table.key)}"
        added: set[Key] = set()
        for some in _filled_up(rows):
            sql = _insert(table, len(some)) + returning
            added.update(map(tuple, self._execute(sql, _flat(some)).fetchall()))
        return {table.key_of(row) for row in rows} - added

    def put(self, table: Table, rows: Sequence[Any]) -> None:
        """See ``store.Transaction``."""
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            sql = _insert(table, len(some)) + _or_update(table)
            self._execute(sql, _flat(some))

    def take(self, table: Table, keys: Collection[Key]) -> list[Any]:
        """See ``store.Transaction``."""
        end = f" RETURNING {_list(table.columns)}"
        return self._by_keys(table, f"DELETE FROM {table.name} WHERE ", end, keys)

    def change(
        self,
        table: Table,
        key: Key,
        changes: Mapping[str, Any],
        expected: Mapping[str, Any],
    ) -> bool:
        """See ``store.Transaction``."""
        sets = ", ".join(f"{name} = ?" for name in changes)
        tests = " AND ".join(f"{name} = ?" for name in (*table.key, *expected))
        sql = f"UPDATE {table.name} SET {sets} WHERE {tests}"
        values = [*changes.values(), *key, *expected.values()]
        return self._execute(sql, values).rowcount > 0

    def swap(self, table: Table, rows: Sequence[Any]) -> bool:
        """See ``store.Transaction``."""
        sql = (
            f"{_insert(table, len(rows))}{_or_update(table)} "
            f"WHERE {table.name}.version = excluded.version - 1 "
            f"RETURNING {_list(table.key)}"
        )
        return len(self._execute(sql, _flat(rows)).fetchall()) == len(rows)

    def increment(self, table: Table, row: Any) -> int:
        """See ``store.Transaction``."""
        sum_up = table.columns[-1]
        sql = (
            f"{_insert(table, 1)} ON CONFLICT ({_list(table.key)}) DO UPDATE SET "
            f"{sum_up} = {table.name}.{sum_up} + excluded.{sum_up} RETURNING {sum_up}"
        )
        return self._execute(sql, row).fetchall()[0][0]

    def _by_keys(
        self, table: Table, start: str, end: str, keys: Collection[Key]
    ) -> list[Any]:
        """Run a statement for keys that have all but the last column in common."""
        *common, last = table.key
        tests = "".join(f"{name} = ? AND " for name in common)
        found = []
        for prefix, group in groupby(sorted(set(keys)), key=lambda key: key[:-1]):
            for some in _filled_up([key[-1] for key in group]):
                marks = ", ".join("?" * len(some))
                sql = f"{start}{tests}{last} IN ({marks}){end}"
                rows = self._execute(sql, [*prefix, *some]).fetchall()
                found += [table.row(*row) for row in rows]
        return found


def _filled_up(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the values in pieces of 1 or ``AT_ONCE``, by repeating the last one."""
    for start in range(0, len(values), AT_ONCE):
        some = list(values[start : start + AT_ONCE])
        missing = AT_ONCE - len(some) if len(some) > 1 else 0
        yield [*some, *repeat(some[-1], missing)]


def _flat(rows: Sequence[Any]) -> list[Any]:
    return [value for row in rows for value in row]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


@lru_cache(maxsize=1000)
def _insert(table: Table, count: int) -> str:
    marks = f"({', '.join('?' * len(table.columns))})"
    rows = ", ".join(repeat(marks, count))
    return f"INSERT INTO {table.name} ({_list(table.columns)}) VALUES {rows}"


@lru_cache(maxsize=100)
def _or_update(table: Table) -> str:
    sets = [f"{c} = excluded.{c}" for c in table.columns if c not in table.key]
    return f" ON CONFLICT ({_list(table.key)}) DO UPDATE SET {_list(sets)}"


class _Shape(NamedTuple):
    """A scan without its values: those of the same shape are the same statement."""

    table: Table
    distinct: bool = False
    #: Columns, and of how many values each may have one; 0 stands for no value.
    equal: tuple[tuple[str, int], ...] = ()
    order: tuple[str, ...] = ()
    since: bool = False
    below: bool = False
    limit: bool = False


def _shape(scan: Scan | Distinct) -> _Shape:
    if isinstance(scan, Distinct):
        return _Shape(scan.table, True)
    return _Shape(
        table=scan.table,
        equal=tuple((name, len(_members(v))) for name, v in scan.equal.items()),
        order=scan.order,
        since=scan.since is not None,
        below=scan.below is not None,
        limit=scan.limit is not None,
    )


def _values(scan: Scan | Distinct) -> list[Any]:
    if isinstance(scan, Distinct):
        return []
    found = [each for value in scan.equal.values() for each in _members(value)]
    bounds = (scan.since, scan.below, scan.limit)
    return found + [value for value in bounds if value is not None]


def _members(value: Any) -> Collection[Any]:
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple, set, frozenset)) else (value,)


def _maker(scan: Scan | Distinct) -> Callable[[list[Any]], Any]:
    if isinstance(scan, Distinct):
        return lambda row: row[0]
    make, width = scan.table.row._make, len(scan.table.columns)
    return lambda row: make(row[:width])


@lru_cache(maxsize=500)
def _united(shapes: tuple[_Shape, ...]) -> str:
    widths = [1 if shape.distinct else len(shape.table.columns) for shape in shapes]
    return " UNION ALL ".join(
        f"SELECT {number}, x.*{', NULL' * (max(widths) - width)} "
        f"FROM ({_select(shape)}) AS x"
        for number, (shape, width) in enumerate(zip(shapes, widths))
    )


def _select(shape: _Shape) -> str:
    if shape.distinct:
        return _distinct(shape.table)
    order = ", ".join(
        f"{name[1:]} DESC" if name.startswith("-") else name for name in shape.order
    )
    sql = f"SELECT {_list(shape.table.columns)} FROM {shape.table.name}{_where(shape)}"
    if order:
        sql += f" ORDER BY {order}"
    if shape.limit:
        sql += " LIMIT ?"
    elif order:
        # Or the order of a part may be lost in the whole.
        sql += f" LIMIT {2**62}"
    return sql


def _where(shape: _Shape) -> str:
    tests = []
    for name, count in shape.equal:
        if count == 0:
            tests.append(f"{name} IS NULL")
        elif count == 1:
            tests.append(f"{name} = ?")
        else:
            tests.append(f"{name} IN ({', '.join('?' * count)})")
    first = shape.order[0].lstrip("-") if shape.order else ""
    if shape.since:
        tests.append(f"{first} >= ?")
    if shape.below:
        tests.append(f"{first} < ?")
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def _distinct(table: Table) -> str:
    # By leaps through the key: a long backlog must not be read through every time.
    column, name = table.key[0], table.name
    return (
        f"WITH RECURSIVE leap (v) AS (SELECT min({column}) FROM {name} UNION ALL "
        f"SELECT (SELECT min({column}) FROM {name} WHERE {column} > v) "
        "FROM leap WHERE v IS NOT NULL) SELECT v FROM leap WHERE v IS NOT NULL"
    )
