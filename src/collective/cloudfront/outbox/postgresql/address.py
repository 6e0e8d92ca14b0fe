"""From a URL to what libpq connects with, and a name that shows no password."""

from dataclasses import dataclass
from psycopg import Error
from psycopg.conninfo import conninfo_to_dict
from psycopg.conninfo import make_conninfo
from urllib.parse import quote
from urllib.parse import urlencode

import re


#: The schema of the outbox, unless the URL names another.
SCHEMA = "cloudfront"

_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}")
_OWN = ("schema", "prepare")

#: What libpq is asked for where the URL says nothing. A server that is gone without a
#: word, behind a NAT or a failed switch, is noticed within half a minute, and one that
#: was replaced by its standby is not written to.
_DEFAULTS = {
    "fallback_application_name": "collective.cloudfront",
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "target_session_attrs": "read-write",
}
# And the server notices it as soon when this machine is gone: it may have locks.
_SERVER = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)


@dataclass(frozen=True)
class Address:
    """Where an outbox is. ``conninfo`` may hold a password: show ``str()`` instead.

    ``pooled`` says that a connection may be to another session in each transaction, as
    with PgBouncer: then nothing of a session is relied on.
    """

    conninfo: str
    schema: str = SCHEMA
    pooled: bool = False

    def __repr__(self) -> str:
        found = conninfo_to_dict(self.conninfo)
        if found.get("service"):
            place = f"service {found['service']}"
        else:
            host = found.get("host") or found.get("hostaddr") or "localhost"
            port = f":{found['port']}" if found.get("port") else ""
            place = f"{host}{port}/{found.get('dbname') or ''}"
        return f"postgresql://{place}?schema={self.schema}"


def address_of(url: str) -> Address:
    """Return what a URL names; raises ``ValueError``, which never repeats the URL."""
    place, _, query = url.partition("?")
    if "://" not in place:
        place += "://"  # the name alone: everything is in libpq's environment
    own, kept = {}, []
    for each in filter(None, query.split("&")):
        name, _, value = each.partition("=")
        if name in _OWN:
            own[name] = value
        else:
            kept.append(each)
    rest = f"{place}?{'&'.join(kept)}" if kept else place
    schema = own.get("schema", SCHEMA)
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(
            "The URL of the outbox names no schema for PostgreSQL. schema= takes up to "
            "48 letters, digits and underscores."
        )
    prepare = own.get("prepare", "on")
    if prepare not in ("on", "off"):
        raise ValueError("The URL of the outbox: prepare= has to be on or off.")
    is_pooled = prepare == "off"
    return Address(_conninfo(rest, "" if is_pooled else _SERVER), schema, is_pooled)


def url_of(dsn: str, schema: str = SCHEMA) -> str:
    """Return the URL of an outbox in the database that a DSN of libpq names.

    Raises ``ValueError`` if it names none.
    """
    try:
        found = conninfo_to_dict(dsn)
    except Error:
        raise ValueError("The DSN of the database is not valid.") from None
    named = {name: str(value) for name, value in found.items() if value is not None}
    # libpq takes no plus sign for a blank.
    query = urlencode({**named, "schema": schema}, quote_via=quote)
    return f"postgresql:///?{query}"


def _conninfo(url: str, server: str) -> str:
    try:
        given = {**_DEFAULTS, **conninfo_to_dict(url)}
        # What the URL says comes last, and counts.
        given["options"] = f"{server} {given.get('options') or ''}".strip()
        return make_conninfo(**given)
    except Error:
        # libpq's reason may quote a part of the password.
        raise ValueError(
            "The URL of the outbox is not valid for PostgreSQL. Use "
            "postgresql://user@host:port/database, and percent-encode special characters."
        ) from None
