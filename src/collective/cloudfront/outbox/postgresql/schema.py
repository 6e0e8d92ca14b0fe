"""The tables of the outbox in their schema, and the format that they have."""

from collections.abc import Iterator
from collective.cloudfront.outbox.postgresql.connections import Connection
from collective.cloudfront.outbox.sql import column_types
from collective.cloudfront.outbox.sql import in_order
from collective.cloudfront.outbox.store import BILL
from collective.cloudfront.outbox.store import COUNTER
from collective.cloudfront.outbox.store import INTERVAL
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import LATELY
from collective.cloudfront.outbox.store import MEMORY
from collective.cloudfront.outbox.store import ORDERS
from collective.cloudfront.outbox.store import PREPARED
from collective.cloudfront.outbox.store import QUARANTINE
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import SCHEDULED
from collective.cloudfront.outbox.store import Table
from psycopg import errors
from types import NoneType
from typing import get_args
from typing import get_type_hints


#: Raise this with every change of the tables, and say in ``_create`` how to get there.
FORMAT = 1

TABLES = (
    PREPARED,
    READY,
    SCHEDULED,
    INTERVAL,
    INVALIDATION,
    QUARANTINE,
    REQUEST,
    LATELY,
    BILL,
    COUNTER,
    MEMORY,
)

# Numbers of purges go up even if the server has lost the last ones in a crash: they are
# milliseconds, and what has one is read only by who knows a smaller one.
_NUMBER = """
CREATE FUNCTION {schema}.number_lately() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number IS NULL THEN
        NEW.number := greatest(
            (SELECT coalesce(max(number), 0) + 1 FROM {schema}.lately),
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    END IF;
    RETURN NEW;
END $$"""
_NUMBERED = """
CREATE TRIGGER number_lately BEFORE INSERT ON {schema}.lately
    FOR EACH ROW EXECUTE FUNCTION {schema}.number_lately()"""

# Who has joined, see ``listening``; ``ended`` is when they left.
_OWNER = """
CREATE TABLE {schema}.owner (
    name text PRIMARY KEY, joined timestamptz NOT NULL, ended timestamptz
)"""


class NewerFormat(Exception):
    """A newer version uses the outbox; the argument is its format."""


def ensure_schema(connection: Connection, schema: str, lock: int) -> None:
    """Create the tables in ``schema`` if they are not there; one process at a time.

    Raises ``NewerFormat``, and psycopg's errors.
    """
    if _format(connection, schema) is not None:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock($1)", [lock])
        # Another process may have done it meanwhile.
        exists = "SELECT to_regnamespace($1), to_regclass($2)"
        names = [f'"{schema}"', f'"{schema}".format']
        has_schema, has_tables = connection.execute(exists, names).fetchall()[0]
        if has_tables is not None:
            return
        if has_schema is None:
            connection.execute(f'CREATE SCHEMA "{schema}"')
        for statement in _create(f'"{schema}"'):
            connection.execute(statement)


def _format(connection: Connection, schema: str) -> int | None:
    try:
        found = connection.execute(f'SELECT number FROM "{schema}".format').fetchall()
    except errors.UndefinedTable:
        return None
    number = int(found[0][0])
    if number > FORMAT:
        raise NewerFormat(number)
    return number


def _create(schema: str) -> Iterator[str]:
    for table in TABLES:
        yield f"CREATE TABLE {schema}.{table.name} ({', '.join(_columns(table))})"
        for order in ORDERS.get(table, []):
            columns = ", ".join(map(in_order, order))
            yield f"CREATE INDEX ON {schema}.{table.name} ({columns})"
    for statement in (_NUMBER, _NUMBERED, _OWNER):
        yield statement.format(schema=schema)
    yield f"CREATE TABLE {schema}.format (number bigint NOT NULL)"
    yield f"INSERT INTO {schema}.format VALUES ({FORMAT})"


def _columns(table: Table) -> Iterator[str]:
    hints = get_type_hints(table.row)
    for name, kind in column_types(table).items():
        # As bytes, which is how Python compares, whatever the database's language
        collation = ' COLLATE "C"' if kind == "text" else ""
        is_needed = NoneType not in get_args(hints[name])
        yield f'"{name}" {kind}{collation}{" NOT NULL" if is_needed else ""}'
    if table.serial:
        yield f'"{table.serial}" bigserial'
    quoted = [f'"{name}"' for name in table.key]
    yield f"PRIMARY KEY ({', '.join(quoted)})"
