"""The rules of CloudFront once more, written another way than the code under test.

Source: CloudFront developer guide, "What you need to know when invalidating files".
Slow and plain on purpose.
"""

from urllib.parse import quote

import re


#: ``urllib`` never encodes these; CloudFront wants nothing of printable ASCII
#: encoded but space ``< > " # % { } | \\ ^ [ ] `` and the backtick.
PLAIN = "!$&'()*+,-./:;=?@_~"

_UNSAFE = frozenset('<>"#%{}|\\^[]`')
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPE_OR_CHARACTER = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)


def asked_for(path: str) -> str:
    """Return the URL that a viewer sends for ``path``.

    Escapes stay as they are, everything else is encoded once and only where it must
    be. Viewers do not ask for ``//`` in paths; in query strings they do.
    """
    url = _ESCAPE_OR_CHARACTER.sub(_encoded, path)
    folder, question_mark, query = url.partition("?")
    segments = [segment for segment in folder.split("/") if segment]
    ends_with_slash = folder.endswith("/") and segments
    return (
        "/" + "/".join(segments) + "/" * bool(ends_with_slash) + question_mark + query
    )


def _encoded(match: re.Match) -> str:
    text = match.group()
    if len(text) == 3:
        return text
    return quote(text, safe=PLAIN, encoding="utf-8", errors="surrogatepass")


def encoded(path: str) -> str:
    """Encode ``path`` character by character: the definition of ``items.encode``."""
    pieces = []
    position = 0
    while position < len(path):
        escape = _ESCAPE.match(path, position)
        if escape:
            pieces.append(escape.group())
            position = escape.end()
            continue
        pieces.append(_encoded_character(path[position]))
        position += 1
    return "".join(pieces)


def _encoded_character(character: str) -> str:
    if "!" <= character <= "}" and character not in _UNSAFE or character == "~":
        return character
    return "".join(
        f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass")
    )


def is_valid(item: str) -> bool:
    """Say whether CloudFront takes ``item`` as a path."""
    if not item.startswith("/") or len(item) > 4000:
        return False
    without_escapes = re.sub(r"%[0-9A-Fa-f]{2}", "", item)
    return (
        all("!" <= character <= "}" for character in without_escapes)
        and not set(without_escapes) & set(' <>"#%{}|\\^[]`~')
        and "%7e" not in item.lower()
        and "*" not in item[:-1]
    )


def reaches(item: str, url: str) -> bool:
    """Say whether invalidating ``item`` drops what is cached for ``url``."""
    if item.endswith("*"):
        return url.startswith(item[:-1])
    return url == item
