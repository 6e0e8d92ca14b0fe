"""The right distribution for Plone: options in, values out. Pure.

::

    /++plone++*, /static/* …   static     everybody gets the same; kept for up to a year
    /++api++*                  API        by query string, session, Authorization, Accept
    */@@images/* …             files      by query string, session
    */login, */edit …          editing    not kept
    Default (*)                pages      by query string, session, messages to a visitor

What "session" is, and whether it is in the cache key at all, ``Options.editors`` says. The
checks of ``doctor.rules`` find nothing wrong with any of it.
"""

from collections.abc import Iterator
from collective.cloudfront.blueprint.options import Editors
from collective.cloudfront.blueprint.options import Options
from collective.cloudfront.blueprint.options import Server
from collective.cloudfront.blueprint.options import virtual_host_path
from collective.cloudfront.blueprint.values import ALL
from collective.cloudfront.blueprint.values import Behavior
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import CachePolicy
from collective.cloudfront.blueprint.values import CustomErrorResponse
from collective.cloudfront.blueprint.values import Distribution
from collective.cloudfront.blueprint.values import Kind
from collective.cloudfront.blueprint.values import NONE
from collective.cloudfront.blueprint.values import Origin
from collective.cloudfront.blueprint.values import OriginRequestPolicy
from collective.cloudfront.blueprint.values import READ
from collective.cloudfront.blueprint.values import ResponseHeadersPolicy
from collective.cloudfront.blueprint.values import Role
from collective.cloudfront.blueprint.values import SecurityHeaders
from collective.cloudfront.delivery.aws.behaviors import Chosen
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from dataclasses import replace


#: Seconds.
DAY = 86_400
YEAR = 31_536_000

#: Ids of origins.
PLONE, API = "plone", "plone-api"

#: In a multi-tenant distribution, each tenant has values for these.
TENANT_HOST, TENANT_SITE = "host", "site"

#: A request with this header goes to the staging distribution; CloudFront wants such names.
STAGING_HEADER = "aws-cf-cd-plone"

# AWS's managed policies (developer guide, "Use managed cache policies" and "Use managed
# origin request policies").
CACHING_DISABLED = CachePolicy(
    "CachingDisabled",
    "Nothing is kept.",
    query_strings=NONE,
    default_ttl=0,
    max_ttl=0,
    gzip=False,
    brotli=False,
    id="4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
)
ALL_VIEWER = OriginRequestPolicy(
    "AllViewer",
    "Plone gets everything, the host name included.",
    ALL,
    ALL,
    ALL,
    id="216adef6-5c7f-47e4-b989-5492eafa07d3",
)
ALL_VIEWER_EXCEPT_HOST = OriginRequestPolicy(
    "AllViewerExceptHostHeader",
    "Plone gets everything but the host name, which is in the origin path.",
    ALL,
    Chosen("allExcept", ("host",)),
    ALL,
    id="b689b0a8-53d0-40ab-baf2-68738e2966ac",
)

#: The cookie of a person who is logged in.
SESSION = {True: "__ac", False: "auth_token"}
#: Plone's cookies for editors: what was copied, and whether the toolbar is open.
_EDITORS_COOKIES = ("__cp", "plone-toolbar")
#: Plone's cookie with a message that is shown once, such as after a form was sent.
_MESSAGES = "statusmessages"

_STATIC_CLASSIC = (
    ("/++plone++*", "Resources of Plone and of add-ons are the same for everybody."),
    ("/++resource++*", "Resources of add-ons are the same for everybody."),
    ("/++theme++*", "The files of a theme are the same for everybody."),
    (
        "/++webresource++*",
        "The URL of a bundle has a hash, and a new one gets a new URL.",
    ),
)
_STATIC_VOLTO = (
    (
        "/static/*",
        "The URL of a file of Volto's has a hash, and a new one gets a new URL.",
    ),
)
_FILES = (
    ("*/@@images/*", "Scales need the session, because an image may be private."),
    ("*/@@download/*", "Downloads need the session, because a file may be private."),
)
_LOGIN = "Whoever logs in or out must reach Plone."
_PASSWORD = "The URL has a secret that is valid once."
_EDITING = "Forms and views of editors must never be old."
# AWS documents a slash at the beginning as optional, so "*/login" may be "/*/login", which
# does not match the login form of the site itself.
_AT_ROOT = "At the root of the site, which the pattern with * may not match."
_EDITING_CLASSIC = (
    ("/login", _AT_ROOT),
    ("*/login", _LOGIN),
    ("*/logout", _LOGIN),
    ("*/require_login", _LOGIN),
    ("*/passwordreset/*", _PASSWORD),
    ("*/edit", _EDITING),
    ("*/++add++*", _EDITING),
    ("*/folder_contents", _EDITING),
    ("*/@@fc-*", _EDITING),
    ("*/@@*-controlpanel", _EDITING),
)
_EDITING_VOLTO = (
    ("/login", _AT_ROOT),
    ("/logout", _AT_ROOT),
    ("/edit", _AT_ROOT),
    ("/add", _AT_ROOT),
    ("/contents", _AT_ROOT),
    ("*/login", _LOGIN),
    ("*/logout", _LOGIN),
    ("/passwordreset*", _PASSWORD),
    ("*/edit", _EDITING),
    ("*/add", _EDITING),
    ("*/contents", _EDITING),
    ("/controlpanel*", _EDITING),
)

