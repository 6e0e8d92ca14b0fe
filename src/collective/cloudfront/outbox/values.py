"""Values that the outbox keeps for people: who or what caused an item."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


#: More causes than these are only counted.
MOST_CAUSES = 5


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
    "too_much_kept": "too many changes while the outbox failed",
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


def united(all_causes: Iterable[Causes]) -> Causes:
    """Return the causes of several together, each once: the first ones are kept, and
    those that are not are counted.
    """
    all_causes = list(all_causes)
    known = tuple(dict.fromkeys(cause for each in all_causes for cause in each.known))
    # The same causes may have been left out everywhere: a sum would count them twice.
    more = max((each.more for each in all_causes), default=0)
    return Causes(known[:MOST_CAUSES], more + len(known[MOST_CAUSES:]))


# --- as JSON, for storage -----------------------------------------------------------


def cause_as_json(cause: Cause) -> list[Any]:
    """Return a cause as lists and texts that JSON can hold."""
    return [cause.user, list(cause.names), cause.count, cause.code]


def cause_from_json(stored: Any) -> Cause:
    """Return what ``cause_as_json`` was given. A text is a line that an earlier version
    kept; what cannot be read is unknown, for no item may wait for that.
    """
    if isinstance(stored, str):
        return Cause(names=(stored,), count=1, code="text") if stored else UNKNOWN
    try:
        user, names, count, code = stored
        return Cause(str(user), tuple(map(str, names)), int(count), str(code))
    except (TypeError, ValueError):
        return UNKNOWN
