"""Who lives, and who has made something ready: a thread that is told by the server."""

from collections.abc import Callable
from collective.cloudfront.outbox.redis import scripts
from collective.cloudfront.outbox.redis.keys import Keys
from collective.cloudfront.outbox.redis.server import Address
from collective.cloudfront.outbox.redis.server import Script
from collective.cloudfront.outbox.redis.server import Server
from collective.cloudfront.outbox.store import OutboxUnavailable
from contextlib import closing
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

import logging
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: The server hears of each owner so often (seconds),
BEAT = 1.0
#: and one of whom it has not heard for so long has ended.
SILENCE = 4.0
#: Many who make something ready wake the others only so often (seconds).
CALM = 0.25
#: What was found out so long ago is asked for again.
_REMEMBERED = 0.5
#: After a failure the thread waits so long, and for an answer.
_PAUSE = 1.0
#: The thread looks so often whether it is still needed.
_LOOK = 0.25

_BEAT = Script(scripts.BEAT)
_LEAVE = Script(scripts.LEAVE)
_ENDED = Script(scripts.ENDED)


class Presence:
    """See ``store.Store.join``."""

    def __init__(self, address: Address, server: Server, keys: Keys, me: str):
        """``me`` is who says that something is ready; it is not told so itself."""
        self._address = address
        self._server = server
        self._keys = keys
        self._me = me.encode()
        # Held for moments only
        self._lock = threading.Lock()
        self._owners: dict[str, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        # Whether there is something to wake owners for, and when that was done last
        self._is_news, self._woken_at = False, float("-inf")
        # Since when the server hears of us
        self._heard_since: float | None = None
        self._ended: frozenset[str] = frozenset()
        self._asked_at = float("-inf")

    def join(self, owner: str, wake: Callable[[], None]) -> None:
        """See ``store.Store``."""
        with self._lock:
            self._owners[owner] = wake
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="cloudfront-outbox", daemon=True
                )
                self._thread.start()

    def leave(self, owner: str) -> None:
        """See ``store.Store``."""
        with self._lock:
            if self._owners.pop(owner, None) is None:
                return
        try:
            self._server.run(_LEAVE, [self._keys.owners], [owner], patient=False)
        except OutboxUnavailable:
            pass  # it is silent from now on

    def has_ended(self, owner: str) -> bool:
        """See ``store.Store``."""
        now = time.monotonic()
        if now - self._asked_at > _REMEMBERED:
            self._asked_at = now
            try:
                found = self._server.run(
                    _ENDED, [self._keys.owners], [SILENCE], patient=False
                )
                self._ended = frozenset(each.decode() for each in found)
            except OutboxUnavailable:
                self._ended = frozenset()
        return owner in self._ended and not self._is_too_early(now)

    def _is_too_early(self, now: float) -> bool:
        """Say whether nobody may have been heard of: the server was away."""
        if self._thread is None:
            return False
        since = self._heard_since
        return since is None or now - since < SILENCE

    # --- the thread -------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                with closing(self._address.client(_PAUSE, _PAUSE)) as client:
                    self._serve(client)
            except (RedisError, OSError) as error:
                self._address.note(error)
                logger.debug("The outbox %s: %s", self._address, error)
            except Exception:
                logger.exception("Listening to the outbox %s failed.", self._address)
            self._heard_since = None
            with self._lock:
                if not self._owners:
                    self._thread = None
                    return
            time.sleep(_PAUSE)

    def _serve(self, client: "Redis") -> None:
        with closing(client.pubsub(ignore_subscribe_messages=True)) as heard:
            heard.subscribe(self._keys.ready)
            while owners := list(self._owners):
                _BEAT.run(client, [self._keys.owners], owners)
                now = time.monotonic()
                self._heard_since = self._heard_since or now
                self._listen(heard, until=now + BEAT)

    def _listen(self, heard: "PubSub", until: float) -> None:
        while self._owners and (now := time.monotonic()) < until:
            wake_at = self._woken_at + CALM if self._is_news else until
            if wake_at <= now:
                self._is_news, self._woken_at = False, now
                for wake in list(self._owners.values()):
                    wake()
                continue
            found = heard.get_message(timeout=min(until - now, wake_at - now, _LOOK))
            if found and found["type"] == "message" and found["data"] != self._me:
                self._is_news = True
