"""Specification: everything can be moved from a file to PostgreSQL, and back."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.outbox import test_moving as general
from collective.cloudfront.tests.profile import LONG

import pytest


@pytest.fixture(params=["to", "from"] if LONG else ["to"])
def make(request, running_server, schema, tmp_path):
    made = []

    def make(name):
        if (name == "source") == (request.param == "to"):
            url = f"sqlite:///{tmp_path}/{name}.sqlite"
        else:
            url = running_server.url(f"{schema}_{name}")
        made.append(open_outbox(url))
        return made[-1]

    yield make
    for each in made:
        each.end()


pytestmark = pytest.mark.long
source = general.source

for _name, _test in vars(general).copy().items():
    if _name.startswith("test_"):
        globals()[_name] = _test
