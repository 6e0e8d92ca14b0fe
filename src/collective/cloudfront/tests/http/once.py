"""What one pytest worker makes, and the others of the same run use."""

from collections.abc import Callable
from collective.cloudfront.tests.http.people import eventually
from pathlib import Path

import os
import pytest


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Return a folder that ``make`` has filled, in this worker or in another one.

    Nobody may change what is in it.
    """
    run = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    folder, ready, failed = (run / f"{name}{suffix}" for suffix in ("", "-ok", "-bad"))
    try:
        folder.mkdir()
    except FileExistsError:
        eventually(lambda: ready.exists() or failed.exists(), 1200)
        assert ready.exists(), f"Another worker could not make {folder}."
        return folder
    try:
        make(folder)
    except BaseException:
        failed.touch()
        raise
    ready.touch()
    return folder
