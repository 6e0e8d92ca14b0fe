"""What goes with a distribution in Terraform: staging, tenants, access logs, IAM, Slack."""

from collections.abc import Iterator
from collective.cloudfront.blueprint import slack as lambda_function
from collective.cloudfront.blueprint.options import RunsOn
from collective.cloudfront.blueprint.permissions import policy_document
from collective.cloudfront.blueprint.permissions import trust_document
from collective.cloudfront.blueprint.reasons import reason_of
from collective.cloudfront.blueprint.right import STAGING_HEADER
from collective.cloudfront.blueprint.right import TENANT_HOST
from collective.cloudfront.blueprint.right import TENANT_SITE
from collective.cloudfront.blueprint.terraform.distribution import distribution_ref
from collective.cloudfront.blueprint.terraform.distribution import NAMES
from collective.cloudfront.blueprint.terraform.document import Block
from collective.cloudfront.blueprint.terraform.document import Expr
from collective.cloudfront.blueprint.terraform.document import Json
from collective.cloudfront.blueprint.terraform.document import Map
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Role
from typing import Any


_ACCOUNT = "${data.aws_caller_identity.current.account_id}"
_PARTITION = "${data.aws_partition.current.partition}"


def purged(blueprint: Blueprint) -> list[Role]:
    """Return which distributions are purged."""
    return [
        each.role for each in blueprint.distributions if each.role is not Role.EDITORS
    ]


def tenant_name(number: int) -> str:
    """Return the name of a tenant's resource."""
    return f"tenant_{number + 1}"


def deployment_policy(blueprint: Blueprint) -> Iterator[Block]:
    """Yield what leads to the staging distribution."""
    if blueprint.staging is None:
        return
    name = distribution_ref(blueprint, Role.STAGING, "domain_name")
    yield Block(
        "resource",
        ("aws_cloudfront_continuous_deployment_policy", "staging"),
        {
            "enabled": True,
            "staging_distribution_dns_names": {"items": [name], "quantity": 1},
            "traffic_config": {
                "type": "SingleHeader",
                "single_header_config": {
                    "header": STAGING_HEADER,
                    "value": blueprint.options.name,
                },
            },
        },
        "Requests with this header go to the staging distribution.",
    )


def tenants(blueprint: Blueprint) -> Iterator[Block]:
    """Yield tenants, and the group that their domains point to."""
    if not blueprint.tenants:
        return
    options = blueprint.options
    yield Block(
        "resource",
        ("aws_cloudfront_connection_group", "tenants"),
        {"name": options.name, "enabled": True, "ipv6_enabled": True},
        "The domains of all tenants point to its routing_endpoint.",
    )
    paths = "".join(each.origin_path for each in blueprint.distribution.origins)
    for number, tenant in enumerate(blueprint.tenants):
        body: dict[str, Any] = {
            "distribution_id": distribution_ref(blueprint, Role.PUBLIC, "id"),
            "connection_group_id": Expr("aws_cloudfront_connection_group.tenants.id"),
            "name": tenant.name,
            "enabled": True,
            "domain": {"domain": tenant.domain},
        }
        if "{{" in paths:
            body["parameter"] = [
                {"name": TENANT_HOST, "value": tenant.domain},
                {"name": TENANT_SITE, "value": tenant.site or options.site},
            ]
        yield Block(
            "resource",
            ("aws_cloudfront_distribution_tenant", tenant_name(number)),
            body,
        )


def logs(blueprint: Blueprint) -> Iterator[Block]:
    """Yield where access logs go."""
    arn = blueprint.distribution.logs
    if not arn:
        return
    name = blueprint.options.name
    destination = "aws_cloudwatch_log_delivery_destination"
    yield Block(
        "resource",
        (destination, "logs"),
        {
            "name": f"{name}-access-logs",
            "output_format": "json",
            "delivery_destination_configuration": {"destination_resource_arn": arn},
        },
        reason_of(blueprint.distribution, "logs"),
    )
    for each in blueprint.distributions:
        if not each.logs:
            continue
        label = NAMES[each.role]
        source = "aws_cloudwatch_log_delivery_source"
        yield Block(
            "resource",
            (source, label),
            {
                "name": f"{name}-{each.role.value}",
                "log_type": "ACCESS_LOGS",
                "resource_arn": distribution_ref(blueprint, each.role, "arn"),
            },
        )
        yield Block(
            "resource",
            ("aws_cloudwatch_log_delivery", label),
            {
                "delivery_source_name": Expr(f"{source}.{label}.name"),
                "delivery_destination_arn": Expr(f"{destination}.logs.arn"),
            },
        )


