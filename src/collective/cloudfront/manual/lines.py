"""What a person types to be purged: URLs and paths, one on each line.

Pure: the same text gives the same items and the same problems. Nothing is corrected
silently into something that reaches more than was typed, except where ``normalise``
has to.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.planning.items import normalise
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit


#: What one request may hold. CloudFront takes 3,000 paths at once; whoever has more to
#: purge means a section.
MAX_LINES = 1000


class Problem(Enum):
    """Why a line is no item."""

    NO_PATH = "no_path"
    SCHEME = "scheme"
    OTHER_HOST = "other_host"
    WILDCARD = "wildcard"
    CONTROL = "control"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Line:
    """A line, its number (from 1), and the ``item`` it is or the ``problem`` it has."""

    number: int
    text: str
    item: str = ""
    problem: Problem | None = None


def read_lines(text: str, hosts: Collection[str] = ()) -> list[Line]:
    """Return the lines of ``text`` that are not empty.

    A line is a path from the host's root, with a query string if need be, or a URL.
    ``*`` at the end is a wildcard. ``hosts`` are the names that the site answers at, in
    lower case, with port if there is one; if empty, every host is taken for it.
    Fragments (``#top``) are left out, since browsers do not send them.
    """
    numbered = enumerate(text.splitlines(), start=1)
    return _read_all([each for each in numbered if each[1].strip()], hosts)


def read_paths(paths: Iterable[str], hosts: Collection[str] = ()) -> list[Line]:
    """Return the same for paths that a program names: each is one, an empty one is a
    mistake.
    """
    return _read_all(list(enumerate(paths, start=1)), hosts)


def items_of(lines: Collection[Line]) -> tuple[str, ...]:
    """Return the items of ``lines``, each once, in their order."""
    return tuple(dict.fromkeys(line.item for line in lines if line.item))


def _read_all(
    numbered: Sequence[tuple[int, str]], hosts: Collection[str]
) -> list[Line]:
    found = [_read(number, text, hosts) for number, text in numbered[:MAX_LINES]]
    if len(numbered) > MAX_LINES:
        number, text = numbered[MAX_LINES]
        found.append(Line(number, text.strip(), problem=Problem.TOO_MANY))
    return found


def _read(number: int, text: str, hosts: Collection[str]) -> Line:
    text = text.strip()
    path, problem = _path_of(text, hosts)
    # Of the text: urlsplit leaves out tabs and line breaks
    problem = problem or next(_problems(path, text), None)
    if problem is not None:
        return Line(number, text, problem=problem)
    return Line(number, text, item=normalise(path))


def _path_of(text: str, hosts: Collection[str]) -> tuple[str, Problem | None]:
    text = text.partition("#")[0]
    if text.startswith("/") and not text.startswith("//"):
        return text, None
    try:
        parts = urlsplit(text)
    except ValueError:  # such as "http://[::1"
        return "", Problem.NO_PATH
    if not parts.netloc:
        return "", Problem.SCHEME if parts.scheme else Problem.NO_PATH
    if parts.scheme not in ("http", "https", ""):
        return "", Problem.SCHEME
    host = parts.netloc.rpartition("@")[2].lower()
    if hosts and host not in hosts:
        return "", Problem.OTHER_HOST
    query = f"?{parts.query}" if parts.query else ""
    return (parts.path or "/") + query, None


def _problems(path: str, text: str) -> Iterator[Problem]:
    if "*" in path[:-1]:
        yield Problem.WILDCARD
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        yield Problem.CONTROL
