"""Who wrote this row: an identity of a process that others can find dead."""

import os
import socket
import uuid


def new_owner() -> str:
    """Return a new identity, ``host:pid:unique``, for a user of an outbox."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def is_known_dead(owner: str, me: str) -> bool:
    """Say whether ``owner``'s process is certainly gone.

    Only a process on this host can be found dead; of others we know nothing, and
    False makes the caller wait for a grace time. A container restarted under its
    old name often gets its old pid again: then the pid is ours, and the rest of
    the identity tells the two lives apart.
    """
    host, pid, _ = owner.rsplit(":", 2)
    my_host, my_pid, _ = me.rsplit(":", 2)
    if host != my_host or owner == me:
        return False
    return not _is_running(int(pid)) if pid != my_pid else not _is_local(owner)


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


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # pragma: no cover - os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
