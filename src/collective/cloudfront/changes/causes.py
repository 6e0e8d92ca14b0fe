"""Who or what caused a purge: values for people to read."""

from AccessControl import getSecurityManager
from collections.abc import Sequence
from collective.cloudfront.outbox.values import Cause


#: Codes of ``outbox.values.CAUSES``: what changed where no object did.
SETTINGS = "settings"
UNDO = "undo"
PERSON = "person"
#: More changed objects than these are only counted.
MOST_NAMED = 3
# Together they leave room for the rest of a line (``outbox.values.LONGEST_NAME``).
_LONGEST_USER = 40
_LONGEST_NAMES = 130

_ELLIPSIS = "…"


def current_user() -> str:
    """Return the id of who is logged in, or the empty string."""
    user = getSecurityManager().getUser()
    return str((user is not None and user.getId()) or "")


def as_cause(
    user: str, names: Sequence[str], count: int | None = None, code: str = ""
) -> Cause:
    """Return the cause that names ``user`` and the first of ``names``.

    ``count`` is how many names there are, if these are not all. What is too long is
    cut: of a user the end, of a name, mostly a path, the beginning.
    """
    shown = tuple(names[:MOST_NAMED])
    longest = _LONGEST_NAMES // max(1, len(shown))
    if sum(map(len, shown)) > longest:
        shown = tuple(_end_of(name, longest) for name in shown)
    if len(user) > _LONGEST_USER:
        user = user[: _LONGEST_USER - 1] + _ELLIPSIS
    return Cause(user, shown, len(names) if count is None else count, code)


def _end_of(text: str, longest: int) -> str:
    return text if len(text) <= longest else _ELLIPSIS + text[1 - longest :]
