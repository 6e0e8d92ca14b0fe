"""The CloudFront API in REST and XML, version 2020-05-31, as boto3 speaks it.

Two pure functions, :func:`read` and :func:`write`, around
:meth:`~collective.cloudfront.local.control.ControlPlane.handle`. A signature must be there,
but is not verified: the local CloudFront knows no secrets.
"""

from collections.abc import Iterable
from collective.cloudfront.local.control import ControlPlane
from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.errors import UnreadableAnswer
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.records import Call
from collective.cloudfront.local.records import Distribution
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.local.records import Operation
from collective.cloudfront.local.records import Page
from collective.cloudfront.local.records import PAGE_SIZE
from collective.cloudfront.local.records import Policy
from collective.cloudfront.local.writing import behavior_elements
from collective.cloudfront.local.writing import boolean
from collective.cloudfront.local.writing import element
from collective.cloudfront.local.writing import origins_element
from collective.cloudfront.local.writing import policy_element
from collective.cloudfront.local.writing import several
from collective.cloudfront.local.writing import timestamp
from copy import deepcopy
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import unquote
from xml.etree import ElementTree

import re
import uuid


NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"

#: Bytes. 3,000 items of 4,000 characters are 12 MB; nobody needs more.
MAX_BODY = 16 * 2**20

_TENANT = "distribution-tenant"
_CACHE = "cache-policy"
_REQUEST = "origin-request-policy"
_RESPONSE = "response-headers-policy"
_ROUTE = re.compile(
    r"/2020-05-31/(distribution|distribution-tenant|cache-policy"
    r"|origin-request-policy|response-headers-policy)(?:/([^/]+)"
    r"(?:/(invalidation|config)(?:/([^/]+))?)?)?"
)
#: By method, kind, the part of it, and whether a thing of the kind and one of the part
#: are named.
_OPERATIONS = {
    ("POST", "distribution", True, "invalidation", False): Operation.CREATE,
    ("GET", "distribution", True, "invalidation", False): Operation.LIST,
    ("GET", "distribution", True, "invalidation", True): Operation.GET,
    ("GET", "distribution", True, "", False): Operation.GET_DISTRIBUTION,
    ("GET", "distribution", True, "config", False): Operation.GET_DISTRIBUTION_CONFIG,
    ("PUT", "distribution", True, "config", False): Operation.UPDATE_DISTRIBUTION,
    ("POST", _TENANT, True, "invalidation", False): Operation.CREATE_FOR_TENANT,
    ("GET", _TENANT, True, "invalidation", False): Operation.LIST_FOR_TENANT,
    ("GET", _TENANT, True, "invalidation", True): Operation.GET_FOR_TENANT,
    ("GET", _TENANT, True, "", False): Operation.GET_TENANT,
    ("PUT", _TENANT, True, "", False): Operation.UPDATE_TENANT,
    ("GET", _CACHE, True, "", False): Operation.GET_CACHE_POLICY,
    ("POST", _CACHE, False, "", False): Operation.CREATE_CACHE_POLICY,
    ("PUT", _CACHE, True, "", False): Operation.UPDATE_CACHE_POLICY,
    ("GET", _REQUEST, True, "", False): Operation.GET_REQUEST_POLICY,
    ("POST", _REQUEST, False, "", False): Operation.CREATE_REQUEST_POLICY,
    ("PUT", _REQUEST, True, "", False): Operation.UPDATE_REQUEST_POLICY,
    ("GET", _RESPONSE, True, "", False): Operation.GET_RESPONSE_POLICY,
    ("POST", _RESPONSE, False, "", False): Operation.CREATE_RESPONSE_POLICY,
    ("PUT", _RESPONSE, True, "", False): Operation.UPDATE_RESPONSE_POLICY,
}
#: The root element of what an operation stores.
_ROOTS = {
    "distribution": "DistributionConfig",
    _TENANT: "UpdateDistributionTenantRequest",
    _CACHE: "CachePolicyConfig",
    _REQUEST: "OriginRequestPolicyConfig",
    _RESPONSE: "ResponseHeadersPolicyConfig",
}
_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/[\w-]+/cloudfront/aws4_request, ?"
    r"SignedHeaders=[\w;-]+, ?Signature=[0-9a-f]{64}"
)
# A document type could define entities that expand without end; comments and CDATA
# are harmless. NUL is not XML, but makes expat guess UTF-16, which would hide "<!".
_FORBIDDEN = re.compile(r"<!(?!--|\[CDATA\[)|\0")


class Api:
    """Answers API requests from a control plane."""

    def __init__(self, control: ControlPlane) -> None:
        self._control = control

    def answer(self, request: Request) -> Response:
        """Answer a request; raise ConnectionLost if the client must get no answer."""
        response = self._answer(request)
        date = formatdate(self._control.clock(), usegmt=True)
        return replace(response, headers=(*response.headers, ("Date", date)))

    def _answer(self, request: Request) -> Response:
        try:
            call = read(request)
            return write(call, self._control.handle(call), _base_url(request))
        except ApiError as error:
            return write_error(error)
        except UnreadableAnswer as failure:
            body = b"<html><body>The proxy is tired.<hr></body>"
            headers = (("Content-Type", "text/html"),)
            return Response(failure.status, "Service Unavailable", headers, body)


