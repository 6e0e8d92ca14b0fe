"""What is remembered of a site's alerts: which troubles people know of, and the messages
that are still to be sent.

A message is remembered before it is sent, so that another process sends it if this one
ends meanwhile. Each way (e-mail, webhook) is tried for itself.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.alerts import known
from collective.cloudfront.alerts import message
from collective.cloudfront.alerts.known import Known
from collective.cloudfront.alerts.known import step
from collective.cloudfront.alerts.message import Message
from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.outbox import Outbox
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Protocol

import logging


logger = logging.getLogger("collective.cloudfront")

#: The ways.
MAIL, WEBHOOK = "e-mail", "webhook"
#: What fails is tried again after so many seconds, and then no more.
DELAYS = (30.0, 60.0, 300.0, 900.0)
#: So many messages are remembered, the latest.
MOST = 10
#: A claim outlives one try by far (seconds).
CLAIM_SECONDS = 120.0

#: Sends a message one way, or raises ``NotDelivered``.
Send = Callable[[str, Message], None]
#: Makes the message about what is new; the last argument says whether all is over.
Compose = Callable[[known.News, bool], Message]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that was not yet sent the ``ways`` (each with the number of failures);
    ``due`` is when (Unix seconds) it is tried.
    """

    message: Message
    ways: Mapping[str, int]
    due: float


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one site."""

    known: Mapping[str, Known] = field(default_factory=dict)
    outgoing: tuple[Outgoing, ...] = ()


class Place(Protocol):
    """Where that is remembered."""

    def load(self) -> State:
        """Return what is remembered."""

    def claim(self) -> bool:
        """Say whether it is this process's turn to send."""

    def keep(self, state: State, is_done: bool) -> None:
        """Remember; the turn is over if it ``is_done``."""


def tell(
    place: Place,
    found: Mapping[str, Any],
    ways: Sequence[str],
    compose: Compose,
    send: Send,
    now: float,
) -> None:
    """Tell people of the troubles ``found``, if they do not know, and what is over."""
    state = place.load()
    after = step(state.known, found, now).known
    if after == state.known and not _due(state, now) or not place.claim():
        return
    # Somebody else may have done it meanwhile
    state = advanced(place.load(), found, ways, compose, now)
    place.keep(state, False)
    for each in _due(state, now):
        tried = _try(each, ways, send, now)
        left = [tried if one is each else one for one in state.outgoing]
        state = replace(state, outgoing=tuple(one for one in left if one.ways))
        place.keep(state, False)
    place.keep(state, True)


def advanced(
    state: State,
    found: Mapping[str, Any],
    ways: Sequence[str],
    compose: Compose,
    now: float,
) -> State:
    """Return the state after a look, with a message about what is new."""
    done = step(state.known, found, now)
    outgoing = state.outgoing
    if done.news and ways:
        is_all_over = not any(each.is_open for each in done.known.values())
        new = compose(done.news, is_all_over)
        outgoing = (*outgoing, Outgoing(new, dict.fromkeys(ways, 0), now))
    return State(done.known, outgoing[-MOST:])


def _due(state: State, now: float) -> list[Outgoing]:
    # What is further away was planned before the clock was set back.
    return [each for each in state.outgoing if not now < each.due <= now + DELAYS[-1]]


def _try(each: Outgoing, ways: Sequence[str], send: Send, now: float) -> Outgoing:
    """Return what is left to be done of a message."""
    left = {}
    for way, failures in each.ways.items():
        if way not in ways:
            # Nobody wants it this way any more.
            continue
        try:
            send(way, each.message)
        except NotDelivered as error:
            if failures < len(DELAYS):
                left[way] = failures + 1
            else:
                logger.error(
                    "An alert could not be sent by %s after %d attempts: %s. It said: %s",
                    way,
                    failures + 1,
                    error,
                    each.message.subject,
                )
    delay = DELAYS[min(left.values()) - 1] if left else 0.0
    return replace(each, ways=left, due=now + delay)


class InMemory:
    """For trouble with the outbox, by process."""

    def __init__(self) -> None:
        self._state = State()

    def load(self) -> State:
        """See ``Place``."""
        return self._state

    def claim(self) -> bool:
        """See ``Place``: nobody else has it."""
        return True

    def keep(self, state: State, is_done: bool) -> None:
        """See ``Place``."""
        self._state = state


class InOutbox:
    """For all processes that share an outbox: one sends."""

    def __init__(self, outbox: Outbox, site: str):
        """``site`` identifies the site."""
        self._outbox = outbox
        self._name = f"alerts:{site}"

    def load(self) -> State:
        """See ``Place``."""
        return from_json(self._outbox.run(self._name))

    def claim(self) -> bool:
        """See ``Place``."""
        return self._outbox.claim_run(self._name, CLAIM_SECONDS)

    def keep(self, state: State, is_done: bool) -> None:
        """See ``Place``; raises ``ClaimLost``."""
        seconds = 0.0 if is_done else CLAIM_SECONDS
        self._outbox.keep_run(self._name, as_json(state), seconds)


def as_json(state: State) -> dict[str, Any]:
    """Return a state as JSON can hold it."""
    return {
        "known": known.as_json(state.known),
        "outgoing": [
            [message.as_json(each.message), dict(each.ways), each.due]
            for each in state.outgoing
        ],
    }


def from_json(stored: Any) -> State:
    """Return what ``as_json`` was given. What makes no sense was never there."""
    if not isinstance(stored, dict):
        return State()
    outgoing = []
    for each in stored.get("outgoing") or ():
        with suppress(TypeError, ValueError, AttributeError):
            text, ways, due = each
            found = message.from_json(text)
            if found is not None:
                ways = {str(way): int(count) for way, count in ways.items()}
                outgoing.append(Outgoing(found, ways, float(due)))
    return State(known.from_json(stored.get("known")), tuple(outgoing))
