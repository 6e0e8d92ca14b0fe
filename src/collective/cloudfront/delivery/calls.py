"""Calls with a deadline: each in a thread of its own, for which nobody waits long.

botocore's timeouts bound silence, and not the call: a ``credential_process``, the
resolving of a name, or an answer that comes byte by byte may take for ever::

    begun ──► sending ──► ended: the answer is used, once
      │          │
      └──────────┴──────► given up: processes and connections of the call are closed.
                          What has not been sent is never sent; a late answer is not used

Threads cannot be stopped. So a call says what it waits for (``when_given_up``), and a
target whose calls hang all the same gets no more than ``MOST_HANGING`` threads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic
from typing import Protocol
from typing import TypeVar

import logging
import threading
import time


logger = logging.getLogger("collective.cloudfront")

#: Seconds for a whole call: credentials, connection and answer. Well below
#: ``sending.CLAIM_SECONDS``.
DEADLINE = 13.0
#: How many calls under one key may hang although they were given up.
MOST_HANGING = 3
#: What the names of threads that call AWS begin with.
THREAD = "cloudfront-call"

T = TypeVar("T")


class GivenUp(Exception):
    """Nobody waits for this call any more."""


class NoThread(Exception):
    """There is no thread to be had for a call."""


class Call(Generic[T]):
    """One call. ``job`` is done by ``run``, in any thread, and may use ``current``."""

    def __init__(self, job: Callable[[], T]):
        self.began = time.monotonic()
        #: Something that could have an effect may have been sent.
        self.sent = False
        self.given_up = False
        self._job = job
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._closers: dict[str, Callable[[], None]] = {}
        self._result: T
        self._error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or was given up."""
        return self.given_up or self._ended.is_set()

    @property
    def has_ended(self) -> bool:
        """Whether its job is done, even if nobody waits for it."""
        return self._ended.is_set()

    def result(self) -> T:
        """Return what the job returned; raises what it raised, or ``GivenUp``."""
        if self.given_up:
            raise GivenUp()
        if self._error is not None:
            raise self._error
        return self._result

    def run(self) -> None:
        """Do the job."""
        outer, _this.call = getattr(_this, "call", None), self
        try:
            self._result = self._job()
        except BaseException as error:
            # It is raised again where the result is asked for.
            self._error = error
        finally:
            _this.call = outer
            self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the job is done, or so long; says whether it is done."""
        return self._ended.wait(seconds)

    def give_up(self) -> None:
        """Stop waiting for a call that has not ended."""
        with self._lock:
            if self.is_over:
                return
            self.given_up = True
            closers = list(self._closers.values())
        for close in closers:
            close()

    # --- for the job ------------------------------------------------------------------

    def sending(self) -> None:
        """Note that something is sent now; raises ``GivenUp`` if it must not be."""
        with self._lock:
            if self.given_up:
                raise GivenUp()
            self.sent = True

    def when_given_up(self, what: str, close: Callable[[], None]) -> None:
        """Have ``close`` called, in another thread, when nobody waits any more.

        It takes the place of an earlier one for the same ``what``. Raises ``GivenUp``
        if it is too late.
        """
        with self._lock:
            if not self.given_up:
                self._closers[what] = close
                return
        close()
        raise GivenUp()


_this = threading.local()


def current() -> "Call[object]":
    """Return the call that this thread works for; without one, one that never ends."""
    found: Call[object] | None = getattr(_this, "call", None)
    return Call(object) if found is None else found


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A call that was over before anybody could wait for it."""

    value: T
    is_over = True

    def result(self) -> T:
        """Return what the job returned."""
        return self.value


class Calls(Protocol):
    """Begins calls."""

    def begin(self, key: str, job: Callable[[], T]) -> Call[T] | Done[T]:
        """Begin a call; raises ``NoThread``. ``key`` says for whom it is."""

    def wait(self, seconds: float) -> None:
        """Wait until one of the calls has ended since this was asked last, or so long.
        What is past its deadline is given up.
        """

    def give_up_late(self) -> None:
        """Give up what is past its deadline."""

    def give_up(self) -> None:
        """Give up what has not ended: nobody waits for it any more."""


class InPlace:
    """Calls that are done at once, by whoever begins them: for tests and scripts."""

    def begin(self, key: str, job: Callable[[], T]) -> Done[T]:
        """See ``Calls``; what the job raises is raised."""
        return Done(job())

    def wait(self, seconds: float) -> None:
        """See ``Calls``: they have ended."""

    def give_up_late(self) -> None:
        """See ``Calls``: they have ended."""

    def give_up(self) -> None:
        """See ``Calls``: they have ended."""


class InThreads:
    """Calls in daemon threads, which do not outlive the process."""

    def __init__(self, deadline: float = DEADLINE):
        """``deadline`` in seconds."""
        self.deadline = deadline
        self._running: dict[str, list[Call[object]]] = {}
        self._one_ended = threading.Event()

    def begin(self, key: str, job: Callable[[], T]) -> Call[T]:
        """See ``Calls``."""
        self.give_up_late()
        running = self._running.setdefault(key, [])
        if len(running) >= MOST_HANGING:
            raise NoThread(f"{len(running)} earlier calls still hang")
        call = Call(job)
        thread = threading.Thread(
            target=self._run, args=(call,), name=f"{THREAD} {key}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            # There are too many threads, or the interpreter ends.
            raise NoThread(str(error)) from error
        running.append(call)  # type: ignore[arg-type]
        return call

    def wait(self, seconds: float) -> None:
        """See ``Calls``."""
        self._one_ended.wait(seconds)
        self._one_ended.clear()
        self.give_up_late()

    def give_up(self) -> None:
        """See ``Calls``."""
        for calls in list(self._running.values()):
            for call in calls:
                call.give_up()

    def _run(self, call: Call[T]) -> None:
        call.run()
        self._one_ended.set()

    def give_up_late(self) -> None:
        """See ``Calls``."""
        latest = time.monotonic() - self.deadline
        for key, calls in list(self._running.items()):
            for call in calls:
                if call.began <= latest:
                    call.give_up()
            calls[:] = [call for call in calls if not call.has_ended]
            if not calls:
                del self._running[key]
