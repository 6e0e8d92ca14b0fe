"""``template``: the right distribution for a site, as text for a tool of people's choice."""

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
from collective.cloudfront.blueprint.cdk import render as cdk
from collective.cloudfront.blueprint.cloudformation import render as cloudformation
from collective.cloudfront.blueprint.cloudformation import render_plone
from collective.cloudfront.blueprint.options import ECS
from collective.cloudfront.blueprint.options import MAX_DOMAINS
from collective.cloudfront.blueprint.options import MAX_NAME
from collective.cloudfront.blueprint.options import MAX_ORIGIN_PATH
from collective.cloudfront.blueprint.options import TAG_HEADER
from collective.cloudfront.blueprint.permissions import policy_document
from collective.cloudfront.blueprint.permissions import trust_document
from collective.cloudfront.blueprint.permissions import WITH_ROLE
from collective.cloudfront.blueprint.terraform import render as terraform
from collective.cloudfront.cli.console import print_json
from collective.cloudfront.cli.texts import printable
from collective.cloudfront.delivery.aws.port import is_tenant
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import click
import re
import shlex
import sys


_ID = re.compile(r"(E[A-Z0-9]+|dt_[A-Za-z0-9]+)\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")
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


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _blueprint(
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


@click.group(short_help="Print the right distribution for Plone as a template.")
def template() -> None:
    """Print the right CloudFront distribution for a site, for a tool of your choice.

    Nothing is sent to AWS. All templates come from one description, with which “Test
    connection” agrees. No outbox is needed.

    \b
    Examples:
      cloudfront template cloudformation --domain www.example.com \\
          --origin https://origin.example.com > cloudfront.yaml
      cloudfront template terraform --volto --domain www.example.com \\
          --origin https://origin.example.com > main.tf
      cloudfront template iam --distribution E2QWRUHAPOMQZL
    """


@template.command("cloudformation", short_help="A CloudFormation template in YAML.")
@_with_options
def cloudformation_command(**chosen: Any) -> None:
    """Print a CloudFormation template with comments.

    Create the stack in us-east-1, where CloudFront's certificates and logs are. With
    --ecs, create it in the region of the network; then, do not use --logs.

    \b
    Examples:
      cloudfront template cloudformation --domain www.example.com \\
          --origin https://origin.example.com > cloudfront.yaml
      cloudfront template cloudformation --volto --domain www.example.com \\
          --origin http://volto.example.com:3000 \\
          --api-origin http://plone.example.com:8080 --slack
      cloudfront template cloudformation --domain www.example.com --ecs
      aws cloudformation deploy --region us-east-1 --stack-name plone-cdn \\
          --template-file cloudfront.yaml --capabilities CAPABILITY_IAM \\
          --parameter-overrides CertificateArn=arn:aws:acm:us-east-1:…
    """
    click.echo(cloudformation(_blueprint(**chosen), _head()), nl=False)


@template.command("terraform", short_help="A Terraform configuration in HCL.")
@_with_options
def terraform_command(**chosen: Any) -> None:
    """Print a Terraform configuration with comments.

    \b
    Examples:
      cloudfront template terraform --domain www.example.com \\
          --origin https://origin.example.com > main.tf
      terraform init && terraform plan -var certificate_arn=arn:aws:acm:us-east-1:…
    """
    if chosen["ecs"]:
        raise click.UsageError(
            "--ecs is not for Terraform. Use it with cloudformation or cdk, or make "
            "Plone's servers in another way."
        )
    click.echo(terraform(_blueprint(**chosen), _head()), nl=False)


@template.command("cdk", short_help="An app of the AWS CDK in TypeScript.")
@_with_options
def cdk_command(**chosen: Any) -> None:
    """Print an app of the AWS CDK in TypeScript, with comments.

    It has the same resources as the CloudFormation template.

    \b
    Examples:
      cloudfront template cdk --domain www.example.com \\
          --origin https://origin.example.com > bin/cloudfront.ts
      npm install aws-cdk-lib constructs && npx cdk synth --app "npx tsx bin/cloudfront.ts"
    """
    click.echo(cdk(_blueprint(**chosen), _head()), nl=False)


@template.command("ecs", short_help="Plone on Amazon ECS, in CloudFormation.")
def ecs_command() -> None:
    """Print a CloudFormation template with Plone, without CloudFront.

    Plone and the worker run on Fargate, behind an internal load balancer. The network and
    the database (PostgreSQL) exist already. “cloudformation --ecs” has both in one template.

    \b
    Examples:
      cloudfront template ecs > plone.yaml
      cloudfront template cloudformation --domain www.example.com \\
          --origin http://internal-….elb.amazonaws.com --vpc arn:aws:elasticload…
    """
    click.echo(render_plone(_head()), nl=False)


@template.command("iam", short_help="An IAM policy in JSON, for a distribution.")
@click.option(
    "--distribution",
    "ids",
    multiple=True,
    required=True,
    metavar="ID",
    help="The ID of a distribution (E…) or tenant (dt_…); may be repeated.",
)
@click.option(
    "--account",
    default="",
    metavar="NUMBER",
    help="The AWS account. If not given, the policy names none: it allows nothing "
    "outside of its own account anyway.",
)
@click.option(
    "--partition",
    type=click.Choice(["aws", "aws-us-gov", "aws-cn"]),
    default="aws",
    show_default=True,
    help="AWS's partition.",
)
@click.option(
    "--trust",
    is_flag=True,
    help="Print who may assume the role instead (--runs-on).",
)
@click.option(
    "--runs-on",
    type=click.Choice([each.value for each in RunsOn if each in WITH_ROLE]),
    default=RunsOn.EC2.value,
    show_default=True,
    help="Where Plone or the worker runs.",
)
@click.option(
    "--oidc-provider",
    default="",
    metavar="HOST/PATH",
    help="With --runs-on irsa: the OpenID Connect provider of the cluster.",
)
@click.option(
    "--service-account",
    default="plone:plone",
    show_default=True,
    metavar="NAMESPACE:NAME",
    help="With --runs-on irsa: the service account of the pods.",
)
def iam_command(
    ids: tuple[str, ...],
    account: str,
    partition: str,
    trust: bool,
    runs_on: str,
    oidc_provider: str,
    service_account: str,
) -> None:
    """Print the policy that lets Plone purge a distribution, and no more.

    \b
    Examples:
      cloudfront template iam --distribution E2QWRUHAPOMQZL > policy.json
      aws iam put-role-policy --role-name plone --policy-name purge-cloudfront \\
          --policy-document file://policy.json
      cloudfront template iam --distribution E2QWRUHAPOMQZL --trust --runs-on ecs
    """
    for each in ids:
        if not _ID.match(each):
            raise click.UsageError(
                f"“{printable(each)}” is not the ID of a distribution. IDs look like "
                "E2QWRUHAPOMQZL, those of tenants like dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB."
            )
    if account and not _ACCOUNT.match(account):
        raise click.UsageError(
            f"“{printable(account)}” is not the number of an AWS account, which has 12 "
            "digits."
        )
    if not trust:
        print_json(_policy(ids, f"arn:{partition}:cloudfront::{account or '*'}"))
        return
    if runs_on == RunsOn.IRSA.value and not account:
        raise click.UsageError("With --runs-on irsa, give the --account.")
    try:
        options = Options(
            domains=(),
            site="",
            runs_on=RunsOn(runs_on),
            oidc_provider=oidc_provider,
            service_account=service_account,
        )
    except WrongOptions as wrong:
        raise click.UsageError(explain(wrong)) from wrong
    oidc = f"arn:{partition}:iam::{account}:oidc-provider/{oidc_provider}"
    print_json(trust_document(options, oidc))


def _policy(ids: tuple[str, ...], arn: str) -> dict[str, Any]:
    tenants = [f"{arn}:distribution-tenant/{each}" for each in ids if is_tenant(each)]
    distributions = [
        f"{arn}:distribution/{each}" for each in ids if not is_tenant(each)
    ]
    if tenants and not distributions:
        # Which distribution they belong to is not known here
        distributions = [f"{arn}:distribution/*"]
    return policy_document(distributions, tenants)


def _head() -> str:
    # Not what stands before it: the URL of an outbox may have a password
    words = sys.argv[sys.argv.index("template") :] if "template" in sys.argv else []
    return f"{_MADE}\n{shlex.join(['cloudfront', *words])}"


_MADE = (
    "CloudFront for Plone, made by collective.cloudfront. Its documentation, “Set up the "
    "distribution”, explains each part. The command that made it:"
)
