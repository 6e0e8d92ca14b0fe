"""What a Zope lets workers and the command line know of its sites, in the outbox."""

from collections.abc import Callable
from collections.abc import Mapping
from collective.cloudfront.delivery.published import Place
from collective.cloudfront.delivery.published import publish
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.delivery.published import without_keys
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import Settings
from plone.uuid.interfaces import IUUID
from typing import Any
from urllib.parse import urlsplit

import logging
import time


logger = logging.getLogger("collective.cloudfront")

_DOMAINS = "plone.cachepurging.interfaces.ICachePurgingSettings.domains"


class Publishing:
    """Lets workers and the command line know of the sites of a Zope."""

    def __init__(self, outbox: Outbox, read: Callable[[Any], list[Site]]):
        """``read`` returns what is to be published of a database."""
        self._outbox = outbox
        self._read = read
        self._keys: set[str] = set()

    def publish(self, database: Any) -> None:
        """Publish what has changed. For the courier's thread.

        Raises what ``published.publish`` raises; then it is still to be done.
        """
        try:
            found = self._read(database)
        except Exception:
            # The database may be away for a while; what was published is still right.
            logger.exception("The sites cannot be published now. Trying again.")
            return
        keys = {site.key for site in found}
        publish(self._outbox, found, self._keys - keys, time.time())
        self._keys = keys


def published_site(
    site: Any, settings: Settings, targets: Mapping[str, Target]
) -> Site:
    """Return what is published of a site with these settings, and ``targets``: no key
    pair.
    """
    path = "/".join(site.getPhysicalPath())
    return Site(
        # Databases that share an outbox may have sites of one path
        key=IUUID(site, None) or path,
        path=path,
        targets={name: without_keys(each) for name, each in targets.items()},
        with_keys=frozenset(
            name for name, each in targets.items() if without_keys(each) != each
        ),
        places=tuple(
            Place(each.id, each.root, each.prefix, each.tag_header)
            for each in settings.distributions
        ),
        hosts=tuple(_hosts(site)),
        has_api=settings.api,
        is_classic=settings.classic,
    )


def _hosts(site: Any) -> list[str]:
    """Return the names that visitors use for a site; none if they are not known."""
    domains = registry_of(site).get(_DOMAINS) or ()
    names = (urlsplit(domain).hostname for domain in domains)
    return sorted({name for name in names if name})
