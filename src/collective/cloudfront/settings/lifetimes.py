"""For how long copies without cache tags may still be at the edge."""

from collections.abc import Mapping
from collective.cloudfront.settings.environment import value_in_force
from collective.cloudfront.settings.records import CACHING
from collective.cloudfront.settings.records import has_volto
from collective.cloudfront.settings.schema import SINCE
from datetime import datetime
from datetime import timezone
from plone.registry.interfaces import IRegistry

import os
import time


_STABLE = "plone.stableResource"
#: Seconds; what CloudFront keeps an answer for that does not say.
_DAY = 86400.0
#: CloudFront keeps nothing for longer (developer guide, "Expiration").
_YEAR = 366 * _DAY


def are_all_tagged(
    registry: IRegistry,
    environ: Mapping[str, str] = os.environ,
    read_since: float = 0.0,
) -> bool:
    """Say whether every cached answer of the site carries tags that were read.

    Volto's pages are made by another program, which sends none unless it has our
    middleware. ``read_since`` is since when (Unix seconds) the distributions read them.
    """
    if has_volto(registry) and not value_in_force(registry, "volto_tags", environ):
        return False
    return have_untagged_expired(registry, environ, read_since)


def have_untagged_expired(
    registry: IRegistry,
    environ: Mapping[str, str] = os.environ,
    read_since: float = 0.0,
) -> bool:
    """Say whether what was cached before tags were sent, and read, has expired."""
    until = untagged_until(registry, environ, read_since)
    return until is not None and until < time.time()


def untagged_until(
    registry: IRegistry,
    environ: Mapping[str, str] = os.environ,
    read_since: float = 0.0,
) -> float | None:
    """Return until when (Unix seconds) copies without tags may be at the edge; None: it
    is not known since when responses carry tags.
    """
    try:
        sent = datetime.fromisoformat(value_in_force(registry, SINCE, environ))
    except ValueError:
        return None
    if sent.tzinfo is None:
        sent = sent.replace(tzinfo=timezone.utc)
    since = max(sent.timestamp(), read_since)
    # To read all settings takes long, and mostly it is long ago
    if time.time() - since > _YEAR:
        return since + _YEAR
    return since + longest_lifetime(registry)


def longest_lifetime(registry: IRegistry) -> float:
    """Return for how long (seconds) pages may be at the edge: a day, or what is set in
    the Caching control panel if that is longer.

    Resources whose URLs change with them do not count.
    """
    # Names first: each record is an object that is made when it is asked for, and saves
    # and responses wait for this in a site's first year
    lifetimes = (
        registry.get(name)
        for name in registry.records.keys(CACHING, f"{CACHING}~")
        if name.endswith((".smaxage", ".maxage")) and _STABLE not in name
    )
    return max([_DAY, *(each for each in lifetimes if isinstance(each, int))])
