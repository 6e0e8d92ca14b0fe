"""Specification: what holds for many processes with SQLite does with PostgreSQL."""

from collective.cloudfront.tests.delivery import test_many_nodes as general
from collective.cloudfront.tests.profile import only_long

import pytest


pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    only_long,
]


@pytest.fixture
def url(running_server, schema) -> str:
    return running_server.url(schema)


cloudfront, outbox, nodes = general.cloudfront, general.outbox, general.nodes
test_they_send_each_item_once_within_the_rate_of_the_account = (
    general.test_they_send_each_item_once_within_the_rate_of_the_account
)
test_where_one_is_killed_another_one_takes_over_before_its_claim_ends = (
    general.test_where_one_is_killed_another_one_takes_over_before_its_claim_ends
)
