"""What tests of the outbox's file have in common."""

from collections.abc import Callable
from collective.cloudfront.outbox.contract import OutboxUnavailable
from pathlib import Path
from typing import TypeVar

import logging
import pytest


T = TypeVar("T")


def until_it_works(action: Callable[[], T], attempts: int = 5) -> T:
    """Call ``action`` again after each OutboxUnavailable; nothing else may rise."""
    for _ in range(attempts):
        try:
            return action()
        except OutboxUnavailable as error:
            last = error
    raise last


def errors_in(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what was logged at ERROR."""
    return [each for each in caplog.records if each.levelno >= logging.ERROR]


def set_aside(path: Path) -> list[Path]:
    """Return the files that were set aside, without their logs."""
    return sorted(
        each
        for each in path.parent.glob("*.damaged-*")
        if not each.name.endswith(("-wal", "-shm"))
    )
