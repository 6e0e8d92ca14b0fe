"""``GET @cloudfront``: the state, as the control panel shows it."""

from collections.abc import Callable
from collective.cloudfront.api.history import History
from collective.cloudfront.api.scheduled import ScheduledByPeople
from collective.cloudfront.api.set_up import set_up_of
from collective.cloudfront.controlpanel.checks import checks
from collective.cloudfront.controlpanel.headline import report
from collective.cloudfront.controlpanel.health import Health
from collective.cloudfront.controlpanel.health import health
from collective.cloudfront.controlpanel.overview import distributions_in_force
from collective.cloudfront.controlpanel.overview import obstacles
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.controlpanel.overview import overview
from collective.cloudfront.controlpanel.sentences import cause_sentence
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.shown import request_as_json
from collective.cloudfront.outbox.shown import Shown
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import read_settings
from plone.registry.interfaces import IRegistry
from plone.restapi.services import Service
from typing import Any
from zope.component import getUtility
from zope.i18n import translate
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces import NotFound

import time


@implementer(IPublishTraverse)
class State(Service):
    """What waits, what is in progress, what was sent and what it costs.

    And, below it, what the checks find, what was purged, what people have scheduled, and
    how caching is set up.
    """

    name = ""

    def publishTraverse(self, request: Any, name: str) -> "State":
        """Take a name from the URL."""
        if self.name or name not in ("checks", "history", "scheduled", "set-up"):
            raise NotFound(self.context, name, request)
        self.name = name
        return self

    def reply(self) -> dict[str, Any]:
        """Return it as JSON; times are ISO 8601, in UTC."""
        parts = {
            "": self._state,
            "checks": self._checks,
            "history": History(self.context, self.request).reply,
            "scheduled": ScheduledByPeople(self.context, self.request).reply,
            "set-up": lambda: set_up_of(self.context),
        }
        return parts[self.name]()

    def _checks(self) -> dict[str, Any]:
        return {
            "@id": f"{self.context.absolute_url()}/@cloudfront/checks",
            "items": [
                {
                    "name": each.name,
                    "level": each.level.name.lower(),
                    "title": self._text(each.title),
                    "text": self._text(each.text),
                    "advice": self._text(each.advice),
                }
                for each in checks(self.context, self.request)
            ],
        }

    def _state(self) -> dict[str, Any]:
        registry = getUtility(IRegistry)
        state = overview(this_process(), distributions_in_force(registry))
        found = obstacles(registry)
        return {
            "@id": f"{self.context.absolute_url()}/@cloudfront",
            "obstacles": [
                {"text": self._text(each.text), "advice": self._text(each.advice)}
                for each in found
            ],
            "health": health_as_json(
                health(state, bool(found), time.time()), self._text
            ),
            "purged_by": _ways(registry),
            **as_json(state, self._text),
        }

    def _text(self, text: str) -> str:
        return translate(text, context=self.request)


def health_as_json(found: Health, translated: Callable[[str], str]) -> dict[str, str]:
    """Return how purging is, as a level, a code and sentences."""
    return {
        "level": found.level.name.lower(),
        "code": found.code.value,
        "text": translated(report(found)),
    }


def _ways(registry: IRegistry) -> list[str]:
    settings = read_settings(registry)
    if settings is None:
        return []
    ways = {"tags": settings.by_tags, "paths": settings.by_paths}
    return [name for name, is_used in ways.items() if is_used]


def as_json(
    state: Overview, translated: Callable[[str], str] = translate
) -> dict[str, Any]:
    """Return an overview without the classes; ``translated`` translates a message id."""

    def say(message: Message) -> str:
        return translated(sentence(message))

    shown = Shown(say, lambda cause: translated(cause_sentence(cause)))
    return {
        "unavailable": say(state.unavailable) or None,
        "pending": state.pending,
        "in_progress": state.in_progress,
        "paused": list(state.paused),
        "in_memory": state.kept,
        "distributions": [shown.work(each, state.billed) for each in state.work],
        "scheduled": list(map(shown.scheduled, state.scheduled)),
        "refused": list(map(shown.quarantined, state.quarantined)),
        "history": list(map(shown.settled, state.history)),
        "actions": list(map(request_as_json, state.requests)),
        "billed_this_month": state.billed_by_all,
    }
