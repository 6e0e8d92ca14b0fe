"""The outbox in a PostgreSQL database."""

from collections.abc import Callable
from collective.cloudfront.outbox.postgresql.address import Address
from collective.cloudfront.outbox.postgresql.address import address_of
from collective.cloudfront.outbox.postgresql.store import PostgresqlStore
from collective.cloudfront.outbox.stored import StoredOutbox

import time


def open_engine(
    url: str, on_damage: Callable[[str], None] = lambda path: None
) -> "PostgresqlOutbox":
    """Return the outbox at ``url``, such as ``postgresql://user@host/database``.

    ``schema=`` names its schema, and ``prepare=off`` is for PgBouncer; the rest of the
    query is libpq's. Raises ``ValueError`` for another URL. ``on_damage`` is never
    called: what happens to the server's files is the server's business.
    """
    return PostgresqlOutbox(address_of(url))


class PostgresqlOutbox(StoredOutbox):
    """See ``contract.Outbox``."""

    def __init__(self, address: Address, clock: Callable[[], float] = time.time):
        """Open the outbox lazily: the first use may fail, not this. ``clock`` returns
        Unix seconds.
        """
        super().__init__(PostgresqlStore(address), clock)
