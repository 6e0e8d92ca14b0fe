"""Specification: CloudFront's API knows everything that a template says.

A second opinion beside cfn-lint: botocore's model of the API. It has the same names, but a
length beside each list, and moto accepts a distribution that is made of it.
"""

from botocore.validate import ParamValidator
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.cloudformation import template
from collective.cloudfront.tests.blueprint.world import any_options
from collective.cloudfront.tests.profile import repetitions
from hypothesis import given
from hypothesis import settings
from moto import mock_aws

import boto3
import botocore.session


MODEL = botocore.session.get_session().get_service_model("cloudfront")
_KEYS = {"aws_access_key_id": "AKIA0", "aws_secret_access_key": "secret"}
#: CloudFormation's names that differ from the API's.
_SPELLED = {
    "AcmCertificateArn": "ACMCertificateArn",
    "IPV6Enabled": "IsIPV6Enabled",
    "OriginSSLProtocols": "OriginSslProtocols",
    "SslSupportMethod": "SSLSupportMethod",
}


def as_api(value, shape, where):
    """Return a value of a template as the API takes it."""
    if isinstance(value, list):
        if shape.type_name == "list":
            return [as_api(each, shape.member, where) for each in value]
        items = as_api(value, shape.members["Items"], where)
        return {"Quantity": len(items), "Items": items}
    if not isinstance(value, dict):
        return value
    if set(value) & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
        return "reference"
    fields = {_SPELLED.get(key, key): each for key, each in value.items()}
    cached = fields.pop("CachedMethods", None)
    unknown = set(fields) - set(shape.members)
    assert unknown == set(), where
    result = {
        key: as_api(each, shape.members[key], f"{where}.{key}")
        for key, each in fields.items()
    }
    if cached is not None:
        # In the API, they are part of the allowed ones
        methods = {"Quantity": len(cached), "Items": cached}
        result["AllowedMethods"]["CachedMethods"] = methods
    if "Quantity" in shape.members:
        result["Quantity"] = len(result["Items"])
    return result


def configurations(options):
    """Yield the configurations of a template for the API, with their shapes."""
    for name, resource in template(right(options))["Resources"].items():
        for key, config in resource.get("Properties", {}).items():
            if resource["Type"].startswith("AWS::CloudFront") and key.endswith(
                "Config"
            ):
                shape = MODEL.shape_for(key)
                if "CallerReference" in shape.members:
                    config = {**config, "CallerReference": name}
                yield as_api(config, shape, name), shape


@given(any_options())
@settings(max_examples=repetitions(40), deadline=None)
def test_law_the_api_takes_each_configuration(options):
    for config, shape in configurations(options):
        assert ParamValidator().validate(config, shape).generate_report() == ""


def test_moto_makes_the_distribution():
    [config] = [
        config
        for config, shape in configurations(Options())
        if shape.name == "DistributionConfig"
    ]
    with mock_aws():
        client = boto3.client("cloudfront", "us-east-1", **_KEYS)
        created = client.create_distribution(DistributionConfig=config)
        found = created["Distribution"]["DistributionConfig"]
    assert found["Aliases"]["Items"] == ["www.example.com"]
    assert found["Origins"]["Items"][0]["OriginPath"].endswith("/VirtualHostRoot")
