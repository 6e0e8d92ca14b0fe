"""Bringing SQLite's log to the disk while Plone goes on committing.

A write with ``synchronous = NORMAL`` leaves its pages in the operating system's
memory: killing the process loses nothing, a power cut does. What ``FULL`` adds is
one synchronisation of the log (https://www.sqlite.org/pragma.html#pragma_synchronous).
A disk takes one or several milliseconds for it, in which Plone's commit has other
work to do; so we ask for it ourselves, in a thread, and wait at the last moment.
"""

from collections.abc import Callable
from pathlib import Path

import os


# Of a log only the content and the size matter, not the time of its last change.
_synchronise_content = getattr(os, "fdatasync", os.fsync)


def synchronise(log: Path) -> None:
    """Bring what is in ``log`` to the disk; raises ``OSError``."""
    _open_and(_synchronise_content, log, os.O_RDWR)


def synchronise_names(folder: Path) -> None:
    """Bring the names of new files in ``folder`` to the disk; raises ``OSError``."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _open_and(os.fsync, folder, os.O_RDONLY)


def _open_and(call: Callable[[int], None], path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        call(descriptor)
    finally:
        os.close(descriptor)
