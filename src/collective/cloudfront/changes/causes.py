"""Who or what caused a purge, as people read it: ``jane: /a /b /c and 4 more``."""

from AccessControl import getSecurityManager
from collections.abc import Sequence


#: What changed where no object did: the registry, portlets, templates.
SETTINGS = "settings"
#: Something was undone in the ZODB, and nobody knows what that brought back.
UNDO = "undo"
#: More changed objects than these are only counted.
MOST_NAMED = 3
# Together they leave room for the rest of a line (``outbox.causes.LONGEST_CAUSE``).
_LONGEST_USER = 40
_LONGEST_NAMES = 130

_ELLIPSIS = "…"


def current_user() -> str:
    """Return the id of who is logged in, or the empty string."""
    user = getSecurityManager().getUser()
    return str((user is not None and user.getId()) or "")


def as_cause(user: str, names: Sequence[str], count: int | None = None) -> str:
    """Return one line that names ``user`` and the first of ``names``.

    ``count`` is how many names there are, if these are not all. What is too long is
    cut: of a user the end, of a name, mostly a path, the beginning.
    """
    shown = names[:MOST_NAMED]
    longest = _LONGEST_NAMES // max(1, len(shown))
    text = " ".join(_end_of(name, longest) for name in shown)
    more = (len(names) if count is None else count) - len(shown)
    if more > 0:
        text = f"{text} and {more} more"
    return f"{_start_of(user, _LONGEST_USER)}: {text}" if user else text


def _start_of(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + _ELLIPSIS


def _end_of(text: str, longest: int) -> str:
    return text if len(text) <= longest else _ELLIPSIS + text[1 - longest :]
