"""What people type behind ``/cdn-purge``. Pure.

::

    status
    /news                    https://www.example.com/news below
    tag 9f3a… 77c1…          all
    … at 03:00               … at 2026-12-24 18:00
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from datetime import tzinfo
from enum import Enum

import html
import re


#: So many pages or tags are taken at once: a message is no list.
MOST = 50

# Slack may make links of URLs: <https://…> and <https://…|text>
_LINK = re.compile(r"<(?P<url>(?:https?://|/)[^|>\s]+)(?:\|[^>]*)?>")
_TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})\Z")
_LONGEST_WORD = 100


class Kind(Enum):
    """What is asked for."""

    HELP = "help"
    STATUS = "status"
    PAGES = "pages"
    TAGS = "tags"
    ALL = "all"


class Problem(Enum):
    """Why a text is no command."""

    UNKNOWN_WORD = "unknown_word"
    NO_TAG = "no_tag"
    BAD_TAG = "bad_tag"
    NO_PAGE = "no_page"
    NO_TIME = "no_time"
    NOTHING_ELSE = "nothing_else"
    TOO_MANY = "too_many"


class NotUnderstood(Exception):
    """A text is no command; ``word`` is where."""

    def __init__(self, problem: Problem, word: str = ""):
        self.problem = problem
        self.word = word[:_LONGEST_WORD]
        super().__init__(problem.value, self.word)


class NoMoment(ValueError):
    """A text is no time."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked for: of what (``targets``: paths and URLs, or tags), with all
    ``below`` it or not, and when (``at``, as typed; "" is now).
    """

    kind: Kind
    targets: tuple[str, ...] = ()
    below: bool = False
    at: str = ""


# CloudFront developer guide, "Invalidate by cache tag"
_TAG = re.compile(r"[!-+\--~]{1,256}\Z")


def read(text: str) -> Command:
    """Return the command in a text; raises ``NotUnderstood``."""
    words = html.unescape(_LINK.sub(r" \g<url> ", text)).split()
    if not words or words == ["help"]:
        return Command(Kind.HELP)
    words, at = _split_moment(words)
    if not words:
        raise NotUnderstood(Problem.NO_PAGE)
    first, rest = words[0].lower(), words[1:]
    if first in ("status", "help", "all"):
        if rest or (at and first != "all"):
            raise NotUnderstood(Problem.NOTHING_ELSE, first)
        return Command(Kind(first), at=at)
    if first in ("tag", "tags"):
        return Command(Kind.TAGS, _tags(rest), at=at)
    return _pages(words, at)


def _split_moment(words: Sequence[str]) -> tuple[list[str], str]:
    lowered = [word.lower() for word in words]
    if "at" not in lowered[1:]:
        return list(words), ""
    # Behind it there is a time, or a date and a time
    place = len(words) - 1 - lowered[::-1].index("at")
    moment = words[place + 1 :]
    if not 1 <= len(moment) <= 2:
        raise NotUnderstood(Problem.NO_TIME, " ".join(moment))
    text = "T".join(moment)
    if not (_TIME.match(text) or re.match(r"\d{4}-\d\d-\d\dT", text)):
        raise NotUnderstood(Problem.NO_TIME, " ".join(moment))
    return list(words[:place]), text


def _tags(words: Sequence[str]) -> tuple[str, ...]:
    tags = [word.removeprefix("#") for word in words]
    if not tags:
        raise NotUnderstood(Problem.NO_TAG)
    for tag in tags:
        if not _TAG.match(tag):
            raise NotUnderstood(Problem.BAD_TAG, tag)
    return _few(tags)


def _pages(words: Sequence[str], at: str) -> Command:
    below = words[-1].lower() == "below"
    targets = words[:-1] if below else words
    if not targets:
        raise NotUnderstood(Problem.NO_PAGE)
    for word in targets:
        if not word.lower().startswith(("/", "https://", "http://")):
            raise NotUnderstood(Problem.UNKNOWN_WORD, word)
    return Command(Kind.PAGES, _few(targets), below, at)


def _few(words: Sequence[str]) -> tuple[str, ...]:
    if len(words) > MOST:
        raise NotUnderstood(Problem.TOO_MANY)
    return tuple(dict.fromkeys(words))


def moment(text: str, now: float, zone: tzinfo) -> float:
    """Return the time (Unix seconds) that a text of a command means in a time zone: of an
    hour, the next one. Raises ``NoMoment``.
    """
    try:
        found = _TIME.match(text)
        if found is None:
            there = datetime.fromisoformat(text.replace("Z", "+00:00"))
            return (there if there.tzinfo else there.replace(tzinfo=zone)).timestamp()
        start = datetime.fromtimestamp(now, zone)
        hour, minute = int(found["hour"]), int(found["minute"])
        for days in range(3):
            day = start.date() + timedelta(days=days)
            wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
            if wall.timestamp() > now:
                return wall.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise NoMoment(text) from error
    raise NoMoment(text)
