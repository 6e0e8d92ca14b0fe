"""Origins as blocks, and VPC origins as resources."""

from collections.abc import Iterator
from collective.cloudfront.blueprint.notes import Notes
from collective.cloudfront.blueprint.terraform.document import Block
from collective.cloudfront.blueprint.terraform.document import Expr
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Origin
from typing import Any


def vpc_name(origin: Origin) -> str:
    """Return the name of a VPC origin."""
    return origin.id.replace("-", "_")


def vpc_origins(blueprint: Blueprint) -> Iterator[Block]:
    """Yield the VPC origins, each once."""
    origins = {
        vpc_name(origin): origin
        for each in blueprint.distributions
        for origin in each.origins
        if origin.vpc_arn
    }
    for name, origin in origins.items():
        config = {
            "name": f"{blueprint.options.name}-{origin.id}",
            "arn": origin.vpc_arn,
            **_ports(origin),
            "origin_protocol_policy": origin.protocol_policy.value,
            "origin_ssl_protocols": {"items": ["TLSv1.2"], "quantity": 1},
        }
        yield Block(
            "resource",
            ("aws_cloudfront_vpc_origin", name),
            {"vpc_origin_endpoint_config": config},
        )


def origin_block(origin: Origin, tenants: bool, notes: Notes) -> dict[str, Any]:
    """Return the body of an origin."""
    body: dict[str, Any] = {
        "id" if tenants else "origin_id": origin.id,
        "domain_name": origin.domain_name,
    }
    if origin.origin_path:
        body["origin_path"] = notes.why(origin, "origin_path", origin.origin_path)
    body["connection_attempts"] = notes.why(
        origin, "connection_attempts", origin.connection_attempts
    )
    body["connection_timeout"] = notes.why(
        origin, "connection_timeout", origin.connection_timeout
    )
    times = {
        "origin_read_timeout": notes.why(origin, "read_timeout", origin.read_timeout),
        "origin_keepalive_timeout": notes.why(
            origin, "keepalive_timeout", origin.keepalive_timeout
        ),
    }
    if origin.vpc_arn:
        vpc = Expr(f"aws_cloudfront_vpc_origin.{vpc_name(origin)}.id")
        body["vpc_origin_config"] = notes.why(
            origin, "vpc_arn", {"vpc_origin_id": vpc, **times}
        )
    else:
        body["custom_origin_config"] = {
            "origin_protocol_policy": notes.why(
                origin, "protocol_policy", origin.protocol_policy.value
            ),
            **_ports(origin),
            "origin_ssl_protocols": ["TLSv1.2"],
            **times,
        }
    return body


def _ports(origin: Origin) -> dict[str, int]:
    return {"http_port": origin.http_port, "https_port": origin.https_port}
