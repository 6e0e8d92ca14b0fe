"""Specification: everything can be moved from a file to Redis, and back."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.outbox import test_moving as general
from collective.cloudfront.tests.outbox.redis.server import RedisEngine

import pytest


@pytest.fixture(params=["to", "from"])
def make(request, tmp_path):
    made, url = [], RedisEngine(tmp_path).url

    def make(name):
        if (name == "source") == (request.param == "to"):
            made.append(open_outbox(f"sqlite:///{tmp_path}/{name}.sqlite"))
        else:
            made.append(open_outbox(f"{url}-{name}"))
        return made[-1]

    yield make
    for each in made:
        each.end()


source = general.source

for _name, _test in vars(general).copy().items():
    if _name.startswith("test_"):
        globals()[_name] = _test
