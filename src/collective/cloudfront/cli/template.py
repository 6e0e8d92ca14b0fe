"""``template``: the right distribution for a site, as text for a tool of people's choice."""

from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import RunsOn
from collective.cloudfront.blueprint import WrongOptions
from collective.cloudfront.blueprint.cdk import render as cdk
from collective.cloudfront.blueprint.cloudformation import render as cloudformation
from collective.cloudfront.blueprint.cloudformation import render_plone
from collective.cloudfront.blueprint.permissions import policy_document
from collective.cloudfront.blueprint.permissions import trust_document
from collective.cloudfront.blueprint.permissions import WITH_ROLE
from collective.cloudfront.blueprint.terraform import render as terraform
from collective.cloudfront.cli.choices import blueprint_of
from collective.cloudfront.cli.choices import explain
from collective.cloudfront.cli.choices import with_options
from collective.cloudfront.cli.console import print_json
from collective.cloudfront.cli.texts import printable
from collective.cloudfront.delivery.aws.port import is_tenant
from typing import Any

import click
import re
import shlex
import sys


_ID = re.compile(r"(E[A-Z0-9]+|dt_[A-Za-z0-9]+)\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")


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
@with_options
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
    click.echo(cloudformation(blueprint_of(**chosen), _head()), nl=False)


@template.command("terraform", short_help="A Terraform configuration in HCL.")
@with_options
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
    click.echo(terraform(blueprint_of(**chosen), _head()), nl=False)


@template.command("cdk", short_help="An app of the AWS CDK in TypeScript.")
@with_options
def cdk_command(**chosen: Any) -> None:
    """Print an app of the AWS CDK in TypeScript, with comments.

    It has the same resources as the CloudFormation template.

    \b
    Examples:
      cloudfront template cdk --domain www.example.com \\
          --origin https://origin.example.com > bin/cloudfront.ts
      npm install aws-cdk-lib constructs && npx cdk synth --app "npx tsx bin/cloudfront.ts"
    """
    click.echo(cdk(blueprint_of(**chosen), _head()), nl=False)


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
