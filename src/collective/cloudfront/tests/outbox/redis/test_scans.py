"""Specification: scans in Redis find what they find in SQLite, in the same order."""

from collective.cloudfront.outbox.redis.keys import as_bytes
from collective.cloudfront.outbox.redis.keys import descending
from collective.cloudfront.outbox.redis.keys import indexes_of
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.store import Distinct
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import ORDERS
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Table
from collective.cloudfront.tests.outbox.redis.server import RedisEngine
from collective.cloudfront.tests.profile import repetitions
from contextlib import suppress
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_type_hints

import pytest
import time


TABLES = [READY, SCHEDULED, INVALIDATION, REQUEST, MEMORY]
#: Some are prefixes of others, or are escaped.
TEXTS = ["", "a", "a\0", "a\1", "a\1\1", "ab", "b", "é", "\uffff", "\U0001f600", "~"]
NUMBERS = [-1e300, -2.5, -1.0, 0.0, 1.0, 2.0, 2.5, 1796064692.04, 1e300]
COUNTS = [-1, 0, 1, 2, 1000]
_VALUES = {str: TEXTS, float: NUMBERS, int: COUNTS}


def values(table: Table, column: str) -> st.SearchStrategy:
    """Return the values that a column may have."""
    hint = get_type_hints(table.row)[column]
    kinds = [hint] if isinstance(hint, type) else list(hint.__args__)
    some = [None if kind is type(None) else _VALUES[kind] for kind in kinds]
    return st.one_of(
        st.none() if each is None else st.sampled_from(each) for each in some
    )


def rows(table: Table) -> st.SearchStrategy:
    """Return rows of a table whose keys differ."""
    row = st.builds(table.row, *(values(table, column) for column in table.columns))
    return st.lists(row, max_size=12, unique_by=table.key_of)


@st.composite
def scans(draw, table: Table) -> Scan:
    """Return a scan: in the order of an index, or in any."""
    indexed = draw(st.sampled_from(indexes_of(table))).columns
    columns = [name for name in table.columns if "-" not in name]
    if draw(st.booleans()):
        start = draw(st.integers(0, len(indexed) - 1))
        fixed = [name.lstrip("-") for name in indexed[:start]]
        order = indexed[start : draw(st.integers(start, len(indexed)))]
    else:
        fixed = draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
        order = tuple(draw(st.lists(st.sampled_from(columns), max_size=2, unique=True)))
    if draw(st.booleans()):
        order = tuple(n[1:] if n.startswith("-") else f"-{n}" for n in order)
    equal = {}
    for name in fixed:
        if name in table.columns:
            one = values(table, name)
            some = st.lists(one.filter(lambda v: v is not None), min_size=1, max_size=3)
            equal[name] = draw(st.one_of(one, some.map(tuple)))
    first = order[0].lstrip("-") if order else ""
    bounds = values(table, first) if first in table.columns else st.none()
    return Scan(
        table,
        equal,
        order,
        since=draw(st.one_of(st.none(), bounds)),
        below=draw(st.one_of(st.none(), bounds)),
        limit=draw(st.sampled_from([None, None, 1, 3, 100])),
    )


def check(redis, sqlite, scan: Scan) -> None:
    """Rows that are equal in all columns of the order may come in any order."""
    complete = Scan(scan.table, scan.equal, scan.order, scan.since, scan.below)
    (found,), (expected,) = redis.read(scan), sqlite.read(complete)
    columns = [name.lstrip("-") for name in scan.order]
    # Its number is no part of a row.
    columns = [name for name in columns if name in scan.table.columns]
    assert len(found) == len(expected[: scan.limit])
    assert len(set(found)) == len(found)
    assert set(found) <= set(expected)
    if columns:
        of = attrgetter(*columns)
        assert list(map(of, found)) == list(map(of, expected[: scan.limit]))
    assert redis.count(scan.table, scan.equal) == sqlite.count(scan.table, scan.equal)
    (distinct,) = redis.read(Distinct(scan.table))
    assert distinct == sqlite.read(Distinct(scan.table))[0]


@pytest.mark.parametrize("table", TABLES, ids=attrgetter("name"))
@settings(max_examples=repetitions(60))
@given(data=st.data())
def test_scans_find_what_they_find_in_sqlite(table, data):
    first, second = data.draw(rows(table)), data.draw(rows(table))
    wanted = data.draw(st.lists(scans(table), min_size=1, max_size=4))
    undo = data.draw(st.booleans())
    with TemporaryDirectory(prefix="scans-") as folder:
        sqlite = SqliteOutbox(Path(folder) / "outbox.sqlite").store
        redis = RedisEngine(Path(folder)).open(time.time).store
        for store in (redis, sqlite):
            with store.write() as into:
                into.put(table, first)
        with suppress(_Undone), redis.write() as there, sqlite.write() as here:
            taken = list(map(table.key_of, first[::3]))
            assert set(there.take(table, taken)) == set(here.take(table, taken))
            assert there.add(table, second[::2]) == here.add(table, second[::2])
            for scan in wanted:
                check(there, here, scan)
            there.put(table, second)
            here.put(table, second)
            for scan in wanted:
                check(there, here, scan)
            if undo:
                raise _Undone()
        with redis.read() as there, sqlite.read() as here:
            for scan in wanted:
                check(there, here, scan)


class _Undone(Exception):
    """What was written is to be undone."""


numbers = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)


@given(numbers, numbers)
def test_bytes_of_numbers_are_in_the_order_of_the_numbers(one, other):
    assert (as_bytes(one) < as_bytes(other)) == (one < other)
    assert (as_bytes(one) == as_bytes(other)) == (one == other)
    assert (descending(one) < descending(other)) == (one > other)


@given(st.text(), st.text())
def test_bytes_of_texts_are_in_the_order_of_the_texts(one, other):
    assert (as_bytes(one) < as_bytes(other)) == (one < other)
    assert one == other or not as_bytes(one).startswith(as_bytes(other))


def test_each_order_has_an_index():
    for table, orders in ORDERS.items():
        assert len(indexes_of(table)) == len(orders) + 1
