"""What CloudFront accepts as an item, and what an item reaches. Pure functions.

Source: CloudFront developer guide, "What you need to know when invalidating files"
and "Invalidate by cache tag"; RFC 1738 for the unsafe characters. Where the guide is not
clear, this module accepts and reaches *less*: what works here must work at AWS.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import re


#: Characters of an invalidation path, the leading slash included.
MAX_PATH_LENGTH = 4_000
#: Characters of a cache tag, without the ``#`` that marks it among the items.
MAX_TAG_LENGTH = 256
#: Cache tags that CloudFront stores of one response; the rest it drops silently.
MAX_TAGS_PER_RESPONSE = 50

# Printable ASCII without the unsafe characters space < > " # % { } | \ ^ [ ] ` and
# without ~, or a percent-encoded octet.
_PATH = re.compile(r"/(?:[!$&-;=?-Z_a-z]|%[0-9A-Fa-f]{2})*")
_TAG = re.compile(rf"[!-+\--~]{{1,{MAX_TAG_LENGTH}}}")


class Kind(Enum):
    """The kinds of items. The quotas treat exact paths and tags alike."""

    EXACT = "exact"
    WILDCARD = "wildcard"
    TAG = "tag"


def kind_of(item: str) -> Kind:
    """Return the kind of an item. ``*`` is a wildcard only as the last character."""
    if item.startswith("#"):
        return Kind.TAG
    return Kind.WILDCARD if item.endswith("*") else Kind.EXACT


def count_wildcards(items: Iterable[str]) -> int:
    """Count the wildcard paths among the items."""
    return sum(kind_of(item) is Kind.WILDCARD for item in items)


def problem_with(item: str) -> str | None:
    """Say why CloudFront refuses an item, or None if it accepts it."""
    if item.startswith("#"):
        return _problem_with_tag(item[1:])
    if _PATH.fullmatch(item) and len(item) <= MAX_PATH_LENGTH:
        return _problem_with_tilde(item)
    return _problem_with_path(item)


def _problem_with_tag(tag: str) -> str | None:
    if _TAG.fullmatch(tag):
        return None
    return (
        f"a cache tag has 1 to {MAX_TAG_LENGTH} characters of visible ASCII "
        "without comma"
    )


def _problem_with_tilde(path: str) -> str | None:
    if "~" in path or "%7e" in path.lower():
        return "CloudFront cannot invalidate ~ in any encoding"
    return None


def _problem_with_path(path: str) -> str:
    if not path.startswith("/"):
        return "a path starts with /"
    if len(path) > MAX_PATH_LENGTH:
        return f"a path has at most {MAX_PATH_LENGTH} characters"
    return (
        _problem_with_tilde(path)
        or "non-ASCII and unsafe characters must be percent-encoded"
    )


def reaches(item: str, url: str, tags: frozenset[str] = frozenset()) -> bool:
    """Does the item remove the response cached for ``url`` with these ``tags``?

    ``url`` is the raw path and query string as the viewer sent it, ``tags`` is what
    :func:`stored_tags` returned for the response. The law: an exact path reaches
    the equal URL only, query string included; a wildcard reaches whatever starts
    with the part before ``*``; a tag reaches the responses that carry it.
    """
    return Reach.of([item]).includes(url, tags)


@dataclass(frozen=True, slots=True)
class Reach:
    """What several items reach together; fast for many URLs."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]
    tags: frozenset[str]

    @classmethod
    def of(cls, items: Iterable[str]) -> "Reach":
        """Sort the items by how they are compared."""
        exact, prefixes, tags = set(), set(), set()
        for item in items:
            kind = kind_of(item)
            if kind is Kind.TAG:
                tags.add(item[1:].lower())
            elif _has_empty_segment(item):
                continue
            elif kind is Kind.WILDCARD:
                prefixes.add(item[:-1])
            else:
                exact.add(item)
        return cls(frozenset(exact), tuple(sorted(prefixes)), frozenset(tags))

    def includes(self, url: str, tags: frozenset[str] = frozenset()) -> bool:
        """Is this cached response reached by any of the items?"""
        return (
            url in self.exact
            or url.startswith(self.prefixes)
            or not self.tags.isdisjoint(tags)
        )


def _has_empty_segment(item: str) -> bool:
    # Viewers do not ask for //. A client that sends such a path has a bug, and we show it:
    # the page stays stale, as at CloudFront.
    return "//" in item.partition("?")[0]


def stored_tags(header_values: Iterable[str]) -> frozenset[str]:
    """Return, in lower case, the tags CloudFront keeps of a response's header lines.

    Tags are separated by commas. Only the first 50 valid ones are kept, a repeated
    one counting again; nothing tells the origin about the rest.
    """
    tags = (tag.strip(" \t") for value in header_values for tag in value.split(","))
    valid = [tag.lower() for tag in tags if _TAG.fullmatch(tag)]
    return frozenset(valid[:MAX_TAGS_PER_RESPONSE])
