"""Distributions from a CloudFormation template.

::

    document ──► intrinsics ──► policies ──► distributions ──► DistributionConfig ──► edge
    (JSON,YAML)  (Ref, Sub, If)     ▲    ▲
                                 managed └── stored, api_form ◄──► control (API)

Everything is pure but for :func:`read_template`, which reads the file. What a template says
and the local CloudFront does not know is a :class:`TemplateError`, which names the place.
"""

from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.template.distributions import deployment_policy
from collective.cloudfront.local.template.distributions import distribution
from collective.cloudfront.local.template.distributions import Policies
from collective.cloudfront.local.template.distributions import tenant
from collective.cloudfront.local.template.document import Resource
from collective.cloudfront.local.template.document import resources
from collective.cloudfront.local.template.errors import TemplateError
from collective.cloudfront.local.template.managed import CACHE_POLICIES
from collective.cloudfront.local.template.managed import ORIGIN_REQUEST_POLICIES
from collective.cloudfront.local.template.managed import RESPONSE_HEADERS_POLICIES
from collective.cloudfront.local.template.policies import cache_policy
from collective.cloudfront.local.template.policies import request_policy
from collective.cloudfront.local.template.policies import response_policy
from dataclasses import dataclass
from pathlib import Path


_CLOUDFRONT = "AWS::CloudFront::"
_READ = {
    f"{_CLOUDFRONT}{name}": name
    for name in (
        "CachePolicy",
        "ContinuousDeploymentPolicy",
        "Distribution",
        "DistributionTenant",
        "OriginRequestPolicy",
        "ResponseHeadersPolicy",
    )
}
#: Other resources of CloudFront. They do not change what the edge answers, or only together
#: with a behavior that names them, which is refused then.
_OTHERS = frozenset(
    f"{_CLOUDFRONT}{name}"
    for name in (
        "ConnectionGroup",
        "Function",
        "MonitoringSubscription",
        "OriginAccessControl",
        "RealtimeLogConfig",
        "VpcOrigin",
    )
)


@dataclass(frozen=True, slots=True)
class Template:
    """What a template says: distributions, then tenants, and the resources behind them."""

    configs: tuple[DistributionConfig, ...]
    resources: tuple[Resource, ...] = ()


def read_template(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """Return what a file says; raise TemplateError or OSError."""
    return parse_template(path.read_text(encoding="utf-8"), parameters or {})


def parse_template(text: str, parameters: Mapping[str, str]) -> Template:
    """Return what a text says; raise TemplateError."""
    found = resources(text, parameters, frozenset(_READ))
    return Template(configs_of(found), found)


def configs_of(found: Sequence[Resource]) -> tuple[DistributionConfig, ...]:
    """Return the distributions, then the tenants; raise TemplateError."""
    for each in found:
        _check_type(each)

    def of(name: str) -> list[Resource]:
        return [each for each in found if _READ.get(each.type) == name]

    policies = Policies(
        {
            **CACHE_POLICIES,
            **{r.logical_id: cache_policy(r) for r in of("CachePolicy")},
        },
        {
            **ORIGIN_REQUEST_POLICIES,
            **{r.logical_id: request_policy(r) for r in of("OriginRequestPolicy")},
        },
        {
            **RESPONSE_HEADERS_POLICIES,
            **{r.logical_id: response_policy(r) for r in of("ResponseHeadersPolicy")},
        },
        {r.logical_id: deployment_policy(r) for r in of("ContinuousDeploymentPolicy")},
    )
    made = {r.logical_id: distribution(r, policies) for r in of("Distribution")}
    if not made:
        raise TemplateError("Resources", "There is no AWS::CloudFront::Distribution.")
    tenants = [tenant(each, made) for each in of("DistributionTenant")]
    return (*made.values(), *tenants)


def _check_type(resource: Resource) -> None:
    kind = resource.type
    if kind.startswith(_CLOUDFRONT) and kind not in _READ and kind not in _OTHERS:
        raise TemplateError(
            resource.place, f"The local CloudFront does not know {kind}."
        )


__all__ = [
    "Template",
    "TemplateError",
    "configs_of",
    "parse_template",
    "read_template",
]
