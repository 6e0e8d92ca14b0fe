"""A ZEO server, for several Zope processes on one database."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import free_port
from contextlib import contextmanager
from pathlib import Path

import subprocess
import sys


@contextmanager
def zeo_server(var: Path) -> Iterator[str]:
    """Serve the database in an instance's ``var``; yield the server's address."""
    address = f"127.0.0.1:{free_port()}"
    (var / "zeo.conf").write_text(f"""\
<zeo>
    address {address}
</zeo>
<blobstorage 1>
    blob-dir {var}/blobstorage
    <filestorage>
        path {var}/Data.fs
    </filestorage>
</blobstorage>
""")
    server = subprocess.Popen(
        [sys.executable, "-m", "ZEO.runzeo", "-C", str(var / "zeo.conf")],
        cwd=var,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C is for the clients, which are to end first.
        start_new_session=True,
    )
    try:
        yield address
    finally:
        server.terminate()
        server.wait(120)
