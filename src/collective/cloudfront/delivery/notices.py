"""What a courier logs again and again is logged when it is new, and once in a while."""

from collections.abc import Callable

import logging


logger = logging.getLogger("collective.cloudfront")

#: Ongoing trouble is logged this often (seconds): with the outbox, and with CloudFront.
OUTBOX_EVERY = 60.0
EVERY = 15 * 60.0
#: The topic of trouble with the outbox.
OUTBOX = "outbox"
#: Topics that are no trouble, and do not end with one.
_LASTING = ("status ", "budget ")


class Notices:
    """Remembers what was logged, by topic: a word and a distribution."""

    def __init__(self, clock: Callable[[], float]):
        """``clock`` returns Unix seconds."""
        self._clock = clock
        self._logged: dict[str, tuple[str, float]] = {}

    def log_once(self, level: int, topic: str, sentence: str) -> bool:
        """Log a sentence when it is new, and otherwise once in a while. Says whether.

        What follows a semicolon may differ from time to time.
        """
        last, when = self._logged.get(topic, ("", 0.0))
        now = self._clock()
        every = OUTBOX_EVERY if topic == OUTBOX else EVERY
        if last.split(";")[0] == sentence.split(";")[0] and now - when < every:
            return False
        self._logged[topic] = (sentence, now)
        logger.log(level, "%s", sentence)
        return True

    def forget(self, distribution: str) -> None:
        """Note that the trouble with a distribution is over."""
        self._logged = {
            topic: logged
            for topic, logged in self._logged.items()
            if not topic.endswith(f" {distribution}") or topic.startswith(_LASTING)
        }