#: What the REST API's clients send (plone.restapi: tus, locking, CORS).
_API_HEADERS = (
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Content-Type",
    "Lock-Token",
    "Prefer",
    "Tus-Resumable",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
)

_PASSING = "An error of the request, not of the page: nobody else may get it."
_AWAY = "Plone gets a pause of seconds, and visitors see at once that it is back."
ERRORS = (
    *(CustomErrorResponse(code, 0, _PASSING) for code in (400, 405, 414, 416)),
    CustomErrorResponse(
        403, 0, "Who may see a page can change, and somebody else may see it."
    ),
    CustomErrorResponse(
        404,
        10,
        "A page that is published answers within seconds, even without a purge.",
    ),
    *(CustomErrorResponse(code, 5, _AWAY) for code in (500, 502, 503, 504)),
)

#: Of the distribution for editors.
NO_ERRORS = tuple(
    CustomErrorResponse(
        each.error_code, 0, "Who adds a page must not see that it was not there before."
    )
    for each in ERRORS
)


def right(options: Options) -> Blueprint:
    """Return the right distribution for a site."""
    public = _public(options)
    staging = None
    if options.staging:
        # CloudFront refuses continuous deployment with HTTP/3 (developer guide)
        public = replace(public, http_version="http2")
        staging = replace(
            public,
            role=Role.STAGING,
            comment=f"Plone, staging ({options.name})",
            aliases=(),
            certificate="",
            logs="",
        )
    return Blueprint(
        options,
        public,
        editors=_for_editors(options) if options.editors_domains else None,
        staging=staging,
        tenants=options.tenants,
    )


def _public(options: Options) -> Distribution:
    pages, *others = _Behaviors(options).all()
    return Distribution(
        Role.PUBLIC,
        f"Plone ({options.name})",
        aliases=options.domains,
        origins=tuple(_origins(options, options.domains)),
        behaviors=tuple(others),
        default_behavior=pages,
        custom_error_responses=ERRORS,
        cache_tag_header=options.tag_header if options.tags else "",
        web_acl=options.web_acl,
        certificate=options.certificate,
        logs=options.logs,
    )


def _for_editors(options: Options) -> Distribution:
    behaviors = _Behaviors(options)
    everything = behaviors.editing(DEFAULT, "People who edit must never see old pages.")
    api = (
        behaviors.editing("/++api++*", "The REST API has a server of its own.", API),
    )
    return Distribution(
        Role.EDITORS,
        f"Plone, for editors ({options.name})",
        aliases=options.editors_domains,
        origins=tuple(_origins(options, options.editors_domains)),
        behaviors=api if options.api_origin is not None else (),
        default_behavior=everything,
        custom_error_responses=NO_ERRORS,
        web_acl=options.web_acl,
        logs=options.logs,
    )


def _origins(options: Options, domains: tuple[str, ...]) -> Iterator[Origin]:
    host, site = domains[0] if domains else "", options.site
    if options.tenants:
        host, site = f"{{{{{TENANT_HOST}}}}}", site and f"{{{{{TENANT_SITE}}}}}"
    path = virtual_host_path(host, site)
    yield _origin(PLONE, options.origin, path if options.is_classic else "")
    if options.api_origin is not None:
        yield _origin(API, options.api_origin, path)


def _origin(id: str, server: Server, path: str) -> Origin:
    return Origin(
        id,
        server.host,
        path,
        server.protocol,
        server.port,
        vpc_arn=server.vpc_arn,
        in_stack=server.in_stack,
    )


