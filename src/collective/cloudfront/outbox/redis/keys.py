"""Names of keys, and values as bytes whose order is that of the values.

Each table is a hash: *field* (the columns of its key) → row, as a JSON list. Each order
of ``store.ORDERS`` is a sorted set in which all scores are 0, so that Redis keeps its
members in the order of their bytes::

    member = columns of the order ‖ field ‖ length of the columns (4 hexadecimal digits)

The index of the key itself has the fields as members.
"""

from collections.abc import Iterable
from collective.cloudfront.outbox.store import Key
from collective.cloudfront.outbox.store import ORDERS
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Table
from functools import lru_cache
from operator import itemgetter
from typing import Any
from typing import NamedTuple

import json
import struct


#: A row, and behind it the number that its table counts up, if it does.
Values = tuple[Any, ...]

#: What begins with some bytes is below these bytes with this behind them.
LAST = b"\xff"

#: Of what is due at the same moment, items come first.
_FINER = {(SCHEDULED, ("due",)), (SCHEDULED, ("distribution", "due"))}


class Index(NamedTuple):
    """The rows of a table in one order. ``columns`` are those of the order; ``name`` is
    empty for the order of the key.
    """

    table: Table
    columns: tuple[str, ...]
    name: str


@lru_cache(maxsize=100)
def indexes_of(table: Table) -> tuple[Index, ...]:
    """Return the indexes of a table; the first is that of its key."""
    found = [Index(table, table.key, "")]
    for order in ORDERS.get(table, ()):
        columns = order
        if (table, order) in _FINER:
            columns += ("item", "key")
        if table.serial and table.serial not in columns:
            columns += (table.serial,)
        found.append(Index(table, columns, "_".join(order).replace("-", "")))
    return tuple(found)


@lru_cache(maxsize=100)
def position_of(table: Table, column: str) -> int:
    """Return where a column is among the values of a table."""
    return (*table.columns, table.serial).index(column)


def as_bytes(value: Any) -> bytes:
    """Return bytes that are ordered as the values are: no value, numbers, texts.

    None of them begins with another one.
    """
    if value is None:
        return b"0"
    if isinstance(value, str):
        return _text(value)
    return _number(value)


def descending(value: Any) -> bytes:
    """The same for a number, the other way round."""
    return b"1" + bytes(byte ^ 0xFF for byte in _number(value)[1:])


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    if b"\0" in data or b"\1" in data:
        data = data.replace(b"\1", b"\1\2").replace(b"\0", b"\1\1")
    return b"2%b\0" % data


# The rows of a transaction have the same moments.
@lru_cache(maxsize=512)
def _number(value: float) -> bytes:
    (bits,) = struct.unpack(">q", struct.pack(">d", value + 0.0))
    return b"1" + struct.pack(">Q", bits + 2**63 if bits >= 0 else ~bits)


def field_of(key: Key) -> bytes:
    """Return the field of the row with this key."""
    return b"".join(map(as_bytes, key))


def members_of(table: Table, field: bytes, values: Values) -> list[bytes]:
    """Return the member of a row in each index."""
    members = [field]
    for columns in _columns(table):
        order = b"".join(
            [code(values[position]) for position, code in columns],
        )
        members.append(b"%b%b%04x" % (order, field, len(order)))
    return members


@lru_cache(maxsize=100)
def _columns(table: Table) -> list[list[tuple[int, Any]]]:
    return [
        [
            (
                position_of(table, name.lstrip("-")),
                descending if name.startswith("-") else as_bytes,
            )
            for name in index.columns
        ]
        for index in indexes_of(table)[1:]
    ]


def packed(values: Values) -> str:
    """Return values as they are kept."""
    return json.dumps(values)


def unpacked(stored: bytes) -> Values:
    """Return what was packed."""
    return tuple(json.loads(stored))


@lru_cache(maxsize=100)
def _row_maker(table: Table) -> Any:
    count = len(table.columns)
    return lambda values: table.row._make(values[:count])


def row_of(table: Table, values: Values) -> Any:
    """Return the row in values."""
    return _row_maker(table)(values)


class Keys:
    """The keys of one outbox. What is in braces keeps them on one node of a cluster."""

    def __init__(self, prefix: str):
        self.prefix = f"{{{prefix}}}:"
        #: Which outbox it is, its format, and the numbers that tables count up.
        self.outbox = f"{self.prefix}outbox"
        #: Who writes, for a moment.
        self.lock = f"{self.prefix}lock"
        #: Who waits for it, and what wakes one of them.
        self.waiting = f"{self.prefix}waiting"
        self.gate = f"{self.prefix}gate"
        #: By process, when it has written last.
        self.commits = f"{self.prefix}commits"
        #: By owner, when it was heard of last; less than 0 if it has ended.
        self.owners = f"{self.prefix}owners"
        #: The channel that says that something is ready.
        self.ready = f"{self.prefix}ready"

    @property
    def own(self) -> list[str]:
        """The keys that each script for transactions begins with."""
        return [self.outbox, self.lock, self.commits, self.waiting, self.gate]

    def rows(self, table: Table) -> str:
        """Return the key of the hash of a table."""
        return f"{self.prefix}rows:{table.name}"

    def index(self, index: Index) -> str:
        """Return the key of the sorted set of an index."""
        return f"{self.prefix}order:{index.table.name}:{index.name or 'key'}"


def sorted_by(
    table: Table, order: tuple[str, ...], found: Iterable[Values]
) -> list[Values]:
    """Return values in an order; no value comes first, or last if it is descending."""
    result = list(found)
    for name in reversed(order):
        get = itemgetter(position_of(table, name.lstrip("-")))
        result.sort(key=lambda row: as_bytes(get(row)), reverse=name.startswith("-"))
    return result
