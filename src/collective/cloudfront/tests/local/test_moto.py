"""moto as a second opinion: the same calls, answers of the same shape.

moto means something for the wire format, NoSuchDistribution and pagination. It knows
neither caller references nor quotas nor path rules nor tenants.
"""

from .helpers import batch
from .helpers import DISTRIBUTION
from moto import mock_aws

import boto3
import botocore.exceptions
import pytest


CONFIG = {
    "CallerReference": "c",
    "Comment": "",
    "Enabled": True,
    "Origins": {
        "Quantity": 1,
        "Items": [
            {
                "Id": "origin",
                "DomainName": "origin.example.com",
                "CustomOriginConfig": {
                    "HTTPPort": 80,
                    "HTTPSPort": 443,
                    "OriginProtocolPolicy": "http-only",
                },
            }
        ],
    },
    "DefaultCacheBehavior": {
        "TargetOriginId": "origin",
        "ViewerProtocolPolicy": "allow-all",
    },
}


@pytest.fixture
def moto():
    """A client of moto and the id of a distribution there."""
    with mock_aws():
        client = boto3.client(
            "cloudfront",
            region_name="us-east-1",
            aws_access_key_id="AKID",
            aws_secret_access_key="secret",
        )
        made = client.create_distribution(DistributionConfig=CONFIG)
        yield client, made["Distribution"]["Id"]


@pytest.fixture
def ours(client):
    """A client of the local CloudFront and the id of a distribution there."""
    return client, DISTRIBUTION


def shape(value):
    """Reduce an answer to names and types."""
    if isinstance(value, dict):
        return {
            name: shape(member)
            for name, member in value.items()
            if name != "ResponseMetadata"
        }
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


def create(service, *items, reference="r"):
    client, distribution = service
    return client.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch=batch(*items, reference=reference),
    )


def error(service, function, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(service[0], function)(**parameters)
    response = caught.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        set(response["Error"]),
    )


def test_created_invalidations_have_the_same_shape(ours, moto):
    items = ("/a", "/b/*", "/c?d=e&f=g")
    mine, theirs = create(ours, *items), create(moto, *items)
    assert shape(mine) == shape(theirs)
    assert (
        mine["Invalidation"]["InvalidationBatch"]
        == theirs["Invalidation"]["InvalidationBatch"]
    )
    assert (
        mine["ResponseMetadata"]["HTTPStatusCode"]
        == theirs["ResponseMetadata"]["HTTPStatusCode"]
    )


def test_found_invalidations_have_the_same_shape(ours, moto):
    answers = []
    for service in (ours, moto):
        client, distribution = service
        made = create(service, "/a")["Invalidation"]["Id"]
        answers.append(client.get_invalidation(DistributionId=distribution, Id=made))
    assert shape(answers[0]) == shape(answers[1])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_lists_have_the_same_shape(ours, moto, count):
    answers = []
    for service in (ours, moto):
        client, distribution = service
        for number in range(count):
            create(service, "/a", reference=f"r{number}")
        answers.append(client.list_invalidations(DistributionId=distribution))
    assert shape(answers[0]) == shape(answers[1])


def test_pages_of_a_list_have_the_same_shape(ours, moto):
    results = []
    for service in (ours, moto):
        client, distribution = service
        for number in range(5):
            create(service, "/a", reference=f"r{number}")
        pages = client.get_paginator("list_invalidations").paginate(
            DistributionId=distribution, PaginationConfig={"PageSize": 2}
        )
        results.append([shape(page) for page in pages])
    assert results[0] == results[1]
    assert len(results[0]) == 3


def test_unknown_distributions_and_invalidations_are_refused_alike(ours, moto):
    calls = [
        ("create_invalidation", {"InvalidationBatch": batch("/a")}),
        ("get_invalidation", {"Id": "I1"}),
    ]
    for function, parameters in calls:
        parameters["DistributionId"] = "EUNKNOWN"
        assert error(ours, function, **parameters) == (
            error(moto, function, **parameters)
        )
    assert error(ours, "get_distribution", Id="EUNKNOWN") == (
        error(moto, "get_distribution", Id="EUNKNOWN")
    )
    mine, theirs = (
        error(service, "get_invalidation", DistributionId=service[1], Id="I1")
        for service in (ours, moto)
    )
    assert mine == theirs


def test_distributions_lack_nothing_that_both_must_have(ours, moto):
    names = ours[0].meta.service_model.shape_for("Distribution").required_members
    for client, distribution in (ours, moto):
        described = client.get_distribution(Id=distribution)["Distribution"]
        assert set(names) <= set(described)
