"""Who may purge: IAM."""

from collective.cloudfront.blueprint.cloudformation.around import arn_of
from collective.cloudfront.blueprint.cloudformation.around import tenant_id
from collective.cloudfront.blueprint.cloudformation.distribution import DISTRIBUTIONS
from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.options import RunsOn
from collective.cloudfront.blueprint.permissions import policy_document
from collective.cloudfront.blueprint.permissions import trust_document
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Role
from typing import Any


ROLE, PROFILE, USER, POLICY = "PurgeRole", "PurgeProfile", "PurgeUser", "PurgePolicy"


def purged(blueprint: Blueprint) -> list[str]:
    """Return the logical ids of the distributions that are purged."""
    return [
        DISTRIBUTIONS[each.role]
        for each in blueprint.distributions
        if each.role is not Role.EDITORS
    ]


def access(blueprint: Blueprint) -> dict[str, Any]:
    """Return the resources of IAM that let Plone purge."""
    options = blueprint.options
    if options.runs_on is RunsOn.NOBODY:
        return {}
    user = options.runs_on is RunsOn.USER
    tenants = [
        GetAtt(tenant_id(number), "Arn") for number in range(len(options.tenants))
    ]
    policy = {
        "PolicyName": "purge-cloudfront",
        "PolicyDocument": policy_document(
            [arn_of(each) for each in purged(blueprint)], tenants
        ),
        **({"Users": [Ref(USER)]} if user else {"Roles": [Ref(ROLE)]}),
    }
    resources: dict[str, Any] = {}
    if user:
        resources[USER] = Why(
            {"Type": "AWS::IAM::User"},
            "Outside AWS, Plone needs an access key of this user. Create it yourself: "
            "a template would show it.",
        )
    else:
        oidc = Sub(
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/"
            + options.oidc_provider
        )
        resources[ROLE] = Why(
            {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": trust_document(options, oidc)
                },
            },
            _ROLES[options.runs_on],
        )
    if options.runs_on is RunsOn.EC2:
        resources[PROFILE] = {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Roles": [Ref(ROLE)]},
        }
    resources[POLICY] = Why(
        {"Type": "AWS::IAM::Policy", "Properties": policy},
        "Only the first statement is needed to purge. The others let Plone see whether "
        "the distribution reads cache tags, and check the configuration.",
    )
    return resources


_ROLES = {
    RunsOn.EC2: "Attach the instance profile to the instances that run Plone.",
    RunsOn.ECS: "Use it as TaskRoleArn of the task that runs Plone, or the worker.",
    RunsOn.IRSA: "Annotate the service account of the pods with "
    "eks.amazonaws.com/role-arn and the ARN of this role.",
    RunsOn.POD_IDENTITY: "Associate it with the service account of the pods "
    "(aws eks create-pod-identity-association).",
}
