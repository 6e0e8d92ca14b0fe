"""What the documentation promises is shown by tests that exist."""

from collective.cloudfront import tests
from pathlib import Path

import pytest
import re


TESTS = Path(tests.__file__).parent
OPERATIONS = TESTS.parents[3] / "docs" / "operations.rst"


@pytest.mark.skipif(not OPERATIONS.exists(), reason="the documentation is not here")
def test_every_test_that_the_documentation_names_exists():
    named = set(re.findall(r"``(test_\w+)``", OPERATIONS.read_text()))
    found = {
        name
        for path in TESTS.rglob("*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 80
    assert not named - found
