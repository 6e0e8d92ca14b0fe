"""Where the file is if nobody says so, and where earlier processes may have left theirs.

CLIENT_HOME is another folder in each deployment of the official image::

    /data/filestorage/Data.fs                   the site's data: the outbox goes beside it
    /data/<host name>/<host id>/                CLIENT_HOME of a container
    /data/<name of an earlier container>/…/     what that one has left
"""

from collections.abc import Iterator
from collective.cloudfront.outbox.sqlite.place import file_system_of
from collective.cloudfront.outbox.sqlite.place import NETWORK
from pathlib import Path

import glob
import os


NAME = "cloudfront-outbox.sqlite"

#: Where FileStorage keeps a site's data, below ``var`` or ``/data``.
_DATA = Path("filestorage", "Data.fs")
#: The folder with the data is CLIENT_HOME, or at most so many levels above.
_LEVELS = 2


def default_place(home: Path) -> Path:
    """Return where the outbox of a Zope with this CLIENT_HOME is: beside the data of its
    site, where all Zopes of the machine find it, or else in ``home``.
    """
    data = _data_around(home)
    return (data.parent if data else home) / NAME


def earlier_places(home: Path, host: str) -> list[Path]:
    """Return the outboxes of other processes of the site, as far as there are any: of
    earlier versions, which kept theirs in CLIENT_HOME, and of earlier containers. ``host``
    is the name of this one.
    """
    found = {path for pattern in _patterns(home, host) for path in _files(pattern)}
    return sorted(found - {default_place(home)})


def _patterns(home: Path, host: str) -> Iterator[Path]:
    yield Path(glob.escape(str(home)), NAME)
    parts = home.parts
    if host in parts[1:]:
        above = Path(glob.escape(str(Path(*parts[: parts.index(host)]))))
        yield Path(above, *"*" * (len(parts) - parts.index(host)), NAME)
    data = _data_around(home)
    if data:
        above = Path(glob.escape(str(data.parent.parent)))
        yield from (above / "*" / NAME, above / "*" / "*" / NAME)


def _files(pattern: Path) -> Iterator[Path]:
    for name in glob.iglob(str(pattern)):
        path = Path(name)
        if path.is_file():
            yield path


def _data_around(home: Path) -> Path | None:
    for folder in [home, *home.parents][: _LEVELS + 1]:
        data = folder / _DATA
        if (
            data.is_file()
            and os.access(data.parent, os.W_OK)
            # There several machines may use it, which a file of SQLite does not allow.
            and file_system_of(data.parent) not in NETWORK
        ):
            return data
    return None
