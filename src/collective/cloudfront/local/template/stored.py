"""What a template says, as documents of the API, and back. Pure.

With the documents, the API tells what the template says, and clients can change it; the edge
then does what is stored.
"""

from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.local.template.api_form import as_properties
from collective.cloudfront.local.template.api_form import as_xml
from collective.cloudfront.local.template.document import Resource
from typing import Any
from xml.etree import ElementTree


#: By kind, as URLs of the API call it: the type in CloudFormation, and the property that has
#: the configuration. A tenant's properties are its configuration.
_KINDS = {
    "distribution": ("AWS::CloudFront::Distribution", "DistributionConfig"),
    "distribution-tenant": ("AWS::CloudFront::DistributionTenant", ""),
    "cache-policy": ("AWS::CloudFront::CachePolicy", "CachePolicyConfig"),
    "origin-request-policy": (
        "AWS::CloudFront::OriginRequestPolicy",
        "OriginRequestPolicyConfig",
    ),
    "response-headers-policy": (
        "AWS::CloudFront::ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig",
    ),
}
_KIND_OF = {type: kind for kind, (type, _name) in _KINDS.items()}
_TENANT_ROOT = "UpdateDistributionTenantRequest"

#: Documents of the API by kind and id.
Documents = Mapping[tuple[str, str], ElementTree.Element]


def documents(resources: Sequence[Resource], ids: Mapping[str, str]) -> Documents:
    """Return the documents for resources; ``ids`` are those of distributions by name."""
    found = {}
    for each in resources:
        if each.type not in _KIND_OF:
            continue
        kind = _KIND_OF[each.type]
        name = _KINDS[kind][1]
        if name:
            config = as_xml(name, each.properties[name])
        else:
            config = as_xml(_TENANT_ROOT, _as_request(each.properties, ids))
        found[kind, ids.get(each.logical_id, each.logical_id)] = config
    return found


def not_stored(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Return the resources for which there are no documents."""
    return tuple(each for each in resources if each.type not in _KIND_OF)


def resources_of(stored: Documents) -> tuple[Resource, ...]:
    """Return the resources that documents of the API stand for; ids are their names."""
    return tuple(
        Resource(name, _KINDS[kind][0], _properties(kind, config))
        for (kind, name), config in stored.items()
    )


def _properties(kind: str, config: ElementTree.Element) -> Mapping[str, Any]:
    values = as_properties(config)
    name = _KINDS[kind][1]
    if name:
        return {name: values}
    domains = [each["Domain"] for each in values.pop("Domains", [])]
    return {**values, "Domains": domains}


def _as_request(properties: Mapping[str, Any], ids: Mapping[str, str]) -> Any:
    parent = str(properties.get("DistributionId"))
    return {
        **properties,
        "DistributionId": ids.get(parent, parent),
        "Domains": [{"Domain": each} for each in properties.get("Domains", [])],
    }
