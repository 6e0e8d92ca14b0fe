"""A PostgreSQL server with a hot standby that may lag behind, for RelStorage."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.tests.postgres import DATABASE
from collective.cloudfront.tests.postgres import HOST
from collective.cloudfront.tests.postgres import missing_server
from collective.cloudfront.tests.postgres import ROLE
from collective.cloudfront.tests.postgres import Servers
from contextlib import contextmanager
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import os
import time


_STORAGE = """\
    %import relstorage
    <relstorage>
        keep-history {keep_history}
        blob-dir $HOME/var/blobcache
        shared-blob-dir false
        {replica}
        <postgresql>
            driver psycopg2
            dsn dbname={database} user={role} host={host} port={port}
        </postgresql>
    </relstorage>"""

#: Loads come from the replica only. Where it is behind what a connection has seen, the
#: older state is shown.
_REPLICA = """\
ro-replica-conf {path}
        revert_when_stale true"""


def missing() -> str:
    """Return what is missing, and how to install it; empty if nothing is."""
    if missing_server():
        return missing_server()
    if not (find_spec("relstorage") and find_spec("psycopg2")):
        return "RelStorage is missing: pip install RelStorage psycopg2-binary"
    return ""


class Postgres:
    """A primary and its hot standby, both running."""

    def __init__(self, folder: Path, primary: int, standby: int):
        self._folder = folder
        self._ports = {"primary": primary, "standby": standby}
        self._replicas = folder / "replicas.conf"
        self.read_from("standby")

    def storage(
        self, replica: bool = False, keep_history: bool = True, name: str = DATABASE
    ) -> str:
        """Return a storage for ``zope.conf``: all from the primary, or loads from the
        standby.
        """
        return _STORAGE.format(
            keep_history=str(keep_history).lower(),
            replica=_REPLICA.format(path=self._replicas) if replica else "",
            database=name,
            role=ROLE,
            host=HOST,
            port=self._ports["primary"],
        )

    @property
    def url(self) -> str:
        """The URL of an outbox on the primary."""
        return f"postgresql://{ROLE}@{HOST}:{self._ports['primary']}/{DATABASE}"

    def copy_database(self, var: Path, home: Path) -> None:
        """Copy the database in an instance's ``var`` to the primary, for one in ``home``."""
        from ZODB.blob import BlobStorage
        from ZODB.config import storageFromString
        from ZODB.FileStorage import FileStorage

        copy = storageFromString(self.storage().replace("$HOME", str(home)))
        files = FileStorage(str(var / "Data.fs"), read_only=True)
        copy.copyTransactionsFrom(BlobStorage(str(var / "blobstorage"), files))
        files.close()
        copy.close()
        self.wait_for_standby()

    def add_database(self, name: str) -> None:
        """Add one that is empty, unless it is there."""
        known = f"SELECT count(*) FROM pg_database WHERE datname = '{name}'"
        if not self._on("primary", known):
            self._on("primary", f"CREATE DATABASE {name}")
            self.wait_for_standby()

    def read_from(self, server: str) -> None:
        """Let storages with a replica read from ``primary`` or ``standby`` from now on."""
        before = self._replicas.stat().st_mtime if self._replicas.exists() else 0
        self._replicas.write_text(f"{HOST}:{self._ports[server]}\n")
        # RelStorage looks at the time only
        os.utime(self._replicas, (before + 1, before + 1))

    def pause(self) -> None:
        """Let the standby show what it shows now, until ``resume``."""
        self._on("standby", "SELECT pg_wal_replay_pause()")

        def is_paused() -> bool:
            state = "SELECT pg_get_wal_replay_pause_state()"
            return self._on("standby", state) == "paused"

        _wait(is_paused)

    def resume(self) -> None:
        """Let the standby go on."""
        self._on("standby", "SELECT pg_wal_replay_resume()")

    def wait_for_standby(self) -> None:
        """Wait until the standby shows all that the primary shows now."""
        end = self._on("primary", "SELECT pg_current_wal_lsn()")
        shown = f"SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn"
        _wait(lambda: self._on("standby", shown))

    def _on(self, server: str, statement: str) -> Any:
        import psycopg2

        connection = psycopg2.connect(
            host=HOST, port=self._ports[server], user=ROLE, dbname=DATABASE
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0] if cursor.description else None
        finally:
            connection.close()


@contextmanager
def postgres(delay: float = 0.0) -> Iterator[Postgres]:
    """Run both in a folder of their own; the standby shows each commit ``delay`` seconds
    later.
    """
    with (
        TemporaryDirectory(prefix="postgres", dir="/tmp") as made,
        ExitStack() as stack,
    ):
        folder = Path(made)
        folder.chmod(0o755)
        servers = Servers(folder)
        primary, standby = free_port(), free_port()
        servers.make_primary(primary)
        stack.callback(servers.stop, "primary")
        servers.start("primary", primary)
        servers.make_standby(primary, delay)
        stack.callback(servers.stop, "standby")
        servers.start("standby", standby)
        yield Postgres(folder, primary, standby)


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL's standby does not get there.")
        time.sleep(0.03)
