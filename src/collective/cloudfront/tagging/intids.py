"""The number by which Plone relates an object to others, found quickly.

Plone finds it in a tree of references, which it compares in Python: some 60 µs, more than
all else that we ask of an object. The way back, from a number to its reference, is quick,
so a number that was found before is only confirmed.
"""

from Acquisition import aq_base
from typing import Any


#: So many numbers are remembered, by the id of the object in its database.
_MOST = 20_000
_known: dict[bytes, int] = {}


def intid_of(intids: Any, obj: Any) -> int | None:
    """Return the number of ``obj`` in ``intids``; None if it has none."""
    base = aq_base(obj)
    oid = getattr(base, "_p_oid", None)
    number = _known.get(oid) if oid else None
    if number is not None and _refers_to(intids, number, base):
        return number
    number = intids.queryId(base)
    if number is not None and oid:
        if len(_known) >= _MOST:
            _known.clear()
        _known[oid] = number
    return number


def _refers_to(intids: Any, number: int, base: Any) -> bool:
    # In the snapshot of this connection: numbers are given anew after a removal.
    reference = getattr(intids, "refs", {}).get(number)
    return getattr(reference, "object", None) is base
