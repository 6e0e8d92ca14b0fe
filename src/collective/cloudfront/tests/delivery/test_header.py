"""Specification: a look at a configuration, through real boto3."""

from collective.cloudfront.delivery.aws.header import look
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.planning.reading import Seen
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import TENANT

import pytest


DEFAULT = [Credentials()]


@pytest.fixture
def control(cloudfront):
    cloudfront.control.change_options(cache_tag_header="Cache-Tag")
    return cloudfront.control


def deny(control, *operations):
    for operation in operations:
        control.inject("error", code="AccessDenied", times=None, operation=operation)


@pytest.mark.parametrize("distribution", [E1, TENANT])
def test_the_header_of_a_distribution_is_found(control, distribution):
    assert look(distribution, DEFAULT) == Seen("Cache-Tag", True)
    control.change_options(cache_tag_header="")
    assert look(distribution, DEFAULT) == Seen("", True)


@pytest.mark.parametrize("distribution", [E1, TENANT])
def test_one_of_two_permissions_is_enough(control, distribution):
    deny(control, "GetDistribution")
    assert look(distribution, DEFAULT) == Seen("Cache-Tag", None)


def test_what_may_not_be_read_is_told_by_its_code(control):
    deny(control, "GetDistribution", "GetDistributionConfig")
    assert look(E1, DEFAULT) == "AccessDenied"


def test_a_distribution_that_there_is_not_is_told(control):
    assert look("E9NOBODY", DEFAULT) == "NoSuchDistribution"


def test_all_sets_of_credentials_are_tried(control):
    unknown = Credentials(profile="nobody")
    assert look(E1, [unknown, *DEFAULT]) == Seen("Cache-Tag", True)
    assert look(E1, [unknown]) == "ProfileNotFound"


def test_nothing_is_invalidated(control):
    look(E1, DEFAULT)
    assert control.invalidations() == []
