"""What several pytest workers (pytest-xdist) need in order to share one machine.

``make test`` starts three. Each worker collects all tests and gets them by group, so that
what is expensive to start, above all Zope, starts once for a group.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xdist.scheduler import LoadScopeScheduling
from zope.i18n.compile import compile_mo_file

import collective.cloudfront
import sysconfig


#: Folders whose files share a Zope, and so a worker.
SHARED = ("tests/browser/",)

#: What takes longest, in this order: it starts first, so that no worker is left alone
#: with it in the end.
LONGEST = (
    "tests/browser/",
    "tests/test_bench.py",
    "tests/http/test_freshness.py",
    # With the next, most of make test-long
    "tests/delivery/test_faults.py",
    "tests/http/test_kill.py",
    "tests/controlpanel/test_protection.py",
    "tests/http/test_dates.py",
    "tests/http/test_auto_tags.py",
    "tests/http/test_faults.py",
    "tests/changes/test_languages.py",
    "tests/http/",
    "tests/delivery/",
)


class Groups(LoadScopeScheduling):
    """Gives the tests of a file, or of a folder that shares a Zope, to one worker."""

    def __init__(self, config: Any, log: Any = None):
        super().__init__(config, log)
        # Otherwise files with many tests start first, however quick they are
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """Return the group of a test."""
    for folder in SHARED:
        before, found, _ = nodeid.partition(folder)
        if found:
            return before + found
    return nodeid.partition("::")[0]


def rank(nodeid: str) -> int:
    """Return the place of a test's group: 0 for the first to start."""
    for place, name in enumerate(LONGEST):
        if name in nodeid:
            return place
    return len(LONGEST)


def compile_catalogues() -> None:
    """Compile all message catalogues, once: the Zopes of several workers would write
    the same files at the same time.
    """
    for path in _catalogues():
        compile_mo_file(path.stem, str(path.parent))


def _catalogues() -> Iterator[Path]:
    yield from Path(collective.cloudfront.__file__).parent.rglob("LC_MESSAGES/*.po")
    yield from Path(sysconfig.get_path("purelib")).rglob("LC_MESSAGES/*.po")