def read(request: Request) -> Call:
    """Parse a request. If its body is wrong, ``Call.problem`` says why."""
    path, _, query = request.url.partition("?")
    route = _ROUTE.fullmatch(path)
    kind, name, part, invalidation = route.groups("") if route else ("",) * 4
    operation = _OPERATIONS.get(
        (request.method, kind, bool(name), part, bool(invalidation))
    )
    if operation is None:
        raise ApiError.of(
            "UnknownOperation", f"{request.method} {path} is not available locally."
        )
    known: dict[str, Any] = {
        "operation": operation,
        "policy" if kind.endswith("-policy") else "distribution": unquote(name),
        "invalidation": unquote(invalidation),
        "access_key": _access_key(request),
    }
    try:
        if operation.creates:
            return Call(**known, **_read_batch(request.body))
        if operation.stores:
            return Call(**known, **_read_config(request, _ROOTS[kind]))
        return Call(**known, **_read_page(query))
    except ApiError as error:
        return Call(**known, problem=error)


def _access_key(request: Request) -> str | None:
    authorization = header_value(request.headers, "Authorization")
    if not authorization:
        return None
    match = _SIGNATURE.fullmatch(authorization)
    return match.group(1) if match else ""


def _base_url(request: Request) -> str:
    return f"http://{header_value(request.headers, 'Host')}"


def _read_page(query: str) -> dict[str, Any]:
    parameters = parse_qs(query)
    marker = parameters.get("Marker", [""])[0]
    max_items = parameters.get("MaxItems", [str(PAGE_SIZE)])[0]
    if not re.fullmatch(r"[0-9]{1,9}", max_items):
        raise ApiError.of("InvalidArgument", "MaxItems is a number above 0.")
    return {"marker": marker, "max_items": int(max_items)}


