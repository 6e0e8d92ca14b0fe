"""Times that others have stored, by clocks that may have been wrong.

A process may have died while its clock was ahead, by an hour or ten years. What it stored
to end then ends here no later than it could honestly: counted from when we saw it first.
"""

#: A claim lasts no longer than this (seconds).
LONGEST_CLAIM = 60.0
#: More than these are not watched at once: a time that is forgotten is seen anew.
_MOST_WATCHED = 1_000


class Ahead:
    """Watches stored times that lie further ahead than they honestly can."""

    def __init__(self) -> None:
        # By name: the stored time, and when it was seen first
        self._seen: dict[str, tuple[float, float]] = {}

    def is_over(self, name: str, end: float, now: float, longest: float) -> bool:
        """Say whether what ends at ``end``, and takes at most ``longest`` seconds, is
        over at ``now``. ``name`` tells it from others. All are Unix seconds.

        The law, held by ``tests/outbox/test_clocks.py``: nothing is over before its end
        while the end may be honest; and nothing lasts longer than ``longest`` from when
        it was seen first, if the end stays the same.
        """
        if end <= now:
            return True
        stored, first = self._seen.get(name, (None, now))
        if stored == end and first <= now:
            return now >= first + longest
        if end - now > longest:
            self._watch(name, end, now)
        return False

    def _watch(self, name: str, end: float, now: float) -> None:
        self._seen.pop(name, None)
        self._seen[name] = (end, now)
        if len(self._seen) > _MOST_WATCHED:
            del self._seen[next(iter(self._seen))]
