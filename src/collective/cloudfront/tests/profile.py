"""How often tests repeat themselves.

``make test`` tries every kind of thing a few times; ``make test-long`` performs the tests
that are marked ``long`` as often as they say. ``make test-soak`` is for people: whole days
and very large sites.
"""

import os
import pytest


SOAK = bool(os.environ.get("SOAK_TESTS"))
LONG = SOAK or bool(os.environ.get("LONG_TESTS"))


#: For a test that needs minutes of processes: it is no part of ``make test``.
only_long = pytest.mark.only_long


def repetitions(number: int) -> int:
    """Return ``number`` in ``make test-long``, a quarter of it (10 at least) otherwise."""
    return number if LONG else min(number, max(10, number // 4))
