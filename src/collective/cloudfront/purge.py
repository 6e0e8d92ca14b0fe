"""Purging from code: for add-ons, scripts and upgrade steps.

All of it takes part in the current transaction: nothing is purged if it is aborted, and
everything is sent, once, after it was committed. A request is not needed. Where the
add-on is not installed or not enabled, nothing happens.
"""

from collections.abc import Iterator
from collective.cloudfront.changes.transaction import collect
from collective.cloudfront.changes.transaction import collect_tag
from collective.cloudfront.changes.transaction import suspending
from collective.cloudfront.dates import since
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import subtree
from collective.cloudfront.settings import settings_of
from contextlib import contextmanager
from plone import api


def purge_path(path: str, below: bool = False) -> None:
    """Purge a path of the current site, as visitors see it below the front page.

    ``path`` starts with a slash; ``/`` is the front page. It may hold a query
    string, non-ASCII characters, and a ``*`` at its end. CloudFront knows none anywhere
    else, nor a ``~``: there the path ends with a wildcard. With ``below`` everything whose
    path starts with it is purged as well, query strings included.

    Raises ``ValueError`` for a path that does not start with a slash, and
    ``plone.api.exc.CannotGetPortalError`` where there is no current site.
    """
    if not path.startswith("/"):
        raise ValueError(f"{path!r} does not start with a slash.")
    collect(api.portal.get(), [subtree(path) if below else path])


def purge_tag(name: str) -> None:
    """Purge what was told to depend on ``name``, by ``tagging.depends_on(tags=[name])``.

    As long as the current site is purged by path, too (the setting ``cache_tags``), that
    is every page, at most once in the site purge interval: nobody knows which.

    Raises ``ValueError`` for an empty name, and
    ``plone.api.exc.CannotGetPortalError`` where there is no current site.
    """
    if not name:
        raise ValueError("A cache tag needs a name.")
    collect_tag(api.portal.get(), name)


@contextmanager
def suspended() -> Iterator[None]:
    """Purge nothing meanwhile, and the whole site once at the end: for migrations.

    In this thread, over as many transactions as there are; the purge belongs to the
    one that is current at the end. Also after an error: some may be committed.
    """
    try:
        with suspending():
            yield
    finally:
        purge_all()
        site = api.portal.get()
        if settings_of(site) is not None:
            # What was saved meanwhile has told nobody of its dates
            since.note(site)


def purge_all() -> None:
    """Purge every page of the current site, with one wildcard item."""
    collect(api.portal.get(), [EVERYTHING])
