"""Specification: many processes on one outbox in Redis send like one."""

from collective.cloudfront.tests.delivery import test_many_nodes as general
from collective.cloudfront.tests.profile import only_long

import pytest


pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    only_long,
]

#: Thirty processes that start on one machine may have to wait for longer than a courier
#: does: the intake of a Zope tries again, too.
PATIENT = """
    while True:
        try:
            release(each)
            break
        except OutboxUnavailable:
            time.sleep(0.1)
"""


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    before, _, after = general.NODE.partition("for each in range(items):")
    what, _, end = after.strip("\n").partition("\n")
    node = f"from collective.cloudfront.outbox import OutboxUnavailable\n{before}"
    node += f"def release(each):\n{what}\nfor each in range(items):{PATIENT}{end}"
    monkeypatch.setattr(general, "NODE", node)


cloudfront, nodes, outbox = general.cloudfront, general.nodes, general.outbox

for _name, _test in vars(general).copy().items():
    if _name.startswith("test_"):
        globals()[_name] = _test
