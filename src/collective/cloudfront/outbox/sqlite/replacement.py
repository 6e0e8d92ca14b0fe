"""Another file in the place of a damaged one, in steps that may be interrupted.

::

    outbox.sqlite             damaged
      │
      │ build                 …repairing: what was saved, and what is purged whole
      ▼
    …repairing ──rename──►    …repaired: complete, and on the disk
      │
      │ finish                outbox.sqlite ──rename──► …damaged-20261130T042537…Z
      ▼
    …repaired ──rename──►     outbox.sqlite

Whoever finds a file ``…repaired`` finishes. Before it exists the damaged file is still in
its place, and is repaired once more. So a process may be killed at any moment.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.outbox.sqlite.synchronise import synchronise
from collective.cloudfront.outbox.sqlite.synchronise import synchronise_names
from collective.cloudfront.outbox.store import OutboxBusy
from contextlib import closing
from contextlib import contextmanager
from datetime import datetime
from datetime import timezone
from pathlib import Path

import os
import sqlite3
import time


try:
    import fcntl
except ImportError:  # pragma: no cover - there is none on Windows
    fcntl = None  # type: ignore[assignment]


#: How often a lock that somebody else holds is tried again (seconds).
_TRY_EVERY = 0.01


@contextmanager
def alone(path: Path, patience: float) -> Iterator[None]:
    """Let one process at a time create or replace the file at ``path``.

    Raises ``OutboxBusy`` if another one needs longer than ``patience`` (seconds). The
    lock is that of the folder, for no file may be left behind; it ends with its
    process.
    """
    if fcntl is None:  # pragma: no cover
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        _lock(folder, path, time.monotonic() + patience)
        yield
    finally:
        # A child may have inherited the descriptor, and would keep the lock.
        fcntl.flock(folder, fcntl.LOCK_UN)
        os.close(folder)


def _lock(folder: int, path: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise OutboxBusy(
                    f"{path}: locked, another process creates or repairs it"
                ) from None
            time.sleep(_TRY_EVERY)
        except OSError:
            # A network file system may have no locks for folders. Then processes that
            # repair at the very same moment may set a good file aside, too: what they
            # know is purged whole by each.
            return


def repaired(path: Path) -> Path:
    """Return where the complete new file is until it takes its place."""
    return path.with_name(f"{path.name}.repaired")


def build(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Make a new file beside that at ``path``, let ``fill`` write into it, and bring it
    to the disk.
    """
    draft = path.with_name(f"{path.name}.repairing")
    for suffix in ("", "-wal", "-shm"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)
    with closing(sqlite3.connect(draft, isolation_level=None)) as db:
        fill(db)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    synchronise(draft)
    draft.rename(repaired(path))
    synchronise_names(path.parent)


def finish(path: Path, now: float) -> Path:
    """Set aside what is at ``path``, with its log, and put the new file in its place.

    Returns where the damaged file is now.
    """
    moment = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.name}.damaged-{moment}")
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    repaired(path).rename(path)
    synchronise_names(path.parent)
    return aside


def was_set_aside(path: Path, inode: int) -> bool:
    """Say whether the file that was at ``path`` is one of those set aside."""
    aside = path.parent.glob(f"{path.name}.damaged-*")
    return any(each.stat().st_ino == inode for each in aside)
