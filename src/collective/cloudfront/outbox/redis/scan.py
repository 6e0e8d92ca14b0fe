"""How a scan is done: which index, which parts of it, and what is left to do then."""

from collective.cloudfront.outbox.redis.keys import as_bytes
from collective.cloudfront.outbox.redis.keys import Index
from collective.cloudfront.outbox.redis.keys import indexes_of
from collective.cloudfront.outbox.redis.keys import LAST
from collective.cloudfront.outbox.redis.keys import position_of
from collective.cloudfront.outbox.redis.keys import Values
from collective.cloudfront.outbox.store import Scan
from dataclasses import dataclass
from itertools import product
from typing import Any


#: Bounds as ZRANGEBYLEX wants them.
Range = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts of an index that hold all rows of a scan.

    ``is_filtered``: they hold others, too. ``is_unsorted``: they are not in order. In
    both cases there is no ``limit``.
    """

    index: Index
    ranges: list[Range]
    is_reverse: bool
    is_filtered: bool
    is_unsorted: bool
    limit: int | None


def plan_of(scan: Scan) -> Plan:
    """Return how to do a scan: with the index that leaves the least to do."""
    plans = [_plan(scan, index) for index in indexes_of(scan.table)]
    _, _, plan = max(plans, key=lambda each: each[:2])
    return plan


def _plan(scan: Scan, index: Index) -> tuple[bool, int, Plan]:
    """Return a plan, and before it how good it is."""
    fixed = 0
    for name in index.columns:
        if name not in scan.equal:
            break
        fixed += 1
    following = index.columns[fixed:]
    direction = _direction(scan.order, following)
    first = scan.order[0].lstrip("-") if scan.order else ""
    is_bounded = (scan.since, scan.below) != (None, None)
    uses_bounds = is_bounded and following[:1] == (first,)
    is_filtered = fixed < len(scan.equal) or uses_bounds < is_bounded
    is_unsorted = direction is None
    prefixes = _prefixes(scan, index.columns[:fixed])
    bounds = _bounds(scan) if uses_bounds else (b"", LAST)
    plan = Plan(
        index=index,
        ranges=[_range(prefix, *bounds) for prefix in prefixes],
        is_reverse=direction == -1,
        is_filtered=is_filtered,
        is_unsorted=is_unsorted,
        limit=None if is_filtered or is_unsorted else scan.limit,
    )
    return not is_unsorted, 2 * fixed + uses_bounds, plan


def _direction(order: tuple[str, ...], columns: tuple[str, ...]) -> int | None:
    """Return whether ``columns`` are in the order, 1, or the other way round, -1."""
    for sign in (1, -1):
        wanted = order if sign == 1 else tuple(map(_reversed, order))
        if columns[: len(wanted)] == wanted:
            return sign
    return None


def _reversed(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _prefixes(scan: Scan, columns: tuple[str, ...]) -> list[bytes]:
    choices = [sorted(map(as_bytes, _wanted(scan.equal[name]))) for name in columns]
    return [b"".join(each) for each in product(*choices)]


def _wanted(value: Any) -> set[Any]:
    return set(value) if isinstance(value, (list, tuple, set, frozenset)) else {value}


def _bounds(scan: Scan) -> tuple[bytes, bytes]:
    # What has no value is neither above nor below.
    first = as_bytes(scan.since) if scan.since is not None else b"1"
    below = as_bytes(scan.below) if scan.below is not None else LAST
    return first, below


def _range(prefix: bytes, first: bytes, below: bytes) -> Range:
    start = prefix + first
    return b"[" + start if start else b"-", b"(" + prefix + below


def matches(scan: Scan, values: Values) -> bool:
    """Say whether a row is one of those that a scan finds."""
    for name, wanted in scan.equal.items():
        if values[position_of(scan.table, name)] not in _wanted(wanted):
            return False
    if scan.since is None and scan.below is None:
        return True
    value = values[position_of(scan.table, scan.order[0].lstrip("-"))]
    if value is None or (scan.since is not None and value < scan.since):
        return False
    return scan.below is None or value < scan.below
