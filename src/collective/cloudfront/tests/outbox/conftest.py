"""Property tests take the time they need: the machine may be busy."""

from hypothesis import HealthCheck
from hypothesis import settings

import pytest


settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")
# They assert as tests do.
pytest.register_assert_rewrite(
    "collective.cloudfront.tests.outbox.contract",
    "collective.cloudfront.tests.outbox.machine",
)
