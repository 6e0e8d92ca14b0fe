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
from functools import lru_cache
from itertools import groupby
from itertools import repeat
from typing import Any


#: So many rows are named in one statement. Longer lists take several, and shorter ones
#: are filled up: a statement that came before is not compiled again.
AT_ONCE = 100
#: So many scans are united in one statement.
_SCANS = 100


class SqlTransaction:
    """See ``store.Transaction``. ``execute`` takes a statement with ``?`` and values, and
    returns a cursor.
    """

    def __init__(self, execute: Callable[[str, Sequence[Any]], Any]):
        self._execute = execute

    def read(self, *scans: Scan | Distinct) -> list[list[Any]]:
        """See ``store.Reader``."""
        found: list[list[Any]] = []
        for start in range(0, len(scans), _SCANS):
            found += self._read(scans[start : start + _SCANS])
        return found

    def _read(self, scans: Sequence[Scan | Distinct]) -> list[list[Any]]:
        width = max(_width(scan) for scan in scans)
        pieces, values = [], []
        for number, scan in enumerate(scans):
            sql, given = _select(scan)
            nulls = ", NULL" * (width - _width(scan))
            pieces.append(f"SELECT {number}, x.*{nulls} FROM ({sql}) AS x")
            values += given
        found: list[list[Any]] = [[] for _ in scans]
        for number, *row in self._execute(" UNION ALL ".join(pieces), values):
            scan = scans[number]
            found[number].append(
                row[0] if isinstance(scan, Distinct) else scan.table.row(*row[: _width(scan)])
            )
        return found

    def get(self, table: Table, keys: Sequence[Key]) -> list[Any]:
        """See ``store.Reader``."""
        start = f"SELECT {_list(table.columns)} FROM {table.name} WHERE "
        return self._by_keys(table, start, "", keys)

    def count(self, table: Table, equal: Mapping[str, Any]) -> int:
        """See ``store.Reader``."""
        where, values = _where(Scan(table, equal))
        sql = f"SELECT count(*) FROM {table.name}{where}"
        return self._execute(sql, values).fetchone()[0]

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


def _width(scan: Scan | Distinct) -> int:
    return 1 if isinstance(scan, Distinct) else len(scan.table.columns)


def _select(scan: Scan | Distinct) -> tuple[str, list[Any]]:
    if isinstance(scan, Distinct):
        return _distinct(scan.table), []
    where, values = _where(scan)
    order = ", ".join(
        f"{name[1:]} DESC" if name.startswith("-") else name for name in scan.order
    )
    sql = f"SELECT {_list(scan.table.columns)} FROM {scan.table.name}{where}"
    if order:
        sql += f" ORDER BY {order}"
    if scan.limit is not None:
        sql += " LIMIT ?"
        values.append(scan.limit)
    elif order:
        # Or the order of a part may be lost in the whole.
        sql += f" LIMIT {2**62}"
    return sql, values


def _where(scan: Scan) -> tuple[str, list[Any]]:
    tests, values = [], []
    for name, value in scan.equal.items():
        if value is None:
            tests.append(f"{name} IS NULL")
        elif isinstance(value, (list, tuple, set, frozenset)):
            tests.append(f"{name} IN ({', '.join('?' * len(value))})")
            values += value
        else:
            tests.append(f"{name} = ?")
            values.append(value)
    for mark, bound in ((">=", scan.since), ("<", scan.below)):
        if bound is not None:
            tests.append(f"{scan.order[0].lstrip('-')} {mark} ?")
            values.append(bound)
    return (f" WHERE {' AND '.join(tests)}" if tests else ""), values


def _distinct(table: Table) -> str:
    # By leaps through the key: a long backlog must not be read through every time.
    column, name = table.key[0], table.name
    return (
        f"WITH RECURSIVE leap (v) AS (SELECT min({column}) FROM {name} UNION ALL "
        f"SELECT (SELECT min({column}) FROM {name} WHERE {column} > v) "
        "FROM leap WHERE v IS NOT NULL) SELECT v FROM leap WHERE v IS NOT NULL"
    )
