"""The outbox in Redis or Valkey."""

from collections.abc import Callable
from collective.cloudfront.outbox.redis.server import Address
from collective.cloudfront.outbox.redis.store import RedisStore
from collective.cloudfront.outbox.stored import StoredOutbox

import os
import time


#: Where add-ons of Plone look for Redis; used if only the name of this engine is given.
FALLBACK = "PLONE_REDIS_DSN"
_NAMES = ("redis", "redis:", "redis://")


def open_engine(
    url: str, on_damage: Callable[[str], None] = lambda path: None
) -> "RedisOutbox":
    """Return the outbox at ``url``, such as ``redis://user:password@host:6379/0``.

    ``rediss://`` uses TLS, and ``redis+sentinel://host:port,host:port/service/0`` asks
    Sentinels where the server is. Behind ``?``, ``prefix`` is what all keys begin with
    (``cloudfront``), ``replicas`` how many replicas have to have what must not be lost
    (0), and others are options of redis-py. ``redis`` alone stands for the URL in
    ``PLONE_REDIS_DSN``. Raises ``ValueError`` for another URL.
    """
    if url in _NAMES:
        url = os.environ.get(FALLBACK, "")
        if not url:
            raise ValueError(
                f"redis without a host needs {FALLBACK}, which is not set."
            )
    return RedisOutbox(Address(url), on_damage)


class RedisOutbox(StoredOutbox):
    """See ``contract.Outbox``."""

    def __init__(
        self,
        address: Address,
        on_damage: Callable[[str], None] = lambda path: None,
        clock: Callable[[], float] = time.time,
    ):
        """Open the outbox lazily: the first use may fail, not this.

        ``on_damage`` is called with the URL after data was lost: the distributions are to
        be purged whole; ``clock`` returns Unix seconds.
        """
        super().__init__(RedisStore(address, self.restore, on_damage), clock)
