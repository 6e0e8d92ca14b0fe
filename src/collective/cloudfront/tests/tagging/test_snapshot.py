"""Specification: what is read belongs to a snapshot, and its number is never too high.

An answer that claims to be newer than it is stays at the edge, see ``planning.late``.
"""

from collections.abc import Iterator
from collective.cloudfront.tagging.snapshot import last_transaction
from collective.cloudfront.tagging.snapshot import snapshot
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.postgres import missing
from collective.cloudfront.tests.http.postgres import Postgres
from collective.cloudfront.tests.http.postgres import postgres
from contextlib import contextmanager
from pathlib import Path
from persistent.mapping import PersistentMapping
from transaction import TransactionManager
from ZODB import DB
from ZODB.config import databaseFromString
from ZODB.Connection import Connection
from ZODB.utils import u64

import pytest


# --- a storage without MVCC of its own --------------------------------------------------


def test_a_snapshot_shows_what_was_committed_last():
    with opened(DB(None)) as db:
        one, two = connect(db), connect(db)
        write(one, "x", 1)
        two.transaction_manager.begin()
        assert snapshot(two.root()) == number_of(one) == last_transaction([one.root()])


def test_a_snapshot_shows_nothing_that_was_committed_since():
    with opened(DB(None)) as db:
        one, two = connect(db), connect(db)
        two.transaction_manager.begin()
        before = snapshot(two.root())
        write(one, "x", 1)
        assert snapshot(two.root()) == before < number_of(one)


def test_what_is_in_no_database_has_no_snapshot():
    assert snapshot(PersistentMapping()) is None
    assert last_transaction([PersistentMapping()]) == 0


# --- RelStorage, with loads from a replica ----------------------------------------------


@pytest.fixture(scope="module")
def servers() -> Iterator[Postgres]:
    """PostgreSQL with a hot standby."""
    if missing():
        pytest.skip(missing())
    with postgres() as running:
        yield running


@pytest.fixture(params=["history", "history-free"])
def both(request, servers, tmp_path) -> Iterator[tuple[DB, DB]]:
    """A database, and the same read from a replica that is up to date."""
    name = request.param.replace("-", "_")
    servers.add_database(name)
    keep = request.param == "history"
    with opened(relstorage(servers, tmp_path / "one", name, False, keep)) as primary:
        write(connect(primary), "x", 0)
        servers.wait_for_standby()
        with opened(relstorage(servers, tmp_path / "two", name, True, keep)) as replica:
            yield primary, replica
            servers.resume()


@pytest.mark.slow
def test_a_snapshot_of_a_primary_shows_what_was_committed_last(both):
    one, two = connect(both[0]), connect(both[0])
    write(one, "x", 1)
    two.transaction_manager.begin()
    assert two.root()["x"] == 1
    assert snapshot(two.root()) == number_of(one) == last_transaction([one.root()])


@pytest.mark.slow
def test_a_snapshot_of_a_replica_is_as_old_as_the_replica(both, servers):
    one, replica = connect(both[0]), connect(both[1])
    before = snapshot(replica.root())
    servers.pause()
    write(one, "x", 1)
    replica.transaction_manager.begin()
    assert replica.root()["x"] == 0
    assert snapshot(replica.root()) == before < number_of(one)
    servers.resume()
    servers.wait_for_standby()
    replica.transaction_manager.begin()
    assert replica.root()["x"] == 1
    assert snapshot(replica.root()) == number_of(one)


@pytest.mark.slow
def test_who_has_committed_something_reads_an_old_replica_all_the_same(both, servers):
    one, replica = connect(both[0]), connect(both[1])
    write(one, "other", PersistentMapping())
    servers.wait_for_standby()
    replica.transaction_manager.begin()
    replica.root()["other"]._p_activate()
    servers.pause()
    write(one, "x", 1)
    replica.root()["other"]["y"] = 1
    replica.transaction_manager.commit()
    own = last_transaction([replica.root()])
    replica.transaction_manager.begin()
    assert replica.root()["x"] == 0
    assert snapshot(replica.root()) < number_of(one) < own


@pytest.mark.slow
def test_a_replica_that_is_behind_another_one_shows_nothing_for_certain(both, servers):
    one, replica = connect(both[0]), connect(both[1])
    servers.pause()
    write(one, "x", 1)
    servers.read_from("primary")
    eventually(lambda: shown(replica, "x") == 1)
    servers.read_from("standby")
    eventually(lambda: shown(replica, "x") == 0)
    assert snapshot(replica.root()) < number_of(one)


# --- helpers ----------------------------------------------------------------------------


def relstorage(servers: Postgres, home: Path, name: str, replica: bool, keep: bool):
    section = servers.storage(replica, keep, name).replace("$HOME", str(home))
    return databaseFromString(f"<zodb>\n{section}\n</zodb>")


@contextmanager
def opened(db: DB) -> Iterator[DB]:
    """Close a database at the end."""
    try:
        yield db
    finally:
        db.close()


def connect(db: DB) -> Connection:
    return db.open(TransactionManager())


def write(connection: Connection, key: str, value: object) -> None:
    connection.root()[key] = value
    connection.transaction_manager.commit()


def shown(connection: Connection, key: str) -> object:
    """Return what a new transaction shows."""
    connection.transaction_manager.begin()
    return connection.root()[key]


def number_of(connection: Connection) -> int:
    """Return the transaction that has written the root last."""
    connection.root()._p_activate()
    return u64(connection.root()._p_serial)
