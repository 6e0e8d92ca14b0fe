"""What ``template`` may be asked for: the options of its commands, as a blueprint."""

from collections.abc import Callable
from collective.cloudfront.blueprint import Blueprint
from collective.cloudfront.blueprint import Editors
from collective.cloudfront.blueprint import Flaw
from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import Protocol
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint import RunsOn
from collective.cloudfront.blueprint import Server
from collective.cloudfront.blueprint import Tenant
from collective.cloudfront.blueprint import WrongOptions
from collective.cloudfront.blueprint.options import ECS
from collective.cloudfront.blueprint.options import MAX_DOMAINS
from collective.cloudfront.blueprint.options import MAX_NAME
from collective.cloudfront.blueprint.options import MAX_ORIGIN_PATH
from collective.cloudfront.blueprint.options import TAG_HEADER
from collective.cloudfront.cli.texts import printable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import click


_PORTS = {Protocol.HTTP: 80, Protocol.HTTPS: 443}

#: What is wrong, and what to do. ``{value}`` is what was entered.
_SENTENCES = {
    Flaw.NAME: "“{value}” is not a name. Use at most "
    f"{MAX_NAME} letters, digits and hyphens, beginning with a letter, each name once.",
    Flaw.DOMAIN: "“{value}” is not a domain name. Enter it without https:// and path, "
    "such as www.example.com.",
    Flaw.DOMAIN_TWICE: "“{value}” is given more than once. A domain name belongs to one "
    "distribution or tenant.",
    Flaw.DOMAINS_TOO_MANY: "{value} domain names are too many. A distribution has "
    f"{MAX_DOMAINS} at most.",
    Flaw.DOMAIN_MISSING: "Plone must know its public host name. Give it with --domain, "
    "or use --no-site if nginx or a load balancer before Plone writes the path for the "
    "VirtualHostMonster.",
    Flaw.DOMAIN_WILDCARD: "The first --domain is the host name in Plone's links, so it "
    "cannot be “{value}”. Give the host name first.",
    Flaw.DOMAIN_OF_ORIGIN: "“{value}” is the origin and a domain of the distribution: "
    "CloudFront would ask itself. Give Plone's server a host name of its own.",
    Flaw.ORIGIN: "“{value}” is not the host name of an origin. CloudFront needs a name in "
    "DNS, and no IP address.",
    Flaw.PORT: "CloudFront cannot use the port {value}. It uses 80, 443, and 1024 to "
    "65535.",
    Flaw.SITE: "“{value}” is not the path of a site in Zope. Enter it without a slash at "
    "the beginning, such as Plone.",
    Flaw.PATH_TOO_LONG: "The origin path is too long: {value}. It may have "
    f"{MAX_ORIGIN_PATH} characters.",
    Flaw.HEADER: "“{value}” is not the name of a header. Use letters, digits and hyphens, "
    "such as Cache-Tag.",
    Flaw.ARN: "“{value}” is not an ARN. ARNs begin with arn:aws:.",
    Flaw.TENANTS_AND_STAGING: "A multi-tenant distribution cannot have a staging "
    "distribution. Leave out --staging or --tenant.",
    Flaw.TENANTS_AND_SLACK: "The Lambda function of the Slack command cannot purge tenants. "
    "Leave out --slack, and use the Slack command in Plone.",
    Flaw.TENANTS_AND_DOMAINS: "In a multi-tenant distribution, domain names belong to "
    "tenants. Leave out --domain {value}.",
    Flaw.TENANTS_AND_EDITORS: "Tenants have no host names for editors. Leave out "
    "--editors-domain {value}, or make a template for each site.",
    Flaw.EDITORS_DOMAINS: "--editors-domain {value} goes with --editors host.",
    Flaw.API_ORIGIN: "--api-origin {value} goes with --volto.",
    Flaw.ECS: "Plone runs on ECS in this template. Leave out --runs-on {value}.",
    Flaw.OIDC: "“{value}” is not an OpenID Connect provider. Give --oidc-provider without "
    "https://, such as oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D.",
    Flaw.SERVICE_ACCOUNT: "“{value}” is not a service account. Enter namespace:name.",
}


class _Server(click.ParamType):  # type: ignore[type-arg]
    name = "URL"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return a server for ``https://host:port``; without a scheme it is HTTPS."""
        if isinstance(value, Server):
            return value
        parts = urlsplit(value if "://" in value else f"https://{value}")
        try:
            protocol = {"http": Protocol.HTTP, "https": Protocol.HTTPS}[parts.scheme]
            port = parts.port or _PORTS[protocol]
        except (KeyError, ValueError):
            self.fail(f"“{value}” is not such as https://origin.example.com:443.")
        if parts.path.strip("/") or parts.query or parts.username or not parts.hostname:
            self.fail(
                f"“{value}” must be a host name with a port, without a path. Use --site "
                "for the path in Zope."
            )
        return Server(parts.hostname, port, protocol)