class _Behaviors:
    """Makes the behaviors of one distribution."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._response = _response_headers_policy(options)

    def all(self) -> Iterator[Behavior]:
        """Yield the default behavior, and the others in their order."""
        yield self._pages()
        classic = self._options.is_classic
        for pattern, reason in _STATIC_CLASSIC if classic else _STATIC_VOLTO:
            yield self._static(pattern, reason)
        yield self._api()
        for pattern, reason in _FILES:
            yield self._files(pattern, reason)
        if self._logs_in:
            for pattern, reason in _EDITING_CLASSIC if classic else _EDITING_VOLTO:
                yield self.editing(pattern, reason)

    def editing(self, pattern: str, reason: str, origin: str = PLONE) -> Behavior:
        """Return a behavior that keeps nothing."""
        knows_host = self._host(origin) != ()
        return Behavior(
            Kind.EDITING,
            pattern,
            reason,
            origin,
            CACHING_DISABLED,
            ALL_VIEWER if knows_host else ALL_VIEWER_EXCEPT_HOST,
            self._response,
        )

    @property
    def _logs_in(self) -> bool:
        return self._options.editors is Editors.COOKIE

    @property
    def _session(self) -> tuple[str, ...]:
        return (SESSION[self._options.is_classic],) if self._logs_in else ()

    @property
    def _authorization(self) -> tuple[str, ...]:
        return ("Authorization",) if self._logs_in else ()

    def _host(self, origin: str) -> tuple[str, ...]:
        # The public host name is either in the origin path, or in this header
        is_in_path = self._options.site and (self._options.is_classic or origin == API)
        return () if is_in_path else ("Host",)

    def _pages(self) -> Behavior:
        classic = self._options.is_classic
        cookies = self._session
        if classic:
            cookies = (
                *cookies,
                *(_EDITORS_COOKIES if self._logs_in else ()),
                _MESSAGES,
            )
        policy = CachePolicy(
            "pages",
            "Plone's Cache-Control header decides, and each change is purged."
            if classic
            else "Volto's pages have no Cache-Control header, and each change is purged.",
            headers=_chosen(*self._authorization, *self._host(PLONE)),
            cookies=_chosen(*cookies),
            # A day, as "With CloudFront" says of Plone's pages
            default_ttl=0 if classic else DAY,
        )
        return Behavior(
            Kind.PAGES,
            DEFAULT,
            "Pages, feeds, searches, and everything else.",
            PLONE,
            policy,
            OriginRequestPolicy(
                "pages",
                "Forms need these headers; none of them changes a page that is kept.",
                headers=_chosen("Content-Type", "X-CSRF-TOKEN"),
            ),
            self._response,
        )

    def _files(self, pattern: str, reason: str) -> Behavior:
        policy = CachePolicy(
            "files",
            "Images and files are kept as long as Plone says.",
            headers=_chosen(*self._authorization, *self._host(PLONE)),
            cookies=_chosen(*self._session),
        )
        return Behavior(
            Kind.FILES, pattern, reason, PLONE, policy, None, self._response
        )

    def _static(self, pattern: str, reason: str) -> Behavior:
        policy = CachePolicy(
            "static",
            "Resources belong to nobody, so neither cookies nor Authorization count.",
            headers=_chosen(*self._host(PLONE)),
            default_ttl=DAY,
        )
        return Behavior(
            Kind.STATIC,
            pattern,
            reason,
            PLONE,
            policy,
            None,
            self._response,
            allowed_methods=READ,
        )

    def _api(self) -> Behavior:
        origin = API if self._options.api_origin is not None else PLONE
        headers = (*self._authorization, "Accept", "Origin", *self._host(origin))
        policy = CachePolicy(
            "api",
            "Plone's Cache-Control header decides; Accept and Origin change answers.",
            headers=_chosen(*headers),
            cookies=_chosen(*self._session),
        )
        return Behavior(
            Kind.API,
            "/++api++*",
            "Answers of the REST API, for Volto and for other clients.",
            origin,
            policy,
            OriginRequestPolicy(
                "api",
                "Uploads, locks and CORS need these; none changes an answer that is kept.",
                headers=_chosen(*_API_HEADERS),
            ),
            self._response,
        )


def _chosen(*names: str) -> Chosen:
    return Chosen("whitelist", names) if names else NONE


def _response_headers_policy(options: Options) -> ResponseHeadersPolicy:
    header = (options.tag_header,) if options.tags else ()
    return ResponseHeadersPolicy(
        "viewers",
        "What viewers do not need is removed, also from copies at the edge.",
        removed=(*header, "X-Powered-By"),
        security=SecurityHeaders(hsts_max_age=YEAR if options.hsts else 0),
    )
