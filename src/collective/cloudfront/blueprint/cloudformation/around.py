"""What goes with a distribution: VPC origins, staging, tenants, and access logs."""

from collections.abc import Iterator
from collective.cloudfront.blueprint.cloudformation.distribution import (
    DEPLOYMENT_POLICY,
)
from collective.cloudfront.blueprint.cloudformation.distribution import DISTRIBUTIONS
from collective.cloudfront.blueprint.cloudformation.distribution import LOAD_BALANCER
from collective.cloudfront.blueprint.cloudformation.distribution import ports
from collective.cloudfront.blueprint.cloudformation.distribution import uses_parameters
from collective.cloudfront.blueprint.cloudformation.distribution import vpc_origin
from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.notes import Notes
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.right import STAGING_HEADER
from collective.cloudfront.blueprint.right import TENANT_HOST
from collective.cloudfront.blueprint.right import TENANT_SITE
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Origin
from collective.cloudfront.blueprint.values import Role
from typing import Any


CONNECTION_GROUP = "ConnectionGroup"


def around(blueprint: Blueprint, notes: Notes) -> dict[str, Any]:
    """Return these resources by logical id."""
    return {
        **dict(_vpc_origins(blueprint, notes)),
        **dict(_deployment_policy(blueprint, notes)),
        **dict(_tenants(blueprint, notes)),
        **dict(_logs(blueprint, notes)),
    }


def tenant_id(number: int) -> str:
    """Return the logical id of a tenant."""
    return f"Tenant{number + 1}"


def arn_of(logical_id: str) -> Sub:
    """Return the ARN of a distribution."""
    return Sub(
        "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/"
        f"${{{logical_id}}}"
    )


def _vpc_origins(
    blueprint: Blueprint, notes: Notes
) -> Iterator[tuple[str, dict[str, Any]]]:
    origins: dict[str, Origin] = {
        vpc_origin(origin): origin
        for each in blueprint.distributions
        for origin in each.origins
        if origin.is_private
    }
    for logical_id, origin in origins.items():
        config = {
            "Name": f"{blueprint.options.name}-{origin.id}",
            "Arn": Ref(LOAD_BALANCER) if origin.in_stack else origin.vpc_arn,
            "OriginProtocolPolicy": origin.protocol_policy.value,
            **ports(origin),
            "OriginSSLProtocols": ["TLSv1.2"],
        }
        yield (
            logical_id,
            {
                "Type": "AWS::CloudFront::VpcOrigin",
                "Properties": {"VpcOriginEndpointConfig": config},
            },
        )


def _deployment_policy(blueprint: Blueprint, notes: Notes) -> Iterator[tuple[str, Any]]:
    if blueprint.staging is None:
        return
    header = {"Header": STAGING_HEADER, "Value": blueprint.options.name}
    config = {
        "Enabled": True,
        "StagingDistributionDnsNames": [
            GetAtt(DISTRIBUTIONS[Role.STAGING], "DomainName")
        ],
        "TrafficConfig": {"Type": "SingleHeader", "SingleHeaderConfig": header},
    }
    yield (
        DEPLOYMENT_POLICY,
        Why(
            {
                "Type": "AWS::CloudFront::ContinuousDeploymentPolicy",
                "Properties": {"ContinuousDeploymentPolicyConfig": config},
            },
            "Requests with this header go to the staging distribution.",
        ),
    )


def _tenants(blueprint: Blueprint, notes: Notes) -> Iterator[tuple[str, Any]]:
    if not blueprint.tenants:
        return
    options = blueprint.options
    yield (
        CONNECTION_GROUP,
        Why(
            {
                "Type": "AWS::CloudFront::ConnectionGroup",
                "Properties": {
                    "Name": options.name,
                    "Enabled": True,
                    "Ipv6Enabled": True,
                },
            },
            "The domains of all tenants point to its RoutingEndpoint.",
        ),
    )
    for number, tenant in enumerate(blueprint.tenants):
        properties: dict[str, Any] = {
            "DistributionId": Ref(DISTRIBUTIONS[Role.PUBLIC]),
            "ConnectionGroupId": Ref(CONNECTION_GROUP),
            "Name": tenant.name,
            "Domains": [tenant.domain],
            "Enabled": True,
        }
        if uses_parameters(blueprint):
            properties["Parameters"] = [
                {"Name": TENANT_HOST, "Value": tenant.domain},
                {"Name": TENANT_SITE, "Value": tenant.site or options.site},
            ]
        yield (
            tenant_id(number),
            {"Type": "AWS::CloudFront::DistributionTenant", "Properties": properties},
        )


def _logs(blueprint: Blueprint, notes: Notes) -> Iterator[tuple[str, Any]]:
    arn = blueprint.distribution.logs
    if not arn:
        return
    destination = {
        "Name": f"{blueprint.options.name}-access-logs",
        "DestinationResourceArn": arn,
        "OutputFormat": "json",
    }
    yield (
        "LogDestination",
        notes.why(
            blueprint.distribution,
            "logs",
            {"Type": "AWS::Logs::DeliveryDestination", "Properties": destination},
        ),
    )
    for each in blueprint.distributions:
        if not each.logs:
            continue
        public = each.role is Role.PUBLIC
        prefix = "" if public else each.role.value.capitalize()
        source = {
            "Name": f"{blueprint.options.name}-{each.role.value}",
            "LogType": "ACCESS_LOGS",
            "ResourceArn": arn_of(DISTRIBUTIONS[each.role]),
        }
        delivery = {
            "DeliverySourceName": Ref(f"{prefix}LogSource"),
            "DeliveryDestinationArn": GetAtt("LogDestination", "Arn"),
        }
        yield (
            f"{prefix}LogSource",
            {"Type": "AWS::Logs::DeliverySource", "Properties": source},
        )
        yield (
            f"{prefix}LogDelivery",
            {"Type": "AWS::Logs::Delivery", "Properties": delivery},
        )
