"""A PostgreSQL server with a hot standby that may lag behind, for RelStorage."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import free_port
from contextlib import contextmanager
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import os
import pwd
import shutil
import subprocess
import time


_HOST = "127.0.0.1"
_DATABASE = _ROLE = "zodb"
#: Debian keeps the server's programs out of the PATH.
_DEBIAN = "/usr/lib/postgresql"
#: PostgreSQL does not run as root: root runs it as one of these.
_USERS = ("postgres", "nobody")

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
    if not _program("initdb"):
        return "PostgreSQL is missing. On Debian: apt-get install postgresql"
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
        self, replica: bool = False, keep_history: bool = True, name: str = _DATABASE
    ) -> str:
        """Return a storage for ``zope.conf``: all from the primary, or loads from the
        standby.
        """
        return _STORAGE.format(
            keep_history=str(keep_history).lower(),
            replica=_REPLICA.format(path=self._replicas) if replica else "",
            database=name,
            role=_ROLE,
            host=_HOST,
            port=self._ports["primary"],
        )

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
        self._replicas.write_text(f"{_HOST}:{self._ports[server]}\n")
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
            host=_HOST, port=self._ports[server], user=_ROLE, dbname=_DATABASE
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
        servers = _Servers(folder)
        primary, standby = free_port(), free_port()
        servers.make_primary(primary)
        stack.callback(servers.stop, "primary")
        servers.start("primary", primary)
        servers.make_standby(primary, delay)
        stack.callback(servers.stop, "standby")
        servers.start("standby", standby)
        yield Postgres(folder, primary, standby)


class _Servers:
    """Makes, starts and stops servers in folders below one."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._user = _unprivileged()
        self._home = folder / "servers"
        self._home.mkdir()
        if self._user:
            shutil.chown(self._home, self._user)

    def make_primary(self, port: int) -> None:
        """Make an empty database, which its role may do anything with."""
        home = self._home / "primary"
        self._run("initdb", "-D", home, "-U", _ROLE, "-A", "trust", "-E", "UTF8")
        # Nothing has to outlast a power cut
        settings = f"fsync = off\nunix_socket_directories = '{self._home}'\n"
        with (home / "postgresql.conf").open("a") as file:
            file.write(settings)

    def make_standby(self, primary: int, delay: float) -> None:
        """Copy the primary, which must be running."""
        self._run("createdb", "-h", _HOST, "-p", primary, "-U", _ROLE, _DATABASE)
        home = self._home / "standby"
        source = ("-h", _HOST, "-p", primary, "-U", _ROLE)
        self._run("pg_basebackup", "-D", home, "-R", "-c", "fast", *source)
        with (home / "postgresql.conf").open("a") as file:
            file.write(f"recovery_min_apply_delay = {round(delay * 1000)}\n")

    def start(self, name: str, port: int) -> None:
        """Start a server; return when it answers."""
        options = f"-h {_HOST} -p {port}"
        log = self._home / f"{name}.log"
        place = self._home / name
        self._run("pg_ctl", "-D", place, "-l", log, "-w", "-o", options, "start")

    def stop(self, name: str) -> None:
        """Stop a server, whoever is connected."""
        self._run("pg_ctl", "-D", self._home / name, "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: Any) -> None:
        done = subprocess.run(
            [_program(program), *map(str, arguments)],
            cwd=self._home,
            user=self._user or None,
            extra_groups=[] if self._user else None,
            stdin=subprocess.DEVNULL,
            stdout=(self._home.parent / "log").open("a"),
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the clients, which are to end first.
            start_new_session=True,
        )
        if done.returncode:
            log = (self._home.parent / "log").read_text(errors="replace")
            raise RuntimeError(f"{program} failed:\n{log[-3000:]}")


def _program(name: str) -> str:
    """Return the path of a program of PostgreSQL; empty if there is none."""
    newest = sorted(Path(_DEBIAN).glob("*/bin"), key=_version, reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, newest)])
    return shutil.which(name, path=path) or ""


def _version(folder: Path) -> int:
    version = folder.parent.name
    return int(version) if version.isdigit() else 0


def _unprivileged() -> str:
    """Return the user who runs PostgreSQL for root; empty for others: themselves."""
    if os.getuid():
        return ""
    known = {each.pw_name for each in pwd.getpwall()}
    return next(name for name in _USERS if name in known)


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL's standby does not get there.")
        time.sleep(0.03)
