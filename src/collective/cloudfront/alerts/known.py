"""Which troubles people know of: pure.

The life of a trouble, by its key::

            seen                 lasts for SETTLED            away for SETTLED
    (none) ─────► seen since … ───────────────────► told ───────────────────► over
              │ away                                                           │
              ▼                                                   for AGAIN    ▼
            (none)                                        (none) ◄────── told at …, quiet

Laws: what was told is told to be over before it is told again; between two times that one
trouble is told are ``AGAIN`` seconds; what lasts is told.
"""

from collections.abc import Collection
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from math import isfinite
from typing import Any


#: What lasts for less is nobody's business (seconds): when settings are saved, what is
#: paused is tried again, and paused again.
SETTLED = 60.0
#: A trouble that comes and goes is told so often (seconds).
AGAIN = 3600.0


@dataclass(frozen=True, slots=True)
class Known:
    """One trouble; all times are Unix seconds, and 0 for never.

    ``since`` when it is seen without a gap, or was last; ``gone`` since when it is away.
    ``told`` is when people were told. ``is_open`` until they are told that it is over.
    """

    since: float
    gone: float = 0.0
    told: float = 0.0
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """Keys of what people are to be told."""

    begun: tuple[str, ...] = ()
    over: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.begun or self.over)


@dataclass(frozen=True, slots=True)
class Step:
    """What is known now, by key, and what people are to be told."""

    known: Mapping[str, Known] = field(default_factory=dict)
    news: News = News()


def step(known: Mapping[str, Known], found: Collection[str], now: float) -> Step:
    """Return what follows when the troubles ``found`` are there at ``now``."""
    after: dict[str, Known] = {}
    begun, over = [], []
    for key in sorted({*known, *found}):
        old = _not_ahead(known[key], now) if key in known else Known(now)
        if key in found:
            new = _seen(old, now)
            if new.is_open and not old.is_open:
                begun.append(key)
        else:
            new = _away(old, now)
            if old.is_open and not new.is_open:
                over.append(key)
            if not new.is_open and (not new.told or now - new.told >= AGAIN):
                continue
        after[key] = new
    return Step(after, News(tuple(begun), tuple(over)))


def _seen(old: Known, now: float) -> Known:
    if old.gone:
        is_same = old.is_open or now - old.gone < SETTLED
        old = replace(old, gone=0.0, since=old.since if is_same else now)
    may_tell = not old.told or now - old.told >= AGAIN
    if not old.is_open and now - old.since >= SETTLED and may_tell:
        return replace(old, told=now, is_open=True)
    return old


def _away(old: Known, now: float) -> Known:
    gone = old.gone or now
    return replace(old, gone=gone, is_open=old.is_open and now - gone < SETTLED)


def _not_ahead(old: Known, now: float) -> Known:
    """A clock may have been set back: nothing is known of the future."""
    return replace(
        old,
        since=min(old.since, now),
        gone=min(old.gone, now),
        told=min(old.told, now),
    )


# --- as JSON ------------------------------------------------------------------------


def as_json(known: Mapping[str, Known]) -> dict[str, Any]:
    """Return what is known as JSON can hold it."""
    return {
        key: [each.since, each.gone, each.told, each.is_open]
        for key, each in known.items()
    }


def from_json(stored: Any) -> dict[str, Known]:
    """Return what ``as_json`` was given. What makes no sense was never there."""
    found: dict[str, Known] = {}
    for key, values in stored.items() if isinstance(stored, dict) else ():
        with suppress(TypeError, ValueError):
            since, gone, told, is_open = values
            if isfinite(since + gone + told):
                found[key] = Known(since, gone, told, bool(is_open))
    return found
