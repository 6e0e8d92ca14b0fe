"""What AWS must allow, and whom: least privilege, as values of IAM.

The actions are those of ``delivery.aws``: the gateway purges and looks up, and the probe
reads the configuration for the connection test. A test compares them.
"""

from collective.cloudfront.blueprint.options import Options
from collective.cloudfront.blueprint.options import RunsOn
from dataclasses import dataclass
from typing import Any


VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Statement:
    """Actions on some kind of resource."""

    sid: str
    actions: tuple[str, ...]
    reason: str


#: On each distribution.
PURGE = Statement(
    "Purge",
    ("cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"),
    "Plone purges, and sees when an invalidation is complete.",
)
READ = Statement(
    "Read",
    ("cloudfront:GetDistribution", "cloudfront:GetDistributionConfig"),
    "Plone sees whether the distribution reads cache tags, and checks its behaviors.",
)
#: On each tenant.
PURGE_TENANTS = Statement(
    "PurgeTenants",
    (
        "cloudfront:CreateInvalidationForDistributionTenant",
        "cloudfront:GetInvalidationForDistributionTenant",
        "cloudfront:GetDistributionTenant",
    ),
    "Plone purges tenants, and sees which distribution they belong to.",
)
#: On everything.
READ_POLICIES = Statement(
    "ReadPolicies",
    (
        "cloudfront:GetCachePolicy",
        "cloudfront:GetOriginRequestPolicy",
        "cloudfront:GetResponseHeadersPolicy",
    ),
    "The connection test reads the policies of the behaviors.",
)


def statement(described: Statement, *resources: Any) -> dict[str, Any]:
    """Return a statement of a policy document."""
    return {
        "Sid": described.sid,
        "Effect": "Allow",
        "Action": list(described.actions),
        "Resource": list(resources),
    }


def policy_document(
    distributions: list[Any], tenants: list[Any] | None = None
) -> dict[str, Any]:
    """Return what Plone needs for the ARNs of distributions and of tenants. Where there
    are tenants, they are purged, and the distribution that they belong to is only read.
    """
    purge = (
        statement(PURGE_TENANTS, *tenants)
        if tenants
        else statement(PURGE, *distributions)
    )
    return {
        "Version": VERSION,
        "Statement": [
            purge,
            statement(READ, *distributions),
            statement(READ_POLICIES, "*"),
        ],
    }


_SERVICES = {
    RunsOn.EC2: "ec2.amazonaws.com",
    RunsOn.ECS: "ecs-tasks.amazonaws.com",
    RunsOn.POD_IDENTITY: "pods.eks.amazonaws.com",
}


#: Where a role gives the permission.
WITH_ROLE = (*_SERVICES, RunsOn.IRSA)


def trust_document(options: Options, oidc_arn: Any) -> dict[str, Any]:
    """Return who may assume the role. ``oidc_arn`` is the ARN of the provider, for IRSA."""
    if options.runs_on is RunsOn.IRSA:
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": oidc_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{options.oidc_provider}:aud": "sts.amazonaws.com",
                    f"{options.oidc_provider}:sub": "system:serviceaccount:"
                    + options.service_account,
                }
            },
        }
    else:
        actions = ["sts:AssumeRole"]
        if options.runs_on is RunsOn.POD_IDENTITY:
            actions.append("sts:TagSession")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": _SERVICES[options.runs_on]},
            "Action": actions,
        }
    return {"Version": VERSION, "Statement": [statement]}
