"""What people choose for a distribution: one frozen value, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import re


#: As in the settings of the add-on.
TAG_HEADER = "Cache-Tag"
#: Characters. Names of log deliveries have 60 at most (CloudFormation's schema), those of
#: roles 64; ours add two words.
MAX_NAME = 40
#: CloudFront's limit (developer guide, "Origin path").
MAX_ORIGIN_PATH = 255
#: Per distribution (developer guide, "Quotas").
MAX_DOMAINS = 100

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+\Z")
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})+\Z")
_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9-]{{0,{MAX_NAME - 1}}}\Z")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}\Z")
_SITE = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\Z")
_ARN = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:\d{0,12}:\S+\Z")
_ADDRESS = re.compile(r"[\d.]+\Z")
_OIDC = re.compile(r"[a-z0-9.-]+/[A-Za-z0-9/_-]+\Z")
_ACCOUNT = re.compile(r"[a-z0-9-]{1,63}:[a-z0-9.-]{1,253}\Z")


class Interface(str, Enum):
    """What renders the pages."""

    CLASSIC = "classic"
    VOLTO = "volto"


class Editors(str, Enum):
    """How people who log in are kept apart from visitors."""

    #: The session cookie and Authorization are in the cache key.
    COOKIE = "cookie"
    #: They use another host name, where nothing is cached.
    HOST = "host"


class Protocol(str, Enum):
    """How CloudFront speaks to the origin (OriginProtocolPolicy)."""

    HTTP = "http-only"
    HTTPS = "https-only"


class RunsOn(str, Enum):
    """Where Plone runs, or the worker: who gets the permission to purge."""

    EC2 = "ec2"
    ECS = "ecs"
    #: EKS, IAM roles for service accounts.
    IRSA = "irsa"
    #: EKS Pod Identity.
    POD_IDENTITY = "pod-identity"
    #: Outside AWS: a user, whose access key a person creates.
    USER = "user"
    #: Nobody: the permission is there already.
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that CloudFront asks. ``vpc_arn`` is the ARN of a load balancer or an
    instance in a private subnet, which becomes a VPC origin; empty: a public one.
    ``in_stack``: it is the load balancer that the template makes.
    """

    host: str
    port: int = 443
    protocol: Protocol = Protocol.HTTPS
    vpc_arn: str = ""
    in_stack: bool = False


