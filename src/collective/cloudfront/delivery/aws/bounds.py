"""Bounds for botocore: nothing of it asks a person, or outlives a call's deadline.

A call that is given up closes its connection and ends the ``credential_process`` that
it waits for. ``hooks`` lists the private names of botocore that are used here; without
one of them, a thread may hang for longer than its call, and nothing else breaks.
"""

from collective.cloudfront.delivery.aws.errors import CredentialsFailed
from collective.cloudfront.delivery.aws.errors import first_words
from collective.cloudfront.delivery.aws.errors import FOREIGN
from collective.cloudfront.delivery.aws.errors import is_of_aws
from collective.cloudfront.delivery.aws.errors import NeedsPerson
from collective.cloudfront.delivery.calls import current
from collective.cloudfront.delivery.calls import THREAD
from functools import cache
from typing import Any

import logging
import os
import signal
import socket
import subprocess


logger = logging.getLogger("collective.cloudfront")

#: Seconds for a ``credential_process``. Shorter than a call's deadline, so that it is
#: known what has hung.
PROCESS_SECONDS = 10.0


def new_session() -> Any:
    """Return a session of botocore whose clients, those that get credentials as well,
    can be given up.
    """
    from botocore.session import Session

    class Bounded(Session):  # type: ignore[misc]
        def create_client(self, *args: Any, **kwargs: Any) -> Any:
            client = super().create_client(*args, **kwargs)
            _watch_connections(client)
            return client

    _log_no_refresh()
    return Bounded()


def ask_nobody(session: Any) -> None:
    """Have a session of botocore, with its profile set, ask no person for credentials,
    and wait for no program for ever.
    """
    from botocore.credentials import ProcessProvider
    from botocore.exceptions import UnknownCredentialError

    def process_provider(profile: str) -> Any:
        return ProcessProvider(profile, lambda: session.full_config, popen=Program)

    resolver = session.get_component("credential_provider")
    profile = session.get_config_variable("profile") or "default"
    try:
        resolver.insert_before("custom-process", process_provider(profile))
        roles = resolver.get_provider("assume-role")
    except UnknownCredentialError:
        return
    roles._prompter = _needs_person
    # What a role is assumed with may come from another profile's program.
    roles._profile_provider_builder._create_process_provider = process_provider


def _needs_person(*_question: object) -> str:
    raise NeedsPerson()


class Program(subprocess.Popen[bytes]):
    """A ``credential_process``: it cannot ask anybody, and is ended with its call."""

    def __init__(self, *args: Any, **kwargs: Any):
        """Start it in a session of its own: all that it starts ends with it, and no
        terminal is at hand.
        """
        kwargs.update(stdin=subprocess.DEVNULL, start_new_session=True)
        super().__init__(*args, **kwargs)
        current().when_given_up("process", self.end)

    def communicate(
        self, input: bytes | None = None, timeout: float | None = None
    ) -> tuple[bytes, bytes]:
        """Return what it writes; raises ``CredentialsFailed`` if that takes long."""
        try:
            return super().communicate(input, timeout or PROCESS_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            self._leave()
            raise CredentialsFailed(
                f"credential_process takes longer than {PROCESS_SECONDS:g} seconds"
            ) from None
        finally:
            current().when_given_up("process", _nothing)

    def _leave(self) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        try:
            self.wait(1.0)
        except subprocess.TimeoutExpired:
            logger.debug("A credential_process cannot be killed.")

    def end(self) -> None:
        """Kill it, with all that it has started."""
        if not hasattr(os, "killpg"):
            self.kill()  # Windows knows no groups
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self.kill()


def _nothing() -> None:
    """There is nothing to end any more."""


# --- connections ----------------------------------------------------------------------


def mark(client: Any) -> None:
    """Have a client note when something is sent, and what a proxy answers."""
    events = client.meta.events
    events.register("before-send.cloudfront", _before_send)
    events.register("before-parse.cloudfront", _before_parse)


def _before_send(**_details: Any) -> None:
    current().sending()


def _before_parse(
    response_dict: Any = None, customized_response_dict: Any = None, **_details: Any
) -> None:
    body = response_dict["body"]
    if response_dict["status_code"] >= 300 and body and not is_of_aws(body):
        customized_response_dict[FOREIGN] = first_words(body)


def _watch_connections(client: Any) -> None:
    http = getattr(getattr(client, "_endpoint", None), "http_session", None)
    pools = getattr(http, "_pool_classes_by_scheme", {})
    for scheme, pool in pools.items():
        pools[scheme] = _watched(pool)


@cache
def _watched(pool: Any) -> Any:
    """Return a pool whose connections are closed when their call is given up."""

    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def connect(self) -> None:
            self._watch()
            super().connect()

        def request(self, *args: Any, **kwargs: Any) -> Any:
            self._watch()
            return super().request(*args, **kwargs)

        def _watch(self) -> None:
            current().when_given_up("connection", self._break)

        def _break(self) -> None:
            sock = self.sock  # another thread may close it meanwhile
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It is closed already, or was never open.
                    sock.close()

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


# --- the log --------------------------------------------------------------------------


@cache
def _log_no_refresh() -> None:
    """Keep botocore from logging, with a traceback and at each try, that credentials
    could not be renewed: the courier logs it, once, with what to do.
    """
    logging.getLogger("botocore.credentials").addFilter(_is_not_ours)


def _is_not_ours(record: logging.LogRecord) -> bool:
    is_ours = (record.threadName or "").startswith(THREAD)
    return not (is_ours and record.exc_info)
