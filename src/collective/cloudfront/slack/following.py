"""Answers that are posted later: to a click, and when CloudFront has completed a purge.

::

    a request ──► the outbox ──► here, in any Zope process ──► response_url
                                   └── asks the outbox how far the purge is

Slack takes five answers in 30 minutes at one URL.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.manual.following import is_accepted
from collective.cloudfront.manual.following import is_open
from collective.cloudfront.manual.following import refused
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.slack import answers
from collective.cloudfront.slack.answers import Answer
from collective.cloudfront.slack.shelf import Shelf
from typing import Any

import logging
import time
import uuid


logger = logging.getLogger("collective.cloudfront")

#: Seconds: then Slack takes no answer any more, and the channel reads how it is.
LONGEST = 25 * 60.0
#: Others leave an answer alone for so long (seconds) while it is posted.
_POSTING = 30.0
#: An answer that Slack does not take is tried so often.
_TRIES = 3
#: So many items are named.
_SHOWN = 5

#: Posts an answer to a URL, or raises ``NotDelivered``.
Post = Callable[[str, Answer], None]


def reply_later(shelf: Shelf, url: str, answer: Answer) -> None:
    """Have an answer posted."""
    shelf.add(uuid.uuid4().hex, {"url": url, "answer": answer.as_json()})


def follow(
    shelf: Shelf,
    url: str,
    user: str,
    items: Mapping[str, list[str]],
    since: float,
) -> None:
    """Have the channel know when CloudFront has completed a purge: ``items`` by
    distribution, asked for at ``since`` (Unix seconds).
    """
    wanted = {name: list(each) for name, each in items.items()}
    shelf.add(
        uuid.uuid4().hex, {"url": url, "user": user, "items": wanted, "since": since}
    )


class Following:
    """Posts what is due."""

    def __init__(
        self,
        outbox: Outbox,
        post: Post,
        clock: Callable[[], float] = time.time,
    ):
        """``clock`` returns Unix seconds."""
        self._outbox = outbox
        self._shelf = Shelf(outbox, clock)
        self._post = post
        self._clock = clock

    def look(self) -> bool:
        """Post what is due; say whether something is left. Raises
        ``OutboxUnavailable``.
        """
        for name, stored in self._shelf.answers().items():
            answer = self._due(stored)
            if answer is not None:
                self._send(name, answer)
        return bool(self._shelf.answers())

    def _due(self, stored: Mapping[str, Any]) -> Answer | None:
        try:
            if "answer" in stored:
                return _answer_from(stored["answer"])
            return self._end_of(
                str(stored["user"]), stored["items"], float(stored["since"])
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return Answer("")  # made by another version: it goes

    def _end_of(
        self, user: str, wanted: Mapping[str, list[str]], since: float
    ) -> Answer | None:
        items = list(dict.fromkeys(each for found in wanted.values() for each in found))
        for distribution, own in wanted.items():
            found = refused(self._outbox, distribution, own, since)
            if found is not None:
                return answers.refused_item(user, items, found.item, str(found.reason))
        if all(self._is_completed(*each, since) for each in wanted.items()):
            return answers.completed(user, items)
        if not 0 <= self._clock() - since < LONGEST:
            return answers.not_completed(user, items)
        return None

    def _is_completed(self, distribution: str, items: list[str], since: float) -> bool:
        return is_accepted(self._outbox, distribution, items, since) and not is_open(
            self._outbox, distribution, items, since
        )

    def _send(self, name: str, answer: Answer) -> None:
        stored = self._shelf.take(name, _POSTING)
        if stored is None:
            return  # another process does
        try:
            if answer.text:
                self._post(str(stored.get("url", "")), answer)
        except NotDelivered as error:
            tries = int(stored.get("tries", 0)) + 1
            if tries < _TRIES:
                held = self._clock() + _POSTING
                self._shelf.add(name, {**stored, "tries": tries, "held": held})
                return
            logger.warning("Slack did not take an answer: %s.", error)
        self._shelf.drop(name)


def _answer_from(stored: Mapping[str, Any]) -> Answer:
    return Answer(
        str(stored["text"]),
        in_channel=stored.get("response_type") == "in_channel",
        replaces=bool(stored.get("replace_original")),
    )
