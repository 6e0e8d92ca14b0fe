"""Is anything stale at the edge after what editors do? ``python -m freshness.run``."""
