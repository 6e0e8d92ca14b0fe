"""The contract suite's modules assert as tests do."""

import pytest


pytest.register_assert_rewrite(
    "collective.cloudfront.tests.outbox.contract",
    "collective.cloudfront.tests.outbox.machine",
)
