"""The server at a URL: connections of this thread, and what goes wrong with them."""

from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.store import OutboxUnavailable
from contextlib import contextmanager
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.exceptions import AuthorizationError
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import MovedError
from redis.exceptions import NoScriptError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import ReadOnlyError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TooLate
from redis.retry import Retry
from redis.sentinel import Sentinel
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import unquote
from urllib.parse import urlencode
from urllib.parse import urlsplit
from urllib.parse import urlunsplit

import hashlib
import threading
import time


#: For so long (seconds) the save of an editor waits for an answer, and for a connection.
SAVE_SECONDS = 0.4
SAVE_CONNECT_SECONDS = 0.2
#: The same for the courier: a server that writes to a slow disk may take some time.
COURIER_SECONDS = 5.0
CONNECT_SECONDS = 1.0
#: After a failure no save tries the server for so long.
DOWN_SECONDS = 1.0

_SENTINEL = "redis+sentinel"
_SENTINEL_PORT = 26379


class Address:
    """The URL of an outbox, in parts; raises ``ValueError`` for one that is none."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.prefix = options.pop("prefix", "cloudfront")
        self.replicas = _number(options.pop("replicas", "0"), "replicas")
        #: Of redis-py: ``ssl_ca_certs`` and the like.
        self.options = options
        self._url = urlunsplit(parts._replace(query=urlencode(options), fragment=""))
        self.sentinels: list[tuple[str, int]] = []
        self.service, self.database = "", 0
        if not self.prefix or set("{}") & set(self.prefix):
            raise ValueError(f"{self.prefix!r} is no prefix of keys.")
        if parts.scheme == _SENTINEL:
            self._find_sentinels(parts.netloc, parts.path)
        elif not parts.hostname:
            raise ValueError(
                f"The URL names no server: use {parts.scheme}://host:port/0"
            )
        shown = [parts.scheme, "://", parts.netloc.rpartition("@")[2], parts.path]
        if self.prefix != "cloudfront":
            shown += ["?prefix=", self.prefix]
        self._shown = "".join(shown)
        #: The host and port of the node of a cluster that has our keys, if that is another.
        self.node: tuple[str, int] | None = None
        self.client(1.0, 1.0)  # raises ValueError

    def __str__(self) -> str:
        """Return the URL without a password."""
        return self._shown

    def _find_sentinels(self, netloc: str, path: str) -> None:
        user, _, hosts = netloc.rpartition("@")
        name, _, password = user.partition(":")
        service, _, database = path.strip("/").partition("/")
        if not (hosts and service):
            raise ValueError(
                f"The URL names no service: use {_SENTINEL}://host:port,host:port/service/0"
            )
        self.service = unquote(service)
        self.database = _number(database or "0", "the database")
        for each in hosts.split(","):
            host, _, port = each.rpartition(":") if ":" in each else (each, "", "")
            self.sentinels.append(
                (host, _number(port or str(_SENTINEL_PORT), "the port of a Sentinel"))
            )
        self._login = {"username": unquote(name) or None} if name else {}
        if password:
            self._login["password"] = unquote(password)

    def client(self, connecting: float, answer: float) -> "Redis":
        """Return a client that waits so long (seconds) for a connection, and an answer."""
        how: dict[str, Any] = {
            "socket_connect_timeout": connecting,
            "socket_timeout": answer,
            "socket_keepalive": True,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        try:
            if not self.service:
                client = Redis.from_url(self._url, **how)
            else:
                client = self._of_sentinels({**self.options, **how})
            options = client.connection_pool.connection_kwargs
            options["command_packer"] = _Packer()
            if self.node:
                options["host"], options["port"] = self.node
            client.connection_pool.make_connection()
        except (TypeError, AttributeError) as error:
            raise ValueError(f"redis-py does not know an option ({error}).") from None
        return client

    def note(self, error: Exception) -> None:
        """Note what an error says of where the server is."""
        if isinstance(error, MovedError):
            self.node = error.host, error.port
        elif isinstance(error, (NoConnection, TooLate, OSError)):
            self.node = None

    def _of_sentinels(self, how: dict[str, Any]) -> "Redis":
        sentinels = Sentinel(self.sentinels, sentinel_kwargs=how)
        return sentinels.master_for(
            self.service, db=self.database, **self._login, **how
        )


def _number(text: str, name: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{name} has to be a number.")
    return int(text)


class _Packer:
    """Commands as the server reads them. That of redis-py takes three times as long for
    the many short arguments of a transaction.
    """

    def pack(self, *arguments: Any) -> list[bytes]:
        """Return a command, in one piece."""
        words = str(arguments[0]).split()  # "CONFIG GET" are two
        values = [
            each if isinstance(each, bytes) else str(each).encode()
            for each in (*words, *arguments[1:])
        ]
        packed = [b"$%d\r\n%b\r\n" % (len(each), each) for each in values]
        return [b"*%d\r\n%b" % (len(values), b"".join(packed))]


class Script:
    """A script, and the name by which the server remembers it."""

    def __init__(self, text: str):
        self.text = text
        self.name = hashlib.sha1(text.encode()).hexdigest()

    def run(self, client: "Redis", keys: Sequence[str], values: Sequence[Any]) -> Any:
        """Run it in the server."""
        try:
            return client.evalsha(self.name, len(keys), *keys, *values)
        except NoScriptError:
            # It has restarted, or is another one.
            return client.eval(self.text, len(keys), *keys, *values)


class Server:
    """Runs scripts; raises ``OutboxUnavailable`` if that does not work.

    Each thread has connections of its own, for what is patient and what is not.
    """

    def __init__(self, address: Address):
        self.address = address
        self.forked()

    def forked(self) -> None:
        """Share no connection with the parent."""
        self._local = threading.local()
        self._down: tuple[float, Message] | None = None

    def run(
        self, script: Script, keys: Sequence[str], values: Sequence[Any], patient: bool
    ) -> Any:
        """Run a script."""
        try:
            with self.using(patient) as client:
                return script.run(client, keys, values)
        except OutboxUnavailable as error:
            if not isinstance(error.__cause__, MovedError):
                raise
        with self.using(patient) as client:
            return script.run(client, keys, values)

    @contextmanager
    def using(self, patient: bool) -> "Iterator[Redis]":
        """Return a client of this thread. Errors are ``OutboxUnavailable``."""
        if not patient:
            self._refuse_if_down()
        try:
            client = self._client(patient)
            yield client
        except (RedisError, OSError) as error:
            said = self._said(error)
            self.address.note(error)
            if isinstance(error, (NoConnection, TooLate, ReadOnlyError, OSError)):
                self._down = time.monotonic() + DOWN_SECONDS, said
                # After a failover the name of the server may stand for another one.
                self.close()
            elif isinstance(error, MovedError):
                self.close()
            raise OutboxUnavailable(said) from error
        self._down = None

    def wait_for_replicas(self, patient: bool) -> None:
        """Wait until enough replicas have what this thread has written last."""
        wanted = self.address.replicas
        if not wanted:
            return
        seconds = COURIER_SECONDS if patient else SAVE_SECONDS
        if not hasattr(self._local, "patient" if patient else "hasty"):
            # Replicas confirm what a connection has written, and it is closed.
            raise OutboxUnavailable(message("redis_silent", url=str(self.address)))
        with self.using(patient) as client:
            # Less than the time for an answer: the server looks ten times a second.
            found = client.wait(wanted, int(seconds * 400))
        if found < wanted:
            raise OutboxUnavailable(
                message(
                    "redis_replicas", url=str(self.address), found=found, wanted=wanted
                )
            )

    def close(self) -> None:
        """Close the connections of this thread."""
        for client in vars(self._local).values():
            client.close()
        self._local.__dict__.clear()

    def _client(self, patient: bool) -> "Redis":
        name = "patient" if patient else "hasty"
        client: Redis | None = getattr(self._local, name, None)
        if client is None:
            if patient:
                client = self.address.client(CONNECT_SECONDS, COURIER_SECONDS)
            else:
                client = self.address.client(SAVE_CONNECT_SECONDS, SAVE_SECONDS)
                self._connect(client)
            setattr(self._local, name, client)
        return client

    def _connect(self, client: "Redis") -> None:
        """Connect in another thread: nothing bounds how long a name is looked up."""
        failed: list[Exception] = []

        def connect() -> None:
            try:
                client.ping()
            except (RedisError, OSError) as error:
                failed.append(error)

        thread = threading.Thread(
            target=connect, name="cloudfront-connect", daemon=True
        )
        thread.start()
        thread.join(SAVE_SECONDS)
        if thread.is_alive():
            raise TooLate()
        if failed:
            raise failed[0]

    def _refuse_if_down(self) -> None:
        down = self._down
        if down is not None and time.monotonic() < down[0]:
            raise OutboxUnavailable(down[1])

    def _said(self, error: Exception) -> Message:
        url = str(self.address)
        for kinds, code in _REASONS:
            if isinstance(error, kinds):
                return message(code, url=url)
        return message("redis_failed", url=url, error=str(error) or repr(error))


#: What an error says, if not by itself.
_REASONS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((AuthenticationError, AuthorizationError), "redis_login"),
    ((ReadOnlyError,), "redis_read_only"),
    ((OutOfMemoryError,), "redis_full"),
    ((TooLate,), "redis_silent"),
)
