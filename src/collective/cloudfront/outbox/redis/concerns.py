"""What a person should know of the server: what it may lose."""

from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.redis.server import Server
from collective.cloudfront.outbox.store import OutboxUnavailable
from redis.exceptions import ResponseError
from typing import Any

import time


#: What was found out so long ago (seconds) is asked for again.
_REMEMBERED = 60.0


class Concerns:
    """See ``store.Store.concerns``. The server is asked once a minute at most."""

    def __init__(self, server: Server):
        self._server = server
        self._asked_at = float("-inf")
        self._found: list[Message] = []

    def found(self) -> list[Message]:
        """Return what there is to know, what is worst first; nothing if the server cannot
        be asked.
        """
        if time.monotonic() - self._asked_at > _REMEMBERED:
            try:
                self._found = self._ask()
            except OutboxUnavailable:
                return []
            self._asked_at = time.monotonic()
        return self._found

    def _ask(self) -> list[Message]:
        with self._server.using(patient=False) as client:
            info = client.info()
            config = _config(client)
            database = client.connection_pool.connection_kwargs.get("db", 0)
        replicas = self._server.address.replicas
        url = str(self._server.address)
        codes = [*_persistence(info, config), *_memory(info)]
        if info.get("connected_slaves") and not replicas:
            known = config.get("min-replicas-to-write")
            codes += [] if known and int(known) else ["redis_replication"]
        found = [message(code, url=url) for code in codes]
        # Our lock may be one of those that expire.
        if info.get(f"db{database}", {}).get("expires", 0) > 1:
            found.append(message("redis_cache", url=url, database=database))
        return found


def _config(client: Any) -> dict[str, str]:
    """Return parts of the configuration; nothing where a service does not show it."""
    found: dict[str, str] = {}
    try:
        for name in ("appendfsync", "min-replicas-to-write"):
            found.update(client.config_get(name))
    except ResponseError:
        pass
    return found


def _persistence(info: dict[str, Any], config: dict[str, str]) -> list[str]:
    if not info.get("aof_enabled"):
        return ["redis_no_log"]
    fsync = config.get("appendfsync")
    if fsync is None:
        return ["redis_log_unknown"]
    return {"always": [], "everysec": ["redis_everysec"]}.get(fsync, ["redis_no_fsync"])


def _memory(info: dict[str, Any]) -> list[str]:
    # Others remove only what expires, and nothing of ours does.
    evicts_all = str(info.get("maxmemory_policy", "")).startswith("allkeys")
    return ["redis_evicts"] if info.get("maxmemory") and evicts_all else []
