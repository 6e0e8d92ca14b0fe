"""Make the schema that tests compare Terraform templates with.

::

    npm pack @cdktn/provider-aws@25.7.0
    python scripts/terraform_schema.py cdktn-provider-aws-25.7.0.tgz

The bindings of CDK Terrain are generated from the schema of Terraform's AWS provider, which
is not in a registry that everybody reaches. Kept are the names of arguments and blocks, and
which ones are required.
"""

from pathlib import Path

import json
import re
import sys
import tarfile


TARGET = (
    Path(__file__).parents[1]
    / "src/collective/cloudfront/tests/blueprint/terraform-aws.json"
)
RESOURCES = (
    "cloudfront_cache_policy",
    "cloudfront_connection_group",
    "cloudfront_continuous_deployment_policy",
    "cloudfront_distribution",
    "cloudfront_distribution_tenant",
    "cloudfront_multitenant_distribution",
    "cloudfront_origin_request_policy",
    "cloudfront_response_headers_policy",
    "cloudfront_vpc_origin",
    "cloudwatch_log_delivery",
    "cloudwatch_log_delivery_destination",
    "cloudwatch_log_delivery_source",
    "iam_instance_profile",
    "iam_role",
    "iam_role_policy",
    "iam_user",
    "iam_user_policy",
    "lambda_function",
    "lambda_function_url",
    "lambda_permission",
)
INTERFACE = re.compile(r"^export interface (\w+).*?\{\n(.*?)^\}", re.M | re.S)
FIELD = re.compile(
    r"/\*\*(?P<comment>.*?)\*/\s*"
    r"readonly \w+(?P<optional>\??): (?P<type>\{.*?\}|[^;{]+)",
    re.S,
)
VERSION = re.compile(r"hashicorp/aws provider version (\S+)")


def main(archive: str) -> None:
    """Write the schema."""
    with tarfile.open(archive) as files:

        def read(name: str) -> str:
            member = files.extractfile(f"package/{name}")
            assert member is not None, name
            return member.read().decode()

        schema = {
            "provider": VERSION.search(read("README.md")).group(1),
            "resources": {
                f"aws_{name}": resource(
                    read(f"lib/{name.replace('_', '-')}/index.d.ts")
                )
                for name in RESOURCES
            },
        }
    TARGET.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


def resource(source: str) -> dict:
    """Return the arguments and blocks of a resource."""
    interfaces = dict(INTERFACE.findall(source))
    head = source.index("extends cdktn.TerraformMetaArguments")
    top = source[:head].split()[-1]
    return fields(interfaces, top)


def fields(interfaces: dict, name: str) -> dict:
    """Return the fields of an interface by name: true if required, or a block."""
    found = {}
    for match in FIELD.finditer(interfaces[name]):
        link = re.search(r"#(\w+) ", match["comment"])
        if link is None:
            continue
        kind = match["type"].split("|")[0].strip().removesuffix("[]")
        required = not match["optional"]
        if kind in interfaces:
            found[link[1]] = {
                "required": required,
                "many": "[]" in match["type"],
                "fields": fields(interfaces, kind),
            }
        else:
            found[link[1]] = required
    return found


if __name__ == "__main__":
    main(sys.argv[1])
