"""Which entries of the history somebody looks for. Pure.

The history has three kinds of entries: invalidations, items that CloudFront refuses, and
what people purged by hand. The law, held by the contract suite: the pages that
``Ledger.find`` returns one after the other are together all entries that ``matches`` says
are wanted, newest first, each of them once.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.items import is_wildcard
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import NamedTuple

import hashlib


class HistoryState(Enum):
    """In which state an entry of the history is."""

    # Invalidations
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    #: CloudFront accepted it, and we may not ask for its status.
    UNKNOWN = "unknown"
    # Items in quarantine
    REFUSED = "refused"
    # Purges by hand
    REQUESTED = "requested"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


OF_INVALIDATIONS = frozenset(
    {HistoryState.IN_PROGRESS, HistoryState.COMPLETED, HistoryState.UNKNOWN}
)
BY_HAND = frozenset(
    {HistoryState.REQUESTED, HistoryState.SCHEDULED, HistoryState.CANCELLED}
)

HistoryEntry = Settled | Quarantined | PurgeRequest


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What somebody looks for; what is empty or None admits everything.

    * ``distributions``: the entry concerns one of them.
    * ``states``: it is in one of them.
    * ``person``: this user caused it or asked for it. Upper and lower case are the same.
    * ``path``: an item, or an object that changed, is at this path or below it; or an item
      is a wildcard that includes it. With a ``*`` at the end, everything that begins so. A
      cache tag is only itself.
    * ``search``: each of its words is somewhere in the items, ids, names and reasons. Upper
      and lower case are the same.
    """

    distributions: frozenset[str] | None = None
    states: frozenset[HistoryState] = frozenset()
    person: str = ""
    path: str = ""
    search: str = ""


class Position(NamedTuple):
    """Where an entry is in the history. Newer entries have greater positions, and none
    ever has another one.
    """

    time: float
    key: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some entries, newest first.

    ``older`` is the position after which older ones follow, and ``newer`` that after which
    newer ones do; None if there are none. If many entries were read and few are wanted,
    ``searched_to`` (Unix seconds) is where the search ended: the next page goes on there.
    """

    entries: tuple[HistoryEntry, ...] = ()
    newer: Position | None = None
    older: Position | None = None
    searched_to: float | None = None


# --- an entry of any kind -------------------------------------------------------------


def state_of(entry: HistoryEntry, now: float) -> HistoryState:
    """Return in which state an entry is at ``now``."""
    if isinstance(entry, Quarantined):
        return HistoryState.REFUSED
    if isinstance(entry, PurgeRequest):
        if entry.cancelled is not None:
            return HistoryState.CANCELLED
        is_to_come = entry.due is not None and entry.due > now
        return HistoryState.SCHEDULED if is_to_come else HistoryState.REQUESTED
    if entry.completed is None:
        return HistoryState.IN_PROGRESS
    is_known = entry.status == "Completed"
    return HistoryState.COMPLETED if is_known else HistoryState.UNKNOWN


def position_of(entry: HistoryEntry) -> Position:
    """Return where an entry is in the history."""
    if isinstance(entry, Quarantined):
        name = f"{entry.distribution} {entry.item}"
        return Position(entry.quarantined, f"q{_digest(name)}")
    if isinstance(entry, PurgeRequest):
        return Position(entry.time, f"r{entry.id}")
    return Position(entry.accepted, f"i{entry.reference}")


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def distributions_of(entry: HistoryEntry) -> tuple[str, ...]:
    """Return the distributions that an entry concerns."""
    if isinstance(entry, PurgeRequest):
        return entry.distributions
    return (entry.distribution,)


def items_of(entry: HistoryEntry) -> tuple[str, ...]:
    """Return the items of an entry."""
    return (entry.item,) if isinstance(entry, Quarantined) else entry.items


def people_of(entry: HistoryEntry) -> tuple[str, ...]:
    """Return the users who caused an entry or asked for it, each once."""
    if isinstance(entry, PurgeRequest):
        return (entry.user,) if entry.user else ()
    return tuple(dict.fromkeys(each.user for each in _causes(entry) if each.user))


def _causes(entry: HistoryEntry) -> tuple[Cause, ...]:
    return () if isinstance(entry, PurgeRequest) else entry.causes.known


# --- what is wanted -------------------------------------------------------------------


def matches(wanted: HistoryFilter, entry: HistoryEntry, now: float) -> bool:
    """Say whether an entry is wanted."""
    return (
        (not wanted.states or state_of(entry, now) in wanted.states)
        and _is_for(wanted.distributions, entry)
        and _is_of(wanted.person.casefold(), entry)
        and _is_at(wanted.path, entry)
        and _contains(wanted.search.casefold().split(), entry)
    )


def wanted_first(wanted: HistoryFilter, entry: HistoryEntry) -> list[str]:
    """Return the items of an entry; those for which it was looked for come first."""
    words = wanted.search.casefold().split()

    def missing(item: str) -> int:
        is_there = not wanted.path or is_about(wanted.path, item)
        return (not is_there) + sum(word not in item.casefold() for word in words)

    return sorted(items_of(entry), key=missing)


def _is_for(distributions: frozenset[str] | None, entry: HistoryEntry) -> bool:
    return distributions is None or not distributions.isdisjoint(
        distributions_of(entry)
    )


def _is_of(person: str, entry: HistoryEntry) -> bool:
    return not person or person in (each.casefold() for each in people_of(entry))


def _is_at(path: str, entry: HistoryEntry) -> bool:
    return not path or any(is_about(path, each) for each in _places(entry))


def _places(entry: HistoryEntry) -> Iterator[str]:
    # Without a code, names are paths of objects.
    names = (each.names for each in _causes(entry) if not each.code)
    return chain(items_of(entry), chain.from_iterable(names))


def is_about(path: str, place: str) -> bool:
    """Say whether an item, or the path of an object, concerns what is at ``path``."""
    if place == path or (is_wildcard(place) and covers(place, path)):
        return True
    if not path.startswith("/"):
        return False
    if is_wildcard(path):
        return place.startswith(path[:-1])
    return place.startswith((path.rstrip("/") + "/", path + "?"))


def _contains(words: Iterable[str], entry: HistoryEntry) -> bool:
    if not words:
        return True
    text = " ".join(_texts(entry)).casefold()
    return all(word in text for word in words)


def _texts(entry: HistoryEntry) -> Iterator[str]:
    yield from distributions_of(entry)
    yield from items_of(entry)
    yield from map(str, _causes(entry))
    if isinstance(entry, PurgeRequest):
        yield from (entry.user, entry.reason, entry.id)
    elif isinstance(entry, Quarantined):
        yield str(entry.reason)
    else:
        yield from (entry.invalidation, entry.reference)
