"""Which header a distribution reads cache tags from, as looks at its configuration tell.

::

    unknown ──look──► reads nothing ──look──► reads Cache-Tag since then ──look──► …
                           ▲                                        │
                           └──── lost: everything is purged ────────┘

What the edge stored before the distribution read the header has no tags, so it matters
since when. A look that fails changes nothing of what is known.
"""

from dataclasses import dataclass
from dataclasses import replace


#: A distribution is looked at this often (seconds).
LOOK_EVERY = 600.0
#: It is looked at again so soon (seconds) while a change of it is being deployed, or if
#: there was no answer.
LOOK_AGAIN = 60.0
#: Nobody need look again within so many seconds, even if the settings have changed.
JUST_LOOKED = 5.0
#: Where AWS does not say whether a change is deployed, it is after so many seconds: "it
#: typically takes less than 5 minutes" (developer guide, "Update a distribution").
DEPLOYING = 900.0
#: What was seen so long ago (seconds) need not be so any more.
CERTAIN_FOR = 86400.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a configuration says: the header, empty for none; ``deployed`` is None where
    AWS does not say whether all of the edge knows.
    """

    header: str
    deployed: bool | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of a distribution. All times are Unix seconds.

    It reads ``header`` (lower case; empty: none) at least ``since`` then. It was ``seen``
    last then (0: never), and ``looked`` at last, perhaps in vain: ``trouble`` is AWS's
    error code. ``is_changing``: a change is being deployed.
    """

    header: str = ""
    since: float = 0.0
    seen: float = 0.0
    looked: float = 0.0
    is_changing: bool = False
    trouble: str = ""

    def is_certain(self, now: float) -> bool:
        """Say whether it was seen lately; not if the clock was set back."""
        return 0 <= now - self.seen <= CERTAIN_FOR


def after_look(known: Reading | None, seen: Seen, now: float) -> Reading:
    """Return what is known after a look."""
    before = known or Reading()
    header = seen.header.lower()
    if header and header != before.header and seen.deployed is False:
        # Some of the edge does not read it yet.
        return Reading("", now, now, now, is_changing=True)
    since = before.since
    if header != before.header or not before.seen:
        since = now + DEPLOYING if seen.deployed is None else now
    return Reading(header, since, now, now, is_changing=seen.deployed is False)


def after_failure(known: Reading | None, trouble: str, now: float) -> Reading:
    """Return what is known after a look that was answered by an error."""
    return replace(known or Reading(), looked=now, trouble=trouble)


def is_lost(before: Reading | None, after: Reading) -> bool:
    """Say whether what was purged by tags lately may have been purged in vain."""
    return before is not None and before.header not in ("", after.header)


def is_due(known: Reading | None, now: float, hurry: bool = False) -> bool:
    """Say whether it is time for a look; ``hurry``: somebody may have changed it."""
    if known is None:
        return True
    soon = known.is_changing or known.trouble
    wait = JUST_LOOKED if hurry else LOOK_AGAIN if soon else LOOK_EVERY
    # The clock may be set back.
    return not 0 <= now - known.looked < wait
