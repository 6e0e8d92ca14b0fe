"""How a site purges: by cache tag, by path, or both; and what that depends on.

With ``cache_tags: auto`` it depends on whether the distributions read the tags. Somebody
looks (``delivery/reading``), and tells this module what is known, for the whole process.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.planning.reading import Reading
from collective.cloudfront.settings.distributions import Distribution
from collective.cloudfront.settings.lifetimes import are_all_tagged
from collective.cloudfront.settings.schema import TAGS_AUTO
from collective.cloudfront.settings.schema import TAGS_INVALIDATE
from plone.registry.interfaces import IRegistry

import math
import os
import time


#: What was learnt so long ago (seconds) may have changed, and nobody has told us.
LEARNT_FOR = 45.0

_known: Mapping[str, Reading] = {}
_learnt = -math.inf


def learn(known: Mapping[str, Reading]) -> bool:
    """Take what is known of distributions, by id; says whether something is new."""
    global _known, _learnt
    _learnt = time.monotonic()
    before, _known = _known, known
    return _essence(before) != _essence(known)


def _essence(known: Mapping[str, Reading]) -> dict[str, tuple[str, float]]:
    return {name: (each.header, each.since) for name, each in known.items()}


def forget() -> None:
    """Know nothing, as at the start."""
    global _known, _learnt
    _known, _learnt = {}, -math.inf


def is_known() -> bool:
    """Say whether anything was learnt since the start."""
    return _learnt > -math.inf


def reading_of(distribution: Distribution) -> Reading | None:
    """Return what is known of a distribution."""
    return _known.get(distribution.id)


def reads_tags(distribution: Distribution) -> bool:
    """Say whether a distribution is known to read the header that its pages carry."""
    return read_since([distribution]) is not None


def read_since(distributions: Collection[Distribution]) -> float | None:
    """Return since when (Unix seconds) all of them read their headers; None: not all do."""
    since: float | None = None
    for each in distributions:
        found = _known.get(each.id)
        if found is None or found.header != each.tag_header.lower():
            return None
        since = max(since or 0.0, found.since)
    return since


def is_certain(distributions: Iterable[Distribution]) -> bool:
    """Say whether that was seen lately, and learnt just now."""
    now = time.time()
    if time.monotonic() - _learnt > LEARNT_FOR:
        return False
    found = map(reading_of, distributions)
    return all(each is not None and each.is_certain(now) for each in found)


def ways(
    registry: IRegistry,
    tags: str,
    distributions: tuple[Distribution, ...],
    environ: Mapping[str, str] = os.environ,
) -> tuple[bool, bool]:
    """Return whether a site purges by cache tag, and whether by path. Both while copies
    without tags may be at the edge. ``tags`` is the setting in force.
    """
    if tags == TAGS_INVALIDATE:
        return True, not are_all_tagged(registry, environ)
    since = read_since(distributions) if tags == TAGS_AUTO else None
    if since is None:
        return False, True
    only_tags = is_certain(distributions) and are_all_tagged(registry, environ, since)
    return True, not only_tags
