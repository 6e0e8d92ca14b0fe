"""Which transaction an object's connection shows, and which one was committed last.

A transaction's number is its id as an integer; they only grow.
"""

from collections.abc import Iterable
from typing import Any
from ZODB.utils import u64


def snapshot(obj: Any) -> int | None:
    """Return the last transaction that the connection of ``obj`` shows; None if its
    storage does not say.

    Storages without MVCC of their own (FileStorage, ClientStorage) are wrapped by ZODB,
    which notes where the snapshot ends. RelStorage, which has it, says what it polled
    last.
    """
    storage = _storage(obj)
    if storage is None:
        return None
    end = getattr(storage, "_start", None)
    return u64(end) - 1 if end else _last(storage) or None


def last_transaction(objs: Iterable[Any]) -> int:
    """Return the last transaction that the storages of objects know of, after a commit:
    that one, or a newer one. 0 if they do not say.
    """
    storages = filter(None, map(_storage, objs))
    return max(map(_last, storages), default=0)


def _storage(obj: Any) -> Any:
    return getattr(obj._p_jar, "_storage", None)


def _last(storage: Any) -> int:
    tid = storage.lastTransaction()
    return u64(tid) if tid else 0
