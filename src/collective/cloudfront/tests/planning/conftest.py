"""Property tests take the time they need: the machine may be busy."""

from hypothesis import HealthCheck
from hypothesis import settings


settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")
