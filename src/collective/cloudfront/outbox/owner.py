"""Who wrote this row: an identity of a process that others can find dead.

``host/boot.namespace:pid.start:unique``, so that a process id is only looked up where it
means something, and one that was given to another process since does not count::

    host       containers may share one, and so may machines
    boot       the machine, from its start to its end
    namespace  in each container, process ids begin at 1
    start      when the process began: process ids are used again

Without Linux's ``/proc`` only host, pid and the unique part are known.
"""

from functools import lru_cache
from pathlib import Path

import os
import socket
import uuid


_PROC = Path("/proc")


def new_owner() -> str:
    """Return a new identity for a user of an outbox in this process."""
    return identity(os.getpid(), uuid.uuid4().hex[:12])


def identity(pid: int, unique: str) -> str:
    """Return the identity of a user ``unique`` in a running process of this place."""
    _state, start = _state_and_start(pid)
    return f"{_place()}:{pid}.{start}:{unique}"


def is_owner(found: object) -> bool:
    """Say whether something is an identity, also one of an earlier version."""
    if not isinstance(found, str):
        return False
    process = found.rsplit(":", 2)[1:2]
    return bool(process) and process[0].partition(".")[0].isdecimal()


def is_known_dead(owner: str, me: str) -> bool:
    """Say whether ``owner``'s process is certainly gone.

    Only a process of this place can be found dead; of others we know nothing, and
    False makes the caller wait for a grace time. The same holds for owners that an
    earlier version wrote, which name no place.
    """
    if not is_owner(owner):
        return False
    place, process, _ = owner.rsplit(":", 2)
    my_place, my_process, _ = me.rsplit(":", 2)
    if place != my_place or owner == me:
        return False
    if process == my_process:
        return not _is_local(owner)
    pid, _, start = process.partition(".")
    if pid == my_process.partition(".")[0]:
        return True  # an earlier life, of a container or a machine
    return not _is_running(int(pid), start)


#: Identities made in this very process: several outboxes may be open in it.
_LOCAL: set[str] = set()


def remember(owner: str) -> str:
    """Note that ``owner`` lives in this process, and return it."""
    _LOCAL.add(owner)
    return owner


def forget(owner: str) -> None:
    """Note that ``owner`` has ended although its process goes on."""
    _LOCAL.discard(owner)


def _is_local(owner: str) -> bool:
    return owner in _LOCAL


def _place() -> str:
    """Return where process ids mean what they mean here."""
    return f"{socket.gethostname()}/{_boot()}.{_namespace()}"


@lru_cache(maxsize=1)
def _boot() -> str:
    return _read(_PROC / "sys/kernel/random/boot_id").replace("-", "")[:12]


def _namespace() -> str:
    try:
        # "pid:[4026531836]"
        return os.readlink(_PROC / "self/ns/pid")[5:-1]
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return the state of a process (a letter), and when it began, after the boot."""
    # The name is in parentheses, and may hold some itself.
    fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")


def _is_running(pid: int, start: str) -> bool:
    if os.name == "nt":  # pragma: no cover - os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, and there
    state, started = _state_and_start(pid)
    # A zombie has ended, and only its parent has not noticed it.
    return state not in ("Z", "X") and (not (start and started) or start == started)