class _Tenant(click.ParamType):  # type: ignore[type-arg]
    name = "NAME=DOMAIN[/SITE]"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return a tenant."""
        name, found, rest = value.partition("=")
        domain, _, site = rest.partition("/")
        if not found or not domain:
            self.fail(f"“{value}” is not such as intranet=intranet.example.com/Plone.")
        return Tenant(name, domain, site)


def _values(enum: Any) -> click.Choice[str]:
    return click.Choice([each.value for each in enum])


#: What all templates of a distribution have in common, in the order of the help.
_OPTIONS = (
    click.option(
        "--classic/--volto",
        "is_classic",
        default=True,
        help="Plone's Classic UI (default), or Volto.",
    ),
    click.option(
        "--domain",
        "domains",
        multiple=True,
        metavar="NAME",
        help="A domain name of the site, the public host name first; may be repeated.",
    ),
    click.option(
        "--origin",
        type=_Server(),
        help="Where CloudFront finds Plone, or Volto, such as "
        "https://origin.example.com.",
    ),
    click.option(
        "--api-origin",
        type=_Server(),
        help="With --volto: where CloudFront finds Plone for /++api++. If not given, "
        "what --origin names answers that, too.",
    ),
    click.option(
        "--vpc",
        "vpc_arn",
        default="",
        metavar="ARN",
        help="The origin is private: the ARN of its load balancer or instance. With "
        "--api-origin, this is that origin.",
    ),
    click.option(
        "--ecs",
        is_flag=True,
        help="Add Plone itself, on Amazon ECS with Fargate, instead of an --origin (with "
        "--volto: an --api-origin). Not for Terraform.",
    ),
    click.option(
        "--site",
        default="Plone",
        show_default=True,
        metavar="PATH",
        help="The path of the site in Zope, for the VirtualHostMonster.",
    ),
    click.option(
        "--no-site",
        is_flag=True,
        help="Something before Plone, such as nginx, writes the path for the "
        "VirtualHostMonster. It gets the public host name.",
    ),
    click.option(
        "--tags/--no-tags",
        default=True,
        help="Whether CloudFront reads cache tags (default: yes).",
    ),
    click.option(
        "--tag-header",
        default=TAG_HEADER,
        show_default=True,
        metavar="NAME",
        help="The header with cache tags, as in the settings of the add-on.",
    ),
    click.option(
        "--editors",
        type=_values(Editors),
        default=Editors.COOKIE.value,
        show_default=True,
        help="People who log in are kept apart from visitors by their cookie in the "
        "cache key, or by another host name.",
    ),
    click.option(
        "--editors-domain",
        "editors_domains",
        multiple=True,
        metavar="NAME",
        help="With --editors host: a second distribution with this domain name, which "
        "caches nothing; may be repeated.",
    ),
    click.option(
        "--tenant",
        "tenants",
        type=_Tenant(),
        multiple=True,
        help="A multi-tenant distribution with this site; may be repeated.",
    ),
    click.option("--staging", is_flag=True, help="Add a staging distribution."),
    click.option(
        "--logs",
        default="",
        metavar="ARN",
        help="Write access logs to this S3 bucket, log group or delivery stream.",
    ),
    click.option(
        "--web-acl", default="", metavar="ARN", help="Use this web ACL of AWS WAF."
    ),
    click.option(
        "--certificate",
        default="",
        metavar="ARN",
        help="The certificate in us-east-1. If not given, the template asks for it.",
    ),
    click.option(
        "--hsts/--no-hsts",
        default=True,
        help="Whether browsers use HTTPS only, for a year (default: yes).",
    ),
    click.option(
        "--slack", is_flag=True, help="Add the Lambda function of the Slack command."
    ),
    click.option(
        "--runs-on",
        type=_values(RunsOn),
        default=RunsOn.EC2.value,
        show_default=True,
        help="Where Plone or the worker runs, and gets the permission to purge.",
    ),
    click.option(
        "--oidc-provider",
        default="",
        metavar="HOST/PATH",
        help="With --runs-on irsa: the OpenID Connect provider of the cluster.",
    ),
    click.option(
        "--service-account",
        default="plone:plone",
        show_default=True,
        metavar="NAMESPACE:NAME",
        help="With --runs-on irsa: the service account of the pods.",
    ),
    click.option(
        "--name",
        default="plone",
        show_default=True,
        help="Begins the names of policies, which are unique in an AWS account.",
    ),
)


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def blueprint_of(
    is_classic: bool, site: str, no_site: bool, ecs: bool, vpc_arn: str, **chosen: Any
) -> Blueprint:
    """Return the blueprint for the options of a command; raises ``UsageError``."""
    if ecs:
        if vpc_arn:
            raise click.UsageError("Use --vpc or --ecs, not both.")
        chosen["origin" if is_classic else "api_origin"] = ECS
        chosen["runs_on"] = RunsOn.ECS.value
    if chosen["origin"] is None:
        raise click.UsageError(
            "Say where CloudFront finds the site: --origin https://origin.example.com. "
            "Or use --ecs, to have Plone in the template."
        )
    if vpc_arn:
        place = "api_origin" if chosen["api_origin"] is not None else "origin"
        chosen[place] = replace(chosen[place], vpc_arn=vpc_arn)
    try:
        options = Options(
            interface=Interface.CLASSIC if is_classic else Interface.VOLTO,
            site="" if no_site else site.strip("/"),
            editors=Editors(chosen.pop("editors")),
            runs_on=RunsOn(chosen.pop("runs_on")),
            **chosen,
        )
    except WrongOptions as wrong:
        raise click.UsageError(explain(wrong)) from wrong
    return right(options)


def explain(wrong: WrongOptions) -> str:
    """Return what is wrong with options, and what to do."""
    return _SENTENCES[wrong.flaw].format(value=printable(wrong.value))
