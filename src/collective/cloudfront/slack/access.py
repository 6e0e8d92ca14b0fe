"""Who may do what from Slack: one team, some channels, and actions by user. Pure."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from enum import Enum

import re


#: Stands for everybody in the channels.
EVERYBODY = "*"

_BETWEEN = re.compile(r"[\s,]+")
_ENTRIES = re.compile(r"[\n;]+")
_TEAM = re.compile(r"[TE][A-Z0-9]{2,31}\Z")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{2,31}\Z")
_USER = re.compile(r"[UW][A-Z0-9]{2,31}\Z")


class Action(Enum):
    """What a person may be allowed to do. The values are those of the settings."""

    STATUS = "status"
    #: Pages, with or without all below them, by path or URL.
    PAGES = "pages"
    #: Cache tags.
    TAGS = "tags"
    #: Every page.
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Access:
    """One team, its channels, and what each user, or everybody there, may do."""

    team: str = ""
    channels: frozenset[str] = frozenset()
    grants: Mapping[str, frozenset[Action]] = field(default_factory=dict)

    @property
    def is_set_up(self) -> bool:
        """Whether anybody may do anything."""
        return bool(self.team and self.channels and self.grants)

    def allows(self, user: str, action: Action) -> bool:
        """Say whether a user of the team may do something."""
        return any(action in self.grants.get(who, ()) for who in (user, EVERYBODY))

    def allowed(self, user: str) -> list[Action]:
        """Return what a user of the team may do."""
        return [each for each in Action if self.allows(user, each)]


def is_team(text: str) -> bool:
    """Say whether a text is the ID of a team."""
    return _TEAM.match(text) is not None


def split_channels(text: str | None) -> tuple[str, ...]:
    """Return the words of a list of channels."""
    return tuple(dict.fromkeys(filter(None, _BETWEEN.split(text or ""))))


def is_channel(text: str) -> bool:
    """Say whether a text is the ID of a channel."""
    return _CHANNEL.match(text) is not None


def bad_grant(text: str | None) -> str:
    """Return the first entry of a list of users that makes no sense, or ""."""
    for entry in _entries(text):
        who, *words = entry
        is_known = who == EVERYBODY or _USER.match(who)
        if not (is_known and words and _actions(words) is not None):
            return " ".join(entry)
    return ""


def read_access(team: str | None, channels: str | None, users: str | None) -> Access:
    """Return what three texts say: the ID of the team, those of channels, and on each
    line (or between semicolons) the ID of a user, or ``*``, and actions.

    What makes no sense allows nothing.
    """
    grants: dict[str, frozenset[Action]] = {}
    for who, *words in _entries(users):
        grants[who] = grants.get(who, frozenset()) | (_actions(words) or frozenset())
    return Access(
        (team or "").strip(),
        frozenset(filter(is_channel, split_channels(channels))),
        {who: found for who, found in grants.items() if found},
    )


def _entries(text: str | None) -> list[list[str]]:
    lines: Iterable[str] = _ENTRIES.split(text or "")
    # Between the user and the actions people write a colon
    words = (_BETWEEN.split(line.replace(":", " ").strip(" \t\r,")) for line in lines)
    return [entry for entry in words if entry != [""]]


def _actions(words: Collection[str]) -> frozenset[Action] | None:
    try:
        return frozenset(map(Action, words))
    except ValueError:
        return None
