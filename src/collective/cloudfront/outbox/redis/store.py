"""A store in Redis or Valkey: any number of machines.

Whoever writes holds a lock, which ends by itself if its process does. A transaction is
written by one script, and only if the lock is still that of the transaction: a process
that was stopped for longer writes nothing.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.redis import scripts
from collective.cloudfront.outbox.redis.concerns import Concerns
from collective.cloudfront.outbox.redis.keys import Keys
from collective.cloudfront.outbox.redis.presence import Presence
from collective.cloudfront.outbox.redis.server import Address
from collective.cloudfront.outbox.redis.server import COURIER_SECONDS
from collective.cloudfront.outbox.redis.server import SAVE_SECONDS
from collective.cloudfront.outbox.redis.server import Script
from collective.cloudfront.outbox.redis.server import Server
from collective.cloudfront.outbox.redis.transaction import Asking
from collective.cloudfront.outbox.redis.transaction import RedisReader
from collective.cloudfront.outbox.redis.transaction import RedisTransaction
from collective.cloudfront.outbox.store import OutboxBusy
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.store import Saved
from collective.cloudfront.outbox.store import Transaction
from contextlib import contextmanager
from contextlib import suppress
from typing import Any

import logging
import threading
import time
import uuid


logger = logging.getLogger("collective.cloudfront")

#: The format of what is kept. A newer version that changes it gives the outbox another
#: id, so that older processes look again.
FORMAT = 1
#: The lock ends so long after its process was heard of (milliseconds).
LOCK_MS = 2000
#: A lock that somebody else holds is tried again after so long (seconds), if nobody says
#: that it is free.
_TRY_EVERY = 0.25
_WITHOUT_LOCK = ("", "", "", "")
#: What was written so long ago (seconds) is on the replicas.
_REMEMBERED = 600.0

_LOOK = Script(scripts.LOOK)
_COMMIT = Script(scripts.COMMIT)
_RELEASE = Script(scripts.RELEASE)
_OPEN = Script(scripts.OPEN)
_TIDY = Script(scripts.TIDY)


class _Changed(Exception):
    """It is not the outbox that this process knows; nothing was done."""


class RedisStore:
    """See ``store.Store``."""

    def __init__(
        self,
        address: Address,
        restore: Callable[[Transaction, Saved], bool],
        on_damage: Callable[[str], None],
    ):
        """``restore`` writes what follows when something is gone; False if it did that
        before. ``on_damage`` is called then.
        """
        self._address = address
        self._restore = restore
        self._on_damage = on_damage
        self._keys = Keys(address.prefix)
        self._server = Server(address)
        self._concerns = Concerns(self._server)
        self._id = ""
        self._start()

    def _start(self) -> None:
        self._me = uuid.uuid4().hex
        # When this process has written last: by the clock of the server, and by ours
        self._written, self._written_at = 0, 0.0
        self._writing = threading.Lock()
        self._opening = threading.RLock()
        # An outbox that is gone, if that is still to be written down
        self._gone = ""
        self._presence = Presence(self._address, self._server, self._keys, self._me)

    def __repr__(self) -> str:
        return str(self._address)

    def forked(self) -> None:
        """See ``store.Store``."""
        self._server.forked()
        self._start()

    def close(self) -> None:
        """See ``store.Store``."""
        self._server.close()

    def join(self, owner: str, wake: Callable[[], None]) -> None:
        """See ``store.Store``."""
        self._presence.join(owner, wake)

    def leave(self, owner: str) -> None:
        """See ``store.Store``."""
        self._presence.leave(owner)

    def has_ended(self, owner: str) -> bool:
        """See ``store.Store``."""
        return self._presence.has_ended(owner)

    def concerns(self) -> list[Message]:
        """See ``store.Store``."""
        return self._concerns.found()

    def adopt(self) -> int:
        """See ``store.Store``: nothing stands beside it."""
        return 0

    def tidy(self) -> None:
        """See ``store.Store``."""
        self._server.run(_TIDY, [self._keys.commits], [], patient=True)

    def synchronise(self) -> Callable[[], None]:
        """See ``store.Store``."""
        return lambda: self._server.wait_for_replicas(patient=False)

    # --- transactions -----------------------------------------------------------------

    @contextmanager
    def read(self) -> Iterator[RedisReader]:
        """See ``store.Store``."""
        self._open(patient=True)
        yield RedisReader(self._keys, self._look)

    def _look(self, asking: Asking) -> Sequence[Any]:
        try:
            return self._call(_LOOK, asking, _WITHOUT_LOCK, True)[2:]
        except _Changed as error:
            self._regain(error, patient=True)
        try:
            return self._call(_LOOK, asking, _WITHOUT_LOCK, True)[2:]
        except _Changed as error:
            raise self._lost() from error

    @contextmanager
    def write(
        self, durable: bool = False, patient: bool = True
    ) -> Iterator[RedisTransaction]:
        """See ``store.Store``."""
        self._open(patient)
        try:
            with self._locked(patient) as writer:
                yield writer.rows
                writer.commit()
        except _Changed as error:
            self._regain(error, patient)
            raise self._lost() from error
        if durable:
            self._server.wait_for_replicas(patient)

    @contextmanager
    def _locked(self, patient: bool) -> "Iterator[_Writer]":
        writer = _Writer(self._call, self._wait, self._keys, patient)
        # The lock in the server is asked for again and again: not by threads of ours.
        if not self._writing.acquire(timeout=writer.seconds):
            raise OutboxBusy(message("redis_locked", url=str(self)))
        writing = self._writing
        try:
            yield writer
        except BaseException:
            if writer.holds or writer.waits:
                values = ["", "", "", writer.token]
                with suppress(OutboxUnavailable):  # it ends by itself
                    self._server.run(_RELEASE, self._keys.own, values, patient)
            raise
        finally:
            writing.release()

    def _call(
        self, script: Script, asking: Asking, how: Sequence[Any], patient: bool
    ) -> list[Any]:
        """Run one of the scripts for transactions, and return its answer.

        Raises ``_Changed``; ``OutboxBusy`` if another process has the lock.
        """
        known = self._id
        is_late = time.monotonic() - self._written_at > _REMEMBERED
        answer = self._server.run(
            script,
            [*self._keys.own, *asking.names],
            [known, self._me, 0 if is_late else self._written, *how, *asking.arguments],
            patient,
        )
        if answer[0] in (b"gone", b"behind"):
            raise _Changed(known, answer[0] == b"behind")
        if answer[0] != b"ok":
            raise OutboxBusy(message("redis_locked", url=str(self)))
        if script is _COMMIT:
            with self._opening:
                self._written = max(self._written, answer[1])
                self._written_at = time.monotonic()
        return answer

    def _wait(self, seconds: float, patient: bool) -> None:
        """Wait until the lock may be free."""
        with self._server.using(patient) as client:
            client.execute_command("BLPOP", self._keys.gate, f"{seconds:.3f}")

    # --- which outbox it is -----------------------------------------------------------

    def _open(self, patient: bool) -> None:
        if not self._id:
            with self._opening:
                if not self._id:
                    self._id = self._find(patient)
        if self._gone:
            self._bring_back()

    def _find(self, patient: bool, instead_of: str = "") -> str:
        """Return the id of the outbox; a new one where there is none, or for one that is
        to be known under another.
        """
        new = uuid.uuid4().hex
        found = self._server.run(
            _OPEN, [self._keys.outbox], [new, FORMAT, instead_of], patient
        )
        if int(found[1]) > FORMAT:
            self._id = ""
            raise OutboxUnavailable(
                message("redis_newer", url=str(self), found=int(found[1]), known=FORMAT)
            )
        return str(found[0].decode())

    def _regain(self, changed: "_Changed", patient: bool) -> None:
        """Go on with another outbox than that which this process knew."""
        known, is_behind = changed.args
        with self._opening:
            if self._id == known:
                # If it is there, and not all of it, others are to know.
                self._id = self._find(patient, known if is_behind else "")
                self._written = 0
                self._gone = known
        if self._gone:
            self._bring_back()

    def _bring_back(self) -> None:
        """Have everything purged that may have waited in an outbox that is gone."""
        with self._opening:
            gone, self._gone = self._gone, ""
        if not gone:
            return
        try:
            with self.write(durable=True) as rows:
                saved = Saved(lost=True, trouble=f"lost {gone}")
                is_new = self._restore(rows, saved)
        except BaseException:
            with self._opening:
                self._gone = self._gone or gone
            raise
        if is_new:
            self._report()

    def _report(self) -> None:
        logger.error(
            "The outbox %s has lost data: the server was restarted without it, was "
            "emptied, or was replaced by a replica that was behind. Everything in every "
            "distribution is purged once, because more items may have been waiting. "
            "Check the persistence and the replication of the server.",
            self,
        )
        try:
            self._on_damage(str(self))
        except Exception:
            logger.exception("Handling the loss of %s failed.", self)

    def _lost(self) -> OutboxUnavailable:
        return OutboxUnavailable(message("redis_lost", url=str(self)))


class _Writer:
    """A transaction, with the lock that it takes when it reads something first."""

    def __init__(
        self,
        call: Callable[..., list[Any]],
        wait: Callable[[float, bool], None],
        keys: Keys,
        patient: bool,
    ):
        self._call = call
        self._wait = wait
        self._keys = keys
        self._patient = patient
        self.seconds = COURIER_SECONDS if patient else SAVE_SECONDS
        self._until = time.monotonic() + self.seconds
        self.token = uuid.uuid4().hex
        self.holds = self.waits = False
        self._numbers: dict[str, int] = {}
        self.rows = RedisTransaction(keys, self._look, self._serials)

    def _look(self, asking: Asking) -> Sequence[Any]:
        if self.holds:
            return self._call(
                _LOOK, asking, [self.token, 1, LOCK_MS, 0], self._patient
            )[2:]
        answer = self._when_free(_LOOK, asking, [self.token, 0, LOCK_MS])
        self.holds = True
        known = dict(zip(answer[1][::2], answer[1][1::2]))
        self._numbers = {
            name[len(b"last:") :].decode(): int(number)
            for name, number in known.items()
            if name.startswith(b"last:")
        }
        return answer[2:]

    def _serials(self) -> dict[str, int]:
        if not self.holds:
            self._look(Asking(self._keys))
        return self._numbers

    def commit(self) -> None:
        """Write all; the lock is free then."""
        asking = Asking(self._keys)
        self.rows.commands(asking)
        if not (asking.arguments or self.holds):
            return
        channel = self._keys.ready if self.rows.wakes else ""
        how = [self.token, int(self.holds), channel]
        if self.holds:
            self._call(_COMMIT, asking, [*how, 0], self._patient)
            self.holds = False
        else:
            self._when_free(_COMMIT, asking, how)

    def _when_free(
        self, script: Script, asking: Asking, how: Sequence[Any]
    ) -> list[Any]:
        while True:
            try:
                found = self._call(
                    script, asking, [*how, int(self.waits)], self._patient
                )
            except OutboxBusy:
                left = self._until - time.monotonic()
                if left <= 0:
                    raise
                self.waits = True
                self._wait(max(0.001, min(left, _TRY_EVERY)), self._patient)
            else:
                self.waits = False
                return found
