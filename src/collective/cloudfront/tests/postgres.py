"""PostgreSQL servers, started from Debian's package in a folder and on a port of their own.

``python -m collective.cloudfront.tests.postgres COMMAND …`` runs a command with the URL of an
outbox as its last argument, for benchmarks. That server synchronises its disk.
"""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import free_port
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import os
import pwd
import shutil
import subprocess
import sys


HOST = "127.0.0.1"
DATABASE = ROLE = "zodb"
#: Debian keeps the server's programs out of the PATH.
_DEBIAN = "/usr/lib/postgresql"
#: PostgreSQL does not run as root: root runs it as one of these.
_USERS = ("postgres", "nobody")

#: Otherwise it ends queries of visitors when it goes on after a rest.
STANDBY = """\
recovery_min_apply_delay = {delay}
hot_standby_feedback = on
max_standby_streaming_delay = -1
max_standby_archive_delay = -1
"""


def missing_server() -> str:
    """Return how to install a server that is missing; empty if none is."""
    if find_program("initdb"):
        return ""
    return "PostgreSQL is missing. On Debian: apt-get install postgresql"


class Servers:
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
        self._run("initdb", "-D", home, "-U", ROLE, "-A", "trust", "-E", "UTF8", "-N")
        # Nothing has to outlast a power cut
        settings = f"fsync = off\nunix_socket_directories = '{self._home}'\n"
        with (home / "postgresql.conf").open("a") as file:
            file.write(settings)

    def make_database(self, port: int) -> None:
        """Make the database that is used; the primary must be running."""
        self._run("createdb", "-h", HOST, "-p", port, "-U", ROLE, DATABASE)

    def make_standby(self, primary: int, delay: float) -> None:
        """Copy the primary, which must be running."""
        self.make_database(primary)
        home = self._home / "standby"
        source = ("-h", HOST, "-p", primary, "-U", ROLE)
        self._run("pg_basebackup", "-D", home, "-R", "-c", "fast", *source)
        settings = STANDBY.format(delay=round(delay * 1000))
        with (home / "postgresql.conf").open("a") as file:
            file.write(settings)

    def start(self, name: str, port: int) -> None:
        """Start a server; return when it answers."""
        options = f"-h {HOST} -p {port}"
        log = self._home / f"{name}.log"
        place = self._home / name
        self._run("pg_ctl", "-D", place, "-l", log, "-w", "-o", options, "start")

    def stop(self, name: str) -> None:
        """Stop a server, whoever is connected."""
        self._run("pg_ctl", "-D", self._home / name, "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: Any) -> None:
        done = subprocess.run(
            [find_program(program), *map(str, arguments)],
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


def find_program(name: str) -> str:
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


class Server:
    """A server with one database, running."""

    def __init__(self, servers: Servers, port: int):
        self.port = port
        self._servers = servers

    def url(self, schema: str = "cloudfront", port: int | None = None) -> str:
        """Return the URL of an outbox in a schema; ``port`` is for a proxy."""
        where = f"{ROLE}:secret@{HOST}:{port or self.port}/{DATABASE}"
        return f"postgresql://{where}?schema={schema}"

    def run(self, statement: str) -> list[Any]:
        """Run a statement; return its rows."""
        import psycopg

        where = f"host={HOST} port={self.port} user={ROLE} dbname={DATABASE}"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def kill(self) -> None:
        """Have it end at once, as when its machine fails: it writes nothing down."""
        self._servers.stop("primary")

    def start(self) -> None:
        """Start it again."""
        self._servers.start("primary", self.port)


@contextmanager
def server() -> Iterator[Server]:
    """Run a server in a folder of its own."""
    with TemporaryDirectory(prefix="postgres", dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        servers, port = Servers(folder), free_port()
        servers.make_primary(port)
        servers.start("primary", port)
        try:
            servers.make_database(port)
            yield Server(servers, port)
        finally:
            servers.stop("primary")


if __name__ == "__main__":
    with server() as started:
        started.run("ALTER SYSTEM SET fsync = on")
        started.run("SELECT pg_reload_conf()")
        sys.exit(subprocess.call([*sys.argv[1:], started.url()]))
