"""The policies that AWS manages, by id, with the values that AWS publishes.

Source: CloudFront developer guide, "Use managed cache policies", "Use managed origin request
policies" and "Use managed response headers policies". Those for S3, Elemental and Amplify are
missing: no template for Plone uses them.
"""

from collective.cloudfront.local.distribution import AddedHeader
from collective.cloudfront.local.distribution import CachePolicy
from collective.cloudfront.local.distribution import Choice
from collective.cloudfront.local.distribution import Cors
from collective.cloudfront.local.distribution import EVERYTHING
from collective.cloudfront.local.distribution import OriginRequestPolicy
from collective.cloudfront.local.distribution import ResponseHeadersPolicy
from collective.cloudfront.local.distribution import Selection


_ORIGIN_CONTROLS = Selection.of(
    "host",
    "origin",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
)

CACHE_POLICIES = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": CachePolicy(
        "Managed-CachingOptimized", min_ttl=1, gzip=True, brotli=True
    ),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": CachePolicy(
        "Managed-CachingOptimizedForUncompressedObjects", min_ttl=1
    ),
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": CachePolicy(
        "Managed-CachingDisabled", default_ttl=0, max_ttl=0
    ),
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": CachePolicy(
        "UseOriginCacheControlHeaders",
        default_ttl=0,
        headers=_ORIGIN_CONTROLS,
        cookies=EVERYTHING,
        gzip=True,
        brotli=True,
    ),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": CachePolicy(
        "UseOriginCacheControlHeaders-QueryStrings",
        default_ttl=0,
        query_strings=EVERYTHING,
        headers=_ORIGIN_CONTROLS,
        cookies=EVERYTHING,
        gzip=True,
        brotli=True,
    ),
}

ORIGIN_REQUEST_POLICIES = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": OriginRequestPolicy(
        "Managed-AllViewer", EVERYTHING, Selection(Choice.ALL_VIEWER), EVERYTHING
    ),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": OriginRequestPolicy(
        "Managed-AllViewerExceptHostHeader",
        EVERYTHING,
        Selection(Choice.ALL_EXCEPT, frozenset(["host"])),
        EVERYTHING,
    ),
    "59781a5b-3903-41f3-afcb-af62929ccde1": OriginRequestPolicy(
        "Managed-CORS-CustomOrigin", headers=Selection.of("origin")
    ),
    "acba4595-bd28-49b8-b9fe-13317c0390fa": OriginRequestPolicy(
        "Managed-UserAgentRefererHeaders",
        headers=Selection.of("user-agent", "referer"),
    ),
    "bf0718e1-ba1e-49d1-88b1-f726733018ae": OriginRequestPolicy(
        "Managed-HostHeaderOnly", headers=Selection.of("host")
    ),
}

_SECURITY = (
    AddedHeader("Referrer-Policy", "strict-origin-when-cross-origin", False),
    AddedHeader("Strict-Transport-Security", "max-age=31536000", False),
    AddedHeader("X-Content-Type-Options", "nosniff", True),
    AddedHeader("X-Frame-Options", "SAMEORIGIN", False),
    AddedHeader("X-XSS-Protection", "1; mode=block", False),
)
_SIMPLE = Cors(("*",), (), (), override=False)
_PREFLIGHT = Cors(
    ("*",),
    ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"),
    (),
    exposed=("*",),
    override=False,
)

RESPONSE_HEADERS_POLICIES = {
    "67f7725c-6f97-4210-82d7-5512b31e9d03": ResponseHeadersPolicy(
        "Managed-SecurityHeadersPolicy", added=_SECURITY
    ),
    "60669652-455b-4ae9-85a4-c4c02393f86c": ResponseHeadersPolicy(
        "Managed-SimpleCORS", cors=_SIMPLE
    ),
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": ResponseHeadersPolicy(
        "Managed-CORS-With-Preflight", cors=_PREFLIGHT
    ),
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": ResponseHeadersPolicy(
        "Managed-CORS-and-SecurityHeadersPolicy", added=_SECURITY, cors=_SIMPLE
    ),
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": ResponseHeadersPolicy(
        "Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
        added=_SECURITY,
        cors=_PREFLIGHT,
    ),
}
