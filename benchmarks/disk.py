"""A folder on a real disk: a file system in memory would flatter the outbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import shutil
import tempfile


_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_MOUNTS = Path("/proc/self/mounts")


def file_system(path: Path) -> str:
    """Return the type of the file system of ``path``, as ``ext4 (/dev/sda1)``."""
    device, kind = _mount(path)
    return f"{kind} ({device})" if device else kind


def _mount(path: Path) -> tuple[str, str]:
    if not _MOUNTS.exists():
        return "", "unknown"
    found = ("", "unknown")
    longest = -1
    for line in _MOUNTS.read_text().splitlines():
        device, where, kind = line.split()[:3]
        mounted = Path(where.replace("\\040", " "))
        depth = len(mounted.parts)
        # Of several mounts at one place the last one is seen.
        if path.resolve().is_relative_to(mounted) and depth >= longest:
            found, longest = (device, kind), depth
    return found


@contextmanager
def workspace(parent: Path | None) -> Iterator[Path]:
    """Make a folder that is removed at the end: below ``parent``, or else in the
    system's place for temporary files, or here if that one is in memory.
    """
    if parent is None:
        parent = Path(tempfile.gettempdir())
        if _mount(parent)[1] in _IN_MEMORY:
            parent = Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="cloudfront-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
