"""Who uses an outbox: each process says so now and then, and others can see it."""

from collections.abc import Callable
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.owner import forget
from collective.cloudfront.outbox.owner import is_known_dead
from collective.cloudfront.outbox.owner import new_owner
from collective.cloudfront.outbox.owner import remember
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import os
import socket
import time


#: The outbox remembers it under this name, and holds the claim for so long (seconds).
RUN = "users"
_CLAIM_SECONDS = 5.0
#: A process says so often that it is there (seconds).
EVERY = 20.0
#: If it could not, it tries again after so many seconds.
TRY_AGAIN = 5.0
#: Who has not said so for this long (seconds) is gone.
GONE_AFTER = 60.0


class Kind(Enum):
    """What uses an outbox."""

    #: ``cloudfront worker``
    WORKER = "worker"
    #: A Zope process that delivers
    ZOPE = "zope"
    #: One with ``CLOUDFRONT_COURIER=off``
    SAVES_ONLY = "zope_without_courier"


@dataclass(frozen=True, slots=True)
class User:
    """A process that uses an outbox, and when it said so last (Unix seconds)."""

    owner: str
    kind: Kind
    host: str
    pid: int
    seen: float

    @property
    def delivers(self) -> bool:
        """Whether it sends something."""
        return self.kind is not Kind.SAVES_ONLY


class Presence:
    """Lets others see that this process uses an outbox."""

    def __init__(
        self, outbox: Outbox, kind: Kind, clock: Callable[[], float] = time.time
    ):
        """``clock`` returns Unix seconds."""
        self._outbox = outbox
        self._kind = kind
        self._clock = clock
        self.owner = remember(new_owner())
        self._said_at: float | None = None

    def say(self) -> None:
        """Say that this process is here, if it is time to. Raises ``OutboxUnavailable``."""
        now = self._clock()
        if self._said_at is not None and 0 <= now - self._said_at < 0.9 * EVERY:
            return
        remember(self.owner)
        if self._write([self._kind.value, socket.gethostname(), os.getpid(), now]):
            self._said_at = now

    def end(self) -> None:
        """Say that it is gone, if it was there. Raises ``OutboxUnavailable``."""
        if self._said_at is not None:
            self._said_at = None
            self._write(None)
        forget(self.owner)

    def _write(self, value: list[Any] | None) -> bool:
        try:
            return self._replace(value)
        except (ClaimLost, MemoryChanged):
            return False  # another process does the same; the next time, then

    def _replace(self, value: list[Any] | None) -> bool:
        now = self._clock()
        with self._outbox.together():
            if not self._outbox.claim_run(RUN, _CLAIM_SECONDS):
                return False
            found = {
                each.owner: [each.kind.value, each.host, each.pid, each.seen]
                for each in _users(self._outbox, now)
                if each.owner != self.owner
                and not is_known_dead(each.owner, self.owner)
            }
            if value is not None:
                found[self.owner] = value
            self._outbox.keep_run(RUN, found, 0)
        return True


def present(outbox: Outbox, now: float) -> list[User]:
    """Return who uses an outbox at ``now`` (Unix seconds), as far as that is known.

    Raises ``OutboxUnavailable``.
    """
    me = new_owner()
    return [each for each in _users(outbox, now) if not is_known_dead(each.owner, me)]


def _users(outbox: Outbox, now: float) -> list[User]:
    stored = outbox.run(RUN)
    found = []
    for owner, values in stored.items() if isinstance(stored, dict) else ():
        # What makes no sense was never there.
        with suppress(TypeError, ValueError):
            kind, host, pid, seen = values
            user = User(owner, Kind(kind), str(host), int(pid), float(seen))
            if abs(now - user.seen) <= GONE_AFTER:
                found.append(user)
    return sorted(found, key=lambda user: (user.kind.value, user.host, user.pid))
