"""What a response headers policy does to a response. Pure functions.

Source: CloudFront developer guide, "Understand response headers policies".
"""

from collective.cloudfront.local.distribution import Cors
from collective.cloudfront.local.distribution import ResponseHeadersPolicy
from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.messages import without
from dataclasses import replace


def apply_policy(
    response: Response, request: Request, policy: ResponseHeadersPolicy
) -> Response:
    """Return what viewers get: without the removed headers, with the added ones."""
    response = without(response, *policy.removed)
    for added in policy.added:
        response = _with(response, added.name, added.value, added.override)
    origin = header_value(request.headers, "Origin")
    if policy.cors is None or not origin:
        return response
    # Either all CORS headers are the origin's, or none
    if header_value(response.headers, "Access-Control-Allow-Origin"):
        if not policy.cors.override:
            return response
        ours = [
            n for n, _ in response.headers if n.lower().startswith("access-control-")
        ]
        response = without(response, *(name.lower() for name in ours))
    for name, value in _cors_headers(policy.cors, origin, request):
        response = _with(response, name, value, True)
    return response


def _with(response: Response, name: str, value: str, override: bool) -> Response:
    if header_value(response.headers, name) and not override:
        return response
    kept = without(response, name.lower()).headers
    return replace(response, headers=(*kept, (name, value)))


def _cors_headers(cors: Cors, origin: str, request: Request) -> Headers:
    allowed = _allowed_origin(cors, origin)
    if not allowed:
        return ()
    headers = [("Access-Control-Allow-Origin", allowed)]
    if allowed != "*":
        headers.append(("Vary", "Origin"))
    if cors.credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if cors.exposed:
        headers.append(("Access-Control-Expose-Headers", ", ".join(cors.exposed)))
    asked = header_value(request.headers, "Access-Control-Request-Method")
    if request.method == "OPTIONS" and asked:
        headers += _for_preflight(cors)
    return tuple(headers)


def _allowed_origin(cors: Cors, origin: str) -> str:
    if "*" in cors.origins:
        return "*"
    for allowed in cors.origins:
        # CloudFront allows one * in the place of a subdomain
        start, star, end = allowed.partition("*")
        if origin == allowed:
            return origin
        if star and origin.startswith(start) and origin.endswith(end):
            return origin
    return ""


def _for_preflight(cors: Cors) -> list[tuple[str, str]]:
    headers = []
    if cors.methods:
        headers.append(("Access-Control-Allow-Methods", ", ".join(cors.methods)))
    if cors.headers:
        headers.append(("Access-Control-Allow-Headers", ", ".join(cors.headers)))
    if cors.max_age is not None:
        headers.append(("Access-Control-Max-Age", str(cors.max_age)))
    return headers
