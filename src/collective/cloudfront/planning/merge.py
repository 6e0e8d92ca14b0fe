"""Merging: the same item twice is one item.

The laws, held by ``tests/planning/test_merge.py``: the result does not depend on order
or grouping; it is as old as the oldest, and urgent if one is. Nothing ever becomes
younger or less urgent by being merged, so nothing waits longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Priority:
    """What decides when an item is sent; ``since`` is in Unix seconds."""

    since: float
    urgent: bool = False


def merged(priorities: Sequence[Priority]) -> Priority:
    """Return the priority of several that are sent as one. There is at least one."""
    return Priority(
        since=min([each.since for each in priorities]),
        urgent=any(each.urgent for each in priorities),
    )
