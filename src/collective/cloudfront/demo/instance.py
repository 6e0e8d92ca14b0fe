"""A Zope instance in a folder of its own, run as a process of its own."""

from collections.abc import Mapping
from pathlib import Path

import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time


LOOPBACK = "127.0.0.1"
#: Linux gives the ports above to connections, and to whoever asks for any port.
_PORTS = (20_000, 32_000)
#: For the demo and the tests only. They listen on loopback.
USER, PASSWORD = "admin", "admin"
SITE_ID = "Plone"

_ZOPE_CONF = """\
%define HOME {home}
instancehome $HOME
clienthome $HOME/var
debug-mode off
security-policy-implementation C
<zodb_db main>
    mount-point /
    cache-size 20000
{storage}
</zodb_db>
"""

_FILE_STORAGE = """\
    <blobstorage>
        blob-dir $HOME/var/blobstorage
        <filestorage>
            path $HOME/var/Data.fs
        </filestorage>
    </blobstorage>"""

#: With "server-sync on", no Zope answers with the state before another one's commit.
_CLIENT_STORAGE = """\
    %import ZEO
    <clientstorage>
        server {zeo}
        storage 1
        name zeostorage
        server-sync {server_sync}
        blob-dir $HOME/var/blobcache
    </clientstorage>"""

_SITE_ZCML = """\
<configure
    xmlns="http://namespaces.zope.org/zope"
    xmlns:meta="http://namespaces.zope.org/meta"
    xmlns:five="http://namespaces.zope.org/five"
    >
  <include package="Products.Five" />
  <meta:redefinePermission from="zope2.Public" to="zope.Public" />
  <five:loadProducts file="meta.zcml" />
  <five:loadProducts />
  <five:loadProductsOverrides />
{zcml}
  <securityPolicy component="AccessControl.security.SecurityPolicy" />
</configure>
"""

_WSGI_INI = """\
[app:zope]
use = egg:Zope#main
zope_conf = {home}/etc/zope.conf

[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
threads = 4

[pipeline:main]
pipeline =
    egg:Zope#httpexceptions
    zope

[loggers]
keys = root

[handlers]
keys = eventlog

[formatters]
keys = generic

[formatter_generic]
format = %(asctime)s %(levelname)s [%(name)s] %(message)s

[logger_root]
level = INFO
handlers = eventlog

[handler_eventlog]
class = FileHandler
args = (r'{home}/var/log/event.log', 'a')
level = INFO
formatter = generic
"""


class InstanceFailed(Exception):
    """Zope did not start. The message has the reason from its log, if there is one."""


def free_port() -> int:
    """Return a port of the loopback interface that is free now.

    It is none that systems give to whoever asks for any port, so that it is still free
    when its server starts.
    """
    while True:
        port = random.SystemRandom().randrange(*_PORTS)
        if not is_busy(port):
            return port


