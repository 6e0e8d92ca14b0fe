"""What the database holds of an object that a transaction has changed."""

from Acquisition import aq_base
from typing import Any
from ZODB.POSException import POSKeyError


def stored_state(obj: Any) -> dict[str, Any]:
    """Return the attributes that ``obj`` had before this transaction; none if new."""
    base = aq_base(obj)
    connection = base._p_jar
    if connection is None:
        return {}
    try:
        # Not oldstate(): after a savepoint it looks into the wrong storage
        stored, _serial = connection._normal_storage.load(base._p_oid)
    except POSKeyError:
        return {}
    return connection._reader.getState(stored)
