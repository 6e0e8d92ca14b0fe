"""No error of ours makes a save fail, and none goes unseen.

::

    a function of ours raises ──► logged at ERROR ──► the site is purged instead
                                                         │ that fails, too
                                                         ▼
                       every distribution is purged after the commit ──► logged at ERROR

Only what makes Zope repeat the request (``TransientError``, a ``ConflictError``) is
raised again: the transaction is lost then, with all that it changed.
"""

from collections.abc import Callable
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.process import this_process
from functools import wraps
from transaction.interfaces import TransientError
from typing import Any

import logging
import transaction
import uuid


logger = logging.getLogger("collective.cloudfront")

_NOTHING_PURGED = (
    "A change was saved, but nothing was purged. Use “Purge all” in the control panel."
)

# Identifies our data among a transaction's; any object with an identity serves.
_KEY = object()


def never_failing(
    instead: Callable[[], None], even_conflicts: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let an error in a function cost a purge of everything, and no save.

    ``instead`` is called then. ``even_conflicts``: also errors for which Zope would
    repeat the request; for what runs after the commit, when it cannot any more.
    """

    def guarding(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def guarded(*arguments: Any, **options: Any) -> None:
            try:
                function(*arguments, **options)
            except Exception as error:
                if isinstance(error, TransientError) and not even_conflicts:
                    raise
                try:
                    _replace(function.__name__, instead)
                except Exception:
                    logger.exception("%s", _NOTHING_PURGED)

        return guarded

    return guarding


def purge_all_after_commit() -> None:
    """Have every distribution purged, once, when the current transaction is committed.

    The last resort, for nobody knows any more what changed, or in which site.
    """
    current = transaction.get()
    try:
        current.data(_KEY)
    except KeyError:
        current.set_data(_KEY, True)
        current.addAfterCommitHook(_purge_all)


def _replace(name: str, instead: Callable[[], None]) -> None:
    """Purge everything instead of what a function was to find out."""
    logger.exception("%s failed, so the whole site is purged.", name)
    for purge in dict.fromkeys((instead, purge_all_after_commit)):
        try:
            purge()
        except Exception:
            logger.exception("Purging the whole site failed.")
        else:
            return
    logger.error("%s", _NOTHING_PURGED)


def _purge_all(succeeded: bool) -> None:
    if not succeeded:
        return
    try:
        process = this_process()
        entries = [Entry(each, EVERYTHING) for each in process.targets()]
        process.intake.release(uuid.uuid4().hex, entries)
    except Exception:
        logger.exception("%s", _NOTHING_PURGED)
