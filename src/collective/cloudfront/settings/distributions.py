"""Distributions as a value, and the text of a setting that names them.

::

    E2QWRUHAPOMQZL/en;role=arn:aws:iam::123456789012:role/purge;prefix=/intranet;header=X-Tags
    └── id ──────┘└┬┘ └── options ──────────────────────────────────────────────────────────┘
                   └ root: the folder of the site that is the front page there

Several are separated by white space or commas. What an option does not say is the same
for all distributions of the site: it comes from settings of its own (``Defaults``).
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.planning.items import encode
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import re


DEFAULT_HEADER = "Cache-Tag"

#: Names of the options.
_ROLE_OPTION, _PREFIX_OPTION, _HEADER_OPTION = "role", "prefix", "header"
OPTIONS = (_ROLE_OPTION, _PREFIX_OPTION, _HEADER_OPTION)

_ID = re.compile(r"(E[A-Z0-9]+|dt_[A-Za-z0-9]+)\Z")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+\Z")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution, or distribution tenant, that serves a site.

    ``root`` is the path inside the site that is its front page, ``prefix`` the path
    below which visitors reach that; both are empty at the top, and as CloudFront wants
    paths, percent-encoded. ``tag_header`` is the response header that it reads cache
    tags from. ``role_arn`` is the role to assume for it; empty: none.
    """

    id: str
    root: str = ""
    prefix: str = ""
    tag_header: str = DEFAULT_HEADER
    role_arn: str = ""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for distributions without options. One with a root of its own has no
    prefix by default.
    """

    prefix: str = ""
    tag_header: str = DEFAULT_HEADER
    role_arn: str = ""


class Problem(Enum):
    """What can be wrong with the text of the setting."""

    ID = "no id of a distribution"
    UNKNOWN_OPTION = "unknown option"
    ROLE = "no ARN of a role"
    PREFIX = "no path prefix"
    HEADER = "no name of a header"
    CONTRADICTION = "two values of one option"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A ``problem``, where it is, and the ``value`` that is wrong."""

    problem: Problem
    distribution: str
    value: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the text: pairs of an option and its value, as they are written."""

    id: str
    root: str
    options: tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def read_distributions(
    text: str | None, defaults: Defaults = Defaults()
) -> tuple[Distribution, ...]:
    """Return the distributions that a text names, each once, in their order.

    An option at one of several entries of the same id holds for all of them; a prefix,
    for those with the same root. Never raises: what is not understood (``first_flaw``
    says so) is left out, and of several values the first one counts.
    """
    entries = tuple(_entries(text))
    written: dict[tuple[str, ...], str] = {}
    for entry in entries:
        for name, value in entry.options:
            written.setdefault(_scope(entry, name), value)
    return tuple(
        dict.fromkeys(
            Distribution(
                id=entry.id,
                root=entry.root,
                prefix=encode(
                    written.get(
                        _scope(entry, _PREFIX_OPTION),
                        "" if entry.root else defaults.prefix,
                    )
                ),
                tag_header=written.get(
                    _scope(entry, _HEADER_OPTION), defaults.tag_header
                ),
                role_arn=written.get(_scope(entry, _ROLE_OPTION), defaults.role_arn),
            )
            for entry in entries
        )
    )


def write_distributions(
    distributions: Iterable[Distribution], defaults: Defaults = Defaults()
) -> str:
    """Return the text that ``read_distributions`` reads these from, with the same
    ``defaults``, as long as those of one id agree in what holds for all of them.
    """
    return " ".join(_written(each, defaults) for each in distributions)


def _written(distribution: Distribution, defaults: Defaults) -> str:
    default_prefix = "" if distribution.root else defaults.prefix
    options = (
        (_ROLE_OPTION, distribution.role_arn, defaults.role_arn),
        (_PREFIX_OPTION, distribution.prefix, encode(default_prefix)),
        (_HEADER_OPTION, distribution.tag_header, defaults.tag_header),
    )
    return f"{distribution.id}{distribution.root}" + "".join(
        f";{name}={value}" for name, value, default in options if value != default
    )


def split_distributions(text: str | None) -> tuple[str, ...]:
    """Return the ids that a text names, each once, in their order."""
    return tuple(dict.fromkeys(each.id for each in read_distributions(text)))


def first_flaw(text: str | None) -> Flaw | None:
    """Return the first thing that is wrong with a text; None if it is valid."""
    known: dict[tuple[str, ...], str] = {}
    for entry in _entries(text):
        if not _ID.match(entry.id):
            return Flaw(Problem.ID, entry.id, entry.id)
        for name, value in entry.options:
            problem = _problem(name, value)
            if problem is not None:
                shown = name if problem is Problem.UNKNOWN_OPTION else value
                return Flaw(problem, entry.id, shown)
            if known.setdefault(_scope(entry, name), value) != value:
                return Flaw(Problem.CONTRADICTION, entry.id, name)
    return None


def _problem(name: str, value: str) -> Problem | None:
    if name not in OPTIONS:
        return Problem.UNKNOWN_OPTION
    if name == _ROLE_OPTION:
        return None if not value or is_role_arn(value) else Problem.ROLE
    if name == _PREFIX_OPTION:
        return None if not value or is_path_prefix(value) else Problem.PREFIX
    return None if is_header_name(value) else Problem.HEADER


def _entries(text: str | None) -> Iterator[_Entry]:
    for word in filter(None, re.split(r"[\s,]+", text or "")):
        place, *options = word.split(";")
        identifier, _slash, path = place.partition("/")
        path = path.strip("/")
        pairs = (option.partition("=") for option in options if option)
        yield _Entry(
            identifier,
            encode(f"/{path}") if path else "",
            tuple((name.lower(), value) for name, _equals, value in pairs),
        )


def _scope(entry: _Entry, name: str) -> tuple[str, ...]:
    """Return what an option holds for: a distribution, or one of its roots."""
    return (name, entry.id, entry.root) if name == _PREFIX_OPTION else (name, entry.id)


# --- what values may be -------------------------------------------------------------


def is_role_arn(value: str) -> bool:
    """Say whether this is the ARN of an IAM role."""
    return bool(_ROLE.match(value))


def is_path_prefix(value: str) -> bool:
    """Say whether this is a path that begins with a slash and does not end with one."""
    return (
        value.startswith("/")
        and not value.endswith("/")
        and "//" not in value
        and not any(character in value for character in "*?#~ ")
        and not any(part in (".", "..") for part in value.split("/"))
    )


def is_header_name(value: str) -> bool:
    """Say whether this is the name of an HTTP header (RFC 9110, token)."""
    return bool(_HEADER.match(value))
