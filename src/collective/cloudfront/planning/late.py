"""Answers that come too late: made from a state of the site that has been purged since.

::

    transaction 7 ──► commit ──► invalidation ──────────► CloudFront
                                                              │
    page of transaction 6 ── rendering … ────── answer ──► CloudFront: kept for a day

So an origin remembers what was purged lately, and what it answered lately. An answer is
*late* for a purge that reaches it if it was made from an older snapshot, or was begun
before a purge that belongs to no transaction.

* The purge is known when the answer is complete: CloudFront must not store the answer. If
  it does, because its minimum TTL is not 0, that is purged again.
* The answer was sent before: the purge may overtake it on its way. What reaches it is
  purged again, now, and when it has certainly arrived.

The law, held by ``tests/planning/test_late.py``: whatever overtakes what, once all is
quiet no edge holds anything older than the last commit that changed it. It holds as long
as an answer takes no longer than ``Lately.transit`` seconds from the origin to the edge.
"""

from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.planning.cover import broadest
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.items import is_plain
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.planning.items import wildcards_of
from dataclasses import dataclass
from functools import cached_property

import math
import threading


#: What was purged is remembered for so long (seconds): longer than a page is rendered, or
#: a ZEO client or a replica lags behind.
REMEMBER_SECONDS = 600.0
#: CloudFront waits no longer for an origin (seconds): the origin response timeout is 120
#: s at most, or 180 s on request (developer guide, "Quotas").
LONGEST_TRANSIT = 180.0
#: Where a storage does not say which snapshot it shows, an answer may be this much older
#: than its request (seconds).
LONGEST_LAG = 10.0
#: Another search engine than Plone's catalog may find what was before a change for so long
#: (seconds): Elasticsearch and OpenSearch refresh an index each second, Solr with its
#: example configuration commits after 15 s, and a queue of updates may stand before them.
INDEX_LAG = 60.0
#: More purges and answers than these are not remembered. What was made from a snapshot
#: older than a forgotten purge is late.
MOST_PURGES = 5_000
MOST_ANSWERS = 20_000


