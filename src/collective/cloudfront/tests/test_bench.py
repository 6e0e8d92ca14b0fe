"""Specification: the benchmark runs, and what it finds that no clock decides.

Times are what it is for, but they are no business of a test.
"""

from collections import defaultdict
from collective.cloudfront.tests.profile import only_long
from pathlib import Path
from types import ModuleType
from typing import Any

import importlib.util
import json
import pytest
import subprocess
import sys


BENCH = Path(__file__).parents[4] / "benchmarks" / "bench.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BENCH.exists(), reason="benchmarks/ is only in a checkout"),
]


def _module(name: str) -> ModuleType:
    """Import a module of the benchmark, which is no package."""
    spec = importlib.util.spec_from_file_location(
        f"benchmark_{name}", BENCH.parent / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    # dataclasses look there
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_facts_are_written_whatever_kind_of_dict_they_are(tmp_path):
    """Python 3.11 makes no dict of a dataclass that holds a defaultdict."""
    report = _module("report")
    taken = defaultdict(list, {"with": [1.0]})
    row = report.Row("a save", "1 ms", goal="2 ms", met=True)
    result = report.Result("save", "Saving", [row], {"raw": taken, "deep": [taken]})
    report.write_json(tmp_path / "bench.json", [result], {"cores": 2}, True)
    assert json.loads((tmp_path / "bench.json").read_text()) == {
        "environment": {"cores": 2},
        "quick": True,
        "results": {
            "save": {
                "name": "save",
                "title": "Saving",
                "rows": [
                    {"what": "a save", "measured": "1 ms", "goal": "2 ms", "met": True}
                ],
                "facts": {"raw": {"with": [1.0]}, "deep": [{"with": [1.0]}]},
                "notes": [],
            }
        },
    }


def _run(folder: Path, *names: str) -> tuple[str, dict[str, Any]]:
    only = [word for name in names for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, str(BENCH), "--quick", "--dir", str(folder), *only],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    written = json.loads((folder / "bench.json").read_text())
    assert [path.name for path in folder.iterdir()] == ["bench.json"], "left behind"
    return done.stdout, written


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[str, dict[str, Any]]:
    """What the parts without Plone print and write."""
    return _run(tmp_path_factory.mktemp("bench"), "outbox", "drain")


@pytest.fixture(scope="module")
def results(run) -> dict[str, Any]:
    """The results by name."""
    _printed, written = run
    return written["results"]


def test_it_says_where_it_was_measured(run):
    _printed, written = run
    assert written["quick"] is True
    assert {"python", "sqlite", "cores", "file_system"} <= set(written["environment"])


def test_only_what_was_asked_for_is_measured(results):
    assert list(results) == ["outbox", "drain"]


def test_every_goal_is_in_the_table_with_its_verdict(run, results):
    printed, _written = run
    rows = [row for result in results.values() for row in result["rows"]]
    with_goal = [row for row in rows if row["goal"]]
    assert len(with_goal) >= 4
    for row in with_goal:
        assert isinstance(row["met"], bool)
        assert row["goal"] in printed
    for result in results.values():
        assert result["title"] in printed


def test_throughput_is_told_with_its_spread(results):
    for speed in ("in_per_second", "out_per_second"):
        facts = results["outbox"]["facts"][speed]
        assert 0 < facts["lower"] <= facts["median"] <= facts["upper"]


def test_every_item_is_drained_without_a_refusal(results):
    for what, drained in results["drain"]["facts"].items():
        assert drained["items"] == 10_000, what
        assert drained["refusals_for_quota"] == 0, what
        assert drained["refusals_for_throttling"] == 0, what
        assert drained["other_refusals"] == 0, what


def test_the_allowed_rate_is_used(results):
    """The clock is simulated: this is no time of the machine's."""
    for what, drained in results["drain"]["facts"].items():
        assert drained["share"] >= 0.95, what


def test_calls_carry_what_the_rate_allows(results):
    """At a call every 2 seconds and 150 items a second, that is 300 items."""
    drained = results["drain"]["facts"]["one courier, both quota models"]
    assert drained["calls"] <= 10_000 / 300


def _facts_of(folder: Path, name: str) -> dict[str, Any]:
    printed, written = _run(folder, name)
    result = written["results"][name]
    assert result["title"] in printed
    return result["facts"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_start_imports_no_boto3(tmp_path):
    facts = _facts_of(tmp_path, "start")
    assert not any(start["boto3"] for start in facts["starts"])
    assert facts["starts"][0]["modules"] > 50


# Rendering, with three Zopes, is left to people: it is made of the same parts as these.
@pytest.mark.long
@only_long
def test_all_that_may_be_cached_has_tags_and_not_too_many(tmp_path):
    facts = _facts_of(tmp_path, "header")
    assert facts["urls"] > 200
    assert facts["cacheable_without_tags"] == []
    assert facts["without_site"] == []
    assert facts["most_tags"] <= 50
    assert facts["most_bytes"] <= 3 * 1024


@pytest.mark.long
@only_long  # test_draining counts what is read
def test_memory_does_not_grow_with_the_backlog(tmp_path):
    """Four times the items, and not a tenth more memory."""
    assert _facts_of(tmp_path, "memory")["ratio"] <= 1.1


@pytest.mark.long
@only_long
def test_the_same_is_replayed_in_four_ways_and_nothing_is_stale(tmp_path):
    facts = _facts_of(tmp_path, "replay")
    assert list(facts) == ["uncached", "everything", "paths", "tags"]
    edits = [[edit["what"] for edit in facts[name]["edits"]] for name in facts]
    assert edits[1] == edits[2] == edits[3]
    assert len(edits[1]) == 6
    for name, found in facts.items():
        assert {**found["stale"], **found["stale_at_end"]} == {}, name
    assert facts["tags"]["origin_requests"] < facts["everything"]["origin_requests"]
