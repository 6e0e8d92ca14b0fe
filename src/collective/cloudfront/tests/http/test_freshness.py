"""Specification: after what editors do, a CloudFront that caches everything has
nothing stale.

A quick part of ``make freshness``, which performs all operations and random walks.
"""

from collective.cloudfront.tests.profile import only_long
from pathlib import Path
from typing import Any

import json
import pytest
import subprocess
import sys


ROOT = Path(__file__).parents[5]
OPERATIONS = (
    "edit-text",
    "edit-while-a-page-is-made",
    "rename-folder",
    "publish",
    "edit-title-at-top",
    "set-default-page",
    "reorder",
    "replace-image",
    "site-title",
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / "freshness").exists(), reason="freshness/ is only in a checkout"
    ),
]


def run(*arguments: str) -> subprocess.CompletedProcess:
    """Run the command in the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "freshness.run", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """What was found, by operation."""
    path = tmp_path_factory.mktemp("freshness") / "found.json"
    only = [word for name in OPERATIONS for word in ("--only", name)]
    done = run(*only, "--json", str(path))
    assert path.exists(), done.stderr[-3000:]
    results = json.loads(path.read_text())["results"]
    assert done.returncode == (0 if all(each["is_good"] for each in results) else 1)
    return {each["name"]: each for each in results}


@only_long
@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_stale_after(name, found):
    result = found[name]
    assert not result["error"]
    assert not {**result["own"], **result["elsewhere"]}


@only_long
@pytest.mark.parametrize("name", OPERATIONS)
def test_something_was_looked_at_after(name, found):
    assert found[name]["checked"] + found[name]["dropped"] > 50


def test_an_operation_that_does_not_exist_is_refused():
    done = run("--only", "sing")
    assert done.returncode == 2
    assert "invalid choice: 'sing'" in done.stderr
