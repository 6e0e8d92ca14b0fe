"""Looks, now and then, which distributions read cache tags, for all who share an outbox.

::

    settings: cache_tags auto ──► Target.finds_tags ──► due? claim ──► AWS
                                                                        │
    settings/readers ◄── every process, every few seconds ◄── outbox ◄──┘ lost? purge all

A distribution that reads no tags any more says nothing, and what is purged by tags then is
purged in vain. So everything is purged when that is seen, and again when every process has
learnt it.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.header import look
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.calls import Calls
from collective.cloudfront.delivery.calls import GivenUp
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.calls import NoThread
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.delivery.watch import Watch
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import MemoryChanged
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.reading import after_failure
from collective.cloudfront.planning.reading import after_look
from collective.cloudfront.planning.reading import is_due
from collective.cloudfront.planning.reading import is_lost
from collective.cloudfront.planning.reading import Reading
from collective.cloudfront.planning.reading import Seen
from dataclasses import asdict
from dataclasses import replace
from typing import Any

import logging
import time


logger = logging.getLogger("collective.cloudfront")

#: Every process learns what another one has seen within so many seconds.
LEARN_EVERY = 10.0
#: After the start of Zope others come first, for so many seconds.
FIRST_AFTER = 1.0
#: A claim outlives the longest look by far.
CLAIM_SECONDS = 60.0
#: When a distribution reads no tags any more, everything is purged again after so many
#: seconds: until then other processes may go on to purge by tags.
PURGE_AGAIN = 60.0

_LOST = Cause(code="tags_lost")


class ReadingThread:
    """Learns in a daemon thread which distributions read cache tags."""

    def __init__(
        self,
        outbox: Outbox,
        targets: Callable[[], Mapping[str, Target]],
        learn: Callable[[Mapping[str, Reading]], None],
        ask: Callable[[str, Sequence[Credentials]], Seen | str] = look,
        clock: Callable[[], float] = time.time,
        calls: Calls | None = None,
        every: float = LEARN_EVERY,
        asks: bool = True,
    ):
        """``learn`` is called with what is known, by id, again and again; ``ask`` is
        ``aws.header.look``; ``clock`` returns Unix seconds; ``every`` is seconds.
        Where it never ``asks``, it learns what others have seen.
        """
        self._outbox = outbox
        self._targets = targets
        self._learn = learn
        self._ask = ask
        self._clock = clock
        self._calls = calls or InThreads()
        self._asks = asks
        self._hurry = False
        self._watch = Watch(
            "cloudfront-reading",
            self.look,
            every,
            "Nobody knows now whether distributions read cache tags; trying again.",
            FIRST_AFTER,
            self._outbox.close,
        )
        self.start, self.stop = self._watch.start, self._watch.stop

    def wake(self) -> None:
        """Look at once, if started: settings have changed. Never blocks."""
        self._hurry = True
        self._watch.wake()

    def look(self) -> None:
        """Look at the distributions for which it is time, and tell what is known of all."""
        hurry, self._hurry = self._hurry, False
        found: dict[str, Reading] = {}
        for name, target in self._targets().items():
            if target.finds_tags:
                try:
                    known = self._look_at(target, hurry)
                except (OutboxUnavailable, ClaimLost, MemoryChanged) as error:
                    logger.debug("%s is looked at later: %s", name, error)
                    return
                if known is not None:
                    found[name] = known
        self._learn(found)

    def _look_at(self, target: Target, hurry: bool) -> Reading | None:
        name = f"reading:{target.distribution}"
        known = _from_json(self._outbox.run(name))
        if not self._asks:
            return known
        if not is_due(known, self._clock(), hurry):
            # Somebody looked a moment ago: before the change, perhaps
            self._hurry = self._hurry or hurry
            return known
        if not self._outbox.claim_run(name, CLAIM_SECONDS):
            return known
        # Somebody else may have looked meanwhile
        known = _from_json(self._outbox.run(name))
        after = known
        if known is None or is_due(known, self._clock(), hurry):
            seen = self._seen(target)
            if isinstance(seen, Seen):
                after = after_look(known, seen, self._clock())
            else:
                after = after_failure(known, seen, self._clock())
        assert after is not None
        with self._outbox.together():
            if is_lost(known, after):
                self._outbox.release("", self._everything(target.distribution))
            self._outbox.keep_run(name, asdict(after), 0)
        _tell(target.distribution, known, after)
        return after

    def _seen(self, target: Target) -> Seen | str:
        name = target.distribution
        try:
            call = self._calls.begin(name, lambda: self._ask(name, target.credentials))
            while not call.is_over:
                self._watch.rest(0.0)
                self._calls.wait(0.5)
            return call.result()
        except (GivenUp, NoThread):
            return "Timeout"

    def _everything(self, distribution: str) -> list[Entry]:
        now = Entry(distribution, EVERYTHING, urgent=True, cause=_LOST)
        again = self._clock() + PURGE_AGAIN
        return [now, replace(now, due=again, key="tags_lost")]


def _from_json(stored: Any) -> Reading | None:
    # What makes no sense was never there.
    try:
        found = Reading(**stored)
        numbers = (found.since, found.seen, found.looked)
        if all(isinstance(each, float | int) for each in numbers):
            return found
    except TypeError:
        pass
    return None


def _tell(distribution: str, before: Reading | None, after: Reading) -> None:
    old = before.header if before is not None else ""
    if is_lost(before, after):
        logger.warning(
            "%s no longer reads cache tags from %s. Everything is purged, and "
            "changes are purged by path from now on. Set CacheTagConfig again "
            "to purge by tag.",
            distribution,
            old,
        )
    elif after.header != old:
        logger.info("%s reads cache tags from %s.", distribution, after.header)
    if after.trouble and (before is None or before.trouble != after.trouble):
        logger.info(
            "AWS does not say whether %s reads cache tags: %s.%s",
            distribution,
            after.trouble,
            " Allow cloudfront:GetDistribution." * ("Denied" in after.trouble),
        )
