"""Which transaction an object's connection shows, and which one was committed last.

A transaction's number is its id as an integer; they only grow.
"""

from collections.abc import Iterable
from typing import Any
from ZODB.utils import u64


def snapshot(obj: Any) -> int | None:
    """Return the last transaction that the connection of ``obj`` certainly shows; None if
    its storage does not say. Reads nothing from a database.

    Storages without MVCC of their own (FileStorage, ClientStorage) are wrapped by ZODB,
    which notes where the snapshot ends. RelStorage, which has it, notes in its cache what
    it polled last. ``lastTransaction`` does not say it: with a replica that lags behind,
    what the connection itself has committed is newer than what it reads.
    """
    storage = _storage(obj)
    if storage is None:
        return None
    end = getattr(storage, "_start", None)
    if end:
        return u64(end) - 1
    cache = getattr(storage, "_cache", None)
    if hasattr(cache, "highest_visible_tid"):
        # None: it went to a replica that is further behind, and knows no number.
        return cache.highest_visible_tid or 0
    return _last(storage) or None


def last_transaction(objs: Iterable[Any]) -> int:
    """Return the last transaction that the storages of objects know of, after a commit:
    that one, or a newer one. 0 if they do not say.
    """
    # Not by their truth: RelStorage has a length, for which it asks the database's
    # statistics. They say 0 at first.
    storages = [each for each in map(_storage, objs) if each is not None]
    return max(map(_last, storages), default=0)


def _storage(obj: Any) -> Any:
    return getattr(obj._p_jar, "_storage", None)


def _last(storage: Any) -> int:
    tid = storage.lastTransaction()
    return u64(tid) if tid else 0
