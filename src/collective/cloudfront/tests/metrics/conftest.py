"""Counting, switched on; and what Prometheus reads of it."""

from collective.cloudfront.metrics import counts
from collective.cloudfront.metrics.serving import Figures
from collective.cloudfront.tests.delivery.world import World
from prometheus_client.parser import text_string_to_metric_families

import pytest


@pytest.fixture
def counting():
    """The counts of this process, all 0."""
    yield counts.switch_on()
    counts.switch_off()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class Figure:
    """What a page says: ``figure(name, label=value)``; 0 where it says nothing."""

    def __init__(self, page: bytes):
        self.samples = [
            sample
            for family in text_string_to_metric_families(page.decode())
            for sample in family.samples
        ]

    def __call__(self, name, **labels):
        found = [
            each.value
            for each in self.samples
            if each.name == name and labels.items() <= each.labels.items()
        ]
        return sum(found)

    @property
    def names(self):
        return {each.name for each in self.samples}


@pytest.fixture
def figures(world, counting):
    """Read the page of a process with the outbox of ``world``."""
    made = Figures(lambda: world.outbox, world.clock)
    return lambda: Figure(made.page().body)
