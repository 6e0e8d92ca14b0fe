"""Configurations in CloudFormation's form and in that of the CloudFront API. Pure.

They have the same content. The API writes how many a list has, and has some other names::

    Aliases: [a, b]      <Aliases><Quantity>2</Quantity>
                           <Items><CNAME>a</CNAME><CNAME>b</CNAME></Items></Aliases>
"""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree


#: Lists of the API by name, with the name of an item.
_LISTS = {
    "Aliases": "CNAME",
    "AllowedMethods": "Method",
    "CacheBehaviors": "CacheBehavior",
    "CachedMethods": "Method",
    "Cookies": "Name",
    "CustomErrorResponses": "CustomErrorResponse",
    "CustomHeaders": "OriginCustomHeader",
    "FunctionAssociations": "FunctionAssociation",
    "Headers": "Name",
    "LambdaFunctionAssociations": "LambdaFunctionAssociation",
    "Locations": "Location",
    "Origins": "Origin",
    "OriginSslProtocols": "SslProtocol",
    "QueryStrings": "Name",
}
#: Lists that are ``{Items: […]}`` in CloudFormation, too.
_ITEMS = {
    "AccessControlAllowHeaders": "Header",
    "AccessControlAllowMethods": "Method",
    "AccessControlAllowOrigins": "Origin",
    "AccessControlExposeHeaders": "Header",
    "CustomHeadersConfig": "ResponseHeadersPolicyCustomHeader",
    "RemoveHeadersConfig": "ResponseHeadersPolicyRemoveHeader",
}
#: Names in CloudFormation, and in the API.
_NAMES = {
    "AcmCertificateArn": "ACMCertificateArn",
    "IamCertificateId": "IAMCertificateId",
    "IPV6Enabled": "IsIPV6Enabled",
    "OriginCustomHeaders": "CustomHeaders",
    "OriginSSLProtocols": "OriginSslProtocols",
    "SslSupportMethod": "SSLSupportMethod",
}
_NAMES_BACK = {api: formation for formation, api in _NAMES.items()}
#: What the API has always, and CloudFormation need not say.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443},
    "DistributionConfig": {"CallerReference": "local", "Comment": ""},
    "Origin": {"OriginPath": ""},
}
#: What only the API has, and what says nothing that the edge does.
_ONLY_API = frozenset(["CallerReference"])


def as_xml(name: str, value: Any) -> ElementTree.Element:
    """Write a configuration of CloudFormation as the API does, without namespaces."""
    name = _NAMES.get(name, name)
    result = ElementTree.Element(name)
    if isinstance(value, list):
        result.extend(_counted(value, _LISTS.get(name, "member")))
        if name not in _LISTS:
            result[:] = [as_xml("member", each) for each in value]
    elif name in _ITEMS:
        result.extend(_counted(value.get("Items", []), _ITEMS[name]))
    elif isinstance(value, Mapping):
        value = {**_DEFAULTS.get(name, {}), **value}
        cached = value.pop("CachedMethods", None)
        result.extend(as_xml(key, each) for key, each in value.items())
        methods = result.find("AllowedMethods")
        if cached and methods is not None:
            methods.append(as_xml("CachedMethods", cached))
    elif isinstance(value, bool):
        result.text = "true" if value else "false"
    else:
        result.text = str(value)
    return result


def _counted(values: list[Any], name: str) -> list[ElementTree.Element]:
    quantity, items = ElementTree.Element("Quantity"), ElementTree.Element("Items")
    quantity.text = str(len(values))
    items.extend(as_xml(name, each) for each in values)
    return [quantity, items] if values else [quantity]


def as_properties(element: ElementTree.Element) -> Any:
    """Return what the API's element is in CloudFormation: the law is that for each
    configuration ``as_properties(as_xml(name, value))`` says what ``value`` says, with texts
    for numbers and truth values, and without what is empty.
    """
    if element.find("Quantity") is not None:
        items = [as_properties(each) for each in element.iterfind("Items/*")]
        return {"Items": items} if element.tag in _ITEMS and items else items
    children = list(element)
    if not children:
        return (element.text or "").strip()
    if all(each.tag == "member" for each in children):
        return [as_properties(each) for each in children]
    found = {
        _NAMES_BACK.get(each.tag, each.tag): as_properties(each)
        for each in children
        if each.tag not in _ONLY_API
    }
    cached = element.find("AllowedMethods/CachedMethods")
    if cached is not None:
        found["CachedMethods"] = as_properties(cached)
    # The API writes what is not there as an empty text or a list of none
    return {name: value for name, value in found.items() if value not in ("", [])}
