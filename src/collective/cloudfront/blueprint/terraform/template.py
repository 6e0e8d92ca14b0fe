"""All blocks of a Terraform configuration, and its text."""

from collections.abc import Iterator
from collective.cloudfront.blueprint import slack as lambda_function
from collective.cloudfront.blueprint.notes import Notes
from collective.cloudfront.blueprint.options import RunsOn
from collective.cloudfront.blueprint.terraform.around import access
from collective.cloudfront.blueprint.terraform.around import deployment_policy
from collective.cloudfront.blueprint.terraform.around import logs
from collective.cloudfront.blueprint.terraform.around import purged
from collective.cloudfront.blueprint.terraform.around import slack
from collective.cloudfront.blueprint.terraform.around import tenant_name
from collective.cloudfront.blueprint.terraform.around import tenants
from collective.cloudfront.blueprint.terraform.distribution import distribution
from collective.cloudfront.blueprint.terraform.distribution import distribution_ref
from collective.cloudfront.blueprint.terraform.distribution import NAMES
from collective.cloudfront.blueprint.terraform.distribution import policies
from collective.cloudfront.blueprint.terraform.document import Block
from collective.cloudfront.blueprint.terraform.document import Expr
from collective.cloudfront.blueprint.terraform.document import Map
from collective.cloudfront.blueprint.terraform.document import write
from collective.cloudfront.blueprint.terraform.origins import vpc_origins
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Role
from typing import Any


#: The first version of the AWS provider with CacheTagConfig; without cache tags, with VPC
#: origins; and the one whose schema the tests know.
WITH_TAGS, WITHOUT_TAGS, KNOWN = "6.46.0", "5.100.0", "6.66.0"


def render(blueprint: Blueprint, head: str = "") -> str:
    """Return the text of the configuration; ``head`` is its first comment."""
    return write(list(blocks(blueprint)), head)


def blocks(blueprint: Blueprint) -> Iterator[Block]:
    """Yield all blocks."""
    notes = Notes()
    yield from _setup(blueprint)
    yield from _variables(blueprint)
    yield from policies(blueprint, notes)
    yield from vpc_origins(blueprint)
    for each in blueprint.distributions:
        yield distribution(each, blueprint, notes)
    yield from deployment_policy(blueprint)
    yield from tenants(blueprint)
    yield from logs(blueprint)
    yield from access(blueprint)
    yield from slack(blueprint)
    yield from _outputs(blueprint)


def _setup(blueprint: Blueprint) -> Iterator[Block]:
    options = blueprint.options
    version = WITH_TAGS if options.tags else WITHOUT_TAGS
    if options.tenants or options.slack:
        # Tenants, and a permission of function URLs
        version = KNOWN
    aws = {"source": "hashicorp/aws", "version": f">= {version}"}
    yield Block("terraform", (), {"required_providers": {"aws": Map(aws)}})
    yield Block(
        "provider",
        ("aws",),
        {"region": "us-east-1"},
        "CloudFront's certificates and access logs are there.",
    )
    if options.slack or options.runs_on is RunsOn.IRSA:
        yield Block("data", ("aws_caller_identity", "current"))
        yield Block("data", ("aws_partition", "current"))


def _variables(blueprint: Blueprint) -> Iterator[Block]:
    options = blueprint.options
    if (options.domains or options.tenants) and not options.certificate:
        yield _variable("certificate_arn", "ARN of a certificate in us-east-1")
    if blueprint.editors is not None:
        yield _variable(
            "editors_certificate_arn",
            "ARN of a certificate in us-east-1, for the host names of editors",
        )
    if options.slack:
        for each in lambda_function.PARAMETERS:
            more: dict[str, Any] = {}
            if each.default is not None:
                more["default"] = each.default
            if each.is_secret:
                more["sensitive"] = True
            yield _variable(each.name, each.description, **more)


def _variable(name: str, description: str, **more: Any) -> Block:
    body = {"type": Expr("string"), "description": description, **more}
    return Block("variable", (name,), body)


def _outputs(blueprint: Blueprint) -> Iterator[Block]:
    options = blueprint.options
    for each in blueprint.distributions:
        prefix = "" if each.role is Role.PUBLIC else f"{NAMES[each.role]}_"
        for attribute in ("id",) if options.tenants else ("id", "domain_name"):
            yield _output(
                f"{prefix}distribution_{attribute}",
                distribution_ref(blueprint, each.role, attribute),
            )
    ids = [distribution_ref(blueprint, each, "id").text for each in purged(blueprint)]
    if options.tenants:
        yield _output(
            "routing_endpoint",
            Expr("aws_cloudfront_connection_group.tenants.routing_endpoint"),
        )
        ids = [
            f"aws_cloudfront_distribution_tenant.{tenant_name(number)}.id"
            for number in range(len(options.tenants))
        ]
    variables: dict[str, Any] = {
        "CLOUDFRONT_DISTRIBUTION_ID": Expr(
            '"' + " ".join(f"${{{each}}}" for each in ids) + '"'
        )
    }
    if options.tags:
        variables["CLOUDFRONT_TAG_HEADER"] = options.tag_header
    variables["CLOUDFRONT_API_PATHS"] = "auto" if options.is_classic else "on"
    yield _output(
        "environment", Map(variables), "Environment variables of Zope, or settings"
    )
    if options.runs_on is RunsOn.USER:
        yield _output("purge_user", Expr("aws_iam_user.purge.name"))
    elif options.runs_on is not RunsOn.NOBODY:
        yield _output("purge_role_arn", Expr("aws_iam_role.purge.arn"))
    if options.slack:
        yield _output(
            "slack_request_url",
            Expr("aws_lambda_function_url.slack.function_url"),
            "The Request URL of the slash command, and of interactivity",
        )


def _output(name: str, value: Any, description: str = "") -> Block:
    body = {"value": value}
    return Block(
        "output",
        (name,),
        {**body, "description": description} if description else body,
    )
