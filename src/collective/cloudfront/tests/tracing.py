"""Which of our files and rooms the interpreter walks through.

Only frames of our own count: of files below ``collective/cloudfront``, but for tests and
``testing.py``, which fake the world. A *room* is the first folder below that, or the
module itself where it lies in no folder.

* ``calls``: frames that are entered. Each resumption of a generator is one, and so is
  each comprehension on Python 3.11.
* ``files``, ``rooms``: how often the innermost of our frames is in another file or room
  than before. Coming back counts as entering does. What Plone calls in between is not
  seen: from us to Plone and back to us is no change.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront import __file__ as OURS
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from types import FrameType
from typing import Any

import sys


_HERE = str(Path(OURS).parent) + "/"


@dataclass
class Walk:
    """The files that were walked through, one after the other."""

    calls: int = 0
    way: list[str] = field(default_factory=list)
    marks: dict[str, "Walk"] = field(default_factory=dict)

    @property
    def rooms(self) -> int:
        """How often another room was entered, or come back to."""
        rooms = [path.split("/")[0] for path in self.way]
        return sum(room != before for before, room in zip(rooms, rooms[1:]))

    @property
    def files(self) -> int:
        """How often another file was entered, or come back to."""
        return sum(path != before for before, path in zip(self.way, self.way[1:]))

    @property
    def distinct_files(self) -> int:
        """How many files there are on the way."""
        return len(set(self.way))

    def mark(self, name: str) -> None:
        """Keep what was walked so far under a name."""
        self.marks[name] = Walk(self.calls, list(self.way))

    def since(self, name: str) -> "Walk":
        """Return what was walked since a mark."""
        before = self.marks[name]
        return Walk(self.calls - before.calls, self.way[len(before.way) - 1 :])


@contextmanager
def walking(without: str = "") -> Iterator[Walk]:
    """Follow the interpreter through our files, in this thread, but for those in the
    folder ``without``.
    """
    walk = Walk()
    sys.setprofile(_follower(walk, without))
    try:
        yield walk
    finally:
        sys.setprofile(None)


def _follower(walk: Walk, without: str) -> Callable[[FrameType, str, Any], None]:
    stack: list[str] = []

    def follow(frame: FrameType, event: str, _argument: Any) -> None:
        name = frame.f_code.co_filename
        if not name.startswith(_HERE) or event not in ("call", "return"):
            return
        path = name[len(_HERE) :]
        if path.startswith("tests/") or path == "testing.py":
            return
        if without and path.startswith(without):
            return
        if event == "call":
            walk.calls += 1
            stack.append(path)
        elif stack:
            stack.pop()
        if stack:
            walk.way.append(stack[-1])

    return follow
