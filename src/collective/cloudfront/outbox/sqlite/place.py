"""Where a file lies: on a disk, as SQLite wants it, or elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import os


#: File systems whose locks, or memory shared between machines, SQLite cannot rely on
#: (https://www.sqlite.org/wal.html).
NETWORK = {
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb2",
    "smb3",
    "smbfs",
}
#: The file systems of a container itself: they end with it.
CONTAINER = {"aufs", "overlay"}
#: File systems that forget everything when the machine stops.
MEMORY = {"ramfs", "tmpfs"}

_MOUNTS = Path("/proc/self/mounts")


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the kind of the file system that ``path`` is on, such as ``ext4``; empty
    where the operating system does not say.
    """
    place = os.path.realpath(path)
    found = [
        (len(folder), number, kind)
        for number, (folder, kind) in enumerate(_mounted(mounts))
        if place == folder or place.startswith(folder.rstrip("/") + "/")
    ]
    # Of several at the same place the last one is seen.
    return max(found)[2] if found else ""


def _mounted(mounts: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, folder, kind, *_ = [*line.split(" "), "", "", ""]
        # Spaces and the like are written as in \\040.
        yield folder.encode().decode("unicode_escape", "replace"), kind
