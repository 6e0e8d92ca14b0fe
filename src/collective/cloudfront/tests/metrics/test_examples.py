"""The examples of the documentation name figures that there are."""

from collective.cloudfront.delivery.counted import count
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.tests.delivery.gateways import E1
from pathlib import Path

import json
import pytest
import re
import yaml


EXAMPLES = Path(__file__).parents[5] / "docs" / "examples"
NAME = re.compile(r"\bcloudfront_[a-z_]+")

pytestmark = pytest.mark.skipif(
    not EXAMPLES.exists(), reason="The documentation is not here."
)


@pytest.fixture
def names(world, counting, figures):
    """The names of all figures, also of those with labels."""
    count(world.courier, counting)
    world.release("/a")
    world.run_until_idle()
    world.release("/b")
    until = world.clock.now + 60.0
    reason = message("no_credentials", error="none")
    world.outbox.wait(E1, reason=reason, advice=NOTHING, paused=True, until=until)
    counting.private_responses.labels("tags").inc()
    counting.retries.labels(E1).inc()
    counting.refused_items.labels(E1).inc()
    return figures().names


def expressions_of_dashboard():
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text("utf-8"))
    for variable in dashboard["templating"]["list"]:
        yield variable.get("definition", "")
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def expressions_of_rules():
    rules = yaml.safe_load((EXAMPLES / "prometheus-rules.yml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["alert"]
            assert rule["annotations"]["summary"]
            yield rule["expr"]


@pytest.mark.parametrize(
    "expressions", [expressions_of_dashboard, expressions_of_rules]
)
def test_every_figure_in_an_example_exists(expressions, names):
    found = {name for each in expressions() for name in NAME.findall(each)}
    assert len(found) > 5
    assert found <= names


def test_the_dashboard_shows_every_figure_that_people_look_at(names):
    shown = {name for each in expressions_of_dashboard() for name in NAME.findall(each)}
    own = {name for name in names if name.startswith("cloudfront_")}
    seldom = {
        "cloudfront_in_doubt_items_total",
        "cloudfront_pending_items",
        "cloudfront_invalidations_in_progress",
        "cloudfront_prepared_transactions",
        "cloudfront_waiting",
    }
    left_out = {
        name
        for name in own - shown - seldom
        if not name.endswith(("_sum", "_count", "_created"))
    }
    assert left_out == set()


def test_the_panels_do_not_overlap():
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text("utf-8"))
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_the_documentation_names_every_figure(names):
    text = (EXAMPLES.parent / "monitoring.rst").read_text("utf-8")
    named = set(NAME.findall(text))
    for name in names:
        base = re.sub(r"_(bucket|sum|count)\Z", "", name)
        if name.startswith("cloudfront_") and not name.endswith("_created"):
            assert base in named, name