def _read_batch(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise ApiError.of("MissingBody", "This operation requires a body.")
    batch = _parse(body)
    if batch.tag != _tag("InvalidationBatch"):
        raise _malformed(f"The root element is {batch.tag}.")
    parts = _children(batch, "Paths", "CallerReference")
    paths = _children(parts["Paths"], "Quantity", "Items", optional=("Items",))
    items = paths.get("Items", ())
    if any(item.tag != _tag("Path") or len(item) for item in items):
        raise _malformed("Items contains Path elements only.")
    quantity = (paths["Quantity"].text or "").strip()
    if not re.fullmatch(r"-?[0-9]{1,9}", quantity):
        raise _malformed("Quantity is a number.")
    return {
        "caller_reference": parts["CallerReference"].text or "",
        "items": tuple(item.text or "" for item in items),
        "quantity": int(quantity),
    }


def _read_config(request: Request, root: str) -> dict[str, Any]:
    config = _parse(request.body)
    if config.tag != _tag(root):
        raise _malformed(f"The root element is {config.tag}.")
    for each in config.iter():
        each.tag = each.tag.rpartition("}")[2]
    reference = config.findtext("CallerReference")
    if root == "DistributionConfig" and reference != "local":
        raise ApiError.of("IllegalUpdate", "The caller reference cannot be changed.")
    return {
        "if_match": header_value(request.headers, "If-Match") or "",
        "config": config,
    }


def _parse(body: bytes) -> ElementTree.Element:
    try:
        # As text, the document cannot declare an encoding of its own, which would hide
        # a document type from the check before.
        text = body.decode("utf-8")
        if _FORBIDDEN.search(text):
            raise _malformed("Document types and NUL are refused.")
        return ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise _malformed(str(error)) from None


def _children(
    element: ElementTree.Element, *names: str, optional: tuple[str, ...] = ()
) -> dict[str, ElementTree.Element]:
    """Return the children by name: each at most once, no others, none missing."""
    found = {child.tag: child for child in element}
    wanted = {_tag(name): name for name in names}
    missing = set(wanted) - set(found) - {_tag(name) for name in optional}
    if missing or set(found) - set(wanted) or len(found) != len(element):
        raise _malformed(f"The content of {element.tag} is not as specified.")
    return {wanted[tag]: child for tag, child in found.items()}


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _malformed(detail: str) -> ApiError:
    return ApiError.of("MalformedXML", f"The XML is not well-formed: {detail}")


# Writing


def write(
    call: Call,
    answer: Invalidation | Page | Distribution | Policy,
    base_url: str,
) -> Response:
    """Put the answer to a call into XML."""
    if isinstance(answer, Invalidation) and call.operation.creates:
        suffix = "-tenant" if call.operation.is_for_tenants else ""
        collection = f"/2020-05-31/distribution{suffix}/{call.distribution}"
        location = ("Location", f"{base_url}{collection}/invalidation/{answer.id}")
        return _xml(201, "Created", _invalidation(answer), location)
    if isinstance(answer, Invalidation):
        return _xml(200, "OK", _invalidation(answer))
    if isinstance(answer, Page):
        return _xml(200, "OK", _page(answer))
    if isinstance(answer, Policy):
        return _write_policy(call, answer, base_url)
    etag = ("ETag", answer.etag)
    if call.operation.is_for_tenants:
        return _xml(200, "OK", _tenant(answer), etag)
    if call.operation is Operation.GET_DISTRIBUTION_CONFIG:
        return _xml(200, "OK", _distribution_config(answer), etag)
    return _xml(200, "OK", _distribution(answer), etag)


def _write_policy(call: Call, policy: Policy, base_url: str) -> Response:
    written = policy_element(call.operation, policy, timestamp(policy.created))
    etag = ("ETag", policy.etag)
    if call.policy:
        return _xml(200, "OK", written, etag)
    collection = f"/2020-05-31/{call.operation.policy_kind}"
    location = ("Location", f"{base_url}{collection}/{policy.id}")
    return _xml(201, "Created", written, etag, location)


def write_error(error: ApiError) -> Response:
    """Put an error into XML."""
    root = element(
        "ErrorResponse",
        element(
            "Error",
            element("Type", "Receiver" if error.status >= 500 else "Sender"),
            element("Code", error.code),
            element("Message", error.message),
        ),
        element("RequestId", str(uuid.uuid4())),
    )
    return _xml(error.status, error.code, root)


def _xml(
    status: int, reason: str, root: ElementTree.Element, *headers: tuple[str, str]
) -> Response:
    root.set("xmlns", NAMESPACE)
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    fixed = (("Content-Type", "text/xml"), ("x-amzn-RequestId", str(uuid.uuid4())))
    return Response(status, reason, (*fixed, *headers), body)


def _invalidation(invalidation: Invalidation) -> ElementTree.Element:
    items = [element("Path", item) for item in invalidation.items]
    return element(
        "Invalidation",
        *_summary(invalidation),
        element(
            "InvalidationBatch",
            element(
                "Paths",
                element("Quantity", len(items)),
                element("Items", *items),
            ),
            element("CallerReference", invalidation.caller_reference),
        ),
    )


def _summary(invalidation: Invalidation) -> list[ElementTree.Element]:
    return [
        element("Id", invalidation.id),
        element("CreateTime", timestamp(invalidation.created)),
        element("Status", invalidation.status.value),
    ]


def _page(page: Page) -> ElementTree.Element:
    summaries = [
        element("InvalidationSummary", *_summary(invalidation))
        for invalidation in page.invalidations
    ]
    more = [element("NextMarker", page.next_marker)] if page.next_marker else []
    return element(
        "InvalidationList",
        element("Marker", page.marker),
        *more,
        element("MaxItems", page.max_items),
        element("IsTruncated", "true" if page.next_marker else "false"),
        element("Quantity", len(summaries)),
        *([element("Items", *summaries)] if summaries else []),
    )


def _distribution(distribution: Distribution) -> ElementTree.Element:
    name = distribution.id
    return element(
        "Distribution",
        element("Id", name),
        element("ARN", f"arn:aws:cloudfront::000000000000:distribution/{name}"),
        element("Status", _status(distribution)),
        element("LastModifiedTime", timestamp(distribution.created)),
        element("InProgressInvalidationBatches", distribution.batches_in_progress),
        element("DomainName", f"{name.lower()}.localhost"),
        _distribution_config(distribution),
    )


def _distribution_config(distribution: Distribution) -> ElementTree.Element:
    """Write what is stored; else what botocore's model requires, and can be chosen."""
    if distribution.config is not None:
        return deepcopy(distribution.config)  # it gets a namespace
    name = distribution.cache_tag_header
    tags = [element("CacheTagConfig", element("HeaderName", name))] if name else []
    return element(
        "DistributionConfig",
        element("CallerReference", "local"),
        element("Aliases", *several("CNAME", distribution.aliases)),
        origins_element(distribution.behaviors),
        *behavior_elements(distribution.behaviors),
        element("Comment", "Local CloudFront, not for production"),
        element("Enabled", boolean(distribution.enabled)),
        *tags,
    )


def _tenant(tenant: Distribution) -> ElementTree.Element:
    names: Iterable[str] = tenant.aliases
    enabled = boolean(tenant.enabled)
    stored = tenant.config
    if stored is not None:
        enabled = stored.findtext("Enabled", enabled)
        if stored.find("Domains") is not None:
            found = stored.findall("Domains/member/Domain")
            names = [each.text or "" for each in found]
    domains = [
        element("member", element("Domain", name), element("Status", "active"))
        for name in names
    ]
    return element(
        "DistributionTenant",
        element("Id", tenant.id),
        element("DistributionId", tenant.parent),
        element("Name", tenant.id),
        element("Domains", *domains),
        element("CreatedTime", timestamp(tenant.created)),
        element("LastModifiedTime", timestamp(tenant.created)),
        element("Enabled", enabled),
        element("Status", _status(tenant)),
    )


def _status(distribution: Distribution) -> str:
    return "Deployed" if distribution.deployed else "InProgress"