def is_busy(port: int) -> bool:
    """Say whether ``port`` of the loopback interface is in use."""
    with socket.socket() as probe:
        if os.name == "posix":
            # As servers do: a connection that lingers from an earlier run does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def clean_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment without variables for AWS or for our settings.

    So no demo and no test can reach a real AWS account.
    """
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("AWS_ACCESS", "AWS_SE", "AWS_PROFILE", "CLOUDFRONT_"))
    }


class Instance:
    """A Zope with a file storage, or with the storage of a ZEO server, or with another.

    ``zeo``: the server's address, such as ``127.0.0.1:8100``. Without ``server_sync``,
    the answers of a client may lag behind it. ``storage``: a section of ``zope.conf``.
    """

    def __init__(
        self,
        home: Path,
        port: int = 0,
        environ: Mapping[str, str] | None = None,
        zeo: str | None = None,
        server_sync: bool = True,
        zcml: str = "",
        storage: str = "",
    ):
        """``environ``: added to the environment of the process. ``zcml``: a package to
        load besides the add-ons.
        """
        self.home = Path(home).absolute()
        self.port = port or free_port()
        # Editable installations have no compiled message catalogues
        self.environ = {"zope_i18n_compile_mo_files": "true", **(environ or {})}
        self.zeo = zeo
        self.server_sync = server_sync
        self.zcml = zcml
        self.storage = storage
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """The root of Zope, without virtual hosting."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def site_url(self) -> str:
        """The Plone site, without virtual hosting."""
        return f"{self.url}/{SITE_ID}"

    @property
    def log(self) -> Path:
        """Zope's event log."""
        return self.home / "var" / "log" / "event.log"

    @property
    def outbox(self) -> Path:
        """The outbox, unless the environment names another one."""
        return self.home / "var" / "cloudfront-outbox.sqlite"

    @property
    def zope_conf(self) -> Path:
        """Zope's configuration file."""
        return self.home / "etc" / "zope.conf"

    @property
    def process(self) -> subprocess.Popen:
        """The running process."""
        if self._process is None:
            raise InstanceFailed("Zope is not running.")
        return self._process

    def configure(self) -> None:
        """Write the configuration files."""
        for folder in ("etc", "var/log", "var/blobstorage", "var/blobcache"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        storage = self.storage or _FILE_STORAGE
        if self.zeo:
            server_sync = "on" if self.server_sync else "off"
            storage = _CLIENT_STORAGE.format(zeo=self.zeo, server_sync=server_sync)
        (self.zope_conf).write_text(_ZOPE_CONF.format(home=self.home, storage=storage))
        zcml = f'  <include package="{self.zcml}" />' if self.zcml else ""
        (self.home / "etc" / "site.zcml").write_text(_SITE_ZCML.format(zcml=zcml))
        (self.home / "etc" / "wsgi.ini").write_text(
            _WSGI_INI.format(home=self.home, port=self.port)
        )

    def run(self, module: str, *arguments: str) -> str:
        """Run a Python module and return what it prints; raise ``InstanceFailed``.

        Its first argument is the ``zope.conf`` of this instance.
        """
        done = subprocess.run(
            [sys.executable, "-m", module, str(self.zope_conf), *arguments],
            env={**clean_environment(), **self.environ},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise InstanceFailed(f"{module} failed:\n{done.stderr[-4000:]}")
        return done.stdout

    def start(self) -> None:
        """Start Zope; returns at once. See ``wait_until_ready``."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "collective.cloudfront.demo.serve",
                    str(self.home / "etc" / "wsgi.ini"),
                ],
                env={**clean_environment(), **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C must reach the demo only. The demo then stops Zope itself.
                start_new_session=True,
            )

    def wait_until_ready(self, timeout: float = 600.0) -> None:
        """Wait until Zope answers; raise ``InstanceFailed`` if it does not."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.1)
        log = self.log.read_text(errors="replace")[-4000:]
        raise InstanceFailed(f"Zope did not start. Its log {self.log} ends:\n{log}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            connection.request("GET", f"/{SITE_ID}/@@ok")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self, timeout: float = 120.0) -> None:
        """Stop Zope as an operator would, and wait until it has ended."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End Zope with SIGKILL: it gets no chance to finish anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def copy_database(self, source: "Instance") -> None:
        """Copy the database of another instance, which must be stopped."""
        var = self.home / "var"
        var.mkdir(parents=True, exist_ok=True)
        shutil.copy(source.home / "var" / "Data.fs", var / "Data.fs")
        shutil.copytree(
            source.home / "var" / "blobstorage", var / "blobstorage", dirs_exist_ok=True
        )


def virtual_host_root(zope: str, host: str = "www.example.com:80") -> str:
    """Return the URL of the site for a CDN: the site is the root of ``host``."""
    return f"{zope}/VirtualHostBase/http/{host}/{SITE_ID}/VirtualHostRoot"
