"""Distributions of a blueprint as resources of CloudFormation."""

from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.policies import policy_id
from collective.cloudfront.blueprint.notes import Notes
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.reasons import reason_of
from collective.cloudfront.blueprint.right import TENANT_HOST
from collective.cloudfront.blueprint.right import TENANT_SITE
from collective.cloudfront.blueprint.values import Behavior
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Distribution
from collective.cloudfront.blueprint.values import Origin
from collective.cloudfront.blueprint.values import Role
from typing import Any


#: Logical ids.
DISTRIBUTIONS = {
    Role.PUBLIC: "Distribution",
    Role.EDITORS: "EditorsDistribution",
    Role.STAGING: "StagingDistribution",
}
DEPLOYMENT_POLICY = "DeploymentPolicy"
#: Of Plone on Amazon ECS.
LOAD_BALANCER = "LoadBalancer"
CERTIFICATE, EDITORS_CERTIFICATE = "CertificateArn", "EditorsCertificateArn"


def vpc_origin(origin: Origin) -> str:
    """Return the logical id of a VPC origin."""
    return "".join(map(str.capitalize, origin.id.split("-"))) + "VpcOrigin"


def uses_parameters(blueprint: Blueprint) -> bool:
    """Say whether the origins of a multi-tenant distribution differ by tenant."""
    return any("{{" in each.origin_path for each in blueprint.distribution.origins)


def distribution(each: Distribution, blueprint: Blueprint, notes: Notes) -> Any:
    """Return one distribution, with what it is for as its comment."""
    text = {
        Role.PUBLIC: "What visitors reach.",
        Role.EDITORS: reason_of(blueprint, "editors"),
        Role.STAGING: reason_of(blueprint, "staging"),
    }[each.role]
    return Why(
        {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {"DistributionConfig": _config(each, blueprint, notes)},
        },
        text,
    )


def _config(each: Distribution, blueprint: Blueprint, notes: Notes) -> dict[str, Any]:
    tenants = bool(blueprint.tenants)
    config: dict[str, Any] = {"Comment": each.comment, "Enabled": True}
    if tenants:
        config["ConnectionMode"] = notes.why(blueprint, "tenants", "tenant-only")
        if uses_parameters(blueprint):
            config["TenantConfig"] = _tenant_config(blueprint)
    if each.is_staging:
        config["Staging"] = True
    elif blueprint.staging is not None and each.role is Role.PUBLIC:
        config["ContinuousDeploymentPolicyId"] = Ref(DEPLOYMENT_POLICY)
    if each.aliases:
        config["Aliases"] = notes.why(each, "aliases", list(each.aliases))
    if each.aliases or tenants:
        config["ViewerCertificate"] = _certificate(each, notes)
    config["HttpVersion"] = (
        notes.why(each, "http_version", each.http_version)
        if blueprint.staging is None
        else Why(each.http_version, "CloudFront does not allow HTTP/3 with staging.")
    )
    if not tenants:
        config["IPV6Enabled"] = notes.why(each, "ipv6", each.ipv6)
    if each.web_acl:
        config["WebACLId"] = notes.why(each, "web_acl", each.web_acl)
    if each.cache_tag_header:
        config["CacheTagConfig"] = notes.why(
            each, "cache_tag_header", {"HeaderName": each.cache_tag_header}
        )
    config["Origins"] = [_origin(origin, notes) for origin in each.origins]
    if each.behaviors:
        behaviors = [_behavior(behavior, notes) for behavior in each.behaviors]
        config["CacheBehaviors"] = notes.why(each, "behaviors", behaviors)
    config["DefaultCacheBehavior"] = Why(
        _behavior(each.default_behavior, notes), each.default_behavior.reason
    )
    if each.custom_error_responses:
        config["CustomErrorResponses"] = notes.why(
            each,
            "custom_error_responses",
            [
                notes.once(
                    error.reason,
                    {
                        "ErrorCode": error.error_code,
                        "ErrorCachingMinTTL": error.error_caching_min_ttl,
                    },
                )
                for error in each.custom_error_responses
            ],
        )
    return config


def _tenant_config(blueprint: Blueprint) -> dict[str, Any]:
    comments = {
        TENANT_HOST: "The public host name of the site",
        TENANT_SITE: "The path of the site in Zope",
    }
    return {
        "ParameterDefinitions": [
            {
                "Name": name,
                "Definition": {"StringSchema": {"Required": True, "Comment": comment}},
            }
            for name, comment in comments.items()
        ]
    }


def _certificate(each: Distribution, notes: Notes) -> dict[str, Any]:
    parameter = EDITORS_CERTIFICATE if each.role is Role.EDITORS else CERTIFICATE
    return {
        "AcmCertificateArn": notes.why(
            each, "certificate", each.certificate or Ref(parameter)
        ),
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": notes.why(
            each, "minimum_protocol_version", each.minimum_protocol_version
        ),
    }


def _origin(origin: Origin, notes: Notes) -> dict[str, Any]:
    values: dict[str, Any] = {
        "Id": origin.id,
        "DomainName": GetAtt(LOAD_BALANCER, "DNSName")
        if origin.in_stack
        else origin.domain_name,
    }
    if origin.origin_path:
        values["OriginPath"] = notes.why(origin, "origin_path", origin.origin_path)
    values["ConnectionAttempts"] = notes.why(
        origin, "connection_attempts", origin.connection_attempts
    )
    values["ConnectionTimeout"] = notes.why(
        origin, "connection_timeout", origin.connection_timeout
    )
    times = {
        "OriginReadTimeout": notes.why(origin, "read_timeout", origin.read_timeout),
        "OriginKeepaliveTimeout": notes.why(
            origin, "keepalive_timeout", origin.keepalive_timeout
        ),
    }
    if origin.is_private:
        values["VpcOriginConfig"] = notes.why(
            origin, "vpc_arn", {"VpcOriginId": Ref(vpc_origin(origin)), **times}
        )
    else:
        values["CustomOriginConfig"] = {
            "OriginProtocolPolicy": notes.why(
                origin, "protocol_policy", origin.protocol_policy.value
            ),
            **ports(origin),
            "OriginSSLProtocols": ["TLSv1.2"],
            **times,
        }
    return values


def ports(origin: Origin) -> dict[str, int]:
    """Return the ports of an origin."""
    return {"HTTPPort": origin.http_port, "HTTPSPort": origin.https_port}


def _behavior(behavior: Behavior, notes: Notes) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if not behavior.is_default:
        values["PathPattern"] = notes.once(behavior.reason, behavior.path_pattern)
    values["TargetOriginId"] = behavior.origin
    values["ViewerProtocolPolicy"] = notes.why(
        behavior, "viewer_protocol_policy", behavior.viewer_protocol_policy
    )
    values["AllowedMethods"] = list(behavior.allowed_methods)
    if "POST" in behavior.allowed_methods:
        values["AllowedMethods"] = notes.why(
            behavior, "allowed_methods", values["AllowedMethods"]
        )
    values["CachedMethods"] = notes.why(
        behavior, "cached_methods", list(behavior.cached_methods)
    )
    values["Compress"] = notes.why(behavior, "compress", behavior.compress)
    values["CachePolicyId"] = policy_id(behavior.cache_policy)
    if behavior.origin_request_policy is not None:
        values["OriginRequestPolicyId"] = policy_id(behavior.origin_request_policy)
    values["ResponseHeadersPolicyId"] = policy_id(behavior.response_headers_policy)
    return values