def access(blueprint: Blueprint) -> Iterator[Block]:
    """Yield who may purge."""
    options = blueprint.options
    if options.runs_on is RunsOn.NOBODY:
        return
    document = policy_document(
        [distribution_ref(blueprint, each, "arn") for each in purged(blueprint)],
        [
            Expr(f"aws_cloudfront_distribution_tenant.{tenant_name(number)}.arn")
            for number in range(len(blueprint.tenants))
        ],
    )
    name = f"{options.name}-purge"
    if options.runs_on is RunsOn.USER:
        yield Block(
            "resource",
            ("aws_iam_user", "purge"),
            {"name": name},
            "Outside AWS, Plone needs an access key of this user. Create it yourself: "
            "Terraform would keep it in its state.",
        )
        yield Block(
            "resource",
            ("aws_iam_user_policy", "purge"),
            {"user": Expr("aws_iam_user.purge.name"), "policy": Json(document)},
        )
        return
    oidc = Expr(
        f'"arn:{_PARTITION}:iam::{_ACCOUNT}:oidc-provider/{options.oidc_provider}"'
    )
    yield Block(
        "resource",
        ("aws_iam_role", "purge"),
        {"name": name, "assume_role_policy": Json(trust_document(options, oidc))},
    )
    yield Block(
        "resource",
        ("aws_iam_role_policy", "purge"),
        {"role": Expr("aws_iam_role.purge.id"), "policy": Json(document)},
        "Only the first statement is needed to purge. The others let Plone see whether "
        "the distribution reads cache tags, and check the configuration.",
    )
    if options.runs_on is RunsOn.EC2:
        yield Block(
            "resource",
            ("aws_iam_instance_profile", "purge"),
            {"name": name, "role": Expr("aws_iam_role.purge.name")},
        )


def slack(blueprint: Blueprint) -> Iterator[Block]:
    """Yield the Lambda function of the Slack command."""
    options = blueprint.options
    if not options.slack:
        return
    name = lambda_function.name_of(options)
    ids = [distribution_ref(blueprint, each, "id").text for each in purged(blueprint)]
    listed = Expr('"' + " ".join(f"${{{each}}}" for each in ids) + '"')
    variables = lambda_function.environment(
        options,
        listed,
        {each.name: Expr(f"var.{each.name}") for each in lambda_function.PARAMETERS},
    )
    document = lambda_function.role_document(
        [distribution_ref(blueprint, each, "arn") for each in purged(blueprint)],
        Expr(f"var.{lambda_function.SECRET.name}"),
        Expr("aws_lambda_function.slack.arn"),
        Expr(f'"arn:{_PARTITION}:logs:*:{_ACCOUNT}:log-group:/aws/lambda/{name}:*"'),
    )
    yield Block(
        "resource",
        ("aws_iam_role", "slack"),
        {"name": name, "assume_role_policy": Json(lambda_function.trust())},
    )
    yield Block(
        "resource",
        ("aws_iam_role_policy", "slack"),
        {"role": Expr("aws_iam_role.slack.id"), "policy": Json(document)},
        "What the Slack command may do.",
    )
    yield Block(
        "resource",
        ("aws_lambda_function", "slack"),
        {
            "function_name": name,
            "handler": lambda_function.HANDLER,
            "runtime": lambda_function.RUNTIME,
            "memory_size": lambda_function.MEMORY,
            "timeout": lambda_function.TIMEOUT,
            "role": Expr("aws_iam_role.slack.arn"),
            "s3_bucket": Expr(f"var.{lambda_function.BUCKET.name}"),
            "s3_key": Expr(f"var.{lambda_function.KEY.name}"),
            "environment": {"variables": Map(variables)},
        },
        "Purges when somebody enters /cdn-purge in Slack, also while Plone is away.",
    )
    function = Expr("aws_lambda_function.slack.function_name")
    yield Block(
        "resource",
        ("aws_lambda_function_url", "slack"),
        {"function_name": function, "authorization_type": "NONE"},
        "Slack signs its requests, and the function checks that.",
    )
    for label, more in (
        ("slack_url", {"function_url_auth_type": "NONE"}),
        ("slack", {"invoked_via_function_url": True}),
    ):
        action = "InvokeFunctionUrl" if label == "slack_url" else "InvokeFunction"
        yield Block(
            "resource",
            ("aws_lambda_permission", label),
            {
                "function_name": function,
                "principal": "*",
                "action": f"lambda:{action}",
                **more,
            },
        )
