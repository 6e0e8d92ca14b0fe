"""Does what a person in Slack asks for, in Plone or in AWS Lambda: the backend differs.

::

    Incoming ──► what is asked? ──► may this user? ──► every page? ──► once? ──► backend
                      │                  │                 │             │
                 not understood       refused       question, button   refused
"""

from collections.abc import Callable
from collective.cloudfront.slack import answers
from collective.cloudfront.slack.access import Access
from collective.cloudfront.slack.access import Action
from collective.cloudfront.slack.answers import Answer
from collective.cloudfront.slack.asked import Asked
from collective.cloudfront.slack.asked import asked_from
from collective.cloudfront.slack.asked import LASTS
from collective.cloudfront.slack.command import Command
from collective.cloudfront.slack.command import Kind
from collective.cloudfront.slack.command import moment
from collective.cloudfront.slack.command import NoMoment
from collective.cloudfront.slack.command import NotUnderstood
from collective.cloudfront.slack.command import read
from collective.cloudfront.slack.gate import Reason
from collective.cloudfront.slack.gate import Refused
from collective.cloudfront.slack.incoming import Incoming
from dataclasses import dataclass
from dataclasses import replace
from datetime import tzinfo
from typing import Protocol


#: Nothing is scheduled later than this (seconds): a year.
LATEST = 366 * 86400.0

_ACTIONS = {
    Kind.STATUS: Action.STATUS,
    Kind.PAGES: Action.PAGES,
    Kind.TAGS: Action.TAGS,
    Kind.ALL: Action.ALL,
}


class CannotPurge(Exception):
    """Nothing was purged; the text says why, in Slack's markup."""


@dataclass(frozen=True, slots=True)
class Order:
    """A purge that somebody may have, and that was not done before.

    ``key`` identifies it; ``due`` is when (Unix seconds), None is at once.
    """

    key: str
    command: Command
    due: float | None
    user: str
    user_name: str
    response_url: str


class Backend(Protocol):
    """What purges."""

    #: Whether something can be scheduled, and the time zone that people mean.
    can_schedule: bool
    zone: tzinfo

    def status(self) -> str:
        """Return how purging is, in Slack's markup."""

    def is_everything(self, command: Command) -> bool:
        """Say whether pages reach every page. Raises ``CannotPurge`` for bad pages."""

    def is_first(self, key: str) -> bool:
        """Say whether this was not purged before, and remember it."""

    def purge(self, order: Order) -> Answer:
        """Purge; return what people read. Raises ``CannotPurge``."""


class Desk:
    """Answers what the gate has let in."""

    def __init__(self, access: Access, backend: Backend, clock: Callable[[], float]):
        """``clock`` returns Unix seconds."""
        self._access = access
        self._backend = backend
        self._clock = clock

    def answer(self, incoming: Incoming) -> Answer:
        """Do what is asked for, or say why not. Raises ``Refused``."""
        try:
            if incoming.action:
                return self._clicked(incoming)
            return self._asked(incoming)
        except NotUnderstood as error:
            return Answer(answers.not_understood(error))
        except CannotPurge as error:
            return Answer(str(error), replaces=bool(incoming.action))

    def _asked(self, incoming: Incoming) -> Answer:
        command = read(incoming.text)
        if command.kind is Kind.HELP:
            allowed = self._access.allowed(incoming.user)
            return Answer(answers.help_text(allowed, self._backend.can_schedule))
        # Before anything is said of the site
        self._require(_ACTIONS[command.kind], incoming)
        if command.kind is Kind.STATUS:
            return Answer(self._backend.status())
        due = self._due(command)
        if command.kind is Kind.PAGES and self._backend.is_everything(command):
            self._require(Action.ALL, incoming)
            command = Command(Kind.ALL, at=command.at)
        if command.kind is Kind.ALL:
            asked = Asked(incoming.key, incoming.user, self._clock() + LASTS, due)
            return answers.question(asked.as_text(), due)
        return self._purge(incoming, incoming.key, command, due)

    def _clicked(self, incoming: Incoming) -> Answer:
        asked = asked_from(incoming.value)
        if asked is None or incoming.action not in (answers.YES, answers.NO):
            raise Refused(Reason.MALFORMED, incoming)
        if incoming.user != asked.user:
            return Answer(answers.NOT_YOURS)
        if incoming.action == answers.NO:
            return Answer(answers.CANCELLED, replaces=True)
        self._require(Action.ALL, incoming)
        now = self._clock()
        if not asked.until - LASTS - 60 <= now <= asked.until:
            return Answer(answers.TOO_LATE, replaces=True)
        if asked.due is not None and not now < asked.due <= now + LATEST:
            return Answer(answers.IMPOSSIBLE_MOMENT, replaces=True)
        command = Command(Kind.ALL)
        answer = self._purge(incoming, asked.confirmed_key, command, asked.due)
        return replace(answer, replaces=True)

    def _purge(
        self, incoming: Incoming, key: str, command: Command, due: float | None
    ) -> Answer:
        if not self._backend.is_first(key):
            raise Refused(Reason.REPEATED, incoming)
        return self._backend.purge(
            Order(
                key,
                command,
                due,
                incoming.user,
                incoming.user_name,
                incoming.response_url,
            )
        )

    def _due(self, command: Command) -> float | None:
        if not command.at:
            return None
        if not self._backend.can_schedule:
            raise CannotPurge(answers.CANNOT_SCHEDULE)
        now = self._clock()
        try:
            due = moment(command.at, now, self._backend.zone)
        except NoMoment as error:
            raise CannotPurge(answers.IMPOSSIBLE_MOMENT) from error
        if not now < due <= now + LATEST:
            raise CannotPurge(answers.IMPOSSIBLE_MOMENT)
        return due

    def _require(self, action: Action, incoming: Incoming) -> None:
        if not self._access.allows(incoming.user, action):
            raise Refused(Reason.USER, incoming)
