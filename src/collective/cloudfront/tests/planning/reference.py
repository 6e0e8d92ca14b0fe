"""The rules of CloudFront once more, written another way than the code under test.

Source: CloudFront developer guide, "What you need to know when invalidating files".
Slow and plain on purpose.
"""

from urllib.parse import quote

import re


#: ``urllib`` never encodes these; CloudFront wants nothing of printable ASCII
#: encoded but space ``< > " # % { } | \\ ^ [ ] `` and the backtick.
PLAIN = "!$&'()*+,-./:;=?@_~"

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


def is_valid(item: str) -> bool:
    """Say whether CloudFront takes ``item`` as a path."""
    if not item.startswith("/") or len(item) > 4000:
        return False
    without_escapes = re.sub(r"%[0-9A-Fa-f]{2}", "", item)
    return (
        all("!" <= character <= "}" for character in without_escapes)
        and not set(without_escapes) & set(' <>"#%{}|\\^[]`~')
        and "%7e" not in item.lower()
    )


def reaches(item: str, url: str) -> bool:
    """Say whether invalidating ``item`` drops what is cached for ``url``."""
    if item.endswith("*"):
        return url.startswith(item[:-1])
    return url == item
