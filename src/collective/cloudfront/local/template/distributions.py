"""Distributions and distribution tenants of a template, as values."""

from collections.abc import Mapping
from collective.cloudfront.local.behaviors import METHODS
from collective.cloudfront.local.behaviors import PATTERN
from collective.cloudfront.local.distribution import CacheBehavior
from collective.cloudfront.local.distribution import CachePolicy
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.distribution import Origin
from collective.cloudfront.local.distribution import OriginRequestPolicy
from collective.cloudfront.local.distribution import ResponseHeadersPolicy
from collective.cloudfront.local.distribution import Staging
from collective.cloudfront.local.distribution import ViewerProtocolPolicy
from collective.cloudfront.local.template.document import Resource
from collective.cloudfront.local.template.errors import TemplateError
from collective.cloudfront.local.template.properties import Properties
from dataclasses import dataclass
from dataclasses import replace
from types import MappingProxyType
from typing import Any


#: They concern TLS, the network, the bill, or what is logged; none changes an answer here.
_WITHOUT_EFFECT = (
    "AnycastIpListId",
    "Comment",
    "ConnectionMode",
    "HttpVersion",
    "IPV6Enabled",
    "Logging",
    "PriceClass",
    "Restrictions",
    "Staging",
    "TenantConfig",
    "ViewerCertificate",
    # A firewall is not simulated
    "WebACLId",
)
_ORIGIN_WITHOUT_EFFECT = (
    "ConnectionAttempts",
    "ConnectionTimeout",
    "CustomOriginConfig",
    "OriginAccessControlId",
    "OriginShield",
    "ResponseCompletionTimeout",
    "VpcOriginConfig",
)
_ERRORS = frozenset([400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504])


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that behaviors can name, by id."""

    cache: Mapping[str, CachePolicy]
    request: Mapping[str, OriginRequestPolicy]
    response: Mapping[str, ResponseHeadersPolicy]
    deployment: Mapping[str, Staging | None]


def distribution(resource: Resource, policies: Policies) -> DistributionConfig:
    """Return a AWS::CloudFront::Distribution."""
    properties = Properties(resource.properties, resource.place)
    config = properties.object("DistributionConfig")
    properties.without_effect(["Tags"])
    properties.finish()
    origins = _origins(config)
    default = _behavior(config.object("DefaultCacheBehavior"), origins, policies)
    others = tuple(
        _behavior(each, origins, policies, is_default=False)
        for each in config.objects("CacheBehaviors")
    )
    patterns = [each.path_pattern for each in others]
    if len(set(patterns)) < len(patterns):
        raise config.error("CacheBehaviors", "Two of them have the same PathPattern.")
    tags = config.object("CacheTagConfig")
    deployment = config.text("ContinuousDeploymentPolicyId", "")
    result = DistributionConfig(
        logical_id=resource.logical_id,
        default=default,
        behaviors=others,
        aliases=config.texts("Aliases"),
        enabled=config.truth("Enabled"),
        cache_tag_header=tags.text("HeaderName", ""),
        error_ttls=MappingProxyType(_error_ttls(config)),
        staging=_named(
            config, "ContinuousDeploymentPolicyId", deployment, policies.deployment
        ),
    )
    tags.finish()
    if config.text("DefaultRootObject", ""):
        raise config.error(
            "DefaultRootObject", "The local CloudFront does not know this."
        )
    config.without_effect(_WITHOUT_EFFECT)
    config.finish()
    return result


# Origins


def _origins(config: Properties) -> dict[str, Origin]:
    origins = {}
    for each in config.objects("Origins"):
        origin = Origin(
            each.text("Id"),
            each.text("DomainName"),
            each.text("OriginPath", ""),
            tuple(_custom_header(item) for item in each.objects("OriginCustomHeaders")),
        )
        if origin.path and (not origin.path.startswith("/") or origin.path[-1] == "/"):
            raise each.error("OriginPath", "It begins with / and does not end with /.")
        each.without_effect(_ORIGIN_WITHOUT_EFFECT)
        each.finish()
        origins[origin.id] = origin
    if not origins:
        raise config.error("Origins", "There is none.")
    return origins


def _custom_header(item: Properties) -> tuple[str, str]:
    header = item.text("HeaderName"), item.text("HeaderValue")
    item.finish()
    return header


# Behaviors


def _behavior(
    each: Properties,
    origins: Mapping[str, Origin],
    policies: Policies,
    is_default: bool = True,
) -> CacheBehavior:
    ids = (
        each.text("CachePolicyId"),
        each.text("OriginRequestPolicyId", ""),
        each.text("ResponseHeadersPolicyId", ""),
    )
    behavior = CacheBehavior(
        path_pattern="" if is_default else _pattern(each),
        origin=_named(each, "TargetOriginId", each.text("TargetOriginId"), origins),
        cache=_named(each, "CachePolicyId", ids[0], policies.cache),
        request=_named(each, "OriginRequestPolicyId", ids[1], policies.request)
        or OriginRequestPolicy(),
        response=_named(each, "ResponseHeadersPolicyId", ids[2], policies.response)
        or ResponseHeadersPolicy(),
        allowed_methods=_methods(each, "AllowedMethods", METHODS),
        cached_methods=_methods(each, "CachedMethods", METHODS[:2]),
        protocol=each.choice("ViewerProtocolPolicy", ViewerProtocolPolicy),
        compress=each.truth("Compress", False),
        policy_ids=ids,
    )
    for name in ("FunctionAssociations", "LambdaFunctionAssociations"):
        if each.objects(name):
            raise each.error(name, "The local CloudFront runs no functions.")
    if each.truth("SmoothStreaming", False):
        raise each.error("SmoothStreaming", "The local CloudFront does not know this.")
    each.without_effect(["RealtimeLogConfigArn"])
    each.finish()
    if not behavior.cached_methods <= behavior.allowed_methods:
        raise each.error("CachedMethods", "One of them is not allowed.")
    return behavior


def _pattern(each: Properties) -> str:
    pattern = each.text("PathPattern")
    if not PATTERN.fullmatch(pattern):
        raise each.error("PathPattern", f"{pattern!r} is not a path pattern.")
    return pattern


def _named(each: Properties, name: str, id: str, known: Mapping[str, Any]) -> Any:
    if not id:
        return None
    if id not in known:
        raise each.error(name, f"There is no {id}, in the template or managed by AWS.")
    return known[id]


def _methods(
    each: Properties, name: str, choice: tuple[tuple[str, ...], ...]
) -> frozenset[str]:
    methods = frozenset(each.texts(name)) or frozenset(METHODS[0])
    if methods not in [frozenset(one) for one in choice]:
        raise each.error(name, "CloudFront does not allow these methods together.")
    return methods


# Errors


def _error_ttls(config: Properties) -> dict[int, float]:
    ttls = {}
    for each in config.objects("CustomErrorResponses"):
        code = int(each.number("ErrorCode"))
        if code not in _ERRORS:
            raise each.error("ErrorCode", f"CloudFront does not allow {code}.")
        if each.has("ErrorCachingMinTTL"):
            ttls[code] = each.number("ErrorCachingMinTTL")
        each.finish()  # error pages are not known
    return ttls


# Staging


def deployment_policy(resource: Resource) -> Staging | None:
    """Return a AWS::CloudFront::ContinuousDeploymentPolicy; None: it is not enabled."""
    properties = Properties(resource.properties, resource.place)
    config = properties.object("ContinuousDeploymentPolicyConfig")
    properties.finish()
    traffic = config.object("TrafficConfig")
    if traffic.text("Type") != "SingleHeader":
        raise traffic.error("Type", "The local CloudFront knows SingleHeader only.")
    single = traffic.object("SingleHeaderConfig")
    names = config.texts("StagingDistributionDnsNames")
    if len(names) != 1:
        raise config.error("StagingDistributionDnsNames", "There is not exactly one.")
    staging = Staging(
        single.text("Header"),
        single.text("Value"),
        # What !GetAtt gives here
        names[0].removesuffix(".DomainName"),
    )
    if not staging.header.startswith("aws-cf-cd-"):
        raise single.error("Header", "CloudFront demands aws-cf-cd-… here.")
    enabled = config.truth("Enabled")
    for each in (config, traffic, single):
        each.finish()
    return staging if enabled else None


# Tenants


def tenant(
    resource: Resource, distributions: Mapping[str, DistributionConfig]
) -> DistributionConfig:
    """Return a AWS::CloudFront::DistributionTenant: what it inherits, for its domains."""
    properties = Properties(resource.properties, resource.place)
    parent = properties.text("DistributionId")
    if parent not in distributions:
        raise properties.error("DistributionId", f"There is no distribution {parent}.")
    values = {
        each.text("Name"): each.text("Value")
        for each in properties.objects("Parameters")
    }
    config = replace(
        distributions[parent],
        logical_id=resource.logical_id,
        aliases=properties.texts("Domains"),
        enabled=properties.truth("Enabled", True),
        is_tenant=True,
    )
    properties.without_effect(
        ["ConnectionGroupId", "ManagedCertificateRequest", "Name", "Tags"]
    )
    if properties.has("Customizations"):
        inner = properties.object("Customizations")
        inner.without_effect(["Certificate", "GeoRestrictions", "WebAcl"])
        inner.finish()
    properties.finish()
    return replace(
        config,
        default=_filled(config.default, values, resource),
        behaviors=tuple(_filled(each, values, resource) for each in config.behaviors),
    )


def _filled(
    behavior: CacheBehavior, values: Mapping[str, str], resource: Resource
) -> CacheBehavior:
    """Put a tenant's parameters where the origin says ``{{name}}``."""
    texts = [behavior.origin.domain, behavior.origin.path]
    for name, value in values.items():
        texts = [each.replace("{{" + name + "}}", value) for each in texts]
    if any("{{" in each for each in texts):
        raise TemplateError(resource.place, f"{texts} needs another parameter.")
    return replace(
        behavior, origin=replace(behavior.origin, domain=texts[0], path=texts[1])
    )
