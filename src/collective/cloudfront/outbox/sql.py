"""The verbs of a transaction in SQL that SQLite and PostgreSQL have in common."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.outbox.store import Distinct
from collective.cloudfront.outbox.store import Key
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import Table
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from itertools import repeat
from operator import itemgetter
from typing import Any
from typing import get_args
from typing import get_type_hints
from typing import NamedTuple


#: So many rows are named in one statement. Longer lists take several, and shorter ones
#: are filled up to one of these: a statement that came before is not compiled again.
_SIZES = (1, 4, 20, 100)
AT_ONCE = _SIZES[-1]
#: So many scans are united in one statement.
_SCANS = 100


@dataclass(slots=True)
class SqlTransaction:
    """See ``store.Transaction``. ``execute`` takes a statement with ``?`` and values, and
    returns what has ``fetchall()``. A table is named behind ``FROM``, ``INTO`` or ``UPDATE``.
    """

    _execute: Callable[[str, Sequence[Any]], Any]

    def read(self, *scans: Scan | Distinct) -> list[list[Any]]:
        """See ``store.Reader``."""
        found: list[list[Any]] = []
        for start in range(0, len(scans), _SCANS):
            found += self._read(scans[start : start + _SCANS])
        return found

    def _read(self, scans: Sequence[Scan | Distinct]) -> list[list[Any]]:
        values: list[Any] = []
        shapes = []
        for scan in scans:
            shapes.append(_shape(scan, values))
        sql, makes = _united(tuple(shapes))
        found: list[list[Any]] = [[] for _ in scans]
        for row in self._execute(sql, values).fetchall():
            number = row[0]
            pick, make = makes[number]
            value = pick(row)
            found[number].append(value if make is None else make(value))
        return found

    def get(self, table: Table, keys: Sequence[Key]) -> list[Any]:
        """See ``store.Reader``."""
        return self._by_keys(_select_by_key, table, keys)

    def count(self, table: Table, equal: Mapping[str, Any]) -> int:
        """See ``store.Reader``."""
        values: list[Any] = []
        shape = _shape(Scan(table, equal), values)
        sql = f"SELECT count(*) FROM {table.name}{_where(shape)}"
        return self._execute(sql, values).fetchall()[0][0]

    def add(self, table: Table, rows: Sequence[Any]) -> set[Key]:
        """See ``store.Transaction``."""
        added: set[Key] = set()
        for some in _filled_up(rows):
            added.update(self._execute(_add(table, len(some)), _flat(some)).fetchall())
        return set(map(table.key_of, rows)) - added

    def put(self, table: Table, rows: Sequence[Any]) -> None:
        """See ``store.Transaction``."""
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            self._execute(_put(table, len(some)), _flat(some))

    def take(self, table: Table, keys: Collection[Key]) -> list[Any]:
        """See ``store.Transaction``."""
        return self._by_keys(_delete_by_key, table, keys)

    def change(
        self,
        table: Table,
        key: Key,
        changes: Mapping[str, Any],
        expected: Mapping[str, Any],
    ) -> bool:
        """See ``store.Transaction``."""
        sql = _change(table, tuple(changes), tuple(expected))
        values = [*changes.values(), *key, *expected.values()]
        return bool(self._execute(sql, values).fetchall())

    def swap(self, table: Table, rows: Sequence[Any]) -> bool:
        """See ``store.Transaction``."""
        swapped = self._execute(_swap(table, len(rows)), _flat(rows)).fetchall()
        return len(swapped) == len(rows)

    def increment(self, table: Table, row: Any) -> int:
        """See ``store.Transaction``."""
        return self._execute(_increment(table), row).fetchall()[0][0]

    def _by_keys(
        self, sql: Callable[[Table, int], str], table: Table, keys: Collection[Key]
    ) -> list[Any]:
        """Run a statement for keys, those with all but the last column in common at
        once.
        """
        groups: dict[Key, dict[Any, None]] = {}
        for key in sorted(keys):
            groups.setdefault(key[:-1], {})[key[-1]] = None
        found: list[Any] = []
        for common, last in groups.items():
            for some in _filled_up(list(last)):
                rows = self._execute(sql(table, len(some)), [*common, *some])
                found += map(table.row._make, rows.fetchall())
        return found


def _filled_up(values: Sequence[Any]) -> list[Sequence[Any]]:
    """Return the values in pieces of one of ``_SIZES``, by repeating the last one."""
    pieces: list[Sequence[Any]] = []
    for start in range(0, len(values), AT_ONCE):
        some = values[start : start + AT_ONCE]
        size = _SIZES[bisect_left(_SIZES, len(some))]
        pieces.append([*some, *repeat(some[-1], size - len(some))])
    return pieces


def _flat(rows: Sequence[Any]) -> list[Any]:
    return list(chain.from_iterable(rows))


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    # PostgreSQL reserves some, such as "user".
    return f'"{name}"'


@lru_cache(maxsize=200)
def _select_by_key(table: Table, count: int) -> str:
    return f"SELECT {_list(table.columns)} FROM {table.name}{_keys(table, count)}"


@lru_cache(maxsize=200)
def _delete_by_key(table: Table, count: int) -> str:
    returning = f"RETURNING {_list(table.columns)}"
    return f"DELETE FROM {table.name}{_keys(table, count)} {returning}"


def _keys(table: Table, count: int) -> str:
    *common, last = table.key
    tests = "".join(f"{_quoted(name)} = ? AND " for name in common)
    return f" WHERE {tests}{_quoted(last)} IN ({', '.join('?' * count)})"


@lru_cache(maxsize=200)
def _add(table: Table, count: int) -> str:
    return (
        f"{_insert(table, count)} ON CONFLICT DO NOTHING RETURNING {_list(table.key)}"
    )


@lru_cache(maxsize=200)
def _put(table: Table, count: int) -> str:
    changed = [_quoted(name) for name in table.columns if name not in table.key]
    sets = ", ".join(f"{name} = excluded.{name}" for name in changed)
    return (
        f"{_insert(table, count)} ON CONFLICT ({_list(table.key)}) DO UPDATE SET {sets}"
    )


@lru_cache(maxsize=200)
def _swap(table: Table, count: int) -> str:
    return (
        f"{_put(table, count)} WHERE {table.name}.version = excluded.version - 1 "
        f"RETURNING {_list(table.key)}"
    )


@lru_cache(maxsize=20)
def _increment(table: Table) -> str:
    sum_up = _quoted(table.columns[-1])
    return (
        f"{_insert(table, 1)} ON CONFLICT ({_list(table.key)}) DO UPDATE SET "
        f"{sum_up} = {table.name}.{sum_up} + excluded.{sum_up} "
        f"RETURNING {table.name}.{sum_up}"
    )


@lru_cache(maxsize=200)
def _change(table: Table, changes: tuple[str, ...], expected: tuple[str, ...]) -> str:
    sets = ", ".join(f"{_quoted(name)} = ?" for name in changes)
    tests = " AND ".join(f"{_quoted(name)} = ?" for name in (*table.key, *expected))
    return f"UPDATE {table.name} SET {sets} WHERE {tests} RETURNING 1"


def _insert(table: Table, count: int) -> str:
    marks = f"({', '.join('?' * len(table.columns))})"
    rows = ", ".join(repeat(marks, count))
    return f"INSERT INTO {table.name} ({_list(table.columns)}) VALUES {rows}"


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


def _shape(scan: Scan | Distinct, values: list[Any]) -> _Shape:
    """Return the shape of a scan, and add its values to ``values``."""
    if isinstance(scan, Distinct):
        return _Shape(scan.table, True)
    equal = []
    for name, value in scan.equal.items():
        before = len(values)
        if isinstance(value, (list, tuple, set, frozenset)):
            values += value
        elif value is not None:
            values.append(value)
        equal.append((name, len(values) - before))
    for bound in (scan.since, scan.below, scan.limit):
        if bound is not None:
            values.append(bound)
    return _Shape(
        scan.table,
        False,
        tuple(equal),
        scan.order,
        scan.since is not None,
        scan.below is not None,
        scan.limit is not None,
    )


#: What picks values out of a row of the united scans, and what makes a row of them; None
#: where there is only one value.
_Make = tuple[Callable[[Sequence[Any]], Any], Callable[[Any], Any] | None]


@lru_cache(maxsize=500)
def _united(shapes: tuple[_Shape, ...]) -> tuple[str, list[_Make]]:
    """Return the statement that finds the rows of several scans, each with the number of
    its scan first, and what makes of such a row the one of a scan.

    Scans share columns of the same type, because PostgreSQL unites no others.
    """
    wanted = [_columns(shape) for shape in shapes]
    slots = [
        (kind, number)
        for kind in _TYPES
        for number in range(max(_of_type(columns, kind) for columns in wanted))
    ]
    selects, makes = [], []
    for number, (shape, columns) in enumerate(zip(shapes, wanted)):
        places = _places(columns, slots)
        filled = {place: name for name, place in places.items()}
        values = "".join(
            f", x.{_quoted(filled[place])}"
            if place in filled
            else f", CAST(NULL AS {kind})"
            for place, (kind, _) in enumerate(slots, 1)
        )
        selects.append(f"SELECT {number}{values} FROM ({_select(shape)}) AS x")
        makes.append(_make(shape, list(places.values())))
    return " UNION ALL ".join(selects), makes


#: The types of columns that Python's stand for.
_TYPES = {"text": str, "bigint": int, "double precision": float}


def _columns(shape: _Shape) -> dict[str, str]:
    """Return the columns that a scan finds, with their types."""
    if shape.distinct:
        return {"v": column_types(shape.table)[shape.table.key[0]]}
    return column_types(shape.table)


@lru_cache(maxsize=20)
def column_types(table: Table) -> dict[str, str]:
    """Return the columns of a table with their types in SQL."""
    hints = get_type_hints(table.row)
    return {
        name: next(
            kind
            for kind, python in _TYPES.items()
            if python in (hints[name], *get_args(hints[name]))
        )
        for name in table.columns
    }


def _of_type(columns: Mapping[str, str], kind: str) -> int:
    return list(columns.values()).count(kind)


def _places(
    columns: Mapping[str, str], slots: Sequence[tuple[str, int]]
) -> dict[str, int]:
    """Return the place of each column in a united row."""
    seen: Counter[str] = Counter()
    places = {}
    for name, kind in columns.items():
        places[name] = 1 + slots.index((kind, seen[kind]))
        seen[kind] += 1
    return places


def _make(shape: _Shape, places: Sequence[int]) -> _Make:
    return itemgetter(*places), None if shape.distinct else shape.table.row._make


def _select(shape: _Shape) -> str:
    if shape.distinct:
        return _distinct(shape.table)
    order = ", ".join(map(in_order, shape.order))
    sql = f"SELECT {_list(shape.table.columns)} FROM {shape.table.name}{_where(shape)}"
    if order:
        sql += f" ORDER BY {order}"
    if shape.limit:
        sql += " LIMIT ?"
    elif order:
        # Or the order of a part may be lost in the whole.
        sql += f" LIMIT {2**62}"
    return sql


def in_order(name: str) -> str:
    """Return a column of an order as SQL says it."""
    return f"{_quoted(name[1:])} DESC" if name.startswith("-") else _quoted(name)


def _where(shape: _Shape) -> str:
    tests = []
    for column, count in shape.equal:
        name = _quoted(column)
        if count == 0:
            tests.append(f"{name} IS NULL")
        elif count == 1:
            tests.append(f"{name} = ?")
        else:
            tests.append(f"{name} IN ({', '.join('?' * count)})")
    first = _quoted(shape.order[0].lstrip("-")) if shape.order else ""
    if shape.since:
        tests.append(f"{first} >= ?")
    if shape.below:
        tests.append(f"{first} < ?")
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def _distinct(table: Table) -> str:
    # By leaps through the key: a long backlog must not be read through every time.
    column, name = _quoted(table.key[0]), table.name
    return (
        f"WITH RECURSIVE leap (v) AS (SELECT min({column}) FROM {name} UNION ALL "
        f"SELECT (SELECT min({column}) FROM {name} WHERE {column} > v) "
        "FROM leap WHERE v IS NOT NULL) SELECT v FROM leap WHERE v IS NOT NULL"
    )
