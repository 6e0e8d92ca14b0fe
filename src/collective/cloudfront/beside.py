"""The outbox in the site's own database, where that is RelStorage on PostgreSQL.

There every Zope of the site finds it, on any machine, and it lasts as long as the data.
Nothing is to be set for that. Where it cannot be there, it is a file, and a check says
why.
"""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.factory import OnDamage
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from typing import Any

import logging


logger = logging.getLogger("collective.cloudfront")

#: Where a storage of ``zope.conf`` has another one inside.
_INSIDE = ("storage", "base", "config")
_LEVELS = 5


def dsn_of(configuration: Any) -> str | None:
    """Return the DSN of the database with Zope's root, if that is in PostgreSQL.

    ``configuration`` is what Zope has read from ``zope.conf``.
    """
    for database in getattr(configuration, "databases", None) or ():
        if "/" in database.getVirtualMountPaths():
            return _dsn_in(database.config.storage, _LEVELS)
    return None


def _dsn_in(section: Any, levels: int) -> str | None:
    adapter = getattr(section, "adapter", None)
    # By its name: RelStorage need not be installed.
    if type(adapter).__name__ == "PostgreSQLAdapterFactory":
        return str(adapter.config.dsn)
    inside = [getattr(section, name, None) for name in _INSIDE] if levels else []
    found = (_dsn_in(each, levels - 1) for each in inside if each is not None)
    return next((each for each in found if each is not None), None)


def open_beside(
    configuration: Any, file: str, on_damage: OnDamage
) -> tuple[Outbox | None, list[Message]]:
    """Return the outbox in the site's database, and what a person should know. None if it
    cannot be there; ``file`` is the URL of the file that is used then.
    """
    dsn = dsn_of(configuration)
    if dsn is None:
        return None, []
    try:
        from collective.cloudfront.outbox.postgresql.address import url_of
    except ImportError:
        return None, [_warned(message("outbox_needs_psycopg", path=file))]
    try:
        outbox = open_outbox(url_of(dsn), on_damage)
    except ValueError as error:
        return None, [_warned(_not_there(file, str(error)))]
    try:
        outbox.pending("", 1)
    except OutboxUnavailable as error:
        if error.is_forbidden:
            outbox.end()
            return None, [_warned(_not_there(file, str(error)))]
        # It will be there in a moment, as the database itself.
    return outbox, []


def _not_there(file: str, error: str) -> Message:
    return message("outbox_not_beside", path=file, error=error)


def _warned(concern: Message) -> Message:
    logger.warning("%s", concern)
    return concern
