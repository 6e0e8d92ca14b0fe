"""Specification: many processes on one outbox in Redis send like one."""

from collective.cloudfront.tests.delivery import test_many_nodes as general
from collective.cloudfront.tests.profile import LONG

import pytest


pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(not LONG, reason="only in make test-long"),
]

cloudfront, nodes, outbox = general.cloudfront, general.nodes, general.outbox

for _name, _test in vars(general).copy().items():
    if _name.startswith("test_"):
        globals()[_name] = _test
