"""What a courier logs again and again is logged when it is new, and once in a while."""

from collections import deque
from collections.abc import Callable

import logging


logger = logging.getLogger("collective.cloudfront")

#: Ongoing trouble is logged this often (seconds): with the outbox, and with CloudFront.
OUTBOX_EVERY = 60.0
EVERY = 15 * 60.0
#: However much trouble there is, and however often it comes and goes: so many lines of a
#: level in an hour, about one distribution and in all.
MOST_OF_ONE = 3
MOST_OF_ALL = 5
#: Kinds of trouble that are remembered for a topic.
MOST_KINDS = 10
HOUR = 3600.0
#: The topic of trouble with the outbox.
OUTBOX = "outbox"
#: The word of topics about waiting for quotas. It ends when nothing waits any more.
QUOTA = "quota"
#: Topics that do not end when CloudFront accepts something.
_LASTING = ("status ", "budget ", "hopeless ", "refused ", "quarantine ", f"{QUOTA} ")


class Notices:
    """Remembers what was logged, by topic: a word and a distribution."""

    def __init__(self, clock: Callable[[], float]):
        """``clock`` returns seconds, and nobody sets it: after a day without a line
        because of a clock that was ahead, nobody would know what is wrong.
        """
        self._clock = clock
        #: When each kind of trouble was logged last, by topic
        self.logged: dict[str, dict[str, float]] = {}
        # When the latest lines of each level were logged, and about whom
        self._lines: dict[int, deque[tuple[float, str]]] = {}

    def log_once(self, level: int, topic: str, sentence: str, kind: str = "") -> bool:
        """Log a sentence when it is new, and otherwise once in a while. Says whether.

        Sentences of the same ``kind`` are the same trouble, whatever time, session or
        number AWS names in them. Without a kind it is the sentence up to a semicolon.
        """
        kind = kind or sentence.split(";")[0]
        kinds = self.logged.setdefault(topic, {})
        now = self._clock()
        every = OUTBOX_EVERY if topic == OUTBOX else EVERY
        if kind in kinds and now - kinds[kind] < every:
            return False
        if topic != OUTBOX and not self._has_room(topic, level, now):
            return False
        kinds[kind] = now
        while len(kinds) > MOST_KINDS:
            del kinds[next(iter(kinds))]
        if topic != OUTBOX and len(self._lines[level]) == MOST_OF_ALL:
            sentence += (
                " For up to an hour, only the control panel shows further messages."
            )
        logger.log(level, "%s", sentence)
        return True

    def forget(self, distribution: str) -> None:
        """Note that the trouble with a distribution is over."""
        self.logged = {
            topic: kinds
            for topic, kinds in self.logged.items()
            if not topic.endswith(f" {distribution}") or topic.startswith(_LASTING)
        }

    def end(self, topic: str) -> bool:
        """Note that a topic is over; says whether something was logged about it."""
        return self.logged.pop(topic, None) is not None

    def _has_room(self, topic: str, level: int, now: float) -> bool:
        distribution = topic.rpartition(" ")[2]
        lines = self._lines.setdefault(level, deque())
        while lines and now - lines[0][0] >= HOUR:
            lines.popleft()
        of_one = sum(about == distribution for _when, about in lines)
        if of_one >= MOST_OF_ONE or len(lines) >= MOST_OF_ALL:
            return False
        lines.append((now, distribution))
        return True
