"""Items: the entries of an invalidation, written as CloudFront wants them.

An *item* is a path (``/news/a``), a wildcard path (``/news/*``) or a cache tag
(``#9f…``). AWS bills each one as one path. The rules here are those of the
CloudFront developer guide, "Invalidate files to remove content", read 2026-11.
"""

from collections.abc import Iterable

import re


#: CloudFront refuses longer paths (CloudFront developer guide).
MAX_PATH_LENGTH = 4000

#: The one item that reaches everything.
EVERYTHING = "/*"
#: Below it the REST API answers, for Volto.
API = "/++api++"

# RFC 1738 calls ``<>"#%{}|\^[]`` and the backtick unsafe. CloudFront wants them, spaces,
# controls and all non-ASCII encoded, "and no other characters". A ``%`` that starts an
# escape stays.
_TO_ENCODE = re.compile(r"""[^!-~]+|[<>"#{}|\\^\[\]`]|%(?![0-9A-Fa-f]{2})""")
# What no item can hold: a tilde, in any encoding, and a star before the end.
_UNNAMEABLE = re.compile(r"~|%7[Ee]|\*(?!\Z)")
_SLASHES = re.compile(r"/{2,}")


_SAFE = r"[A-Za-z0-9!$&'()+,.:;=?@_-]"
#: Says (by a match, or None) that ``normalise`` leaves a path as it is: most are such.
is_plain = re.compile(
    rf"(?=.{{1,{MAX_PATH_LENGTH}}}\Z)/(?:{_SAFE}+/)*{_SAFE}*\*?\Z"
).fullmatch


def is_wildcard(item: str) -> bool:
    """Say whether ``item`` is a wildcard path (``*`` counts only at the end)."""
    return item.startswith("/") and item.endswith("*")


def wildcards_of(items: Iterable[str]) -> list[str]:
    """Return those of ``items`` that are wildcard paths, in their order."""
    return [item for item in items if item[:1] == "/" and item[-1:] == "*"]


def encode(path: str) -> str:
    """Percent-encode what CloudFront wants encoded, and nothing twice.

    An escape that is already there stays; a ``%`` that starts none becomes
    ``%25``. The result is printable ASCII.
    """
    return _TO_ENCODE.sub(_encoded, path)


def _encoded(match: re.Match[str]) -> str:
    # Lone surrogates come from undecodable file names. They must not raise here.
    data = match.group().encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in data)


def normalise(path: str) -> str:
    """Return the item for ``path``: an item that CloudFront accepts and that
    reaches at least ``path``.

    A missing leading slash is added and repeated slashes are folded (viewers do
    not ask for them, but for URLs in query strings). A tilde cannot be invalidated
    in any encoding, and CloudFront refuses a star anywhere but at the end and a path
    over 4,000 characters: all of these are widened to the nearest wildcard.
    """
    folder, question_mark, query = path.partition("?")
    item = encode(_SLASHES.sub("/", "/" + folder) + question_mark + query)
    unnameable = _UNNAMEABLE.search(item)
    if unnameable:
        item = item[: unnameable.start()] + "*"
    if len(item) > MAX_PATH_LENGTH:
        item = _truncate(item)
    return item


def _truncate(item: str) -> str:
    # A cut must not leave half an escape, which would reach nothing.
    cut = MAX_PATH_LENGTH - 1
    for start in (cut - 1, cut - 2):
        if item[start] == "%":
            return item[:start] + "*"
    return item[:cut] + "*"


def subtree(path: str) -> str:
    """Return the wildcard item that reaches ``path``, its query strings and
    everything below it (and, CloudFront knows no better, what shares its prefix).
    """
    item = normalise(path)
    return item if is_wildcard(item) else normalise(item[: MAX_PATH_LENGTH - 1] + "*")
