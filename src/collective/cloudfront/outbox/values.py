"""Values of the outbox: entries, items in each state, and who or what caused them.

All times are Unix seconds. The values are frozen and may go from thread to thread.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.outbox.messages import Message
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any


#: More causes than these are only counted.
MOST_CAUSES = 5
#: A user's id, and each name in a cause, is cut to these many characters.
LONGEST_NAME = 200

_ELLIPSIS = "…"


def as_line(text: str, longest: int = LONGEST_NAME) -> str:
    """Return ``text`` as one printable line of at most ``longest`` characters."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " for each in text)
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + _ELLIPSIS


@dataclass(frozen=True, slots=True)
class Cause:
    """Who or what caused a purge.

    ``user`` is the id of who was logged in, or empty. ``names`` are the first of what
    changed, mostly paths inside the site, and ``count`` is how many there were. Where no
    object changed, ``code`` tells what did: one of ``CAUSES``.
    """

    user: str = ""
    names: tuple[str, ...] = ()
    count: int = 0
    code: str = ""

    def __bool__(self) -> bool:
        return bool(self.user or self.names or self.code)

    def __str__(self) -> str:
        """Return the cause in English, for the log: ``jane: /a /b and 4 more``."""
        names = " ".join(filter(None, (CAUSES.get(self.code, self.code), *self.names)))
        more = self.count - len(self.names)
        if more > 0:
            names = f"{names} and {more} more".lstrip()
        return ": ".join(filter(None, (self.user, names)))


#: Codes of causes, and their English.
CAUSES = {
    # The registry, portlets, templates
    "settings": "settings",
    # Something was undone in the ZODB, and nobody knows what that brought back
    "undo": "undo",
    "damaged_outbox": "damaged outbox",
    "too_much_kept": "too many changes while the outbox was unavailable",
    # Nothing was ever accepted, and we see whether the front page is
    "check": "test of what CloudFront accepts",
    # A distribution that read cache tags does not any more
    "tags_lost": "cache tags are no longer read",
    # An older answer may have been on its way when it was purged
    "again": "repeated purge",
    # A person purged it; ``names`` holds the reason
    "person": "",
    # A line of text that an earlier version kept; ``names`` holds it
    "text": "",
}

#: No cause is known.
UNKNOWN = Cause()


@dataclass(frozen=True, slots=True)
class Causes:
    """Distinct causes in the order in which they came, and how many ``more`` came.

    One of those that came again is counted again: it is not known any more.
    """

    known: tuple[Cause, ...] = ()
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.known)

    def __str__(self) -> str:
        """Return the causes in English, in one line."""
        return "; ".join(map(str, self.known))


NO_CAUSES = Causes()


def cut(cause: Cause) -> Cause:
    """Return the cause with its user and names as printable lines of limited length."""
    user, names = as_line(cause.user), tuple(map(as_line, cause.names))
    if user == cause.user and names == cause.names:
        return cause
    return replace(cause, user=user, names=names)


