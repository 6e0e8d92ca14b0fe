"""All parts of a template, and its text."""

from collective.cloudfront.blueprint.cloudformation.access import access
from collective.cloudfront.blueprint.cloudformation.access import PROFILE
from collective.cloudfront.blueprint.cloudformation.access import purged
from collective.cloudfront.blueprint.cloudformation.access import ROLE
from collective.cloudfront.blueprint.cloudformation.access import USER
from collective.cloudfront.blueprint.cloudformation.around import around
from collective.cloudfront.blueprint.cloudformation.around import CONNECTION_GROUP
from collective.cloudfront.blueprint.cloudformation.around import tenant_id
from collective.cloudfront.blueprint.cloudformation.distribution import CERTIFICATE
from collective.cloudfront.blueprint.cloudformation.distribution import distribution
from collective.cloudfront.blueprint.cloudformation.distribution import DISTRIBUTIONS
from collective.cloudfront.blueprint.cloudformation.distribution import (
    EDITORS_CERTIFICATE,
)
from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import plain
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.cloudformation.document import write
from collective.cloudfront.blueprint.cloudformation.ecs import ecs
from collective.cloudfront.blueprint.cloudformation.ecs import PARAMETERS as of_ecs
from collective.cloudfront.blueprint.cloudformation.ecs import plone_only
from collective.cloudfront.blueprint.cloudformation.policies import policies
from collective.cloudfront.blueprint.cloudformation.slack import parameters as of_slack
from collective.cloudfront.blueprint.cloudformation.slack import slack
from collective.cloudfront.blueprint.notes import Notes
from collective.cloudfront.blueprint.right import STAGING_HEADER
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Role
from typing import Any


_CERTIFICATE = {
    "Type": "String",
    "AllowedPattern": "arn:aws[a-z-]*:acm:us-east-1:[0-9]+:certificate/.+",
}


def render(blueprint: Blueprint, head: str = "") -> str:
    """Return the text of the template, with comments; ``head`` is the first one."""
    return write(document(blueprint), head)


def render_plone(head: str = "") -> str:
    """Return the text of a template with Plone on Amazon ECS and without CloudFront."""
    return write(plone_only(), head)


def template(blueprint: Blueprint) -> dict[str, Any]:
    """Return the template as CloudFormation's JSON."""
    result: dict[str, Any] = plain(document(blueprint))
    return result


def document(blueprint: Blueprint) -> dict[str, Any]:
    """Return the parts of the template, with comments."""
    notes = Notes()
    parts: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"CloudFront for Plone ({blueprint.options.name})",
    }
    parameters = _parameters(blueprint)
    if parameters:
        parts["Parameters"] = parameters
    parts["Resources"] = resources(blueprint, notes)
    parts["Outputs"] = _outputs(blueprint)
    return parts


def resources(blueprint: Blueprint, notes: Notes) -> dict[str, Any]:
    """Return all resources by logical id, with comments."""
    return {
        **policies(blueprint, notes),
        **{
            DISTRIBUTIONS[each.role]: distribution(each, blueprint, notes)
            for each in blueprint.distributions
        },
        **around(blueprint, notes),
        **access(blueprint),
        **_plone(blueprint),
        **slack(blueprint),
    }


def _plone(blueprint: Blueprint) -> dict[str, Any]:
    if not blueprint.options.plone.in_stack:
        return {}
    variables = dict(line.split("=", 1) for line in environment(blueprint))
    return ecs(Sub(variables.pop("CLOUDFRONT_DISTRIBUTION_ID")), variables)


def _parameters(blueprint: Blueprint) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    options = blueprint.options
    if (options.domains or options.tenants) and not options.certificate:
        names = [*options.domains, *(each.domain for each in options.tenants)]
        parameters[CERTIFICATE] = {
            **_CERTIFICATE,
            "Description": _fitting("ARN of a certificate in us-east-1 for", names),
        }
    if blueprint.editors is not None:
        parameters[EDITORS_CERTIFICATE] = {
            **_CERTIFICATE,
            "Description": _fitting(
                "ARN of a certificate in us-east-1 for", options.editors_domains
            ),
        }
    if options.plone.in_stack:
        parameters.update(of_ecs)
    if options.slack:
        parameters.update(of_slack())
    return parameters


def _fitting(text: str, names: Any) -> str:
    # A description has 4,000 characters at most
    listed = " ".join(names)
    return f"{text} {listed if len(listed) < 1000 else 'all domain names'}"


def _outputs(blueprint: Blueprint) -> dict[str, Any]:
    options = blueprint.options
    outputs: dict[str, Any] = {}
    for each in blueprint.distributions:
        name = DISTRIBUTIONS[each.role]
        outputs[f"{name}Id"] = _output(Ref(name))
        if not options.tenants:
            text = {
                Role.PUBLIC: "DNS records of the domain names point to it",
                Role.EDITORS: "DNS records of the editors' domain names point to it",
                Role.STAGING: "Reached with the header "
                f"{STAGING_HEADER}: {options.name}",
            }[each.role]
            outputs[f"{name}DomainName"] = _output(GetAtt(name, "DomainName"), text)
    if options.tenants:
        outputs["RoutingEndpoint"] = _output(
            GetAtt(CONNECTION_GROUP, "RoutingEndpoint"),
            "DNS records of all tenants point to it",
        )
    for number, tenant in enumerate(options.tenants):
        outputs[f"{tenant_id(number)}Id"] = _output(
            Ref(tenant_id(number)), f"The tenant {tenant.name}"
        )
    outputs["Environment"] = _output(
        Sub("\n".join(environment(blueprint))),
        "Environment variables of Zope, or settings of the add-on",
    )
    iam = access(blueprint)
    if ROLE in iam:
        outputs["PurgeRoleArn"] = _output(GetAtt(ROLE, "Arn"))
    if PROFILE in iam:
        outputs["PurgeProfileName"] = _output(Ref(PROFILE))
    if USER in iam:
        outputs["PurgeUserName"] = _output(Ref(USER))
    if options.slack:
        outputs["SlackRequestUrl"] = _output(
            GetAtt("SlackUrl", "FunctionUrl"),
            "The Request URL of the slash command, and of interactivity",
        )
    return outputs


def environment(blueprint: Blueprint) -> list[str]:
    """Return the variables for Zope, with references to resources."""
    options = blueprint.options
    ids = [tenant_id(number) for number in range(len(options.tenants))]
    listed = " ".join(f"${{{each}}}" for each in ids or purged(blueprint))
    lines = [f"CLOUDFRONT_DISTRIBUTION_ID={listed}"]
    if options.tags:
        lines.append(f"CLOUDFRONT_TAG_HEADER={options.tag_header}")
    lines.append(f"CLOUDFRONT_API_PATHS={'auto' if options.is_classic else 'on'}")
    return lines


def _output(value: Any, description: str = "") -> dict[str, Any]:
    return {"Value": value, **({"Description": description} if description else {})}
