"""Specification: Plone may do what it does, and nothing else."""

from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import permissions
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint import RunsOn
from collective.cloudfront.blueprint import Tenant
from collective.cloudfront.blueprint.cloudformation import template
from collective.cloudfront.blueprint.slack import PURGES
from moto import mock_aws
from pathlib import Path

import boto3
import botocore.session
import collective.cloudfront.delivery.aws as aws
import json
import pytest
import re


_KEYS = {"aws_access_key_id": "AKIA0", "aws_secret_access_key": "secret"}
ALL = (
    permissions.PURGE,
    permissions.READ,
    permissions.PURGE_TENANTS,
    permissions.READ_POLICIES,
)


def asked():
    """Return the actions of IAM for the calls of the gateway and of the probe. What
    changes a distribution uses the credentials of a person.
    """
    folder = Path(aws.__file__).parent
    source = "".join(
        (folder / f"{name}.py").read_text() for name in ("gateway", "probe")
    )
    names = set(re.findall(r"client\.((?:create|get|list|update)_\w+)\(", source))
    model = botocore.session.get_session().create_client(
        "cloudfront", region_name="us-east-1"
    )
    operations = model.meta.method_to_api_mapping
    return {f"cloudfront:{operations[name]}" for name in names if name in operations}


def test_the_actions_are_those_that_our_code_asks_for():
    allowed = {action for each in ALL for action in each.actions}
    assert allowed == asked()


def test_nothing_may_be_changed():
    for each in (*ALL, PURGES):
        for action in each.actions:
            assert re.match(r"cloudfront:(Get|List|CreateInvalidation)", action)


def test_purging_is_allowed_for_these_distributions_only():
    document = template(right(Options(staging=True)))
    statements = document["Resources"]["PurgePolicy"]["Properties"]["PolicyDocument"]
    purge = statements["Statement"][0]
    assert [each["Fn::Sub"].rpartition("/")[2] for each in purge["Resource"]] == [
        "${Distribution}",
        "${StagingDistribution}",
    ]


def test_tenants_are_purged_and_their_distribution_is_read():
    tenants = (Tenant("a", "a.example.com"),)
    document = template(right(Options(domains=(), tenants=tenants)))
    policy = document["Resources"]["PurgePolicy"]["Properties"]["PolicyDocument"]
    purge, read, _ = policy["Statement"]
    assert purge["Resource"] == [{"Fn::GetAtt": ["Tenant1", "Arn"]}]
    assert "cloudfront:CreateInvalidation" not in read["Action"]


@pytest.mark.parametrize("runs_on", RunsOn)
def test_each_place_has_what_it_needs(runs_on):
    options = Options(runs_on=runs_on, oidc_provider="oidc.example.com/1")
    kinds = {each["Type"] for each in template(right(options))["Resources"].values()}
    iam = {kind.removeprefix("AWS::IAM::") for kind in kinds if "::IAM::" in kind}
    assert iam == {
        RunsOn.EC2: {"Role", "InstanceProfile", "Policy"},
        RunsOn.USER: {"User", "Policy"},
        RunsOn.NOBODY: set(),
    }.get(runs_on, {"Role", "Policy"})


@pytest.mark.parametrize(
    "tenants", [None, ["arn:aws:cloudfront::*:distribution-tenant/a"]]
)
def test_iam_accepts_the_policy(tenants):
    document = permissions.policy_document(
        ["arn:aws:cloudfront::123456789012:distribution/E1"], tenants
    )
    with mock_aws():
        iam = boto3.client("iam", "us-east-1", **_KEYS)
        iam.create_policy(PolicyName="purge", PolicyDocument=json.dumps(document))
        broken = json.dumps({**document, "Statement": [{"Action": "cloudfront:Get"}]})
        with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
            iam.create_policy(PolicyName="broken", PolicyDocument=broken)


def test_iam_accepts_who_may_assume_the_role():
    with mock_aws():
        iam = boto3.client("iam", "us-east-1", **_KEYS)
        for runs_on in permissions.WITH_ROLE:
            options = Options(runs_on=runs_on, oidc_provider="oidc.example.com/1")
            trust = permissions.trust_document(
                options, "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/1"
            )
            iam.create_role(
                RoleName=runs_on.value, AssumeRolePolicyDocument=json.dumps(trust)
            )