#: Plone on Amazon ECS, in the same template.
ECS = Server("load-balancer.in-this-stack", 80, Protocol.HTTP, in_stack=True)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A site of a multi-tenant distribution: its domain, and its path in Zope."""

    name: str
    domain: str
    site: str = ""


class Flaw(str, Enum):
    """What can be wrong with options."""

    NAME = "name"
    DOMAIN = "domain"
    DOMAIN_TWICE = "domain_twice"
    DOMAINS_TOO_MANY = "domains_too_many"
    DOMAIN_MISSING = "domain_missing"
    DOMAIN_WILDCARD = "domain_wildcard"
    DOMAIN_OF_ORIGIN = "domain_of_origin"
    ORIGIN = "origin"
    PORT = "port"
    SITE = "site"
    PATH_TOO_LONG = "path_too_long"
    HEADER = "header"
    ARN = "arn"
    TENANTS_AND_STAGING = "tenants_and_staging"
    TENANTS_AND_DOMAINS = "tenants_and_domains"
    TENANTS_AND_EDITORS = "tenants_and_editors"
    TENANTS_AND_SLACK = "tenants_and_slack"
    EDITORS_DOMAINS = "editors_domains"
    API_ORIGIN = "api_origin"
    OIDC = "oidc"
    SERVICE_ACCOUNT = "service_account"
    ECS = "ecs"


class WrongOptions(ValueError):
    """Options contradict each other or CloudFront. ``flaw`` says how, ``value`` where."""

    def __init__(self, flaw: Flaw, value: str = "") -> None:
        super().__init__(f"{flaw.value}: {value}" if value else flaw.value)
        self.flaw = flaw
        self.value = value


@dataclass(frozen=True, slots=True)
class Options:
    """What people choose; raises ``WrongOptions`` if it cannot be.

    ``site`` is the path of the site in Zope, which CloudFront hands over for the
    VirtualHostMonster in the origin path. Where it is empty, something before Plone, such
    as nginx or a load balancer, writes that path, and learns the host name from ``Host``.
    With Volto, pages come from ``origin``, and ``site`` is for ``api_origin``.
    """

    interface: Interface = Interface.CLASSIC
    #: Alternate domain names. The first one is the site's public host name.
    domains: tuple[str, ...] = ("www.example.com",)
    origin: Server = Server("origin.example.com")
    #: Volto: where ``/++api++`` is answered; None: by ``origin``.
    api_origin: Server | None = None
    site: str = "Plone"
    #: Begins the names of all policies, which are unique in an account.
    name: str = "plone"

    #: Whether CloudFront reads cache tags, and from which header.
    tags: bool = True
    tag_header: str = TAG_HEADER

    editors: Editors = Editors.COOKIE
    #: ``Editors.HOST``: a second distribution that caches nothing; empty: people who log
    #: in reach Plone in another way.
    editors_domains: tuple[str, ...] = ()

    #: ARN of a bucket, log group or delivery stream for access logs; empty: none.
    logs: str = ""
    #: ARN of a web ACL of AWS WAF; empty: none.
    web_acl: str = ""
    #: ARN of a certificate in us-east-1; empty: templates ask for it.
    certificate: str = ""
    #: Strict-Transport-Security, so that browsers use HTTPS only.
    hsts: bool = True
    #: A multi-tenant distribution with these sites.
    tenants: tuple[Tenant, ...] = ()
    #: A staging distribution beside it.
    staging: bool = False
    #: The Lambda function of the Slack command.
    slack: bool = False

    runs_on: RunsOn = RunsOn.EC2
    #: ``RunsOn.IRSA``: the cluster's OpenID Connect provider, without https://, and the
    #: service account of the pods, as ``namespace:name``.
    oidc_provider: str = ""
    service_account: str = "plone:plone"

    def __post_init__(self) -> None:
        for flaw, value in _flaws(self):
            raise WrongOptions(flaw, value)

    @property
    def is_classic(self) -> bool:
        """Whether Plone itself renders the pages."""
        return self.interface is Interface.CLASSIC

    @property
    def plone(self) -> Server:
        """Where Plone itself answers."""
        return self.origin if self.api_origin is None else self.api_origin

    @property
    def writes_path(self) -> bool:
        """Whether an origin path tells Plone the public host name and the site."""
        return bool(self.site) and (self.is_classic or self.api_origin is not None)


def _flaws(options: Options) -> Iterator[tuple[Flaw, str]]:
    if not _NAME.match(options.name):
        yield Flaw.NAME, options.name
    yield from _flaws_of_domains(options)
    for server in (options.origin, options.api_origin):
        if server is not None:
            yield from _flaws_of_server(server, options)
    for site in (options.site, *(tenant.site for tenant in options.tenants)):
        if site and not _SITE.match(site):
            yield Flaw.SITE, site
    if options.tags and not _HEADER.match(options.tag_header):
        yield Flaw.HEADER, options.tag_header
    for arn in (options.logs, options.web_acl, options.certificate):
        if arn and not _ARN.match(arn):
            yield Flaw.ARN, arn
    yield from _contradictions(options)


def _flaws_of_domains(options: Options) -> Iterator[tuple[Flaw, str]]:
    names = (*options.domains, *options.editors_domains)
    names += tuple(tenant.domain for tenant in options.tenants)
    for name in names:
        if not _DOMAIN.match(name) or _ADDRESS.match(name):
            yield Flaw.DOMAIN, name
    lower = [name.lower() for name in names]
    for name in names:
        if lower.count(name.lower()) > 1:
            yield Flaw.DOMAIN_TWICE, name
    if len(options.domains) > MAX_DOMAINS:
        yield Flaw.DOMAINS_TOO_MANY, str(len(options.domains))
    if options.writes_path and not options.tenants:
        if not options.domains:
            yield Flaw.DOMAIN_MISSING, options.site
        elif options.domains[0].startswith("*"):
            # Plone writes it into links
            yield Flaw.DOMAIN_WILDCARD, options.domains[0]


def _flaws_of_server(server: Server, options: Options) -> Iterator[tuple[Flaw, str]]:
    if not _HOST.match(server.host) or _ADDRESS.match(server.host):
        yield Flaw.ORIGIN, server.host
    if server.host.lower() in {name.lower() for name in options.domains}:
        # CloudFront would ask itself
        yield Flaw.DOMAIN_OF_ORIGIN, server.host
    if not (server.port in (80, 443) or 1024 <= server.port <= 65535):
        yield Flaw.PORT, str(server.port)
    if server.vpc_arn and not _ARN.match(server.vpc_arn):
        yield Flaw.ARN, server.vpc_arn
    if options.domains:
        path = virtual_host_path(options.domains[0], options.site)
        if len(path) > MAX_ORIGIN_PATH:
            yield Flaw.PATH_TOO_LONG, path


def _contradictions(options: Options) -> Iterator[tuple[Flaw, str]]:
    if options.tenants and options.staging:
        yield Flaw.TENANTS_AND_STAGING, ""
    if options.tenants and options.slack:
        # It purges distributions, and tenants are purged one by one
        yield Flaw.TENANTS_AND_SLACK, ""
    if options.tenants and options.domains:
        yield Flaw.TENANTS_AND_DOMAINS, options.domains[0]
    if options.tenants and options.editors_domains:
        yield Flaw.TENANTS_AND_EDITORS, options.editors_domains[0]
    if options.editors_domains and options.editors is not Editors.HOST:
        yield Flaw.EDITORS_DOMAINS, options.editors_domains[0]
    if options.api_origin is not None and options.is_classic:
        yield Flaw.API_ORIGIN, options.api_origin.host
    if options.runs_on is RunsOn.IRSA:
        if not _OIDC.match(options.oidc_provider):
            yield Flaw.OIDC, options.oidc_provider
        if not _ACCOUNT.match(options.service_account):
            yield Flaw.SERVICE_ACCOUNT, options.service_account
    if options.plone.in_stack and options.runs_on is not RunsOn.ECS:
        yield Flaw.ECS, options.runs_on.value
    names = [tenant.name for tenant in options.tenants]
    for name in names:
        if not _NAME.match(name) or names.count(name) > 1:
            yield Flaw.NAME, name


def virtual_host_path(host: str, site: str) -> str:
    """Return the path before each request's, by which Zope's VirtualHostMonster knows the
    public host name and the site; empty without a site.
    """
    if not site:
        return ""
    return f"/VirtualHostBase/https/{host}:443/{site}/VirtualHostRoot"