def united(all_causes: Iterable[Causes]) -> Causes:
    """Return the causes of several together, each once: the first ones are kept, and
    those that are not are counted.
    """
    all_causes = list(all_causes)
    known = tuple(dict.fromkeys(cause for each in all_causes for cause in each.known))
    # The same causes may have been left out everywhere: a sum would count them twice.
    more = max((each.more for each in all_causes), default=0)
    return Causes(known[:MOST_CAUSES], more + len(known[MOST_CAUSES:]))


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One item for one distribution, to be purged.

    * ``urgent``: it skips the window and goes first, for content that stopped being
      public. It is never coalesced.
    * ``every`` (seconds): it becomes ready at most that often per distribution and
      item, whichever process releases it. One that comes earlier is scheduled for
      the end of the interval, once however many come.
    * ``due`` (Unix seconds): in the future, it is scheduled for then, and only then
      coalesced.
    * ``key``: it replaces everything scheduled by earlier releases for the same
      distribution and key, but for what is due already. With the empty ``item`` it
      does only that. Entries of one release do not replace each other.
    * ``cause``: who or what caused it. It goes with the item until it is settled.
      Entries that differ in nothing else are equal.
    """

    distribution: str
    item: str
    urgent: bool = False
    every: float = 0.0
    due: float = 0.0
    key: str = ""
    cause: Cause = field(default=UNKNOWN, compare=False)


@dataclass(frozen=True, slots=True)
class Release:
    """What one transaction has to purge: ``token`` is what it was prepared under,
    ``since`` (Unix seconds) when it was committed, ``transaction`` its number.
    """

    token: str
    entries: tuple[Entry, ...]
    since: float
    is_urgent: bool
    transaction: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A ready item; ``since`` is when its oldest change was committed."""

    item: str
    since: float
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An item that becomes ready at ``due`` (Unix seconds).

    Without a ``key`` nothing replaces it; ``coalesced`` items, which came again too
    early, have none.
    """

    distribution: str
    item: str
    due: float
    key: str
    urgent: bool
    coalesced: bool = False
    causes: Causes = NO_CAUSES


@dataclass(frozen=True, slots=True)
class Batch:
    """Items frozen under one caller reference.

    ``refusals`` counts how often CloudFront definitely refused it. ``urgent`` are
    those of its items that were, and ``causes`` has those of each item. ``known`` is
    what was remembered when it was frozen just now: see ``memory.Known``.
    """

    reference: str
    distribution: str
    items: tuple[str, ...]
    since: float
    frozen: float
    refusals: int = 0
    urgent: frozenset[str] = field(default=frozenset(), compare=False)
    causes: tuple[Causes, ...] = field(default=(), compare=False)
    known: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """A batch that CloudFront accepted: one invalidation, one row of history.

    ``status`` is CloudFront's word, ``InProgress`` or ``Completed``, or
    ``Unknown`` where its status may not be read. ``causes`` are those of its items and
    of what they covered.
    """

    invalidation: str
    distribution: str
    reference: str
    items: tuple[str, ...]
    since: float
    accepted: float
    completed: float | None = None
    status: str = "InProgress"
    causes: Causes = NO_CAUSES


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item in quarantine: CloudFront refuses it, whatever we do."""

    distribution: str
    item: str
    reason: Message
    since: float
    quarantined: float
    causes: Causes = NO_CAUSES


@dataclass(frozen=True, slots=True)
class PurgeRequest:
    """What a person had purged, and when (Unix seconds): an entry of a journal.

    ``due`` is when it is to happen, or None for at once. What is scheduled for it has
    the ``key``. ``cancelled`` is when a person thought better of it.
    """

    id: str
    time: float
    user: str
    reason: str
    items: tuple[str, ...]
    distributions: tuple[str, ...]
    due: float | None = None
    cancelled: float | None = None

    @property
    def key(self) -> str:
        """The ``key`` of its entries, by which they can be cancelled."""
        return request_key(self.id)


def request_key(identifier: str) -> str:
    """Return the ``key`` of the entries that a purge request has scheduled."""
    return f"action:{identifier}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a distribution is waiting, and until when.

    ``paused`` tells "a person must do something" from "we try again by
    ourselves". ``since`` is when the trouble began.
    """

    distribution: str
    reason: Message
    advice: Message
    paused: bool
    since: float
    until: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do for one distribution; ``urgent`` if a ready item is.

    ``coalesced`` items came again too early: the first becomes ready at
    ``coalesced_until``. ``quarantined`` if CloudFront refuses some.
    """

    distribution: str
    ready: int
    frozen: int
    in_progress: int
    oldest: float | None
    waiting: Waiting | None
    urgent: bool = False
    coalesced: int = 0
    coalesced_until: float | None = None
    quarantined: bool = False

    @property
    def pending(self) -> int:
        """How many items are on their way to CloudFront, from the change on."""
        return self.ready + self.frozen + self.coalesced


@dataclass(frozen=True, slots=True)
class Status:
    """How many transactions are prepared, and how many items are set aside, scheduled,
    and were released in doubt so far.
    """

    prepared: int
    quarantined: int
    scheduled: int
    in_doubt_released: int
