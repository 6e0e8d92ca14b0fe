"""Why a value is right: one sentence for each field, with what visitors notice otherwise.

Templates show them as comments, and whoever compares a distribution with the blueprint
can name the consequence of a difference. Behaviors, policies and errors have reasons of
their own beside these.
"""

#: By "class.field" of ``values``.
REASONS = {
    "Blueprint.editors": (
        "People who log in use another host name, so that they cannot get the copies of "
        "visitors, nor visitors theirs."
    ),
    "Blueprint.staging": (
        "A change can be tried with a request header before all visitors get it."
    ),
    "Blueprint.tenants": (
        "Each site has its own domain and its own cache, and all of them share one "
        "configuration."
    ),
    "Distribution.aliases": (
        "CloudFront answers only for host names that are listed here."
    ),
    "Distribution.http_version": (
        "Browsers that know HTTP/3 load pages faster, and others use HTTP/2."
    ),
    "Distribution.ipv6": "Visitors whose network has IPv6 only reach the site, too.",
    "Distribution.minimum_protocol_version": (
        "Older versions of TLS are not safe any more."
    ),
    "Distribution.cache_tag_header": (
        "CloudFront reads cache tags from this header, so that a change purges exactly "
        "the pages that display it."
    ),
    "Distribution.web_acl": "AWS WAF checks each request before CloudFront answers it.",
    "Distribution.certificate": (
        "The certificate names all alternate domain names, and is in us-east-1, because "
        "CloudFront reads it only there."
    ),
    "Distribution.logs": "Access logs show what was served from the edge.",
    "Distribution.custom_error_responses": (
        "Errors are kept for seconds only, so that visitors do not see an error that is "
        "over."
    ),
    "Distribution.behaviors": (
        "CloudFront uses the first behavior whose pattern matches, so the order counts."
    ),
    "Origin.origin_path": (
        "Zope's VirtualHostMonster reads the public host name and the site from this "
        "path, so that links in pages lead back to CloudFront."
    ),
    "Origin.protocol_policy": (
        "HTTPS keeps sessions and drafts secret between CloudFront and Plone; use HTTP "
        "only within a VPC."
    ),
    "Origin.read_timeout": (
        "Plone may take long to save or to answer a search; with less time, editors see "
        "an error though their change was saved."
    ),
    "Origin.keepalive_timeout": (
        "Shorter than the 60 seconds after which a load balancer closes a connection, so "
        "that no request meets a closed one."
    ),
    "Origin.connection_timeout": (
        "If Plone is away, visitors get the copy at the edge after seconds."
    ),
    "Origin.connection_attempts": (
        "A second attempt helps while Plone is restarted; more only make visitors wait."
    ),
    "Origin.vpc_arn": (
        "A VPC origin is reached through CloudFront only, so nobody gets past it."
    ),
    "CachePolicy.query_strings": (
        "Searches, batches and the REST API answer differently for each query string; "
        "without them in the cache key, visitors get the answers of others."
    ),
    "CachePolicy.headers": (
        "A header that changes the answer is in the cache key; every other one would "
        "split the cache."
    ),
    "CachePolicy.cookies": (
        "Only cookies by which Plone answers differently are in the cache key; with "
        "those of trackers, each visitor would have a cache of their own."
    ),
    "CachePolicy.min_ttl": (
        "With a longer minimum TTL, CloudFront keeps even answers that Plone marks as "
        "private."
    ),
    "CachePolicy.default_ttl": ("It holds for answers without a Cache-Control header."),
    "CachePolicy.max_ttl": (
        "Plone decides with s-maxage how long an answer is kept; a shorter maximum would "
        "overrule it."
    ),
    "CachePolicy.gzip": "CloudFront keeps compressed copies, which load faster.",
    "CachePolicy.brotli": "CloudFront keeps compressed copies, which load faster.",
    "OriginRequestPolicy.headers": (
        "A header that reaches Plone without being in the cache key must not change an "
        "answer that is kept, or one visitor decides what all others see."
    ),
    "OriginRequestPolicy.cookies": (
        "A cookie that reaches Plone without being in the cache key would put one "
        "person's page before everybody."
    ),
    "OriginRequestPolicy.query_strings": (
        "Query strings in the cache key reach Plone anyway."
    ),
    "ResponseHeadersPolicy.removed": (
        "Cache tags are internal IDs, and nobody needs to know the server's software."
    ),
    "SecurityHeaders.hsts_max_age": (
        "Browsers that have seen the site once use HTTPS only."
    ),
    "SecurityHeaders.content_type_options": (
        "Browsers do not run an uploaded file as a script."
    ),
    "SecurityHeaders.frame_option": "Other sites cannot show this one in a frame.",
    "SecurityHeaders.referrer_policy": (
        "Other sites learn the host name, not which page a visitor comes from."
    ),
    "SecurityHeaders.frame_override": "What Plone sends itself counts.",
    "SecurityHeaders.referrer_override": "What Plone sends itself counts.",
    "Behavior.allowed_methods": (
        "Without POST, PUT, PATCH and DELETE, visitors cannot send forms and editors "
        "cannot save."
    ),
    "Behavior.cached_methods": (
        "An answer to OPTIONS depends on headers that are not in the cache key."
    ),
    "Behavior.viewer_protocol_policy": (
        "Passwords and sessions are not sent over HTTP."
    ),
    "Behavior.compress": "Pages load faster.",
}


def reason_of(value: object, field: str) -> str:
    """Return why a field of a value has the value that it has; empty if it is obvious."""
    return REASONS.get(f"{type(value).__name__}.{field}", "")