@dataclass(frozen=True)
class Purge:
    """What one transaction purges, by distribution.

    ``transaction`` is its number, or one that is at most as new as the next; 0 if it
    belongs to none. ``at`` is when it was committed, in Unix seconds.
    """

    items: Mapping[str, Sequence[str]]
    at: float
    transaction: int = 0
    tokens: frozenset[str] = frozenset()

    def reaches(self, answer: "Answer") -> dict[str, list[str]]:
        """Return the items that reach an answer, by distribution."""
        found = {}
        for distribution, (exact, wildcards) in self._sorted.items():
            items = [key for key in answer.keys if key in exact]
            items += [
                wildcard
                for wildcard in wildcards
                if any(covers(wildcard, key) for key in answer.keys)
            ]
            if items:
                found[distribution] = items
        return found

    @cached_property
    def _sorted(self) -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
        return {
            distribution: (frozenset(items), broadest(wildcards_of(items)))
            for distribution, items in self.items.items()
        }

    def is_newer_than(self, answer: "Answer") -> bool:
        """Say whether an answer may have been made before this was committed."""
        if answer.lag and self.at >= answer.begun - answer.lag:
            return True
        if not self.transaction:
            return self.at >= answer.begun
        if answer.snapshot is None:
            return self.at >= answer.begun - LONGEST_LAG
        return self.transaction > answer.snapshot


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that CloudFront may store.

    ``keys``: the items that reach nothing but it, and its cache tags (``#…``).
    ``snapshot``: the last transaction that it certainly shows, 0 if there is none; None if
    the storage does not say. ``begun`` and ``ended`` are Unix seconds. ``lag``: a part of
    it may be so much older than ``begun`` (seconds), whatever the snapshot.
    """

    keys: tuple[str, ...]
    snapshot: int | None
    begun: float
    ended: float
    lag: float = 0.0


@dataclass(frozen=True, slots=True)
class Again:
    """An item to be purged again, at a moment in Unix seconds; 0: now."""

    distribution: str
    item: str
    due: float


class Lately:
    """What this process knows of purges and answers lately. Safe for threads."""

    def __init__(self, clock: Callable[[], float]):
        """``clock`` returns Unix seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        # In the order in which they were learnt
        self._purges: deque[tuple[float, Purge]] = deque()
        self._tokens: set[str] = set()
        self._answers: deque[Answer] = deque()
        # Late ones. CloudFront may store them all the same: its minimum TTL overrules
        # what an answer says.
        self._late: deque[Answer] = deque(maxlen=MOST_ANSWERS)
        # The newest transaction that was purged, and the newest that was forgotten
        self._newest = self._forgotten = 0
        # The same of purges without a transaction
        self._newest_at = self._forgotten_at = -math.inf
        # How long the slowest answer took
        self._slowest = 0.0
        #: How long an answer is on its way to the edge at most (seconds); 0: nothing is
        #: purged again.
        self.transit = 0.0

    def second(self, purge: Purge) -> list[Again]:
        """Return what purges the same again, when answers have arrived that are on their
        way between CloudFront's own layers: after as long as the slowest one took.
        """
        if not self.transit:
            return []
        due = purge.at + max(self.transit, min(self._slowest, LONGEST_TRANSIT))
        return [
            Again(distribution, item, due)
            for distribution, items in purge.items.items()
            for item in items
        ]

    def is_late(
        self,
        path: str,
        query: str,
        tags: Iterable[str],
        begun: float,
        snapshot: int | None,
        lag: float = 0.0,
    ) -> bool:
        """Say whether CloudFront must not store an answer that is complete now; if it may,
        the answer is remembered.

        ``path`` and ``query`` are what CloudFront asked for, ``tags`` the cache tags, the
        others as in ``Answer``.
        """
        # The cache key may hold no query string
        urls = (path, f"{path}?{query}") if query else (path,)
        # A visitor waits for this
        items = [url if is_plain(url) else normalise(url) for url in urls]
        keys = (*items, *[f"#{tag}" for tag in tags])
        answer = Answer(keys, snapshot, begun, self._clock(), lag)
        with self._lock:
            if self._has_been_purged(answer):
                self._late.append(answer)
                return True
            self._slowest = max(self._slowest, answer.ended - answer.begun)
            self._answers.append(answer)
            return False

    def _has_been_purged(self, answer: Answer) -> bool:
        if len(self._answers) >= MOST_ANSWERS:
            return True  # It could not be remembered: nobody knows.
        if answer.lag and len(self._purges) >= MOST_PURGES:
            return True  # One that was forgotten may be as new.
        snapshot = -1 if answer.snapshot is None else answer.snapshot
        if (
            snapshot >= self._newest
            and answer.begun > self._newest_at
            and not answer.lag
        ):
            return False
        if self._forgotten > snapshot >= 0 or self._forgotten_at >= answer.begun:
            return True
        return any(
            purge.is_newer_than(answer) and purge.reaches(answer)
            for _learnt, purge in self._purges
        )

    def note(self, purge: Purge) -> None:
        """Remember a purge: from now on, answers that it reaches may be late."""
        now = self._clock()
        with self._lock:
            if not purge.tokens or not purge.tokens <= self._tokens:
                self._remember(purge, now)

    def learn(self, purges: Iterable[Purge]) -> list[Again]:
        """Remember everything that was purged until a moment ago; returns what is to be
        purged again because of answers that may be overtaken. Forgets what is old.
        """
        found = self._again_for_late()
        for purge in purges:
            self.note(purge)
            with self._lock:
                late = [each for each in self._answers if purge.is_newer_than(each)]
            found += purged_again(purge, late, self.transit)
        self._forget()
        return found if self.transit else []

    def _again_for_late(self) -> list[Again]:
        with self._lock:
            late, purges = list(self._late), [purge for _learnt, purge in self._purges]
            self._late.clear()
        found: list[Again] = []
        for purge in purges if late else ():
            newer = [each for each in late if purge.is_newer_than(each)]
            found += purged_again(purge, newer, self.transit)
        return list(dict.fromkeys(found))

    def _remember(self, purge: Purge, now: float) -> None:
        self._tokens |= purge.tokens
        self._purges.append((now, purge))
        self._newest = max(self._newest, purge.transaction)
        if not purge.transaction:
            self._newest_at = max(self._newest_at, purge.at)
        if len(self._purges) > MOST_PURGES:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _learnt, purge = self._purges.popleft()
        self._tokens -= purge.tokens
        self._forgotten = max(self._forgotten, purge.transaction)
        if not purge.transaction:
            self._forgotten_at = max(self._forgotten_at, purge.at)

    def _forget(self) -> None:
        now, transit = self._clock(), self.transit
        with self._lock:
            # The clock may be set back
            while self._answers and not (0 <= now - self._answers[0].ended <= transit):
                self._answers.popleft()
            while self._purges and not (
                0 <= now - self._purges[0][0] <= REMEMBER_SECONDS
            ):
                self._forget_oldest()


def purged_again(
    purge: Purge, answers: Iterable[Answer], transit: float
) -> list[Again]:
    """Return what is to be purged again when ``answers`` have arrived: their own items, or
    what reached them, if that is less. At once, too, where an answer was sent after the
    commit: the purge may have been accepted before.
    """
    reaching: dict[str, dict[str, float]] = {}
    own: dict[str, dict[str, float]] = {}
    for answer in answers:
        for distribution, items in purge.reaches(answer).items():
            urls = [key for key in answer.keys if key[:1] == "/"]
            for found, those in ((reaching, items), (own, urls)):
                latest = found.setdefault(distribution, {})
                for item in those:
                    latest[item] = max(answer.ended, latest.get(item, 0.0))
    again = []
    for distribution, items_ended in reaching.items():
        urls_ended = own[distribution]
        fewer = urls_ended if 0 < len(urls_ended) <= len(items_ended) else items_ended
        for item, ended in fewer.items():
            if ended >= purge.at:
                again.append(Again(distribution, item, 0.0))
            again.append(Again(distribution, item, ended + transit))
    return again
